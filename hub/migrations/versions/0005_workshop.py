"""The workshop: what recipes need to be rehearsed, guarded, scheduled and measured."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Each part of it adds its own tables and columns here, until this is released."""
    _guards()
    _questions()
    _effects()
    _schedules()
    _languages()
    _rehearsals()
    _silence()
    _tasks()


def _languages() -> None:
    comment = "that the pages speak to them, as de; none: what their browser asks for"
    op.add_column("hub_user", sa.Column("language", sa.String(12), comment=comment))


def _guards() -> None:
    op.add_column(
        "workspace",
        sa.Column(
            "hours", sa.Text(), comment="in which hours marketing leaves, by channel, as JSON; none: as the guards say"
        ),
    )
    op.add_column(
        "person",
        sa.Column(
            "place",
            sa.LargeBinary(),
            comment="where they live, as an event told last: zone, country and province, as JSON",
        ),
    )
    op.add_column(
        "step", sa.Column("held_until", sa.BigInteger(), comment="a guard holds it if this is its due_at too")
    )
    op.add_column(
        "step", sa.Column("held_by", sa.String(length=12), comment="which guard: hours · cap · brake · complaint")
    )
    where = sa.text("state = 'waiting' AND held_by IS NOT NULL")
    op.create_index("ix_step_held", "step", ["workspace_id", "held_by"], sqlite_where=where, postgresql_where=where)
    op.create_table(
        "marketing",
        sa.Column("run_id", ID, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("workspace_id", sa.Integer(), nullable=False),
        sa.Column("person_id", ID),
        sa.Column("hash", sa.LargeBinary(16), nullable=False, comment="keyed hash of the address that it went to"),
        sa.Column("channel", sa.String(length=8), nullable=False),
        sa.Column(
            "at",
            sa.BigInteger(),
            nullable=False,
            comment="when its call was claimed: from then on it may have left",
        ),
        sa.PrimaryKeyConstraint("run_id", "position", name=op.f("pk_marketing")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_marketing_at"), "marketing", ["at"])
    op.create_index("ix_marketing_hash", "marketing", ["hash", "at"])
    where = sa.text("person_id IS NOT NULL")
    op.create_index("ix_marketing_person", "marketing", ["person_id", "at"], sqlite_where=where, postgresql_where=where)
    op.create_table(
        "volume",
        sa.Column("workspace_id", sa.Integer(), nullable=False),
        sa.Column("recipe", sa.String(length=80), nullable=False),
        sa.Column("day", sa.Integer(), nullable=False, comment="days since 1970, in UTC"),
        sa.Column("count", sa.Integer(), nullable=False, comment="marketing messages that left, or may have"),
        sa.Column(
            "usual", sa.Integer(), nullable=False, comment="how many it sends on a busy day, as it was that morning"
        ),
        sa.Column("most", sa.Integer(), nullable=False, comment="how many may leave that day before a person is asked"),
        sa.PrimaryKeyConstraint("workspace_id", "recipe", "day", name=op.f("pk_volume")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_volume_day"), "volume", ["day"])
    op.create_table(
        "brake",
        sa.Column("workspace_id", sa.Integer(), nullable=False),
        sa.Column("recipe", sa.String(length=80), nullable=False),
        sa.Column(
            "asked_at",
            sa.BigInteger(),
            comment="since when its messages wait for a person's answer; none: they do not",
        ),
        sa.Column("usual", sa.Integer(), nullable=False, comment="how many it sends on a busy day, as it was then"),
        sa.Column("answered_at", sa.BigInteger(), comment="what was asked for before this may leave, or may not"),
        sa.Column("answer", sa.String(length=8), comment="go_on · stop"),
        sa.PrimaryKeyConstraint("workspace_id", "recipe", name=op.f("pk_brake")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "complaint",
        sa.Column("person_id", ID, nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False, comment="tells one complaint of theirs from another"),
        sa.Column("workspace_id", sa.Integer(), nullable=False),
        sa.Column("opened_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("person_id", "name", name=op.f("pk_complaint")),
        sqlite_with_rowid=False,
    )


def _rehearsals() -> None:
    comment = "when a recipe was first rehearsed on the pages, if one was"
    op.add_column("workspace", sa.Column("rehearsed_at", sa.BigInteger, comment=comment))


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


def _effects() -> None:
    """What recipes bring about."""
    op.add_column(
        "enabled_recipe", sa.Column("measure", sa.Text(), comment="how its effect is counted, as JSON; none: it is not")
    )
    op.create_table(
        "participant",
        sa.Column("person_id", ID, autoincrement=False, nullable=False),
        sa.Column("recipe", sa.String(length=80), nullable=False),
        sa.Column("workspace_id", sa.Integer(), nullable=False),
        sa.Column("enabled_id", ID, nullable=False),
        sa.Column("run_id", ID, comment="none for whom nothing was started, to compare"),
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
        sa.Column("enabled_id", ID, autoincrement=False, nullable=False),
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


def _tasks() -> None:
    if op.get_bind().dialect.name == "postgresql":
        comment = "retry · cancel · skip · replay · erase"
        op.alter_column("task", "kind", comment=comment, existing_comment="retry · cancel · erase")
