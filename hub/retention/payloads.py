"""Payloads that go: of ended runs with their steps, of events that no run needs, of what nobody repaired or fetched."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from .. import schema
from ..erasure import EMPTY_STEP
from .portions import MOST, Done, Kind, Part, free_events, on_its_way, waited_for, whole_runs

REPAIR_DAYS = 7
"""How long a delivery that could not be read is kept at least: time to repair what could not read it."""

ANSWER_DAYS = 30
"""How long the answer to a provider's request for somebody's data is kept: the law gives a month to hand it on."""

_RUNS, _EVENTS = "payloads of runs", "payloads of events"


# ---- ended runs: their steps keep what was done and when, without inputs and answers


def _ended(part: Part) -> tuple[sa.ColumnElement[bool], ...]:
    run = schema.run
    return run.c.workspace_id == part.workspace_id, run.c.ended_at.is_not(None), run.c.sealed.is_(True)


def _oldest_run(part: Part) -> int | None:
    run = schema.run
    query = sa.select(run.c.ended_at).where(*_ended(part)).order_by(run.c.ended_at).limit(1)
    return part.connection.execute(query).scalar()


def _take_runs(part: Part) -> Done:
    run, step, waiter = schema.run, schema.step, schema.waiter
    query = sa.select(run.c.id, run.c.event_id, run.c.person_id).where(
        *_ended(part), run.c.ended_at <= part.cutoff, ~on_its_way()
    )
    query = query.order_by(run.c.ended_at).limit(part.size).with_for_update(skip_locked=True, of=run)
    rows = {row.id: row for row in part.connection.execute(query)}
    if not rows:
        return Done(0, more=False)
    whole, steps = whole_runs(part, list(rows), step.c.fingerprint != b"")
    part.hub.database.shorten(part.connection, step, steps, EMPTY_STEP)
    part.connection.execute(sa.delete(waiter).where(waiter.c.run_id.in_(whole)))
    part.connection.execute(sa.update(run).where(run.c.id.in_(whole)).values(sealed=False))
    events = _events_of(part, [rows[run_id] for run_id in whole])
    return Done(len(whole) + _empty_events(part, events), more=len(rows) == part.size or len(whole) < len(rows))


def _events_of(part: Part, runs: Sequence[Any]) -> list[int]:
    """The events that these runs may have been needed for: their own, and others about the same people."""
    table = schema.event
    people = {row.person_id for row in runs} - {None}
    query = sa.select(table.c.id).where(
        table.c.workspace_id == part.workspace_id,
        table.c.person_id.in_(people),
        table.c.content.is_not(None),
        table.c.received_at <= part.cutoff,
    )
    others = part.connection.execute(query.limit(MOST)).scalars().all() if people else []
    if len(others) == MOST:
        part.hub.portions.walk_again(_EVENTS, part.workspace_id)
    return sorted({row.event_id for row in runs}.union(others))


RUNS = Kind(_RUNS, _oldest_run, _take_runs)


# ---- events that no run needs: neither as its own, nor, while it may wait for it, as one about its person


def _kept(part: Part) -> sa.Select[Any]:
    """The events with a payload, from where the walk has come to: what a run needs is passed by once, and looked at
    again when that run's own payloads go."""
    table, (at, event_id) = schema.event, part.place
    return (
        sa.select(table.c.id, table.c.received_at)
        .where(
            table.c.workspace_id == part.workspace_id,
            table.c.content.is_not(None),
            sa.tuple_(table.c.received_at, table.c.id) > sa.tuple_(sa.literal(at), sa.literal(event_id)),
        )
        .order_by(table.c.received_at, table.c.id)
    )


def _oldest_event(part: Part) -> int | None:
    row = part.connection.execute(_kept(part).limit(1)).first()
    return None if row is None else row.received_at


def _take_events(part: Part) -> Done:
    query = _kept(part).where(schema.event.c.received_at <= part.cutoff)
    rows = part.connection.execute(query.limit(part.size)).all()
    if not rows:
        return Done(0, more=False)
    removed = _empty_events(part, [row.id for row in rows])
    return Done(removed, more=len(rows) == part.size, place=(rows[-1].received_at, rows[-1].id))


def _empty_events(part: Part, event_ids: Sequence[int]) -> int:
    event, run, request = schema.event, schema.run, schema.privacy_request
    own = sa.exists().where(run.c.event_id == event.c.id, run.c.sealed.is_(True))
    asked = sa.exists().where(request.c.id == event.c.id, request.c.state == "open")
    query = sa.select(event.c.id).where(
        event.c.content.is_not(None),
        event.c.received_at <= part.cutoff,
        ~own,
        ~asked,
        ~waited_for(),
    )
    if ids := [row.id for row in free_events(part, event_ids, query)]:
        part.hub.database.shorten(part.connection, event, event.c.id.in_(ids), {"content": None})
    return len(ids)


EVENTS = Kind(_EVENTS, _oldest_event, _take_events)


# ---- deliveries that could not be read, and that nobody repaired in time


def _unreadable(part: Part) -> tuple[sa.ColumnElement[bool], ...]:
    table = schema.delivery
    return table.c.workspace_id == part.workspace_id, table.c.state == "unreadable", table.c.content.is_not(None)


def _oldest_delivery(part: Part) -> int | None:
    table = schema.delivery
    query = sa.select(table.c.received_at).where(*_unreadable(part)).order_by(table.c.received_at).limit(1)
    return part.connection.execute(query).scalar()


def _take_deliveries(part: Part) -> Done:
    table = schema.delivery
    query = sa.select(table.c.id).where(*_unreadable(part), table.c.received_at <= part.cutoff)
    query = query.order_by(table.c.received_at).limit(part.size).with_for_update(skip_locked=True)
    ids = part.connection.execute(query).scalars().all()
    if ids:
        part.hub.database.shorten(part.connection, table, table.c.id.in_(ids), {"content": None})
    return Done(len(ids), more=len(ids) == part.size)


DELIVERIES = Kind("payloads of deliveries", _oldest_delivery, _take_deliveries)


# ---- answers to providers' requests for somebody's data


def _answered(part: Part) -> tuple[sa.ColumnElement[bool], ...]:
    table = schema.privacy_request
    return table.c.workspace_id == part.workspace_id, table.c.document.is_not(None)


def _oldest_answer(part: Part) -> int | None:
    table = schema.privacy_request
    return part.connection.execute(sa.select(table.c.at).where(*_answered(part)).order_by(table.c.at).limit(1)).scalar()


def _take_answers(part: Part) -> Done:
    table = schema.privacy_request
    query = sa.select(table.c.id).where(*_answered(part), table.c.at <= part.cutoff).order_by(table.c.at)
    ids = part.connection.execute(query.limit(part.size)).scalars().all()
    part.hub.database.shorten(part.connection, table, table.c.id.in_(ids), {"document": None, "state": "done"})
    return Done(len(ids), more=len(ids) == part.size)


ANSWERS = Kind("answers", _oldest_answer, _take_answers)
