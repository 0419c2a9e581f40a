"""What is due by the clock on the wall: kept per recipe that is on, and told to the inbox, once each time.

That a time has come, or what a page of a provider's list tells, is written down as a delivery of the hub's own. The
inbox reads it like any other: what it tells twice counts once, and starts the recipe that asked for it.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import astuple
from datetime import datetime
from functools import partial
from typing import Any

import sqlalchemy as sa

from . import schema
from .connection import READY, Connection
from .connector import Connector, Limit
from .core import Hub
from .delivery import Delivery
from .enabled import Enabled
from .errors import HubError, SignatureMissing
from .event import Event, Person, Place
from .ids import new_id
from .recipe import Recipe
from .schedule import EACH, Schedule, told
from .timing import to_datetime, to_ms
from .wakeups import READ
from .workspaces import Workspace

METHOD = "DUE"
"""Of a delivery that the hub wrote itself; from outside, there is only POST."""

CLOCK = "schedule"
"""Stands for the connection of an event that comes from no account."""

LATE_MS = 600_000


def keep(hub: Hub) -> None:
    """Writes down when each schedule of each recipe that is on is due next, and forgets the others. A zone that was
    changed, or a clock that was set back, moves it."""
    on = schema.enabled_recipe.c
    with hub.database.read() as connection:
        using = set(connection.execute(sa.select(on.workspace_id).where(on.disabled_at.is_(None)).distinct()).scalars())
    kept: dict[int, list[Any]] = defaultdict(list)
    for row in _rows(hub, sa.true()):
        kept[row.workspace_id].append(row)
    for workspace in hub.workspaces.list():
        if workspace.id in using or workspace.id in kept:
            with suppress(HubError):  # one business's trouble is not the others'
                _keep(hub, workspace, kept[workspace.id])


def next_times(hub: Hub, workspace: Workspace) -> dict[str, int]:
    """When each recipe of the workspace that begins by the clock does so next, in milliseconds since 1970."""
    due = {(row.recipe, row.name): row.due_at for row in _rows(hub, schema.schedule.c.workspace_id == workspace.id)}
    found: dict[str, int] = {}
    for recipe, _, schedule in _wanted(hub, workspace):
        if (at := due.get((recipe.name, schedule.name))) is not None:
            found[recipe.name] = min(at, found.get(recipe.name, at))
    return found


def fire(hub: Hub, is_over: Callable[[], bool] = lambda: False) -> int:
    """Tells the inbox of every schedule whose time has come; gives how many. Of times that passed meanwhile only the
    latest counts."""
    now, count = hub.clock.now(), 0
    wanted: dict[int, list[tuple[Recipe, Enabled, Schedule]]] = {}
    for row in _rows(hub, schema.schedule.c.due_at <= now):
        if is_over():
            break
        workspace = hub.workspaces.get(row.workspace_id)
        if workspace.id not in wanted:
            wanted[workspace.id] = list(_wanted(hub, workspace))
        for recipe, _, schedule in wanted[workspace.id]:
            if (recipe.name, schedule.name) == (row.recipe, row.name) and _zone(schedule, workspace) == row.zone:
                work = partial(_fire, hub, row, workspace, recipe, schedule, now)
                count += hub.database.retrying(work)
    if count:
        hub.wakeups.wake(READ)
    return count


def _fire(hub: Hub, row: Any, workspace: Workspace, recipe: Recipe, schedule: Schedule, now: int) -> bool:
    table = schema.schedule
    at, wall = schedule.latest(to_datetime(now), row.zone)
    following, _ = schedule.after(to_datetime(now), row.zone)
    mine = sa.and_(*(table.c[name] == getattr(row, name) for name in ("workspace_id", "recipe", "name", "due_at")))
    with hub.database.write() as connection:
        # Another clock may have been faster.
        if not connection.execute(sa.update(table).where(mine).values(due_at=to_ms(following))).rowcount:
            return False
        if schedule.catch_up == "skip" and now - to_ms(at) > LATE_MS:
            return False
        if schedule.listing is not None and _still_goes(connection, workspace, recipe):
            return False
        event = Event(f"{recipe.name} {schedule.name} {wall}", schedule.type, at, told(schedule, at, row.zone))
        deliver(hub, connection, workspace, CLOCK, recipe.name, [event])
    return True


def _still_goes(connection: sa.Connection, workspace: Workspace, recipe: Recipe) -> bool:
    """Whether the recipe still goes through its list, since an earlier time."""
    run = schema.run
    mine = (run.c.workspace_id == workspace.id) & (run.c.recipe == recipe.name)
    query = sa.select(run.c.id).where(mine, run.c.person_id.is_(None), run.c.ended_at.is_(None))
    return connection.execute(query.limit(1)).first() is not None


def _keep(hub: Hub, workspace: Workspace, kept: Sequence[Any]) -> None:
    table, now = schema.schedule, to_datetime(hub.clock.now())
    mine = table.c.workspace_id == workspace.id
    rows = {(row.recipe, row.name): row for row in kept}
    fresh, moved = [], []
    for recipe, entry, schedule in _wanted(hub, workspace):
        row, zone = rows.pop((recipe.name, schedule.name), None), _zone(schedule, workspace)
        if row is None:
            due, _ = schedule.after(to_datetime(entry.enabled_at), zone)
            key = {"workspace_id": workspace.id, "recipe": recipe.name, "name": schedule.name}
            fresh.append(key | {"zone": zone, "due_at": to_ms(due)})
            continue
        following, _ = schedule.after(now, zone)
        if row.zone != zone or row.due_at > to_ms(following):
            moved.append((row, zone, to_ms(following)))
    if not (rows or fresh or moved):
        return
    with hub.database.write() as connection:
        hub.database.insert_new(connection, table, fresh)
        for row, zone, due_at in moved:
            which = mine & (table.c.recipe == row.recipe) & (table.c.name == row.name)
            connection.execute(sa.update(table).where(which).values(zone=zone, due_at=due_at))
        for recipe_name, name in rows:
            connection.execute(sa.delete(table).where(mine, table.c.recipe == recipe_name, table.c.name == name))


def _wanted(hub: Hub, workspace: Workspace) -> Iterator[tuple[Recipe, Enabled, Schedule]]:
    for recipe, entry in hub.enabled.of(workspace):
        for schedule in recipe.schedules:
            yield recipe, entry, schedule


def _zone(schedule: Schedule, workspace: Workspace) -> str:
    return schedule.zone or workspace.time_zone or "UTC"


def _rows(hub: Hub, which: sa.ColumnElement[bool]) -> Sequence[Any]:
    with hub.database.read() as connection:
        return connection.execute(sa.select(schema.schedule).where(which)).all()


# ---- told to the inbox


def deliver(
    hub: Hub, connection: sa.Connection, workspace: Workspace, connection_id: str, recipe: str, events: Sequence[Event]
) -> None:
    """Writes events down for the inbox, which one recipe asked for. Wake it once this is committed."""
    from webhooks.intake import packed

    delivery_id, now = new_id(), hub.clock.now()
    document = {"recipe": recipe, "events": [_written(event) for event in events]}
    made = Delivery(METHOD, "", {}, json.dumps(document).encode(), to_datetime(now))
    row = {
        "id": delivery_id,
        "workspace_id": workspace.id,
        "connection_id": connection_id,
        "received_at": now,
        "state": "new",
        "events": 0,
        "content": workspace.sealer.seal(packed(made), f"delivery {delivery_id}", packs=False),
    }
    connection.execute(sa.insert(schema.delivery).values(row))


def recipe_of(delivery: Delivery) -> str:
    """The recipe that asked for what such a delivery tells."""
    return str(delivery.json["recipe"])


def events_in(delivery: Delivery) -> Iterator[Event]:
    """What such a delivery tells."""
    for item in delivery.json["events"]:
        person, at = Person(item["email"], item["phone"], item["ids"]), datetime.fromisoformat(item["at"])
        place = Place(*item["place"]) if item["place"] else None
        yield Event(item["key"], item["type"], at, item["data"], person, place=place)


def wanted(hub: Hub, workspace: Workspace, delivery: Delivery) -> Iterator[Event]:
    """What such a delivery tells that may start the recipe. Of the others in a list, of which there may be thousands
    each day, nothing is kept."""
    name = recipe_of(delivery)
    recipe = next((recipe for recipe, _ in hub.enabled.of(workspace) if recipe.name == name), None)
    for event in events_in(delivery):
        if event.type != EACH or (recipe is not None and _may_start(recipe, event)):
            yield event


def _may_start(recipe: Recipe, event: Event) -> bool:
    try:
        return recipe.refusal(event) is None
    except Exception:  # the inbox meets it again, and tells
        return True


def is_timed(event: Event) -> bool:
    """Whether it comes from a schedule, and not from what happened somewhere."""
    return event.type.startswith(f"{CLOCK}.")


def connection_of(hub: Hub, workspace: Workspace, connection_id: str) -> Connection:
    """The connection of this id, or what stands for one where an event comes from no account. Raises NotFound."""
    if connection_id != CLOCK:
        return hub.connections.get(connection_id)
    return Connection(CLOCK, workspace.id, _connector, "The clock", READY, None, 0, {})


def _written(event: Event) -> dict[str, Any]:
    person = event.person
    about: dict[str, Any] = {"email": person.email, "phone": person.phone, "ids": dict(person.ids)}
    about["place"] = list(astuple(event.place)) if event.place else None
    return about | {"key": event.key, "type": event.type, "at": event.at.isoformat(), "data": event.data}


def _nobody(delivery: Delivery, secrets: Any) -> None:
    raise SignatureMissing


_connector = Connector(
    CLOCK, title="Schedule", about="The clock on the wall.", fields=[], verify=_nobody, limit=Limit(concurrent=1)
)
