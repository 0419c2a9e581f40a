"""The inbox: deliveries become events; repeats and our own echoes end here; events start, wake and stop runs."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from hub import schema
from hub.connections import Connection
from hub.core import Hub
from hub.database import Lease, new_id
from hub.errors import DeliveryRefused, HubError
from hub.event import UNKNOWN, Event
from hub.events import packed as packed_event
from hub.sealing import Sealer
from hub.timing import to_ms
from hub.wakeups import ADVANCE
from hub.workspaces import Workspace

from .intake import noted, unpacked
from .starting import Start, insert_runs, new_run, starts_of

BATCH = 200


@dataclass
class _Read:
    """A delivery that was read, or the reason why it could not be."""

    delivery_id: int
    connection: Connection
    workspace: Workspace
    received_at: int
    events: list[Event] = field(default_factory=list)
    unreadable: str | None = None


@dataclass
class _Taken:
    """An event on its way into the database."""

    event: Event
    of: _Read
    id: int
    key: bytes
    echo: bytes | None
    person_id: int | None = None
    content: bytes = b""
    state: str = "taken"
    starts: list[Start] = field(default_factory=list)
    skipped: dict[str, str] = field(default_factory=dict)


def read_deliveries(hub: Hub, lease: Lease) -> int:
    """Reads a batch of deliveries, oldest first; gives how many there were. Only the lease's holder does this."""
    read = _load(hub)
    if not read:
        return 0
    taken = [item for delivery in read for item in _taken(hub, delivery)]
    _find_people(hub, lease, taken)
    _find_starts(hub, taken)
    started, woken, privacy = hub.database.retrying(lambda: _write(hub, lease, read, taken))
    if started or woken:
        hub.wakeups.wake(ADVANCE)
    if privacy:
        hub.privacy.act()
    return len(read)


# ---- reading


def _load(hub: Hub) -> list[_Read]:
    table = schema.delivery
    with hub.database.read() as connection:
        rows = connection.execute(
            sa.select(table).where(table.c.state == "new").order_by(table.c.id).limit(BATCH)
        ).all()
    return [_read(hub, row) for row in rows]


def _read(hub: Hub, row: Any) -> _Read:
    workspace = hub.workspaces.get(row.workspace_id)
    read = _Read(row.id, hub.connections.get(row.connection_id), workspace, row.received_at)
    try:
        delivery = unpacked(workspace.sealer.open(row.content, f"delivery {row.id}"))
        read.events = list(read.connection.connector.read(delivery))
    except DeliveryRefused as error:
        read.unreadable = str(error)
    except Exception as error:  # a connector's bug must not hold up the deliveries behind it
        what = str(error) if isinstance(error, HubError) else type(error).__name__
        read.unreadable = f"The connector could not read it ({what}). It can be read again after a fix."
    return read


def _taken(hub: Hub, read: _Read) -> Iterable[_Taken]:
    name = read.connection.id
    for event in read.events:
        yield _Taken(
            event=event,
            of=read,
            id=new_id(),
            key=read.workspace.hash("event", name, event.key),
            echo=read.workspace.hash("echo", name, event.echo) if event.echo else None,
            state="unknown" if event.type == UNKNOWN else "taken",
        )


def _find_people(hub: Hub, lease: Lease, taken: list[_Taken]) -> None:
    """Finds out whom the events are about, in a transaction of its own, and seals them with those people's keys."""
    for workspace, items in _by_workspace(taken):
        with hub.database.write(lease) as connection:
            ids = hub.people.resolve(connection, workspace, [item.event.person for item in items])
            sealers = hub.people.sealers(connection, workspace, ids)
        for item, person_id in zip(items, ids, strict=True):
            sealer: Sealer | None = sealers[person_id]
            item.person_id = person_id
            if sealer is not None:
                item.content = sealer.seal(packed_event(item.event), f"event {item.id}")


