"""The tables of what recipes bring about: who is counted just now, and what was counted, day by day."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Double, Index, Integer, String, Table, Text

from .columns import Id, Instant, metadata

participant = Table(
    "participant",
    metadata,
    Column("person_id", Id, primary_key=True, autoincrement=False),
    Column("recipe", String(80), primary_key=True),
    Column("workspace_id", Integer, nullable=False),
    Column("enabled_id", Id, nullable=False),
    Column("run_id", Id, comment="none for whom nothing was started, to compare"),
    Column("arms", Text, nullable=False, comment="in or out, and the options of tests"),
    Column("day", Instant, nullable=False, comment="the day that they are counted on"),
    Column("entered_at", Instant, nullable=False),
    Column("until", Instant, nullable=False, comment="what they do is counted until then"),
    Column("gone_at", Instant, nullable=False, comment="until then they are not counted anew; then this is removed"),
    Column("reached", Boolean, nullable=False, default=False),
    Column("unsubscribed", Boolean, nullable=False, default=False),
    Column("value", BigInteger, nullable=False, default=0),
    Column("currency", String(3), nullable=False, default=""),
    Index(None, "gone_at"),
    sqlite_with_rowid=False,
)

tally = Table(
    "tally",
    metadata,
    Column("enabled_id", Id, primary_key=True, autoincrement=False),
    Column("day", Instant, primary_key=True, autoincrement=False, comment="on which people came, in UTC"),
    Column("arm", String(90), primary_key=True),
    Column("currency", String(3), primary_key=True, comment="of its sums; counts of people are where it is empty"),
    Column("workspace_id", Integer, nullable=False),
    Column("people", Integer, nullable=False, default=0),
    Column("reached", Integer, nullable=False, default=0),
    Column("unsubscribed", Integer, nullable=False, default=0),
    Column("sent", Integer, nullable=False, default=0),
    Column("value", BigInteger, nullable=False, default=0),
    Column("squares", Double, nullable=False, default=0.0),
    Column("cost", BigInteger, nullable=False, default=0),
    Column("discounts", BigInteger, nullable=False, default=0),
    Index(None, "day"),
    sqlite_with_rowid=False,
)
