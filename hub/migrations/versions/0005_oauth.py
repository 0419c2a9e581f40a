"""Logging in to accounts by OAuth 2: the hub's own apps, logins that somebody began, and when a token is renewed."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.create_table(
        "oauth_app",
        sa.Column("connector", sa.String(length=60), nullable=False),
        sa.Column(
            "content", sa.LargeBinary(), nullable=False, comment="client id and secrets, wrapped by the hub's key"
        ),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("connector", name=op.f("pk_oauth_app")),
    )
    op.create_table(
        "oauth_attempt",
        sa.Column("hash", sa.LargeBinary(16), nullable=False, comment="keyed hash of the state that comes back"),
        sa.Column(
            "session",
            sa.LargeBinary(16),
            nullable=False,
            comment="keyed hash of the browser's session that began it",
        ),
        sa.Column("workspace_id", sa.Integer(), nullable=False),
        sa.Column("connector", sa.String(length=60), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False, comment="what was filled in, and the proof key"),
        sa.PrimaryKeyConstraint("hash", name=op.f("pk_oauth_attempt")),
    )
    op.add_column(
        "connection",
        sa.Column("renew_at", sa.BigInteger(), comment="when its access token is to be renewed; none: it is not"),
    )
