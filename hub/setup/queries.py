"""What the page asks the database. Every query is bound to a workspace; what it gives holds nothing personal."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import sqlalchemy as sa

from .. import schema, values
from ..connections import READY, Connection
from ..core import Hub
from ..errors import HubError
from ..silence import still
from ..step import WAIT_FOR
from ..workspaces import Workspace

MOST_STEPS = 200
"""Steps of one run that are shown; whatever is still open is shown besides."""

LOOKED_THROUGH = 10_000
"""Runs among which those of a state or a recipe are looked for at once."""

LATE = 10_000
"""Milliseconds after which something that is due counts as late."""


@dataclass(frozen=True)
class Account:
    """A connection and how it has been lately. `silent`: since when it is unusually silent, and how many milliseconds
    usually lie between two of its events."""

    connection: Connection
    last_event_at: int | None
    paused_until: int | None
    silent: tuple[int, int] | None = None

    def paused_at(self, now: int) -> int | None:
        """Until when its service is left alone; None if it takes calls, or would if it were ready."""
        is_paused = self.connection.state == READY and self.paused_until is not None and self.paused_until > now
        return self.paused_until if is_paused else None


@dataclass(frozen=True)
class Step:
    """A step of a run. `awaits` are the types of events that a wait is for, where they are still known, and
    `answered_by` the type that ended it."""

    position: int
    action: str
    state: str
    attempts: int
    asked_at: int
    claimed_at: int | None
    ended_at: int | None
    due_at: int | None
    reason: str | None
    held_until: int | None
    connection_id: str | None
    awaits: tuple[str, ...]
    answered_by: str | None


_SHOWN = tuple(item.name for item in fields(Step) if item.name not in ("awaits", "answered_by"))


@dataclass(frozen=True)
class Run:
    """A run, the event that started it, and its steps in order. `sealed`: what was in it is still kept."""

    id: int
    recipe: str
    version: str
    state: str
    reason: str | None
    started_at: int
    ended_at: int | None
    event_id: int
    event_type: str
    event_at: int
    received_at: int
    sealed: bool
    steps: tuple[Step, ...]


def accounts(hub: Hub, workspace: Workspace) -> list[Account]:
    """The workspace's connections, oldest first."""
    table = schema.connection
    lately = (table.c.last_event_at, table.c.paused_until, table.c.silent_since, table.c.usual_ms)
    query = sa.select(table.c.id, *lately).where(table.c.workspace_id == workspace.id)
    with hub.database.read() as connection:
        rows = {row.id: row for row in connection.execute(query)}
    return [_account(found, rows[found.id]) for found in hub.connections.list(workspace) if found.id in rows]


def _account(connection: Connection, row: Any) -> Account:
    silent = still(row.silent_since, row.last_event_at, row.usual_ms) if connection.state == READY else None
    return Account(connection, row.last_event_at, row.paused_until, silent)


def latest_runs(hub: Hub, workspace: Workspace, limit: int) -> list[Run]:
    """The newest runs, newest first."""
    return _runs(hub, workspace, schema.run.c.workspace_id == workspace.id, limit)


def held_runs(hub: Hub, workspace: Workspace, limit: int) -> list[Run]:
    """Runs that wait for a person, newest first."""
    table = schema.run
    return _runs(hub, workspace, _among_few(table, workspace) & (table.c.state == sa.literal_column("'held'")), limit)


def run(hub: Hub, workspace: Workspace, run_id: int) -> Run | None:
    """One run; None if this workspace has none of this id."""
    table = schema.run
    of_this = (table.c.workspace_id == workspace.id) & (table.c.id == run_id)
    return next(iter(_runs(hub, workspace, of_this, 1)), None)


def runs_of_events(hub: Hub, workspace: Workspace, event_ids: Sequence[int], limit: int) -> list[Run]:
    """The runs that these events started, newest first."""
    table = schema.run
    return _runs(hub, workspace, _among_few(table, workspace) & table.c.event_id.in_(event_ids), limit)


def runs_in(hub: Hub, workspace: Workspace, state: str, recipe: str | None, before: int, limit: int) -> list[Run]:
    """The runs that are held or failed, newest first, older than `before`: an index has just these."""
    table = schema.run
    mine = _among_few(table, workspace) if state == "held" else table.c.workspace_id == workspace.id
    which = mine & (table.c.state == sa.literal_column(f"'{state}'")) & (table.c.id < before)
    return _runs(hub, workspace, which & (table.c.recipe == recipe) if recipe else which, limit)


