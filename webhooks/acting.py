"""What events set off: runs that start or go on, and what people ask about their data."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import sqlalchemy as sa

from hub import engine, schema
from hub.core import Hub
from hub.effect import counting
from hub.effect.measure import Measure
from hub.workspaces import Workspace

from .reading import Taken
from .starting import HELD_OUT, NewRun, Start, insert_runs, is_held_out, new_run, starts_of

ONCE = "It started for this already, and starts once."

OnceKey = tuple[int, str, bytes | None]
"""A workspace, a recipe, and the hash of what it starts once for."""


def by_workspace(taken: Iterable[Taken]) -> Iterable[tuple[Workspace, list[Taken]]]:
    """The events of each workspace, in their order."""
    grouped: dict[int, list[Taken]] = {}
    for item in taken:
        grouped.setdefault(item.of.workspace.id, []).append(item)
    return [(items[0].of.workspace, items) for items in grouped.values()]


def find_starts(hub: Hub, taken: Iterable[Taken]) -> None:
    """Finds out which recipes each event starts, and why others do not; begins the runs as far as they go. And what it
    is to recipes whose effect is measured."""
    now = hub.clock.now()
    for workspace, items in by_workspace(taken):
        enabled = list(hub.enabled.of(workspace))
        measures = {entry.recipe: entry.measure for _, entry in enabled if entry.measure is not None}
        for item in items:
            starts, item.skipped = starts_of(workspace, enabled, item.connection, item.event, item.of.asked_by)
            item.runs = [_begun(hub, item, start, now) for start in starts]
            item.happened = _happened(item, measures) if measures else None


def _happened(item: Taken, measures: Mapping[str, Measure]) -> counting.Happened | None:
    if item.person_id is None:
        return None
    said_no = any(not consent.given for consent in item.event.consents)
    return counting.happened(item.person_id, item.at, item.event, measures, said_no=said_no)


def _begun(hub: Hub, item: Taken, start: Start, now: int) -> NewRun:
    run = new_run(start, item.of.workspace.id, item.id, item.at, item.person_id, now)
    if is_held_out(item.of.workspace, start, item.person_id):
        return replace(run, held_out=True)
    if hub.doubted_since(item.of.received_at) is not None:
        return run  # the engine looks first whether it happened already
    event = item.as_kept
    begun = engine.begin(hub, item.of.workspace, item.sealer, event, run.row, start.recipe, start.enabled)
    if begun and not begun.ended:
        hub.events.keep(event)
    return replace(run, begun=begun)


def start_runs(hub: Hub, connection: sa.Connection, acting: Sequence[Taken], tallies: counting.Tallies) -> set[str]:
    """Writes down the runs that events start, as far as their `once_per` allows; gives the queues that have something
    to do. Of one person's runs only those of the earliest event begin, and none while another one goes on."""
    _refuse_repeated(hub, connection, acting, hub.clock.now())
    _count_entrants(hub, connection, acting, tallies)
    runs = [run for item in acting for run in item.runs if not run.held_out]
    earliest: dict[int | None, tuple[int, int]] = {}
    for run in runs:
        place, person_id = (run.row["event_at"], run.row["event_id"]), run.row["person_id"]
        earliest[person_id] = min(place, earliest.get(person_id, place))
    busy = _busy(connection, {run.row["person_id"] for run in runs if run.begun})
    for number, run in enumerate(runs):
        person_id = run.row["person_id"]
        is_next = person_id is None or earliest[person_id] == (run.row["event_at"], run.row["event_id"])
        if not is_next or person_id in busy:
            runs[number] = replace(run, begun=None)
    queues = insert_runs(hub, connection, runs)
    counting.choose(connection, engine.chosen(run.begun for run in runs if run.begun), tallies)
    return queues


