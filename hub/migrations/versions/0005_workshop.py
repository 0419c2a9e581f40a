"""The workshop: what recipes need to be rehearsed, guarded, scheduled and measured."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    _questions()
    _effects()


def _questions() -> None:
    """Those that wait for somebody's answer."""
    which = sa.text("action = 'ask_person' AND state = 'waiting'")
    op.create_index(
        "ix_step_question", "step", ["workspace_id", "asked_at"], sqlite_where=which, postgresql_where=which
    )


def _effects() -> None:
    """What recipes bring about."""
    identity = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.add_column(
        "enabled_recipe", sa.Column("measure", sa.Text(), comment="how its effect is counted, as JSON; none: it is not")
    )
    op.create_table(
        "participant",
        sa.Column("person_id", identity, autoincrement=False, nullable=False),
        sa.Column("recipe", sa.String(length=80), nullable=False),
        sa.Column("workspace_id", sa.Integer(), nullable=False),
        sa.Column("enabled_id", identity, nullable=False),
        sa.Column("run_id", identity, comment="none for whom nothing was started, to compare"),
        sa.Column("arms", sa.Text(), nullable=False, comment="in or out, and the options of tests"),
        sa.Column("day", sa.BigInteger(), nullable=False, comment="the day that they are counted on"),
        sa.Column("entered_at", sa.BigInteger(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False, comment="what they do is counted until then"),
        sa.Column(
            "gone_at",
            sa.BigInteger(),
            nullable=False,
            comment="until then they are not counted anew; then this is removed",
        ),
        sa.Column("reached", sa.Boolean(), nullable=False),
        sa.Column("unsubscribed", sa.Boolean(), nullable=False),
        sa.Column("value", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.PrimaryKeyConstraint("person_id", "recipe", name=op.f("pk_participant")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_participant_gone_at"), "participant", ["gone_at"])
    op.create_table(
        "tally",
        sa.Column("enabled_id", identity, autoincrement=False, nullable=False),
        sa.Column("day", sa.BigInteger(), autoincrement=False, nullable=False, comment="on which people came, in UTC"),
        sa.Column("arm", sa.String(length=90), nullable=False),
        sa.Column(
            "currency",
            sa.String(length=3),
            nullable=False,
            comment="of its sums; counts of people are where it is empty",
        ),
        sa.Column("workspace_id", sa.Integer(), nullable=False),
        sa.Column("people", sa.Integer(), nullable=False),
        sa.Column("reached", sa.Integer(), nullable=False),
        sa.Column("unsubscribed", sa.Integer(), nullable=False),
        sa.Column("sent", sa.Integer(), nullable=False),
        sa.Column("value", sa.BigInteger(), nullable=False),
        sa.Column("squares", sa.Double(), nullable=False),
        sa.Column("cost", sa.BigInteger(), nullable=False),
        sa.Column("discounts", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("enabled_id", "day", "arm", "currency", name=op.f("pk_tally")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_tally_day"), "tally", ["day"])
