"""The workshop: what recipes need to be rehearsed, guarded, scheduled and measured."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    _questions()


def _questions() -> None:
    """Those that wait for somebody's answer."""
    which = sa.text("action = 'ask_person' AND state = 'waiting'")
    op.create_index(
        "ix_step_question", "step", ["workspace_id", "asked_at"], sqlite_where=which, postgresql_where=which
    )
