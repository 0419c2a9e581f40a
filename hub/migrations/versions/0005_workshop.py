"""The workshop: what recipes need to be rehearsed, guarded, scheduled and measured."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Each part of it adds its own tables and columns here, until this is released."""
    _languages()


def _languages() -> None:
    comment = "that the pages speak to them, as de; none: what their browser asks for"
    op.add_column("hub_user", sa.Column("language", sa.String(12), comment=comment))
