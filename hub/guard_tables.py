"""The tables of the guards: what marketing left, how much is usual, what a person was asked, and who complains."""

from __future__ import annotations

from sqlalchemy import Column, Index, Integer, String, Table

from .columns import Hash, Id, Instant, metadata

marketing = Table(
    "marketing",
    metadata,
    Column("run_id", Id, primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("workspace_id", Integer, nullable=False),
    Column("person_id", Id),
    Column("hash", Hash, nullable=False, comment="keyed hash of the address that it went to"),
    Column("channel", String(8), nullable=False),
    Column("at", Instant, nullable=False, comment="when its call was claimed: from then on it may have left"),
    Index(None, "at"),
    sqlite_with_rowid=False,
)
Index("ix_marketing_hash", marketing.c.hash, marketing.c.at)
_known = marketing.c.person_id.is_not(None)
Index("ix_marketing_person", marketing.c.person_id, marketing.c.at, sqlite_where=_known, postgresql_where=_known)

volume = Table(
    "volume",
    metadata,
    Column("workspace_id", Integer, primary_key=True),
    Column("recipe", String(80), primary_key=True),
    Column("day", Integer, primary_key=True, comment="days since 1970, in UTC"),
    Column("count", Integer, nullable=False, comment="marketing messages that left, or may have"),
    Column("usual", Integer, nullable=False, comment="how many it sends on a busy day, as it was that morning"),
    Column("most", Integer, nullable=False, comment="how many may leave that day before a person is asked"),
    Index(None, "day"),
    sqlite_with_rowid=False,
)

brake = Table(
    "brake",
    metadata,
    Column("workspace_id", Integer, primary_key=True),
    Column("recipe", String(80), primary_key=True),
    Column("asked_at", Instant, comment="since when its messages wait for a person's answer; none: they do not"),
    Column("usual", Integer, nullable=False, comment="how many it sends on a busy day, as it was then"),
    Column("answered_at", Instant, comment="what was asked for before this may leave, or may not"),
    Column("answer", String(8), comment="go_on · stop"),
    sqlite_with_rowid=False,
)

complaint = Table(
    "complaint",
    metadata,
    Column("person_id", Id, primary_key=True),
    Column("name", String(80), primary_key=True, comment="tells one complaint of theirs from another"),
    Column("workspace_id", Integer, nullable=False),
    Column("opened_at", Instant, nullable=False),
    sqlite_with_rowid=False,
)
