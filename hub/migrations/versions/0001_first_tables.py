"""The first tables."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "backup",
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("path", name=op.f("pk_backup")),
    )
    op.create_table(
        "connection",
        sa.Column("id", sa.String(length=24), nullable=False),
        sa.Column("workspace_id", sa.Integer(), nullable=False),
        sa.Column("connector", sa.String(length=60), nullable=False),
        sa.Column("label", sa.String(length=200), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False, comment="ready · needs_login · off"),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("fields", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False, comment="calls without an answer, in a row"),
        sa.Column("paused_until", sa.BigInteger(), nullable=True, comment="the breaker: no call before"),
        sa.Column("quota", sa.Text(), nullable=False),
        sa.Column("last_event_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_connection")),
    )
    op.create_table(
        "consent",
        sa.Column("workspace_id", sa.Integer(), nullable=False),
        sa.Column("hash", sa.LargeBinary(length=16), nullable=False),
        sa.Column("channel", sa.String(length=8), nullable=False),
        sa.Column("given", sa.Boolean(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("source", sa.String(length=40), nullable=False, comment="the type of the event that said so"),
        sa.PrimaryKeyConstraint("workspace_id", "hash", "channel", name=op.f("pk_consent")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "delivery",
        sa.Column("id", ID, autoincrement=False, nullable=False),
        sa.Column("workspace_id", sa.Integer(), nullable=False),
        sa.Column("connection_id", sa.String(length=24), nullable=False),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False, comment="new · read · unreadable"),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("events", sa.Integer(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=True, comment="address, headers and body; gone once read"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_delivery")),
    )
    op.create_index(
        "ix_delivery_new",
        "delivery",
        ["id"],
        unique=False,
        sqlite_where=sa.text("state = 'new'"),
        postgresql_where=sa.text("state = 'new'"),
    )
    op.create_index(
        "ix_delivery_kept",
        "delivery",
        ["workspace_id", "received_at"],
        unique=False,
        sqlite_where=sa.text("state = 'unreadable'"),
        postgresql_where=sa.text("state = 'unreadable'"),
    )
    op.create_index("ix_delivery_workspace", "delivery", ["workspace_id", "id"], unique=False)
    op.create_table(
        "echo",
        sa.Column("connection_id", sa.String(length=24), nullable=False),
        sa.Column("hash", sa.LargeBinary(length=16), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("connection_id", "hash", name=op.f("pk_echo")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "enabled_recipe",
        sa.Column("id", ID, autoincrement=False, nullable=False),
        sa.Column("workspace_id", sa.Integer(), nullable=False),
        sa.Column("recipe", sa.String(length=80), nullable=False),
        sa.Column("version", sa.String(length=32), nullable=False),
        sa.Column("settings", sa.LargeBinary(), nullable=False),
        sa.Column("connections", sa.Text(), nullable=False, comment="connector → connection id, as JSON"),
        sa.Column("enabled_at", sa.BigInteger(), nullable=False),
        sa.Column("disabled_at", sa.BigInteger(), nullable=True, comment="runs that it started go on"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_enabled_recipe")),
    )
    op.create_index("ix_enabled_recipe_workspace", "enabled_recipe", ["workspace_id", "recipe"], unique=False)
    op.create_table(
        "erasure",
        sa.Column("id", ID, autoincrement=False, nullable=False),
        sa.Column("workspace_id", sa.Integer(), nullable=False),
        sa.Column("hash", sa.LargeBinary(length=16), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_erasure")),
    )
    op.create_index("ix_erasure_workspace", "erasure", ["workspace_id", "at"], unique=False)
    op.create_table(
        "event",
        sa.Column("id", ID, autoincrement=False, nullable=False),
        sa.Column("workspace_id", sa.Integer(), nullable=False),
        sa.Column("connection_id", sa.String(length=24), nullable=False),
        sa.Column("delivery_id", ID, nullable=True),
        sa.Column("type", sa.String(length=80), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.Column("person_id", ID, nullable=True),
        sa.Column("state", sa.String(length=12), nullable=False, comment="taken · echo · unknown"),
        sa.Column(
            "skipped", sa.Text(), nullable=True, comment="recipes that it did not start, with the reason, as JSON"
        ),
        sa.Column("content", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_event")),
    )
    op.create_index("ix_event_person", "event", ["workspace_id", "person_id", "type", "id"], unique=False)
    op.create_index(
        "ix_event_kept",
        "event",
        ["workspace_id", "received_at"],
        unique=False,
        sqlite_where=sa.text("content IS NOT NULL"),
        postgresql_where=sa.text("content IS NOT NULL"),
    )
    op.create_index("ix_event_workspace", "event", ["workspace_id", "id"], unique=False)
    op.create_table(
        "hub_key",
        sa.Column("id", sa.String(length=16), nullable=False, comment="names the key without telling it"),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hub_key")),
    )
    op.create_table(
        "identity",
        sa.Column("workspace_id", sa.Integer(), nullable=False),
        sa.Column(
            "hash", sa.LargeBinary(length=16), nullable=False, comment="keyed hash of an e-mail, number or provider id"
        ),
        sa.Column("person_id", ID, nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "hash", "person_id", name=op.f("pk_identity")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_identity_person_id"), "identity", ["person_id"], unique=False)
    op.create_table(
        "lease",
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("holder", sa.String(length=60), nullable=False),
        sa.Column("fence", sa.Integer(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False, comment="on the database's clock"),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_lease")),
    )
    op.create_table(
        "once_key",
        sa.Column("workspace_id", sa.Integer(), nullable=False),
        sa.Column("recipe", sa.String(length=80), nullable=False),
        sa.Column("hash", sa.LargeBinary(length=16), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "recipe", "hash", name=op.f("pk_once_key")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_once_key_until"), "once_key", ["until"], unique=False)
    op.create_table(
        "person",
        sa.Column("id", ID, autoincrement=False, nullable=False),
        sa.Column("workspace_id", sa.Integer(), nullable=False),
        sa.Column(
            "key",
            sa.LargeBinary(),
            nullable=False,
            comment="wrapped by the workspace's key; deleting it erases the person",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_person")),
    )
    op.create_table(
        "privacy_request",
        sa.Column("id", ID, autoincrement=False, nullable=False),
        sa.Column("workspace_id", sa.Integer(), nullable=False),
        sa.Column("connection_id", sa.String(length=24), nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False, comment="erase · erase_all · export"),
        sa.Column("state", sa.String(length=12), nullable=False, comment="done · ready"),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("document", sa.LargeBinary(), nullable=True, comment="what an export found"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_privacy_request")),
        sa.UniqueConstraint("workspace_id", "id", name=op.f("uq_privacy_request_workspace_id_id")),
    )
    op.create_table(
        "recipe_version",
        sa.Column("hash", sa.String(length=32), nullable=False),
        sa.Column("recipe", sa.String(length=80), nullable=False),
        sa.Column("source", sa.LargeBinary(), nullable=False, comment="the modules it is made of, authenticated"),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("hash", "recipe", name=op.f("pk_recipe_version")),
    )
    op.create_table(
        "run",
        sa.Column("id", ID, autoincrement=False, nullable=False),
        sa.Column("workspace_id", sa.Integer(), nullable=False),
        sa.Column("enabled_id", ID, nullable=False),
        sa.Column("recipe", sa.String(length=80), nullable=False),
        sa.Column("version", sa.String(length=32), nullable=False),
        sa.Column("event_id", ID, nullable=False),
        sa.Column("event_at", sa.BigInteger(), nullable=False),
        sa.Column("person_id", ID, nullable=True),
        sa.Column(
            "state", sa.String(length=8), nullable=False, comment="running · waiting · done · stopped · failed · held"
        ),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column(
            "due_at",
            sa.BigInteger(),
            nullable=True,
            comment="when to look at it; none: only a step's outcome or an event will",
        ),
        sa.Column("fence", sa.Integer(), nullable=False),
        sa.Column("leased_until", sa.BigInteger(), nullable=False, comment="on the database's clock"),
        sa.Column("sealed", sa.Boolean(), nullable=False, comment="whether payloads are still kept"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_run")),
    )
    op.create_index(
        "ix_run_due",
        "run",
        ["due_at"],
        unique=False,
        sqlite_where=sa.text("due_at IS NOT NULL"),
        postgresql_where=sa.text("due_at IS NOT NULL"),
    )
    op.create_index("ix_run_event", "run", ["event_id"], unique=False)
    op.create_index(
        "ix_run_held",
        "run",
        ["id"],
        unique=False,
        sqlite_where=sa.text("state = 'held'"),
        postgresql_where=sa.text("state = 'held'"),
    )
    op.create_index(
        "ix_run_kept",
        "run",
        ["workspace_id", "ended_at"],
        unique=False,
        sqlite_where=sa.text("ended_at IS NOT NULL AND sealed IS 1"),
        postgresql_where=sa.text("ended_at IS NOT NULL AND sealed IS true"),
    )
    op.create_index(
        "ix_run_person",
        "run",
        ["person_id", "event_at"],
        unique=False,
        sqlite_where=sa.text("ended_at IS NULL"),
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_index("ix_run_workspace", "run", ["workspace_id", "id"], unique=False)
    op.create_table(
        "seen_key",
        sa.Column("connection_id", sa.String(length=24), nullable=False),
        sa.Column(
            "hash",
            sa.LargeBinary(length=16),
            nullable=False,
            comment="of a provider's own id of a delivery or an event",
        ),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("connection_id", "hash", name=op.f("pk_seen_key")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_seen_key_at"), "seen_key", ["at"], unique=False)
    op.create_table(
        "session",
        sa.Column(
            "hash", sa.LargeBinary(length=16), nullable=False, comment="keyed hash of the word in the browser's cookie"
        ),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("hash", name=op.f("pk_session")),
    )
    op.create_table(
        "sign_in_link",
        sa.Column("hash", sa.LargeBinary(length=16), nullable=False, comment="keyed hash of the link's word"),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("hash", name=op.f("pk_sign_in_link")),
    )
    op.create_table(
        "step",
        sa.Column("run_id", ID, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("workspace_id", sa.Integer(), nullable=False),
        sa.Column("person_id", ID, nullable=True),
        sa.Column(
            "connection_id",
            sa.String(length=24),
            nullable=True,
            comment="none for steps that the engine answers itself",
        ),
        sa.Column("action", sa.String(length=120), nullable=False),
        sa.Column(
            "state",
            sa.String(length=8),
            nullable=False,
            comment="waiting · claimed · done · refused · unknown · dropped",
        ),
        sa.Column("priority", sa.SmallInteger(), nullable=False, comment="0 transactional, 1 other, 2 marketing"),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=True),
        sa.Column("fence", sa.Integer(), nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(length=16), nullable=False),
        sa.Column("inputs", sa.LargeBinary(), nullable=True),
        sa.Column("answer", sa.LargeBinary(), nullable=True),
        sa.Column(
            "answer_id",
            sa.LargeBinary(length=16),
            nullable=True,
            comment="keyed hash of the answer's unique value, for reading back",
        ),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("event_id", ID, nullable=True, comment="the event that answered a wait"),
        sa.Column("asked_at", sa.BigInteger(), nullable=False),
        sa.Column("claimed_at", sa.BigInteger(), nullable=True),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("run_id", "position", name=op.f("pk_step")),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "ix_step_answer_id",
        "step",
        ["connection_id", "answer_id"],
        unique=False,
        sqlite_where=sa.text("answer_id IS NOT NULL"),
        postgresql_where=sa.text("answer_id IS NOT NULL"),
    )
    op.create_index(
        "ix_step_outbox",
        "step",
        ["connection_id", "priority", "asked_at"],
        unique=False,
        sqlite_where=sa.text("connection_id IS NOT NULL AND state IN ('waiting', 'claimed')"),
        postgresql_where=sa.text("connection_id IS NOT NULL AND state IN ('waiting', 'claimed')"),
    )
    op.create_table(
        "waiter",
        sa.Column("workspace_id", sa.Integer(), nullable=False),
        sa.Column("person_id", ID, nullable=False),
        sa.Column("type", sa.String(length=80), nullable=False),
        sa.Column("run_id", ID, nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "person_id", "type", "run_id", name=op.f("pk_waiter")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_waiter_run_id"), "waiter", ["run_id"], unique=False)
    op.create_table(
        "workspace",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("key", sa.LargeBinary(), nullable=False, comment="wrapped by the hub's key"),
        sa.Column("retention_days", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_workspace")),
        sa.UniqueConstraint("name", name=op.f("uq_workspace_name")),
    )
