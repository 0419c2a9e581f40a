"""Keys that have had their time: what came before, for whom a recipe started, what our own calls will cause, and what
the guards counted; who was counted, and what was, to measure what recipes bring about."""

from __future__ import annotations

from collections.abc import Iterator

import sqlalchemy as sa

from .. import schema
from ..guards import brake, caps
from .portions import Done, Kind, Part

KEYS_DAYS = 60
"""How long a provider's ids are remembered: the longest that any retries is days."""


def _kind(table: sa.Table, column: sa.Column[int]) -> Kind:
    key = list(table.primary_key.columns)

    def oldest(part: Part) -> int | None:
        return part.connection.execute(sa.select(column).order_by(column).limit(1)).scalar()

    def take(part: Part) -> Done:
        old = sa.select(*key).where(column <= part.cutoff).order_by(column).limit(part.size)
        count = part.connection.execute(sa.delete(table).where(sa.tuple_(*key).in_(old))).rowcount
        return Done(count, more=count == part.size)

    return Kind(f"{table.name} rows", oldest, take)


_SEEN = _kind(schema.seen_key, schema.seen_key.c.at)
_ONCE = _kind(schema.once_key, schema.once_key.c.until)
_ECHO = _kind(schema.echo, schema.echo.c.until)
_PARTICIPANT = _kind(schema.participant, schema.participant.c.gone_at)
_TALLY = _kind(schema.tally, schema.tally.c.day)
_MARKETING = _kind(schema.marketing, schema.marketing.c.at)
_VOLUME = _kind(schema.volume, schema.volume.c.day)


def due(now: int, day: int, history_days: int) -> Iterator[tuple[Kind, int]]:
    """The keys of all workspaces, and until when they must have had their time to be forgotten at `now`."""
    yield _SEEN, now - KEYS_DAYS * day - 1
    yield _ONCE, now - 1
    yield _ECHO, now - 1
    yield _PARTICIPANT, now
    yield _TALLY, now - history_days * day
    yield _MARKETING, now - caps.KEPT - 1
    yield _VOLUME, now // day - brake.LEARNED_DAYS - 1
