"""Silence: a connection that usually hears something, and has been silent for unusually long.

What is usual tells its own rhythm: in the same hours of the last weeks, something came each time, and not little.
Nights, weekends and quiet shops are therefore no alarm. The clock counts every hour once when it is over, by the range
of ids that the hour has, and judges by these few numbers.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import sqlalchemy as sa

from . import schema
from .connections import READY
from .core import Hub
from .ids import first_id_at
from .practice.accounts import is_practice
from .workspaces import Workspace

HOUR, WEEK = 3_600_000, 7 * 24 * 3_600_000
WEEKS, LEAST_WEEKS = 4, 2
"""Weeks that are compared with, and that have to be known."""

LEAST = 10
"""Events that came in the same hours of each of these weeks: that by chance none comes then is out of the question."""

LONGEST = WEEK
KEPT = (WEEKS + 1) * WEEK
AT_ONCE = 24
"""Hours that are counted at once: after an upgrade there are five weeks of them."""

SOME = 500
"""Connections that are read at once."""

SEEN_AFTER = 5 * 60_000
"""Milliseconds after an hour in which rows with ids of that hour may still appear."""

Counts = Mapping[int, Mapping[str, int]]
"""How many events each connection heard, by the hour's begin."""


def look(hub: Hub) -> None:
    """Counts the hours that are over, and judges every connection by them when there is one more to judge by."""
    if count(hub):
        judge(hub)


def count(hub: Hub) -> int:
    """Counts the next hours that are over; gives how many."""
    table, over = schema.heard_hour, (hub.clock.now() - SEEN_AFTER) // HOUR * HOUR
    with hub.database.read() as connection:
        latest = connection.execute(sa.select(sa.func.max(table.c.hour))).scalar()
    first = max(latest + HOUR if latest is not None else 0, over - KEPT)
    hours = range(first, over, HOUR)[:AT_ONCE]
    for hour in hours:
        with hub.database.read() as connection:
            rows = connection.execute(_HEARD, _ids(hour)).all()
        counts = json.dumps({row.connection_id: row.events for row in rows})
        with hub.database.write() as connection:
            connection.execute(hub.database.insert(table).values(hour=hour, counts=counts).on_conflict_do_nothing())
            connection.execute(sa.delete(table).where(table.c.hour < over - KEPT))
    return len(hours)


def _ids(hour: int) -> dict[str, int]:
    return {"first": first_id_at(hour), "end": first_id_at(hour + HOUR)}


def judge(hub: Hub) -> list[str]:
    """Notes which connections are unusually silent, and gives their ids."""
    table = schema.connection
    with hub.database.read() as connection:
        rows = list(_heard_of(connection))
        known = connection.execute(sa.select(schema.heard_hour)).all() if rows else []
    counts = {row.hour: json.loads(row.counts) for row in known}
    found = []
    for row in rows:
        usual = usual_of(counts, row.id, row.created_at, row.last_event_at, hub.clock.now())
        if usual is not None and is_practice(hub.connections.get(row.id)):
            usual = None
        since = row.last_event_at if usual is not None else None
        found += [row.id] if since is not None else []
        if (since, usual) != (row.silent_since, row.usual_ms):
            with hub.database.write() as connection:
                note = sa.update(table).where(table.c.id == row.id).values(silent_since=since, usual_ms=usual)
                connection.execute(note)
    return found


def _heard_of(connection: sa.Connection) -> Iterator[Any]:
    """The connections that something was heard of, some at a time."""
    table, last = schema.connection, ""
    shown = ("id", "state", "created_at", "last_event_at", "silent_since", "usual_ms")
    query = sa.select(*(table.c[name] for name in shown)).order_by(table.c.id).limit(SOME)
    while rows := connection.execute(query.where(table.c.id > last)).all():
        yield from (row for row in rows if row.state == READY and row.last_event_at is not None)
        last = rows[-1].id


def usual_of(counts: Counts, connection_id: str, created_at: int, heard_at: int, now: int) -> int | None:
    """How many milliseconds usually lie between two events, where it is unusual that none came since `heard_at`; None
    where it is not, or nobody can know."""
    end = (now - SEEN_AFTER) // HOUR * HOUR
    begin = max(-(-heard_at // HOUR) * HOUR, end - LONGEST)
    weeks: list[int] = []
    for back in range(WEEK, (WEEKS + 1) * WEEK, WEEK):
        hours = range(begin - back, end - back, HOUR)
        if not hours or created_at > hours[0] or not all(hour in counts for hour in hours):
            break
        weeks.append(sum(counts[hour].get(connection_id, 0) for hour in hours))
    if len(weeks) < LEAST_WEEKS or min(weeks) < LEAST:
        return None
    return (end - begin) * len(weeks) // sum(weeks)


def silent_in(hub: Hub, workspace: Workspace) -> dict[str, tuple[int, int]]:
    """The connections that are unusually silent: since when, and how many milliseconds usually lie between two of
    their events."""
    table = schema.connection
    query = sa.select(table.c.id, table.c.silent_since, table.c.last_event_at, table.c.usual_ms).where(
        table.c.workspace_id == workspace.id, table.c.state == READY, table.c.silent_since.is_not(None)
    )
    with hub.database.read() as connection:
        rows = connection.execute(query).all()
    found = ((row.id, still(row.silent_since, row.last_event_at, row.usual_ms)) for row in rows)
    return {name: silence for name, silence in found if silence is not None}


def still(since: int | None, heard_at: int | None, usual: int | None) -> tuple[int, int] | None:
    """What is noted of a connection's silence, unless something came since then."""
    return (since, usual) if since is not None and usual is not None and since == heard_at else None


def in_words(since: int, usual: int, now: int) -> tuple[str, str]:
    """How long it has been silent and how often something usually comes, as spans: "14 hours", "20 minutes"."""
    from .setup.words import span  # what nobody needs while all is well

    return span((now - since) // HOUR * HOUR), span(_rounded(usual))


def _rounded(usual: int) -> int:
    step = next(size for size in (24 * HOUR, HOUR, 60_000, 1_000, 1) if usual >= size)
    return round(usual / step) * step


def _heard() -> sa.Select[Any]:
    event = schema.event
    in_the_hour = (event.c.id >= sa.bindparam("first"), event.c.id < sa.bindparam("end"))
    return (
        sa.select(event.c.connection_id, sa.func.count().label("events"))
        .where(*in_the_hour)
        .group_by(event.c.connection_id)
    )


_HEARD = _heard()
