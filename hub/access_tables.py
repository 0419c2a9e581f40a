"""Tables about who may see the pages: users, what they may do where, how they come in, and what they changed."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Index, Integer, String, Table, Text

from .columns import Hash, Id, Instant, Sealed, metadata

hub_user = Table(
    "hub_user",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=False),
    Column("told", Sealed, nullable=False, comment="name and e-mail, wrapped by the hub's key"),
    Column("password", String(200), comment="an Argon2 hash; none until they choose one"),
    Column("second_factor", Sealed, comment="the secret of their authenticator app, wrapped by the hub's key"),
    Column("last_code", Integer, comment="the half minute whose code was used last: none counts twice"),
    Column("runs_hub", Boolean, nullable=False, comment="may do everything, in every workspace"),
    Column("created_at", Instant, nullable=False),
    Column("language", String(12), comment="that the pages speak to them, as de; none: what their browser asks for"),
)

membership = Table(
    "membership",
    metadata,
    Column("user_id", Id, primary_key=True),
    Column("workspace_id", Integer, primary_key=True),
    Column("role", String(12), nullable=False, comment="owner · consultant · staff"),
    Index(None, "workspace_id"),
    sqlite_with_rowid=False,
)

sign_in_link = Table(
    "sign_in_link",
    metadata,
    Column("hash", Hash, primary_key=True, comment="keyed hash of the link's word"),
    Column("until", Instant, nullable=False),
    Column("workspace_id", Integer, comment="an invitation to it; none: it signs in who runs the hub"),
    Column("role", String(12), comment="what an invitation makes of whoever accepts it"),
)

session = Table(
    "session",
    metadata,
    Column("hash", Hash, primary_key=True, comment="keyed hash of the word in the browser's cookie"),
    Column("until", Instant, nullable=False),
    Column("user_id", Id, comment="none: it was begun by a release without users, and lets nobody in"),
    Column("is_proven", Boolean, comment="false until the authenticator app's code was right"),
    Index(None, "user_id"),
)

sign_in_attempt = Table(
    "sign_in_attempt",
    metadata,
    Column("hash", Hash, primary_key=True, comment="keyed hash of the e-mail that was tried"),
    Column("count", Integer, nullable=False),
    Column("until", Instant, nullable=False, comment="when it is forgotten"),
)

audit = Table(
    "audit",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=False),
    Column("workspace_id", Integer, comment="none: it concerns the whole hub"),
    Column("user_id", Id, comment="none: the command line"),
    Column("at", Instant, nullable=False),
    Column("what", String(40), nullable=False),
    Column("about", Text, nullable=False, comment="which one, as JSON; nothing personal"),
)
Index("ix_audit_workspace", audit.c.workspace_id, audit.c.id)