def _count_entrants(hub: Hub, connection: sa.Connection, acting: Iterable[Taken], tallies: counting.Tallies) -> None:
    """Counts whoever comes into a recipe that is measured; of those who are held out, the event says so."""
    entrants = []
    for item in acting:
        for run in item.runs:
            if run.held_out:
                item.skipped[run.start.recipe.name] = HELD_OUT
            if run.start.enabled.measure is not None and item.person_id is not None:
                run_id = None if run.held_out else run.row["id"]
                entrants.append(counting.Entrant(run.start.enabled, item.person_id, run_id, item.at))
    counting.enter(connection, entrants, tallies, hub.clock.now())


def _busy(connection: sa.Connection, person_ids: set[int | None]) -> set[int]:
    """Those of the people about whom a run goes on."""
    table = schema.run
    query = sa.select(table.c.person_id).where(
        table.c.person_id.in_(person_ids - {None}), table.c.ended_at.is_(None), table.c.state == "running"
    )
    return set(connection.execute(query).scalars()) if person_ids - {None} else set()


def _refuse_repeated(hub: Hub, connection: sa.Connection, acting: Iterable[Taken], now: int) -> None:
    """Drops starts whose once_per key was used within its cool-down, and takes note of the others' keys."""
    used = _used(connection, _once_keys(acting), now)
    rows = []
    for item in acting:
        kept = []
        for run in item.runs:
            start = run.start
            name = (item.of.workspace.id, start.recipe.name, start.once)
            if start.once is not None and name in used:
                item.skipped[start.recipe.name] = ONCE
                continue
            kept.append(run)
            if start.once is not None:
                used.add(name)
                until = now + round(start.recipe.cool_down.total_seconds() * 1000)
                rows.append({"workspace_id": name[0], "recipe": name[1], "hash": start.once, "until": until})
        item.runs = kept
    if rows:
        table = schema.once_key
        statement = hub.database.insert(table)
        key = [table.c.workspace_id, table.c.recipe, table.c.hash]
        connection.execute(
            statement.on_conflict_do_update(index_elements=key, set_={"until": statement.excluded.until}), rows
        )


def _once_keys(acting: Iterable[Taken]) -> set[OnceKey]:
    return {
        (item.of.workspace.id, run.start.recipe.name, run.start.once)
        for item in acting
        for run in item.runs
        if run.start.once is not None
    }


def _used(connection: sa.Connection, keys: set[OnceKey], now: int) -> set[OnceKey]:
    if not keys:
        return set()
    table = schema.once_key
    # The whole key is named, as no index leads to a hash alone.
    query = sa.select(table.c.workspace_id, table.c.recipe, table.c.hash).where(
        table.c.workspace_id.in_({key[0] for key in keys}),
        table.c.recipe.in_({key[1] for key in keys}),
        table.c.hash.in_({key[2] for key in keys}),
        table.c.until > now,
    )
    found: set[OnceKey] = {(row.workspace_id, row.recipe, bytes(row.hash)) for row in connection.execute(query)}
    return found & keys


def wake_waiting(hub: Hub, connection: sa.Connection, acting: Iterable[Taken]) -> int:
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
    run = schema.run
    awake = 0
    for some in _in_parts(sorted(runs)):
        awake += connection.execute(
            sa.update(run)
            .where(run.c.id.in_(some), run.c.ended_at.is_(None), run.c.state != "held")
            .values(due_at=hub.clock.now())
        ).rowcount
    return awake


def _in_parts(ids: list[int], most: int = 5_000) -> Iterable[list[int]]:
    """As many as one query may name: one person may have any number of runs."""
    return [ids[start : start + most] for start in range(0, len(ids), most)]


def note_privacy(connection: sa.Connection, acting: Iterable[Taken]) -> bool:
    """Takes note of events by which somebody asks for their data or its end; whether there were any."""
    rows = []
    for item in acting:
        trigger = item.connection.connector.triggers.get(item.event.type)
        if trigger is not None and trigger.privacy:
            rows.append(
                {
                    "id": item.id,
                    "workspace_id": item.of.workspace.id,
                    "connection_id": item.connection.id,
                    "kind": trigger.privacy,
                    "state": "open",
                    "at": item.of.received_at,
                }
            )
    if rows:
        connection.execute(sa.insert(schema.privacy_request), rows)
    return bool(rows)
