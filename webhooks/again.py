"""Again, because a person asks for it: reading a delivery that could not be read, acting on an event once more."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from hub import schedules, schema
from hub.connections import Connection
from hub.core import Hub
from hub.enabled import Enabled
from hub.errors import NotFound, SetupError
from hub.event import Event
from hub.events import opened
from hub.recipe import Recipe
from hub.runs import taken
from hub.workspaces import Workspace

from .starting import HELD_OUT, Start, insert_runs, is_held_out, new_run, starts_of

OVER = ("failed", "stopped")
"""States of earlier runs that do not stand in the way of a new one."""


class NotAgain(SetupError):
    """It cannot be done again."""


@dataclass(frozen=True)
class Replayed:
    """What acting on an event again did: the runs that started, and why other recipes did not start; by recipe."""

    started: dict[str, int]
    skipped: dict[str, str]


def read_again(workspace: Workspace, hub: Hub, delivery_id: int) -> None:
    """Has an unreadable delivery read again by whoever reads. Raises NotFound, or NotAgain with the reason."""
    table = schema.delivery
    query = sa.select(table).where(table.c.workspace_id == workspace.id, table.c.id == delivery_id)
    with hub.database.write() as connection:
        row = connection.execute(query.with_for_update()).one_or_none()
        if row is None:
            raise NotFound("There is no such delivery. See: hub deliveries")
        if row.state == "new":
            raise NotAgain("The delivery is about to be read. The hub does so as soon as it runs.")
        if row.state == "read":
            raise NotAgain("The delivery was read already. Replay one of the events that came of it: hub events")
        if row.content is None:
            raise NotAgain("The delivery's content is gone: its time was over, or its person was erased.")
        connection.execute(sa.update(table).where(table.c.id == delivery_id).values(state="new", reason=None))


def start_again(workspace: Workspace, hub: Hub, event_id: int) -> Replayed:
    """Starts every recipe that is on and that the event would start, if it did not run for this event already.

    An earlier run that failed or was stopped does not count, and neither does `once_per`: a person asks on purpose.
    Raises NotFound, or NotAgain with the reason.
    """
    return hub.database.retrying(lambda: _start_again(workspace, hub, event_id))


def _start_again(workspace: Workspace, hub: Hub, event_id: int) -> Replayed:
    enabled = list(hub.enabled.of(workspace))
    with hub.database.write() as connection:
        return start_again_within(connection, workspace, hub, event_id, enabled)


def start_again_within(
    connection: sa.Connection, workspace: Workspace, hub: Hub, event_id: int, enabled: Sequence[tuple[Recipe, Enabled]]
) -> Replayed:
    """`start_again` as part of a transaction, of which NotFound and NotAgain leave the rest good. `enabled`: the
    recipes that may start, of those that are on."""
    row = _taken(workspace, connection, event_id)
    event = _opened(workspace, hub, connection, row)
    starts, skipped = starts_of(workspace, enabled, _connection(workspace, hub, row), event, _asked_by(event))
    earlier = _earlier(workspace, connection, event_id)
    fresh: list[Start] = []
    for start in starts:
        if start.recipe.name in earlier:
            run_id, state = earlier[start.recipe.name]
            skipped[start.recipe.name] = f"It ran for this event already: run {run_id} is {state}."
        elif is_held_out(workspace, start, row.person_id):
            skipped[start.recipe.name] = HELD_OUT
        else:
            fresh.append(start)
    now = hub.clock.now()
    runs = [new_run(start, workspace.id, event_id, row.at, row.person_id, now) for start in fresh]
    insert_runs(hub, connection, runs)
    return Replayed({run.row["recipe"]: run.row["id"] for run in runs}, skipped)


def run_anew(workspace: Workspace, hub: Hub, run_id: int) -> None:
    """Starts the event of a run anew with the run's own recipe, as it is on. Raises NotFound, or NotAgain with the
    reason, also if the recipe does not start."""
    enabled = list(hub.enabled.of(workspace))

    def act() -> None:
        with hub.database.write() as connection:
            run_anew_within(connection, workspace, hub, run_id, enabled)

    hub.database.retrying(act)


def run_anew_within(
    connection: sa.Connection, workspace: Workspace, hub: Hub, run_id: int, enabled: Sequence[tuple[Recipe, Enabled]]
) -> None:
    """`run_anew` as part of a transaction, of which NotFound and NotAgain leave the rest good."""
    run = taken(workspace, connection, run_id)
    mine = [(recipe, entry) for recipe, entry in enabled if entry.recipe == run.recipe]
    if not mine:
        raise NotAgain("The recipe is off, so it does not start. Switch it on first.")
    found = start_again_within(connection, workspace, hub, run.event_id, mine)
    if not found.started:
        raise NotAgain(next(iter(found.skipped.values()), "The recipe does not start with this event any more."))


def _taken(workspace: Workspace, connection: sa.Connection, event_id: int) -> Any:
    """The event's row, locked: asked for twice at the same time, it starts once."""
    table = schema.event
    query = sa.select(table).where(table.c.workspace_id == workspace.id, table.c.id == event_id)
    row = connection.execute(query.with_for_update()).one_or_none()
    if row is None:
        raise NotFound("There is no such event. See: hub events")
    if row.state == "echo":
        raise NotAgain("The hub itself caused this event by what it did, so it starts nothing.")
    if row.state == "unknown":
        raise NotAgain("The connector does not know this kind of event, so no recipe can start with it.")
    return row


def _opened(workspace: Workspace, hub: Hub, connection: sa.Connection, row: Any) -> Event:
    hub.database.lock_people(connection, [row.person_id] if row.person_id is not None else [])
    event = opened(row, hub.people.sealer(connection, workspace, row.person_id))
    if event is None:
        raise NotAgain("What the event said is gone: its time was over, or its person was erased.")
    return event


def _connection(workspace: Workspace, hub: Hub, row: Any) -> Connection:
    return schedules.connection_of(hub, workspace, row.connection_id)


def _asked_by(event: Event) -> str | None:
    """The recipe whose schedule asked for an event: its name begins the event's key."""
    return event.key.partition(" ")[0] if schedules.is_timed(event) else None


def _earlier(workspace: Workspace, connection: sa.Connection, event_id: int) -> dict[str, tuple[int, str]]:
    """The runs of this event that count, by recipe."""
    table = schema.run
    query = sa.select(table.c.recipe, table.c.id, table.c.state).where(
        table.c.workspace_id == workspace.id, table.c.event_id == event_id, table.c.state.not_in(OVER)
    )
    return {row.recipe: (row.id, row.state) for row in connection.execute(query)}
