"""What happened, for people to read: deliveries, events, runs, and the whole story of one run.

Each question is asked for one workspace, and answers hold nothing personal unless they are asked to be opened.
Instants are milliseconds since 1970.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from . import outcomes, schema, values
from .core import Hub
from .errors import NotFound
from .events import opened as opened_event
from .sealing import Sealer
from .workspaces import Workspace

MOST = 50
"""How many lines a listing has if nobody says otherwise."""


@dataclass(frozen=True)
class DeliveryLine:
    """One delivery. `events` counts those that were new; `kept` tells whether it can still be read again."""

    id: int
    connection_id: str
    connector: str
    received_at: int
    state: str
    reason: str | None
    events: int
    kept: bool


@dataclass(frozen=True)
class EventLine:
    """One event. `started` has the runs as (recipe, run's id); `skipped` why other recipes did not start."""

    id: int
    connection_id: str
    connector: str
    type: str
    at: int
    received_at: int
    state: str
    started: tuple[tuple[str, int], ...]
    skipped: Mapping[str, str]


@dataclass(frozen=True)
class RunLine:
    """One run. `due_at`: when it goes on by itself, where time decides."""

    id: int
    recipe: str
    version: str
    state: str
    reason: str | None
    event_id: int
    event_type: str
    started_at: int
    ended_at: int | None
    due_at: int | None


@dataclass(frozen=True)
class StepLine:
    """One step of a run. `outcome` is a sentence without personal data; `inputs` and `answer` only where opened."""

    position: int
    action: str
    title: str
    state: str
    attempts: int
    asked_at: int
    ended_at: int | None
    due_at: int | None
    reason: str | None
    outcome: str
    inputs: Any = field(default=None, repr=False)
    answer: Any = field(default=None, repr=False)


@dataclass(frozen=True)
class Story:
    """One run from its event to its end. `data` is the event's payload where it was opened."""

    run: RunLine
    event: EventLine
    steps: tuple[StepLine, ...]
    data: Any = field(default=None, repr=False)


def deliveries(workspace: Workspace, hub: Hub, *, state: str | None = None, limit: int = MOST) -> list[DeliveryLine]:
    """The workspace's latest deliveries, newest first."""
    table, connection = schema.delivery, schema.connection
    query = (
        _latest(table, workspace, state, limit)
        .add_columns(connection.c.connector)
        .outerjoin_from(table, connection, connection.c.id == table.c.connection_id)
    )
    with hub.database.read() as database:
        rows = database.execute(query).all()
    return [
        DeliveryLine(
            row.id,
            row.connection_id,
            row.connector or row.connection_id,
            row.received_at,
            row.state,
            row.reason,
            row.events,
            row.content is not None,
        )
        for row in rows
    ]


def events(workspace: Workspace, hub: Hub, *, state: str | None = None, limit: int = MOST) -> list[EventLine]:
    """The workspace's latest events, newest first."""
    with hub.database.read() as database:
        return _event_lines(database, workspace, database.execute(_latest(schema.event, workspace, state, limit)))


def runs(workspace: Workspace, hub: Hub, *, state: str | None = None, limit: int = MOST) -> list[RunLine]:
    """The workspace's latest runs, newest first."""
    query = _with_event_type(_latest(schema.run, workspace, state, limit))
    with hub.database.read() as database:
        return [_run_line(row) for row in database.execute(query)]


def count_runs(workspace: Workspace, hub: Hub, state: str) -> int:
    """How many of the workspace's runs are in a state."""
    table = schema.run
    query = sa.select(sa.func.count()).where(table.c.workspace_id == workspace.id, table.c.state == state)
    with hub.database.read() as database:
        return database.execute(query).scalar_one()


def count_unreadable(workspace: Workspace, hub: Hub) -> int:
    """How many of the workspace's deliveries could not be read, and can still be read again."""
    table = schema.delivery
    query = sa.select(sa.func.count()).where(
        table.c.workspace_id == workspace.id, table.c.state == "unreadable", table.c.content.is_not(None)
    )
    with hub.database.read() as database:
        return database.execute(query).scalar_one()


def recipes_ever_on(workspace: Workspace, hub: Hub) -> set[str]:
    """The recipes that are on in the workspace, or once were."""
    table = schema.enabled_recipe
    with hub.database.read() as database:
        return set(database.execute(sa.select(table.c.recipe).where(table.c.workspace_id == workspace.id)).scalars())


def story(workspace: Workspace, hub: Hub, run_id: int, *, opened: bool = False) -> Story:
    """One run with its event and its steps. With `opened` also what they say, which is personal.

    Raises NotFound if the workspace has no such run.
    """
    run, event = schema.run, schema.event
    with hub.database.read() as database:
        query = _with_event_type(sa.select(run).where(run.c.workspace_id == workspace.id, run.c.id == run_id))
        row = database.execute(query).one_or_none()
        if row is None:
            raise NotFound("There is no such run. See: hub runs")
        trigger = database.execute(
            sa.select(event).where(event.c.workspace_id == workspace.id, event.c.id == row.event_id)
        ).one()
        sealer = hub.people.sealer(database, workspace, row.person_id) if opened else None
        steps = tuple(_step_lines(hub, database, workspace, run_id, sealer))
        (about,) = _event_lines(database, workspace, [trigger])
    found = opened_event(trigger, sealer)
    return Story(_run_line(row), about, steps, found.data if found else None)


def _latest(table: sa.Table, workspace: Workspace, state: str | None, limit: int) -> sa.Select[Any]:
    query = sa.select(table).where(table.c.workspace_id == workspace.id)
    if state is not None:
        query = query.where(table.c.state == state)
    return query.order_by(table.c.id.desc()).limit(limit)


def _event_lines(database: sa.Connection, workspace: Workspace, rows: Iterable[Any]) -> list[EventLine]:
    listed = list(rows)
    run, connection = schema.run, schema.connection
    connectors = database.execute(
        sa.select(connection.c.id, connection.c.connector).where(connection.c.workspace_id == workspace.id)
    )
    names = {row.id: row.connector for row in connectors}
    started: dict[int, list[tuple[str, int]]] = defaultdict(list)
    query = sa.select(run.c.event_id, run.c.recipe, run.c.id).where(
        run.c.workspace_id == workspace.id, run.c.event_id.in_([row.id for row in listed])
    )
    for found in database.execute(query.order_by(run.c.id)):
        started[found.event_id].append((found.recipe, found.id))
    return [
        EventLine(
            row.id,
            row.connection_id,
            names.get(row.connection_id, row.connection_id),
            row.type,
            row.at,
            row.received_at,
            row.state,
            tuple(started[row.id]),
            json.loads(row.skipped or "{}"),
        )
        for row in listed
    ]


def _with_event_type(query: sa.Select[Any]) -> sa.Select[Any]:
    run, event = schema.run, schema.event
    return query.add_columns(event.c.type.label("event_type")).join_from(run, event, event.c.id == run.c.event_id)


def _run_line(row: Any) -> RunLine:
    return RunLine(
        row.id,
        row.recipe,
        row.version,
        row.state,
        row.reason,
        row.event_id,
        row.event_type,
        row.started_at,
        row.ended_at,
        row.due_at,
    )


def _step_lines(
    hub: Hub, database: sa.Connection, workspace: Workspace, run_id: int, sealer: Sealer | None
) -> Iterable[StepLine]:
    step, connection, event = schema.step, schema.connection, schema.event
    query = (
        sa.select(step, event.c.type.label("answered_by"))
        .add_columns(
            connection.c.state.label("account_state"),
            connection.c.reason.label("account_reason"),
            connection.c.paused_until,
        )
        .outerjoin_from(step, connection, connection.c.id == step.c.connection_id)
        .outerjoin(event, event.c.id == step.c.event_id)
        .where(step.c.workspace_id == workspace.id, step.c.run_id == run_id)
        .order_by(step.c.position)
    )
    for row in database.execute(query):
        about = f"step {run_id} {row.position}"
        yield StepLine(
            row.position,
            row.action,
            outcomes.title_of(row.action),
            row.state,
            row.attempts,
            row.asked_at,
            row.ended_at,
            row.due_at,
            row.reason,
            outcomes.outcome(row, hub.clock.now()),
            _read(sealer, row.inputs, f"{about} inputs"),
            _read(sealer, row.answer, f"{about} answer"),
        )


def _read(sealer: Sealer | None, sealed: bytes | None, about: str) -> Any:
    return values.read(sealer.open(sealed, about)) if sealer and sealed else None
