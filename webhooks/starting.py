"""Which recipes an event starts, and why others not; the runs they make."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from hub import arms, bulk, engine, schema
from hub.connections import Connection
from hub.core import Hub
from hub.enabled import Enabled
from hub.event import Event
from hub.ids import new_id
from hub.matching import fits
from hub.recipe import Recipe
from hub.wakeups import ADVANCE
from hub.workspaces import Workspace

HELD_OUT = "Held out: it starts nothing for this person, to measure its effect."


@dataclass(frozen=True)
class Start:
    """A recipe that an event may start. `once` is the key that must not have been used."""

    recipe: Recipe
    enabled: Enabled
    once: bytes | None


@dataclass(frozen=True)
class NewRun:
    """A run's row, and the events about its person that wake it from the beginning. `begun` tells how far it goes by
    itself, if nobody needs to look at anything else. One that is `held_out` is counted, and not written down."""

    start: Start
    row: dict[str, Any]
    waiters: tuple[dict[str, Any], ...]
    begun: engine.Run | None = None
    held_out: bool = False


def starts_of(
    workspace: Workspace,
    enabled: Iterable[tuple[Recipe, Enabled]],
    connection: Connection,
    event: Event,
    asked_by: str | None = None,
) -> tuple[list[Start], dict[str, str]]:
    """What an event of a connection starts, and for the other recipes that listen to it why it does not. What a
    recipe's schedule asked for starts that one alone."""
    starts, skipped = [], {}
    for recipe, entry in enabled:
        bound = entry.connections.get(connection.connector.name)
        listens = bound == connection.id if asked_by is None else recipe.name == asked_by
        if not listens or not any(fits(match, event) for match in recipe.on):
            continue
        try:
            refusal = recipe.refusal(event)
            is_asked = recipe.once_per is not None and refusal is None and not recipe.walk(event)
            value = recipe.once_per(event) if recipe.once_per and is_asked else None
            once = workspace.hash("once", recipe.name, value) if value is not None else None
        except (Exception, SystemExit) as error:  # a recipe's bug is told, and holds up nobody else
            refusal, once = f"Its filter or once_per failed with {type(error).__name__}.", None
        if refusal:
            skipped[recipe.name] = refusal
        else:
            starts.append(Start(recipe, entry, once))
    return starts, skipped


def is_held_out(workspace: Workspace, start: Start, person_id: int | None) -> bool:
    """Whether a recipe starts nothing for somebody, so that its effect can be measured."""
    share = start.enabled.hold_out
    if person_id is None or not share:
        return False
    return arms.is_held_out(workspace, start.recipe.name, share, arms.name_of(person_id, 0))


def new_run(start: Start, workspace_id: int, event_id: int, event_at: int, person_id: int | None, now: int) -> NewRun:
    """The run that a start makes, due at once."""
    row = {
        "id": new_id(),
        "workspace_id": workspace_id,
        "enabled_id": start.enabled.id,
        "recipe": start.recipe.name,
        "version": start.enabled.version,
        "event_id": event_id,
        "event_at": event_at,
        "person_id": person_id,
        "state": "running",
        "started_at": now,
        "due_at": now,
    }
    kinds = {match.type for match in start.recipe.stop_when} if person_id is not None else set()
    waiters = tuple(
        {"workspace_id": workspace_id, "person_id": person_id, "type": kind, "run_id": row["id"]}
        for kind in sorted(kinds)
    )
    return NewRun(start, row, waiters)


def insert_runs(hub: Hub, connection: sa.Connection, runs: Sequence[NewRun]) -> set[str]:
    """Writes the runs down, and what those that are begun ask for; gives the queues that have something to do."""
    if not runs:
        return set()
    now = hub.clock.now()
    begun = [run.begun for run in runs if run.begun is not None]
    due = {"reason": None, "ended_at": None}
    rows = [run.row | (engine.begun_row(run.begun, now) if run.begun else due) for run in runs]
    bulk.insert(connection, schema.run, rows)
    hub.database.insert_new(connection, schema.waiter, [waiter for run in runs for waiter in run.waiters])
    queues = engine.write_begun(connection, begun, now)
    return queues if len(begun) == len(runs) else queues | {ADVANCE}
