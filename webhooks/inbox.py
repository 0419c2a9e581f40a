"""The inbox: deliveries become events; repeats and our own echoes end here; events start, wake and stop runs."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from hub import bulk, schema
from hub.core import Hub
from hub.database import Lease
from hub.effect import counting
from hub.errors import HubError
from hub.event import Person
from hub.ids import new_id
from hub.people import Word
from hub.wakeups import ADVANCE

from .acting import by_workspace, find_starts, note_privacy, start_runs, wake_waiting
from .intake import noted
from .reading import Read, Taken, portions, waiting

BATCH = 200


@dataclass(frozen=True)
class _Done:
    """What events set off: the queues that have something to do, and whether somebody asked about their data."""

    queues: set[str]
    privacy: bool


class _PersonGone(Exception):
    """Somebody whom these events are about was erased while they were read."""


def read_deliveries(hub: Hub, lease: Lease) -> int:
    """Reads a batch of deliveries, oldest first; gives how many there were. Only the lease's holder does this.

    Raises LeaseLost, and what the database raises; then what was not read yet still waits.
    """
    waits = waiting(hub, BATCH)
    for portion in portions(hub, waits):
        done = _take_all(hub, lease, portion)
        for queue in sorted({queue for one in done for queue in one.queues}):
            hub.wakeups.wake(queue)
        if any(one.privacy for one in done):
            hub.privacy.act()
    return len(waits)


def take(hub: Hub, lease: Lease, one: Read) -> None:
    """Takes events that are at hand, as if they had been delivered. Raises what they raise."""
    done = _take(hub, lease, [one])
    for queue in sorted(done.queues):
        hub.wakeups.wake(queue)


def _take_all(hub: Hub, lease: Lease, portion: list[Read]) -> list[_Done]:
    """Takes a portion together, or one by one if something in it is faulty: that is told, and holds up no other."""
    try:
        return [_take(hub, lease, portion)]
    except Exception as error:
        if not _is_own_fault(error):
            raise
    return [_take_alone(hub, lease, one) for one in portion]


def _take_alone(hub: Hub, lease: Lease, one: Read) -> _Done:
    try:
        return _take(hub, lease, [one])
    except Exception as error:
        if not _is_own_fault(error):
            raise
        one.give_up(error)
    return _take(hub, lease, [one])


def _is_own_fault(error: Exception) -> bool:
    """Whether what was delivered is to blame, or what a connector made of it, rather than the database or the hub."""
    if isinstance(error, sa.exc.DataError):
        return True
    return not isinstance(error, sa.exc.SQLAlchemyError | HubError | OSError)


def _take(hub: Hub, lease: Lease, portion: Sequence[Read]) -> _Done:
    taken = [item for one in portion for item in one.events]
    while True:
        _find_people(hub, lease, taken)
        find_starts(hub, taken)
        try:
            return hub.database.retrying(lambda: _write(hub, lease, portion, taken))
        except _PersonGone:
            continue


def _find_people(hub: Hub, lease: Lease, taken: Sequence[Taken]) -> None:
    """Finds out whom the events are about, in a transaction of its own, and seals them with those people's keys.

    Of somebody who was erased after the delivery came, nothing is kept but that there was an event.
    """
    for workspace, items in by_workspace(taken):
        with hub.database.write(lease) as connection:
            told = [(item.event.person, item.of.received_at) for item in items]
            erased = hub.people.erased_since(connection, workspace, told)
            known = [Person() if gone else person for (person, _), gone in zip(told, erased, strict=True)]
            ids = hub.people.resolve(connection, workspace, known)
            sealers = hub.people.sealers(connection, workspace, ids)
            places = {
                person_id: item.event.place
                for item, person_id in zip(items, ids, strict=True)
                if item.event.place and person_id is not None
            }
            hub.people.note_places(connection, sealers, places)
        for item, person_id, gone in zip(items, ids, erased, strict=True):
            sealer = None if gone else sealers[person_id]
            item.id, item.person_id, item.erased = new_id(), person_id, gone
            item.sealer = sealer
            item.content = sealer.seal(item.packed, f"event {item.id}") if sealer else None


def _write(hub: Hub, lease: Lease, portion: Sequence[Read], taken: Sequence[Taken]) -> _Done:
    """Everything that a portion leads to, in one transaction."""
    with hub.database.write(lease) as connection:
        fresh = _first_time(hub, connection, taken)
        _lock_people(hub, connection, fresh)
        _drop_echoes(hub, connection, fresh)
        _note_consents(hub, connection, fresh)
        acting = [item for item in fresh if item.state == "taken" and not item.erased]
        tallies = counting.Tallies(hub.database)
        queues = start_runs(hub, connection, acting, tallies)
        bulk.insert(connection, schema.event, [_event_row(item) for item in fresh])
        if wake_waiting(hub, connection, acting):
            queues |= {ADVANCE}
        done = _Done(queues, note_privacy(connection, acting))
        counting.take_note(connection, [item.happened for item in acting if item.happened], tallies)
        _mark_read(hub, connection, portion, fresh)
        tallies.write(connection)
    return done


def _first_time(hub: Hub, connection: sa.Connection, taken: Sequence[Taken]) -> list[Taken]:
    """The events that were not seen before."""
    rows = {
        (item.connection.id, item.key): {
            "connection_id": item.connection.id,
            "hash": item.key,
            "at": item.of.received_at,
        }
        for item in taken
    }
    new = noted(hub.database, connection, [rows[name] for name in sorted(rows)])
    fresh = []
    for item in taken:
        if item.key in new:
            new.discard(item.key)
            fresh.append(item)
    return fresh


def _lock_people(hub: Hub, connection: sa.Connection, fresh: Sequence[Taken]) -> None:
    """Holds off their erasure until this is written. Raises _PersonGone if one of them was erased before."""
    ids = {item.person_id for item in fresh if item.person_id is not None}
    if ids - hub.database.lock_people(connection, ids):
        raise _PersonGone


def _drop_echoes(hub: Hub, connection: sa.Connection, fresh: Sequence[Taken]) -> None:
    """Marks the events that our own writes caused: they are kept, and start nothing."""
    echoes = {(item.connection.id, item.echo) for item in fresh if item.echo}
    if not echoes:
        return
    table = schema.echo
    query = sa.select(table.c.connection_id, table.c.hash).where(
        table.c.connection_id.in_({connection_id for connection_id, _ in echoes}),
        table.c.hash.in_({name for _, name in echoes}),
        table.c.until > hub.clock.now(),
    )
    ours = {(row.connection_id, bytes(row.hash)) for row in connection.execute(query)}
    for item in fresh:
        if (item.connection.id, item.echo) in ours:
            item.state = "echo"


def _note_consents(hub: Hub, connection: sa.Connection, fresh: Sequence[Taken]) -> None:
    """Keeps what people said about marketing. Of somebody who was erased meanwhile, only a no counts still."""
    for workspace, items in by_workspace(fresh):
        said = [
            Word(consent, item.event.type, item.of.received_at, item.connection.connector.sends(consent.channel))
            for item in items
            for consent in item.event.consents
            if not (item.erased and consent.given)
        ]
        hub.people.record_consents(connection, workspace, said)


def _event_row(item: Taken) -> dict[str, Any]:
    return {
        "id": item.id,
        "workspace_id": item.of.workspace.id,
        "connection_id": item.connection.id,
        "delivery_id": item.of.delivery_id,
        "type": item.event.type,
        "at": item.at,
        "received_at": item.of.received_at,
        "person_id": item.person_id,
        "state": item.state,
        "skipped": json.dumps(item.skipped) if item.skipped else None,
        "content": item.content,
    }


def _mark_read(hub: Hub, connection: sa.Connection, portion: Sequence[Read], fresh: Sequence[Taken]) -> None:
    """Ends the deliveries: what was read lives on in its events, what could not be read is kept with the reason."""
    counts = Counter(item.of.delivery_id for item in fresh)
    heard: dict[str, int] = {}
    alike: dict[int, list[int]] = {}
    for one in portion:
        if one.asked_by is None:
            heard[one.connection_id] = max(heard.get(one.connection_id, 0), one.received_at)
        if not one.unreadable:
            alike.setdefault(counts[one.delivery_id], []).append(one.delivery_id)
    table = schema.delivery
    for count, ids in sorted(alike.items()):
        read = {"state": "read", "content": None, "reason": None, "events": count}
        hub.database.shorten(connection, table, table.c.id.in_(ids) & (table.c.state == "new"), read)
    failed = [{"id": one.delivery_id, "reason": one.unreadable} for one in portion if one.unreadable]
    _UNREADABLE.run(connection, failed)
    if heard:
        _note_heard(connection, heard)


_UNREADABLE = bulk.Update(
    schema.delivery, ["id"], ["reason"], also={"state": "'unreadable'"}, where="delivery.state = 'new'"
)


def _note_heard(connection: sa.Connection, heard: Mapping[str, int]) -> None:
    """When each connection was last heard of; a delivery that is read again later does not set it back."""
    table = schema.connection
    connection.execute(
        sa.update(table)
        .where(
            table.c.id == sa.bindparam("name"),
            table.c.last_event_at.is_(None) | (table.c.last_event_at < sa.bindparam("at")),
        )
        .values(last_event_at=sa.bindparam("at")),
        [{"name": name, "at": at} for name, at in sorted(heard.items())],
    )