def _by_workspace(taken: list[_Taken]) -> Iterable[tuple[Workspace, list[_Taken]]]:
    grouped: dict[int, list[_Taken]] = {}
    for item in taken:
        grouped.setdefault(item.of.workspace.id, []).append(item)
    return [(items[0].of.workspace, items) for items in grouped.values()]


# ---- which recipes start


def _find_starts(hub: Hub, taken: list[_Taken]) -> None:
    for workspace, items in _by_workspace(taken):
        enabled = list(hub.enabled.of(workspace))
        for item in items:
            item.starts, item.skipped = starts_of(workspace, enabled, item.of.connection, item.event)


# ---- writing


def _write(hub: Hub, lease: Lease, read: list[_Read], taken: list[_Taken]) -> tuple[int, int, bool]:
    """Everything that the batch leads to, in one transaction: how many runs started, were woken, and whether
    somebody asked for their data or its end."""
    with hub.database.write(lease) as connection:
        fresh = _first_time(hub, connection, taken)
        hub.database.lock_people(connection, [item.person_id for item in fresh if item.person_id is not None])
        _drop_echoes(hub, connection, fresh)
        for workspace, items in _by_workspace(fresh):
            said = [(consent, item.event.type) for item in items for consent in item.event.consents]
            hub.people.record_consents(connection, workspace, said)
        acting = [item for item in fresh if item.state == "taken"]
        runs = _start_runs(hub, connection, acting)
        if fresh:
            connection.execute(sa.insert(schema.event), [_event_row(item) for item in fresh])
        woken = _wake_waiting(hub, connection, acting)
        privacy = _note_privacy(hub, connection, acting)
        _mark_read(hub, connection, read, fresh)
    return runs, woken, privacy