def runs_looked_for(
    hub: Hub, workspace: Workspace, states: Sequence[str], recipe: str | None, before: int, limit: int
) -> tuple[list[Run], int | None]:
    """The runs in these states, or in any if there are none, and of a recipe, newest first, older than `before`; and
    from where to look on. So many are looked through and no more: no index leads to all of these."""
    table = schema.run
    lately = (
        sa.select(table.c.id, table.c.state, table.c.recipe)
        .where(table.c.workspace_id == workspace.id, table.c.id < before)
        .order_by(table.c.id.desc())
        .limit(LOOKED_THROUGH)
        .subquery()
    )
    query = sa.select(lately.c.id).order_by(lately.c.id.desc()).limit(limit)
    if states:
        query = query.where(lately.c.state.in_(states))
    if recipe:
        query = query.where(lately.c.recipe == recipe)
    with hub.database.read() as connection:
        ids = connection.execute(query).scalars().all()
        if len(ids) == limit:
            older = ids[-1]
        else:
            count, last = connection.execute(sa.select(sa.func.count(), sa.func.min(lately.c.id))).one()
            older = last if count == LOOKED_THROUGH else None
    found = _runs(hub, workspace, (table.c.workspace_id == workspace.id) & table.c.id.in_(ids), limit) if ids else []
    return found, older


def count_steps(hub: Hub, workspace: Workspace, run_id: int) -> int:
    """How many steps a run has asked for so far."""
    table = schema.step
    query = sa.select(sa.func.count()).where(table.c.workspace_id == workspace.id, table.c.run_id == run_id)
    with hub.database.read() as connection:
        return connection.execute(query).scalar_one()


def is_late(hub: Hub, workspace: Workspace) -> bool:
    """Whether deliveries or runs wait longer than they should: the hub is catching up."""
    delivery, table, late = schema.delivery, schema.run, hub.clock.now() - LATE
    unread = sa.select(sa.literal(1)).where(
        delivery.c.state == sa.literal_column("'new'"),
        _among_few(delivery, workspace),
        delivery.c.received_at < late,
    )
    overdue = sa.select(sa.literal(1)).where(table.c.due_at < late, _among_few(table, workspace))
    with hub.database.read() as connection:
        return any(connection.execute(query.limit(1)).first() for query in (unread, overdue))


def _among_few(table: sa.Table, workspace: Workspace) -> sa.ColumnElement[bool]:
    """That a row is the workspace's, where an index over few rows should find it: SQLite would rather walk through
    all of a workspace's rows if it could use that index for an equation."""
    mine: sa.ColumnElement[bool] = table.c.workspace_id + 0 == workspace.id
    return mine


def _runs(hub: Hub, workspace: Workspace, which: sa.ColumnElement[bool], limit: int) -> list[Run]:
    table, event = schema.run, schema.event
    query = (
        sa.select(table, event.c.type.label("event_type"), event.c.received_at)
        .join(event, (event.c.id == table.c.event_id) & (event.c.workspace_id == table.c.workspace_id))
        .where(which)
        .order_by(table.c.id.desc())
        .limit(limit)
    )
    with hub.database.read() as connection:
        rows = connection.execute(query).all()
        steps = _steps(hub, connection, workspace, rows) if rows else {}
    return [
        Run(
            id=row.id,
            recipe=row.recipe,
            version=row.version,
            state=row.state,
            reason=row.reason,
            started_at=row.started_at,
            ended_at=row.ended_at,
            event_id=row.event_id,
            event_type=row.event_type,
            event_at=row.event_at,
            received_at=row.received_at,
            sealed=row.sealed,
            steps=tuple(steps.get(row.id, ())),
        )
        for row in rows
    ]


def _steps(hub: Hub, connection: sa.Connection, workspace: Workspace, runs: Sequence[Any]) -> dict[int, list[Step]]:
    table, event = schema.step, schema.event
    is_open = table.c.state.in_(("waiting", "claimed", "unknown"))
    wait = sa.case((table.c.action == WAIT_FOR, table.c.inputs)).label("wait")
    shown = (table.c[name] for name in _SHOWN)
    query = (
        sa.select(*shown, table.c.run_id, table.c.person_id, wait, event.c.type.label("answered_by"))
        .join_from(table, event, event.c.id == table.c.event_id, isouter=True)
        .where(
            table.c.workspace_id == workspace.id,
            table.c.run_id.in_([row.id for row in runs]),
            (table.c.position < MOST_STEPS) | is_open,
        )
        .order_by(table.c.run_id, table.c.position)
    )
    rows = connection.execute(query).all()
    waits = {row.person_id for row in rows if row.action == WAIT_FOR}
    sealers = hub.people.sealers(connection, workspace, waits) if waits else {}
    found: dict[int, list[Step]] = defaultdict(list)
    for row in rows:
        awaits = _awaits(row, sealers.get(row.person_id)) if row.action == WAIT_FOR else ()
        plain = {name: getattr(row, name) for name in _SHOWN}
        found[row.run_id].append(Step(**plain, awaits=awaits, answered_by=row.answered_by))
    return found


def _awaits(row: Any, sealer: Any) -> tuple[str, ...]:
    """The types of events that a wait is for: nothing else of its inputs is looked at."""
    if row.wait is None or sealer is None:
        return ()
    try:
        inputs = values.read(sealer.open(row.wait, f"step {row.run_id} {row.position} inputs"))
    except HubError:
        return ()
    return tuple(match["type"] for match in inputs["any"])
