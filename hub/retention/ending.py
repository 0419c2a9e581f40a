"""History that ends: ended runs go whole, with their steps; then events and deliveries that nothing is left of.

People, what they said, and the keys that keep repeats out stay. Which account told of somebody is noted as its events
go, as the account may ask one day that everyone be erased whom it told of.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import sqlalchemy as sa

from .. import schema
from .portions import Done, Kind, Part, Place, free_events, on_its_way, waited_for, whole_runs

# ---- runs, with their steps


def _ended(part: Part) -> tuple[sa.ColumnElement[bool], ...]:
    run = schema.run
    return run.c.workspace_id == part.workspace_id, run.c.ended_at.is_not(None), run.c.sealed.is_(False)


def _oldest_run(part: Part) -> int | None:
    run = schema.run
    query = sa.select(run.c.ended_at).where(*_ended(part)).order_by(run.c.ended_at).limit(1)
    return part.connection.execute(query).scalar()


def _take_runs(part: Part) -> Done:
    run, step, waiter, database = schema.run, schema.step, schema.waiter, part.connection
    query = sa.select(run.c.id, run.c.event_id).where(*_ended(part), run.c.ended_at <= part.cutoff, ~on_its_way())
    query = query.order_by(run.c.ended_at).limit(part.size).with_for_update(skip_locked=True, of=run)
    events = {row.id: row.event_id for row in database.execute(query)}
    if not events:
        return Done(0, more=False)
    whole, steps = whole_runs(part, list(events), sa.true())
    answers = database.execute(sa.select(step.c.event_id).where(steps, step.c.event_id.is_not(None))).scalars().all()
    database.execute(sa.delete(step).where(steps))
    database.execute(sa.delete(waiter).where(waiter.c.run_id.in_(whole)))
    database.execute(sa.delete(run).where(run.c.id.in_(whole)))
    removed = len(whole) + _end_events(part, {events[run_id] for run_id in whole}.union(answers))
    return Done(removed, more=len(events) == part.size or len(whole) < len(events))


# ---- events and deliveries, walked through in the order in which they came


def _next(part: Part, table: sa.Table) -> sa.Select[Any]:
    query = sa.select(table.c.id, table.c.received_at)
    return query.where(table.c.workspace_id == part.workspace_id, table.c.id > part.place[1]).order_by(table.c.id)


def _oldest(part: Part, table: sa.Table) -> int | None:
    row = part.connection.execute(_next(part, table).limit(1)).first()
    return None if row is None else row.received_at


def _walk(part: Part, table: sa.Table) -> tuple[list[int], bool, Place | None]:
    """The next rows that are old enough, whether there may be more, and where the walk has come to with them."""
    ids = []
    for row in part.connection.execute(_next(part, table).limit(part.size)).all():
        if row.received_at > part.cutoff:
            break
        ids.append(row.id)
    return ids, len(ids) == part.size, (0, ids[-1]) if ids else None


def _take_events(part: Part) -> Done:
    ids, more, place = _walk(part, schema.event)
    return Done(_end_events(part, ids), more, place)


def _take_deliveries(part: Part) -> Done:
    ids, more, place = _walk(part, schema.delivery)
    return Done(_end_deliveries(part, ids), more, place)


def _end_events(part: Part, event_ids: Collection[int]) -> int:
    """Removes those of the events that are old enough, and that no run is left of, nor one that may wait for them."""
    event, run, step = schema.event, schema.run, schema.step
    query = sa.select(event.c.id, event.c.delivery_id, event.c.person_id, event.c.connection_id).where(
        event.c.received_at <= part.cutoff,
        ~sa.exists().where(run.c.event_id == event.c.id),
        ~sa.exists().where(step.c.event_id == event.c.id),
        ~waited_for(),
    )
    rows = free_events(part, event_ids, query)
    if not rows:
        return 0
    _note_origins(part, rows)
    part.connection.execute(sa.delete(event).where(event.c.id.in_([row.id for row in rows])))
    return len(rows) + _end_deliveries(part, {row.delivery_id for row in rows} - {None})


def _note_origins(part: Part, events: Sequence[Any]) -> None:
    """Notes which accounts told of the people, if these are still there."""
    here = part.hub.database.lock_people(
        part.connection, [row.person_id for row in events if row.person_id is not None]
    )
    told = sorted({(row.person_id, row.connection_id) for row in events if row.person_id in here})
    rows = [
        {"person_id": person_id, "connection_id": connection_id, "workspace_id": part.workspace_id}
        for person_id, connection_id in told
    ]
    part.hub.database.insert_new(part.connection, schema.origin, rows)


def _end_deliveries(part: Part, delivery_ids: Collection[int]) -> int:
    """Removes those of the deliveries that are old enough, that have been read or given up, and whose events are
    gone."""
    table, event = schema.delivery, schema.event
    gone = sa.delete(table).where(
        table.c.id.in_(sorted(delivery_ids)),
        table.c.received_at <= part.cutoff,
        table.c.state != "new",
        table.c.content.is_(None),
        ~sa.exists().where(event.c.delivery_id == table.c.id),
    )
    return part.connection.execute(gone).rowcount if delivery_ids else 0


RUNS = Kind("runs", _oldest_run, _take_runs)
EVENTS = Kind("events", lambda part: _oldest(part, schema.event), _take_events)
DELIVERIES = Kind("deliveries", lambda part: _oldest(part, schema.delivery), _take_deliveries)

KINDS = (RUNS, EVENTS, DELIVERIES)
