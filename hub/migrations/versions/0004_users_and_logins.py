"""Users and what they may do where, what they changed, who is told when something needs a person; logins by OAuth;
long work; indexes over what went wrong and what was skipped.

Sessions from before are nobody's, and let nobody in.
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "hub_user",
        sa.Column("id", ID, autoincrement=False, nullable=False),
        sa.Column("told", sa.LargeBinary(), nullable=False, comment="name and e-mail, wrapped by the hub's key"),
        sa.Column("password", sa.String(length=200), comment="an Argon2 hash; none until they choose one"),
        sa.Column(
            "second_factor",
            sa.LargeBinary(),
            comment="the secret of their authenticator app, wrapped by the hub's key",
        ),
        sa.Column("last_code", sa.Integer(), comment="the half minute whose code was used last: none counts twice"),
        sa.Column("runs_hub", sa.Boolean(), nullable=False, comment="may do everything, in every workspace"),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hub_user")),
    )
    op.create_table(
        "membership",
        sa.Column("user_id", ID, nullable=False),
        sa.Column("workspace_id", sa.Integer(), nullable=False),
        sa.Column("role", sa.String(length=12), nullable=False, comment="owner · consultant · staff"),
        sa.PrimaryKeyConstraint("user_id", "workspace_id", name=op.f("pk_membership")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_membership_workspace_id"), "membership", ["workspace_id"])
    op.create_table(
        "sign_in_attempt",
        sa.Column("hash", sa.LargeBinary(16), nullable=False, comment="keyed hash of the e-mail that was tried"),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False, comment="when it is forgotten"),
        sa.PrimaryKeyConstraint("hash", name=op.f("pk_sign_in_attempt")),
    )
    op.create_table(
        "audit",
        sa.Column("id", ID, autoincrement=False, nullable=False),
        sa.Column("workspace_id", sa.Integer(), comment="none: it concerns the whole hub"),
        sa.Column("user_id", ID, comment="none: the command line"),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("what", sa.String(length=40), nullable=False),
        sa.Column("about", sa.Text(), nullable=False, comment="which one, as JSON; nothing personal"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit")),
    )
    op.create_index("ix_audit_workspace", "audit", ["workspace_id", "id"])
    op.add_column(
        "sign_in_link",
        sa.Column("workspace_id", sa.Integer(), comment="an invitation to it; none: it signs in who runs the hub"),
    )
    op.add_column(
        "sign_in_link",
        sa.Column("role", sa.String(length=12), comment="what an invitation makes of whoever accepts it"),
    )
    op.add_column(
        "session",
        sa.Column("user_id", ID, comment="none: it was begun by a release without users, and lets nobody in"),
    )
    op.add_column(
        "session", sa.Column("is_proven", sa.Boolean(), comment="false until the authenticator app's code was right")
    )
    op.create_index(op.f("ix_session_user_id"), "session", ["user_id"])
    op.add_column("connection", sa.Column("refused_at", sa.BigInteger(), comment="when a delivery was refused last"))
    op.add_column("connection", sa.Column("refused_why", sa.Text()))
    op.add_column(
        "workspace",
        sa.Column(
            "time_zone",
            sa.String(length=60),
            comment="whose clock its people live by, as IANA names it; none: not said yet",
        ),
    )
    op.create_table(
        "notice",
        sa.Column("workspace_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("targets", sa.LargeBinary(), nullable=False, comment="e-mails and an address to post to, as JSON"),
        sa.Column("told", sa.Text(), nullable=False, comment="what was told already and still needs a person, as JSON"),
        sa.Column("told_at", sa.BigInteger(), comment="when something was told last"),
        sa.Column("trouble", sa.Text(), comment="why it could not be told, if it could not"),
        sa.PrimaryKeyConstraint("workspace_id", name=op.f("pk_notice")),
    )
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
    op.add_column("workspace", sa.Column("paused_at", sa.BigInteger(), comment="when all sending was paused, if it is"))
    _long_work()
    _index("ix_run_failed", "run", "state = 'failed'")
    _index("ix_event_skipped", "event", "skipped IS NOT NULL OR state != 'taken'")


def _long_work() -> None:
    op.create_table(
        "task",
        sa.Column("id", ID, autoincrement=False, nullable=False),
        sa.Column("workspace_id", sa.Integer(), nullable=False),
        sa.Column("user_id", ID, comment="who asked for it"),
        sa.Column("kind", sa.String(length=8), nullable=False, comment="retry · cancel · erase"),
        sa.Column("state", sa.String(length=8), nullable=False, comment="going · done · stopped"),
        sa.Column("run_state", sa.String(length=8), comment="of the runs that it is about"),
        sa.Column("recipe", sa.String(length=80), comment="of the runs that it is about; none: any"),
        sa.Column("hash", sa.LargeBinary(16), comment="of whom it erases; gone once done"),
        sa.Column("place", ID, nullable=False, comment="the last run that was looked at"),
        sa.Column("until", ID, nullable=False, comment="the last run that it is about"),
        sa.Column("of", sa.Integer(), nullable=False),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("refused", sa.Integer(), nullable=False, comment="runs that were in another state by then"),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger()),
        sa.Column("receipt", sa.Text(), comment="what an erasure removed, in numbers, as JSON"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_task")),
    )
    where = sa.text("state = 'going'")
    op.create_index("ix_task_going", "task", ["id"], sqlite_where=where, postgresql_where=where)
    op.create_index("ix_task_workspace", "task", ["workspace_id", "id"])


def _index(name: str, table: str, which: str) -> None:
    """An index over the few rows of a table that are so."""
    where = sa.text(which)
    op.create_index(name, table, ["workspace_id", "id"], sqlite_where=where, postgresql_where=where)
