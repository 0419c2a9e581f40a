"""Taking due runs, and reading everything that is needed to decide on them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from .. import events, schema, values
from ..core import Hub
from ..database import POSTGRES_NOW, SQLITE_NOW
from ..enabled import Enabled
from ..errors import NOT_SENT, HubError, NotSent, Rejected, ReplayFailed
from ..event import Event
from ..recipe import Recipe
from ..sealing import Sealer
from ..step import ASK, WAIT_FOR
from ..workspaces import Workspace
from .state import Line, Run, event_from

LEASE_SECONDS = 30


def claim(hub: Hub, limit: int) -> Sequence[Any]:
    """The next due runs. Of one person's runs, only the one of the earliest event goes on; one that waits, for
    time or for a provider that is down, lets later ones pass."""
    table, database = schema.run, hub.database
    asked = {"now": hub.clock.now(), "most": limit}
    if database.is_sqlite:
        # One file has one writer: the fence alone tells if another process was faster, and a commit is saved.
        with database.read() as connection:
            return connection.execute(_DUE_ON_SQLITE, asked).all()
    with database.write() as connection:
        ids = connection.execute(_DUE_ON_POSTGRES, asked).scalars().all()
        if not ids:
            return []
        until = database.db_now + LEASE_SECONDS * 1000
        statement = sa.update(table).where(table.c.id.in_(ids)).values(leased_until=until, fence=table.c.fence + 1)
        return connection.execute(statement.returning(*table.c)).all()


def _due(database_now: sa.ColumnElement[int]) -> sa.Select[Any]:
    """The ids of the runs that are due; with `now` in milliseconds, and how many at `most`."""
    table, earlier = schema.run, schema.run.alias("earlier")
    blocked = sa.exists().where(
        earlier.c.person_id == table.c.person_id,
        earlier.c.ended_at.is_(None),
        earlier.c.state == "running",
        (earlier.c.event_at < table.c.event_at)
        | ((earlier.c.event_at == table.c.event_at) & (earlier.c.event_id < table.c.event_id)),
    )
    is_free = table.c.leased_until < database_now
    due = sa.select(table.c.id).where(table.c.due_at <= sa.bindparam("now"), is_free, sa.not_(blocked))
    return due.order_by(table.c.due_at, table.c.id).limit(sa.bindparam("most"))


# Made once: making them costs more than SQLite takes for them.
_DUE_ON_SQLITE = sa.select(schema.run).where(schema.run.c.id.in_(_due(SQLITE_NOW)))
_DUE_ON_POSTGRES = _due(POSTGRES_NOW).with_for_update(skip_locked=True, of=schema.run)


def load(hub: Hub, rows: Sequence[Any], onto: tuple[Recipe, Enabled] | None = None) -> list[Run]:
    """The runs of these rows. `onto`: the recipe, and how it is on, that they are to go on with."""
    by_workspace: dict[int, list[Any]] = defaultdict(list)
    for row in rows:
        by_workspace[row.workspace_id].append(row)
    loaded: list[Run] = []
    with hub.database.read() as connection:
        for workspace_id, mine in by_workspace.items():
            loaded += _load_workspace(hub, connection, hub.workspaces.get(workspace_id), mine, onto)
    return sorted(loaded, key=lambda run: (run.row.event_at, run.row.event_id))


def _load_workspace(
    hub: Hub,
    connection: sa.Connection,
    workspace: Workspace,
    rows: Sequence[Any],
    onto: tuple[Recipe, Enabled] | None,
) -> list[Run]:
    sealers = hub.people.sealers(connection, workspace, {row.person_id for row in rows})
    runs = {row.id: Run(row, workspace, sealers[row.person_id], reason=row.reason) for row in rows}
    at_hand = _at_hand(hub, connection, {row.event_id for row in rows})
    event_rows = connection.execute(
        sa.select(schema.event).where(schema.event.c.id.in_({row.event_id for row in rows} - at_hand.keys()))
    )
    triggers = {row.id: row for row in event_rows}
    for run in runs.values():
        event_id = run.row.event_id
        known = at_hand.get(event_id)
        run.doubted_since = hub.doubted_since(known[1] if known else triggers[event_id].received_at)
        try:
            run.event = known[0] if known else events.opened(triggers[event_id], run.sealer)
            run.recipe, run.enabled = onto or _own(hub, connection, run.row)
        except HubError as error:
            run.problem = error
    step_rows = connection.execute(
        sa.select(schema.step)
        .where(schema.step.c.run_id.in_(runs), schema.step.c.workspace_id == workspace.id)
        .order_by(schema.step.c.run_id, schema.step.c.position)
    )
    for row in step_rows:
        run = runs[row.run_id]
        if run.sealer is not None:
            try:
                run.lines[row.position] = line_of(row, run.sealer)
            except HubError as error:
                run.problem = error
            except Exception as error:  # an older release may have written it otherwise
                why = f"Step {row.position + 1} of the run's journal cannot be read ({type(error).__name__})."
                run.problem = ReplayFailed(why)
    _load_since(connection, workspace, list(runs.values()))
    return list(runs.values())


def _own(hub: Hub, connection: sa.Connection, row: Any) -> tuple[Recipe, Enabled]:
    return hub.versions.load(row.recipe, row.version), hub.enabled.get(connection, row.enabled_id)


def _at_hand(hub: Hub, connection: sa.Connection, event_ids: set[int]) -> dict[int, tuple[Event, int]]:
    """Those of the events that need not be read again, unless they were erased meanwhile, and when they came in."""
    found = {event_id: event for event_id in event_ids if (event := hub.events.get(event_id))}
    table = schema.event
    kept = sa.select(table.c.id, table.c.received_at).where(table.c.id.in_(found), table.c.content.is_not(None))
    return {row.id: (found[row.id], row.received_at) for row in connection.execute(kept)} if found else {}


def line_of(row: Any, sealer: Sealer) -> Line:
    """A step of a run, opened."""
    line = Line(
        row.position,
        row.action,
        bytes(row.fingerprint),
        row.state,
        asked_at=row.asked_at,
        due_at=row.due_at,
        event_id=row.event_id,
        connection_id=row.connection_id,
    )
    about = f"step {row.run_id} {row.position}"
    if row.action in (WAIT_FOR, ASK) and row.state == "waiting":
        line.inputs = values.read(sealer.open(row.inputs, f"{about} inputs"))
    if row.answer is not None:
        content = sealer.open(row.answer, f"{about} answer")
        if row.state == "refused":
            told = values.read(content)
            line.error = (NotSent if told.get("code") == NOT_SENT else Rejected)(**told)
        elif row.action == WAIT_FOR:
            line.answer = event_from(values.read(content))
        else:
            line.answer = values.read(content)
    return line


def _load_since(connection: sa.Connection, workspace: Workspace, runs: Sequence[Run]) -> None:
    """Loads the events that may answer a wait or end a run: of its person, of these types, since its own event."""
    waiting = [run for run in runs if run.row.person_id is not None and run.sealer is not None and run.waits_for]
    rows = events_since(connection, workspace, [(run.row, run.waits_for) for run in waiting])
    for run in waiting:
        for row in rows[run.row.person_id]:
            if row.type in run.waits_for and is_since(row, run.row):
                _see(run, row)


def _see(run: Run, row: Any) -> None:
    try:
        event = events.opened(row, run.sealer)
    except HubError as error:
        run.problem = error
    else:
        if event is not None:
            run.since.append((row, event))


def events_since(
    connection: sa.Connection, workspace: Workspace, wanted: Sequence[tuple[Any, set[str]]]
) -> Mapping[int, list[Any]]:
    found: dict[int, list[Any]] = defaultdict(list)
    if wanted:
        table = schema.event
        query = sa.select(table).where(
            table.c.workspace_id == workspace.id,
            table.c.person_id.in_({row.person_id for row, _ in wanted}),
            table.c.type.in_({kind for _, kinds in wanted for kind in kinds}),
            table.c.state == "taken",
            (table.c.id > min(row.event_id for row, _ in wanted))
            | (table.c.at >= min(row.event_at for row, _ in wanted)),
        )
        for row in connection.execute(query.order_by(table.c.at, table.c.id)):
            found[row.person_id].append(row)
    return found


def is_since(event_row: Any, run_row: Any) -> bool:
    """Whether an event came, or happened, since a run's own: providers deliver late and out of order."""
    later = event_row.id > run_row.event_id or event_row.at >= run_row.event_at
    return bool(later and event_row.id != run_row.event_id)
