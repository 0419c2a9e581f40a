"""The workshop: what recipes need to be rehearsed, guarded, scheduled and measured."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    _questions()
    _languages()
    _silence()


def _languages() -> None:
    comment = "that the pages speak to them, as de; none: what their browser asks for"
    op.add_column("hub_user", sa.Column("language", sa.String(12), comment=comment))


def _questions() -> None:
    """Those that wait for somebody's answer."""
    which = sa.text("action = 'ask_person' AND state = 'waiting'")
    op.create_index(
        "ix_step_question", "step", ["workspace_id", "asked_at"], sqlite_where=which, postgresql_where=which
    )


def _silence() -> None:
    """How much each connection hears, by the hour, and which one is unusually silent."""
    op.create_table(
        "heard_hour",
        sa.Column(
            "hour",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=False,
            nullable=False,
            comment="when it began",
        ),
        sa.Column("counts", sa.Text(), nullable=False, comment="events that each connection heard in it, as JSON"),
        sa.PrimaryKeyConstraint("hour", name=op.f("pk_heard_hour")),
    )
    since = "its last event, if it is unusual that none came since"
    usual = "what usually lies between two of its events, while it is silent"
    op.add_column("connection", sa.Column("silent_since", sa.BigInteger(), comment=since))
    op.add_column("connection", sa.Column("usual_ms", sa.BigInteger(), comment=usual))
