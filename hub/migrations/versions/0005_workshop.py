"""The workshop: what recipes need to be rehearsed, guarded, scheduled and measured."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    _questions()
    _schedules()
    _languages()


def _languages() -> None:
    comment = "that the pages speak to them, as de; none: what their browser asks for"
    op.add_column("hub_user", sa.Column("language", sa.String(12), comment=comment))


def _questions() -> None:
    """Those that wait for somebody's answer."""
    which = sa.text("action = 'ask_person' AND state = 'waiting'")
    op.create_index(
        "ix_step_question", "step", ["workspace_id", "asked_at"], sqlite_where=which, postgresql_where=which
    )


def _schedules() -> None:
    op.create_table(
        "schedule",
        sa.Column("workspace_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("recipe", sa.String(length=80), nullable=False),
        sa.Column(
            "name",
            sa.String(length=200),
            nullable=False,
            comment="when, and what it goes through: several of one recipe",
        ),
        sa.Column(
            "zone", sa.String(length=60), nullable=False, comment="the time zone that its next time was found in"
        ),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "recipe", "name", name=op.f("pk_schedule")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_schedule_due_at"), "schedule", ["due_at"])
