"""What it takes for history to end, and for nothing that comes round to look at what is kept."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "origin",
        sa.Column("person_id", ID, autoincrement=False, nullable=False),
        sa.Column(
            "connection_id",
            sa.String(length=24),
            nullable=False,
            comment="an account whose events about them are gone",
        ),
        sa.Column("workspace_id", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("person_id", "connection_id", name=op.f("pk_origin")),
        sqlite_with_rowid=False,
    )
    op.drop_index("ix_run_kept", "run")
    _index("ix_run_ended", "run", ["workspace_id", "sealed", "ended_at"], "ended_at IS NOT NULL")
    op.drop_index("ix_delivery_kept", "delivery")
    unread = "state = 'unreadable' AND content IS NOT NULL"
    _index("ix_delivery_kept", "delivery", ["workspace_id", "received_at"], unread)
    op.drop_index("ix_event_kept", "event")
    _index("ix_event_kept", "event", ["workspace_id", "received_at", "id"], "content IS NOT NULL")
    op.create_index("ix_event_delivery", "event", ["delivery_id"])
    _index("ix_step_claimed", "step", ["connection_id"], "connection_id IS NOT NULL AND state = 'claimed'")
    _index("ix_step_event", "step", ["event_id"], "event_id IS NOT NULL")
    op.create_index(op.f("ix_echo_until"), "echo", ["until"])
    op.create_index(op.f("ix_connection_workspace_id"), "connection", ["workspace_id"])
    _index("ix_privacy_request_open", "privacy_request", ["workspace_id", "id"], "state = 'open'")
    _index("ix_privacy_request_ready", "privacy_request", ["workspace_id", "at"], "document IS NOT NULL")


def _index(name: str, table: str, columns: list[str], where: str) -> None:
    """An index over few of the rows."""
    op.create_index(name, table, columns, sqlite_where=sa.text(where), postgresql_where=sa.text(where))
