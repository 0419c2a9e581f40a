"""From which backup a database was put back."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.add_column(
        "backup",
        sa.Column(
            "restored_at", sa.BigInteger(), nullable=True, comment="when this database was put back from it, if it was"
        ),
    )
