"""The hub's own tables: who does what just now, long work, what was erased, which backups there are."""

from __future__ import annotations

from sqlalchemy import Column, Index, Integer, String, Table, Text, UniqueConstraint

from .columns import Hash, Id, Instant, Sealed, metadata

lease = Table(
    "lease",
    metadata,
    Column("name", String(60), primary_key=True),
    Column("holder", String(60), nullable=False),
    Column("fence", Integer, nullable=False),
    Column("until", Instant, nullable=False, comment="on the database's clock"),
)

erasure = Table(
    "erasure",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=False),
    Column("workspace_id", Integer, nullable=False),
    Column("hash", Hash, nullable=False),
    Column("at", Instant, nullable=False),
)
Index("ix_erasure_workspace", erasure.c.workspace_id, erasure.c.at)

privacy_request = Table(
    "privacy_request",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=False),
    Column("workspace_id", Integer, nullable=False),
    Column("connection_id", String(24), nullable=False),
    Column("kind", String(12), nullable=False, comment="erase · erase_all · export"),
    Column("state", String(12), nullable=False, comment="done · ready"),
    Column("at", Instant, nullable=False),
    Column("document", Sealed, comment="what an export found"),
    UniqueConstraint("workspace_id", "id"),
)
_open = privacy_request.c.state == "open"
_ready = privacy_request.c.document.is_not(None)
Index(
    "ix_privacy_request_open",
    privacy_request.c.workspace_id,
    privacy_request.c.id,
    sqlite_where=_open,
    postgresql_where=_open,
)
Index(
    "ix_privacy_request_ready",
    privacy_request.c.workspace_id,
    privacy_request.c.at,
    sqlite_where=_ready,
    postgresql_where=_ready,
)

oauth_app = Table(
    "oauth_app",
    metadata,
    Column("connector", String(60), primary_key=True),
    Column("content", Sealed, nullable=False, comment="client id and secrets, wrapped by the hub's key"),
    Column("changed_at", Instant, nullable=False),
)

oauth_attempt = Table(
    "oauth_attempt",
    metadata,
    Column("hash", Hash, primary_key=True, comment="keyed hash of the state that comes back"),
    Column("session", Hash, nullable=False, comment="keyed hash of the browser's session that began it"),
    Column("workspace_id", Integer, nullable=False),
    Column("connector", String(60), nullable=False),
    Column("until", Instant, nullable=False),
    Column("content", Sealed, nullable=False, comment="what was filled in, and the proof key"),
)

task = Table(
    "task",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=False),
    Column("workspace_id", Integer, nullable=False),
    Column("user_id", Id, comment="who asked for it"),
    Column("kind", String(8), nullable=False, comment="retry · cancel · skip · replay · erase"),
    Column("state", String(8), nullable=False, comment="going · done · stopped"),
    Column("run_state", String(8), comment="of the runs that it is about"),
    Column("recipe", String(80), comment="of the runs that it is about; none: any"),
    Column("hash", Hash, comment="of whom it erases; gone once done"),
    Column("place", Id, nullable=False, comment="the last run that was looked at"),
    Column("until", Id, nullable=False, comment="the last run that it is about"),
    Column("of", Integer, nullable=False),
    Column("done", Integer, nullable=False),
    Column("refused", Integer, nullable=False, comment="runs that were in another state by then"),
    Column("started_at", Instant, nullable=False),
    Column("ended_at", Instant),
    Column("receipt", Text, comment="what an erasure removed, in numbers, as JSON"),
)
_going = task.c.state == "going"
Index("ix_task_going", task.c.id, sqlite_where=_going, postgresql_where=_going)
Index("ix_task_workspace", task.c.workspace_id, task.c.id)

schedule = Table(
    "schedule",
    metadata,
    Column("workspace_id", Integer, primary_key=True, autoincrement=False),
    Column("recipe", String(80), primary_key=True),
    Column("name", String(200), primary_key=True, comment="when, and what it goes through: several of one recipe"),
    Column("zone", String(60), nullable=False, comment="the time zone that its next time was found in"),
    Column("due_at", Instant, nullable=False),
    Index(None, "due_at"),
    sqlite_with_rowid=False,
)

heard_hour = Table(
    "heard_hour",
    metadata,
    Column("hour", Id, primary_key=True, autoincrement=False, comment="when it began"),
    Column("counts", Text, nullable=False, comment="events that each connection heard in it, as JSON"),
)

backup = Table(
    "backup",
    metadata,
    Column("path", Text, primary_key=True),
    Column("made_at", Instant, nullable=False),
    Column("restored_at", Instant, comment="when this database was put back from it, if it was"),
)

notice = Table(
    "notice",
    metadata,
    Column("workspace_id", Integer, primary_key=True, autoincrement=False),
    Column("targets", Sealed, nullable=False, comment="e-mails and an address to post to, as JSON"),
    Column("told", Text, nullable=False, comment="what was told already and still needs a person, as JSON"),
    Column("told_at", Instant, comment="when something was told last"),
    Column("trouble", Text, comment="why it could not be told, if it could not"),
)