def _first_time(hub: Hub, connection: sa.Connection, taken: list[_Taken]) -> list[_Taken]:
    """The events that were not seen before."""
    rows = {
        (item.of.connection.id, item.key): {
            "connection_id": item.of.connection.id,
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


def _drop_echoes(hub: Hub, connection: sa.Connection, fresh: list[_Taken]) -> None:
    """Marks the events that our own writes caused: they are kept, and start nothing."""
    echoes = {item.echo for item in fresh if item.echo}
    if not echoes:
        return
    table = schema.echo
    query = sa.select(table.c.connection_id, table.c.hash).where(
        table.c.hash.in_(echoes), table.c.until > hub.clock.now()
    )
    ours = {(row.connection_id, bytes(row.hash)) for row in connection.execute(query)}
    for item in fresh:
        if (item.of.connection.id, item.echo) in ours:
            item.state = "echo"


def _start_runs(hub: Hub, connection: sa.Connection, acting: list[_Taken]) -> int:
    now = hub.clock.now()
    _refuse_repeated(hub, connection, acting, now)
    runs = [
        new_run(start, item.of.workspace.id, item.id, to_ms(item.event.at), item.person_id, now)
        for item in acting
        for start in item.starts
    ]
    insert_runs(hub, connection, runs)
    return len(runs)


def _refuse_repeated(hub: Hub, connection: sa.Connection, acting: list[_Taken], now: int) -> None:
    """Drops starts whose once_per key was used within its cool-down, and takes note of the others' keys."""
    table = schema.once_key
    keys = {start.once for item in acting for start in item.starts if start.once}
    if not keys:
        return
    query = sa.select(table.c.workspace_id, table.c.recipe, table.c.hash).where(
        table.c.hash.in_(keys), table.c.until > now
    )
    used = {(row.workspace_id, row.recipe, bytes(row.hash)) for row in connection.execute(query)}
    rows = []
    for item in acting:
        kept = []
        for start in item.starts:
            name = (item.of.workspace.id, start.recipe.name, start.once)
            if start.once is None:
                kept.append(start)
            elif name in used:
                item.skipped[start.recipe.name] = "It started for this already, and starts once."
            else:
                used.add((item.of.workspace.id, start.recipe.name, start.once))
                kept.append(start)
                until = now + round(start.recipe.cool_down.total_seconds() * 1000)
                rows.append({"workspace_id": name[0], "recipe": name[1], "hash": start.once, "until": until})
        item.starts = kept
    if rows:
        statement = hub.database.insert(table)
        connection.execute(
            statement.on_conflict_do_update(
                index_elements=[table.c.workspace_id, table.c.recipe, table.c.hash],
                set_={"until": statement.excluded.until},
            ),
            rows,
        )


def _event_row(item: _Taken) -> dict[str, Any]:
    return {
        "id": item.id,
        "workspace_id": item.of.workspace.id,
        "connection_id": item.of.connection.id,
        "delivery_id": item.of.delivery_id,
        "type": item.event.type,
        "at": to_ms(item.event.at),
        "received_at": item.of.received_at,
        "person_id": item.person_id,
        "state": item.state,
        "skipped": json.dumps(item.skipped) if item.skipped else None,
        "content": item.content,
    }


def _wake_waiting(hub: Hub, connection: sa.Connection, acting: list[_Taken]) -> int:
    """Makes the runs due that wait for one of these events, or end with it. Whether it fits, the engine decides."""
    happened = {(item.person_id, item.event.type) for item in acting if item.person_id is not None}
    if not happened:
        return 0
    table = schema.waiter
    query = sa.select(table.c.run_id, table.c.person_id, table.c.type).where(
        table.c.workspace_id.in_({item.of.workspace.id for item in acting}),
        table.c.person_id.in_({person_id for person_id, _ in happened}),
        table.c.type.in_({kind for _, kind in happened}),
    )
    runs = {row.run_id for row in connection.execute(query) if (row.person_id, row.type) in happened}
    if runs:
        connection.execute(
            sa.update(schema.run)
            .where(schema.run.c.id.in_(runs), schema.run.c.ended_at.is_(None), schema.run.c.state != "held")
            .values(due_at=hub.clock.now())
        )
    return len(runs)


def _note_privacy(hub: Hub, connection: sa.Connection, acting: list[_Taken]) -> bool:
    rows = []
    for item in acting:
        trigger = item.of.connection.connector.triggers.get(item.event.type)
        if trigger is not None and trigger.privacy:
            rows.append(
                {
                    "id": item.id,
                    "workspace_id": item.of.workspace.id,
                    "connection_id": item.of.connection.id,
                    "kind": trigger.privacy,
                    "state": "open",
                    "at": item.of.received_at,
                }
            )
    if rows:
        connection.execute(sa.insert(schema.privacy_request), rows)
    return bool(rows)


def _mark_read(hub: Hub, connection: sa.Connection, read: list[_Read], fresh: list[_Taken]) -> None:
    """Ends the deliveries: what was read lives on in its events, what could not be read is kept with the reason."""
    counts: dict[int, int] = {}
    seen: dict[str, int] = {}
    for item in fresh:
        counts[item.of.delivery_id] = counts.get(item.of.delivery_id, 0) + 1
    for delivery in read:
        seen[delivery.connection.id] = max(seen.get(delivery.connection.id, 0), delivery.received_at)
    table = schema.delivery
    done = [{"row": d.delivery_id, "count": counts.get(d.delivery_id, 0)} for d in read if not d.unreadable]
    failed = [{"row": d.delivery_id, "why": d.unreadable} for d in read if d.unreadable]
    mine = (table.c.id == sa.bindparam("row")) & (table.c.state == "new")
    if done:
        values: Mapping[str, Any] = {"state": "read", "content": None, "reason": None, "events": sa.bindparam("count")}
        connection.execute(sa.update(table).where(mine).values(values), done)
    if failed:
        connection.execute(sa.update(table).where(mine).values(state="unreadable", reason=sa.bindparam("why")), failed)
    connections = schema.connection
    connection.execute(
        sa.update(connections)
        .where(connections.c.id == sa.bindparam("name"))
        .values(last_event_at=sa.bindparam("when")),
        [{"name": name, "when": when} for name, when in seen.items()],
    )
