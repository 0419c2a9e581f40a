"""The engine: takes the runs that are due, replays them, and writes down what they ask for next.

Whatever is decided here is written in one transaction per batch, and only for runs that nobody else advanced
meanwhile (their fence is still the one that was read).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from . import events, registry, schema, values
from .core import Hub
from .enabled import Enabled
from .errors import HubError, Rejected, ReplayFailed
from .event import Event
from .matching import fits
from .recipe import Recipe
from .replay import Asked, Entry, Failed, Finished, Held, Outcome, Waiting, replay
from .sealing import Sealer
from .step import NOW, SLEEP, SLEEP_UNTIL, WAIT_FOR, Steps
from .timing import to_datetime, to_ms
from .wakeups import ADVANCE, perform
from .workspaces import Workspace

BATCH = 200
LEASE_SECONDS = 30
TRANSACTIONAL, OTHER, MARKETING = 0, 1, 2
_PRIORITY = {"transactional": TRANSACTIONAL, "marketing": MARKETING}
_OPEN = ("waiting", "claimed", "unknown")


@dataclass
class _Line:
    """One step of a run, as the engine works with it."""

    position: int
    action: str
    fingerprint: bytes
    state: str
    due_at: int | None = None
    inputs: Any = None
    answer: Any = None
    error: Rejected | None = None
    event_id: int | None = None
    connection_id: str | None = None
    asked: Asked | None = None
    changed: bool = False

    @property
    def entry(self) -> Entry:
        return Entry(self.action, self.fingerprint, self.state not in _OPEN, self.answer, self.error)


@dataclass
class _Run:
    """One run, as the engine works with it."""

    row: Any
    workspace: Workspace
    sealer: Sealer | None
    recipe: Recipe | None = None
    enabled: Enabled | None = None
    event: Event | None = None
    lines: dict[int, _Line] = field(default_factory=dict)
    since: list[tuple[Any, Event]] = field(default_factory=list)
    problem: HubError | None = None
    state: str = "running"
    reason: str | None = None
    ended: bool = False
    due_at: int | None = None

    @property
    def waits_for(self) -> set[str]:
        """The types of events that this run must be woken for."""
        kinds = {match.type for match in self.recipe.stop_when} if self.recipe else set()
        for line in self.lines.values():
            if line.action == WAIT_FOR and line.state == "waiting":
                kinds |= {match["type"] for match in line.inputs["any"]}
        return kinds

    def begin(self) -> Steps:
        assert self.recipe is not None and self.event is not None and self.enabled is not None
        return self.recipe(self.event, **self.enabled.settings)


def advance(hub: Hub, limit: int = BATCH) -> int:
    """Advances a batch of due runs; gives how many there were."""
    rows = hub.database.retrying(lambda: _claim(hub, limit))
    if not rows:
        return 0
    runs = _load(hub, rows)
    for run in runs:
        _advance(hub, run)
    queues, more = hub.database.retrying(lambda: _write(hub, runs))
    for queue in sorted(queues):
        hub.wakeups.wake(queue)
    if more:
        hub.wakeups.wake(ADVANCE)
    return len(rows)


# ---- taking runs


def _claim(hub: Hub, limit: int) -> Sequence[Any]:
    """The next due runs. Of one person's runs, only the one of the earliest event goes on; one that waits, for
    time or for a provider that is down, lets later ones pass."""
    table, earlier = schema.run, schema.run.alias("earlier")
    database = hub.database
    blocked = sa.exists().where(
        earlier.c.person_id == table.c.person_id,
        earlier.c.ended_at.is_(None),
        earlier.c.state == "running",
        (earlier.c.event_at < table.c.event_at)
        | ((earlier.c.event_at == table.c.event_at) & (earlier.c.event_id < table.c.event_id)),
    )
    due = (
        sa.select(table.c.id)
        .where(
            table.c.due_at <= hub.clock.now(),
            table.c.leased_until < database.db_now,
            sa.not_(blocked),
        )
        .order_by(table.c.due_at, table.c.id)
        .limit(limit)
    )
    if database.is_sqlite:
        # One file has one writer: the fence alone tells if another process was faster, and a commit is saved.
        with database.read() as connection:
            return connection.execute(sa.select(table).where(table.c.id.in_(due))).all()
    with database.write() as connection:
        ids = connection.execute(due.with_for_update(skip_locked=True, of=table)).scalars().all()
        if not ids:
            return []
        until = database.db_now + LEASE_SECONDS * 1000
        statement = sa.update(table).where(table.c.id.in_(ids)).values(leased_until=until, fence=table.c.fence + 1)
        return connection.execute(statement.returning(*table.c)).all()


def _load(hub: Hub, rows: Sequence[Any]) -> list[_Run]:
    by_workspace: dict[int, list[Any]] = defaultdict(list)
    for row in rows:
        by_workspace[row.workspace_id].append(row)
    loaded: list[_Run] = []
    with hub.database.read() as connection:
        for workspace_id, mine in by_workspace.items():
            loaded += _load_workspace(hub, connection, hub.workspaces.get(workspace_id), mine)
    return sorted(loaded, key=lambda run: (run.row.event_at, run.row.event_id))


def _load_workspace(hub: Hub, connection: sa.Connection, workspace: Workspace, rows: Sequence[Any]) -> list[_Run]:
    sealers = hub.people.sealers(connection, workspace, {row.person_id for row in rows})
    runs = {row.id: _Run(row, workspace, sealers[row.person_id], reason=row.reason) for row in rows}
    event_rows = connection.execute(
        sa.select(schema.event).where(schema.event.c.id.in_({row.event_id for row in rows}))
    )
    triggers = {row.id: row for row in event_rows}
    for run in runs.values():
        try:
            run.enabled = hub.enabled.get(connection, run.row.enabled_id)
            run.recipe = hub.versions.load(run.row.recipe, run.row.version)
            run.event = events.opened(triggers[run.row.event_id], run.sealer)
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
            run.lines[row.position] = _line(row, run.sealer)
    _load_since(connection, workspace, list(runs.values()))
    return list(runs.values())


def _line(row: Any, sealer: Sealer) -> _Line:
    line = _Line(
        row.position,
        row.action,
        bytes(row.fingerprint),
        row.state,
        due_at=row.due_at,
        event_id=row.event_id,
        connection_id=row.connection_id,
    )
    about = f"step {row.run_id} {row.position}"
    if row.action == WAIT_FOR and row.state == "waiting":
        line.inputs = values.read(sealer.open(row.inputs, f"{about} inputs"))
    if row.answer is not None:
        content = sealer.open(row.answer, f"{about} answer")
        if row.state == "refused":
            line.error = Rejected(**values.read(content))
        elif row.action == WAIT_FOR:
            line.answer = _event_from(values.read(content))
        else:
            line.answer = values.read(content)
    return line


def _load_since(connection: sa.Connection, workspace: Workspace, runs: Sequence[_Run]) -> None:
    """Loads the events that may answer a wait or end a run: of its person, of these types, since its own event."""
    waiting = [run for run in runs if run.row.person_id is not None and run.sealer is not None and run.waits_for]
    rows = _events_since(connection, workspace, [(run.row, run.waits_for) for run in waiting])
    for run in waiting:
        for row in rows[run.row.person_id]:
            if row.type in run.waits_for and _is_since(row, run.row):
                event = events.opened(row, run.sealer)
                if event is not None:
                    run.since.append((row, event))


def _events_since(
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


def _is_since(event_row: Any, run_row: Any) -> bool:
    """Whether an event came, or happened, since a run's own: providers deliver late and out of order."""
    later = event_row.id > run_row.event_id or event_row.at >= run_row.event_at
    return bool(later and event_row.id != run_row.event_id)


# ---- deciding


def _advance(hub: Hub, run: _Run) -> None:
    """Takes one run as far as it goes without anybody else."""
    if run.sealer is None or (run.event is None and run.problem is None):
        _end(run, "stopped", "What it was about was erased.")
        return
    if run.problem is not None:
        _hold(run, run.problem)
        return
    if reason := _exit(run):
        _end(run, "stopped", reason)
        return
    now = hub.clock.now()
    _answer_due(run, now)
    while True:
        journal = {position: line.entry for position, line in run.lines.items()}
        outcome = replay(run.begin, journal)
        if not (isinstance(outcome, Waiting) and outcome.asked):
            break
        try:
            for asked in outcome.asked:
                run.lines[asked.position] = _asked(hub, run, asked, now)
        except HubError as error:
            outcome = Held(ReplayFailed(str(error)))
            break
        if not _answer_due(run, now):
            break
    _conclude(run, outcome)


def _exit(run: _Run) -> str | None:
    assert run.recipe is not None
    for match in run.recipe.stop_when:
        if any(fits(match, event, run.event) for _, event in run.since):
            return f"Ended by {match.type}."
    return None


def _asked(hub: Hub, run: _Run, asked: Asked, now: int) -> _Line:
    """A step that was asked for just now, as a new line."""
    step = asked.step
    line = _Line(asked.position, step.action, asked.fingerprint, "waiting", asked=asked, changed=True)
    if step.action == SLEEP:
        line.due_at = now + _milliseconds(step.inputs["for"])
    elif step.action == SLEEP_UNTIL:
        line.due_at = to_ms(step.inputs["at"])
    elif step.action == WAIT_FOR:
        line.due_at = now + _milliseconds(step.inputs["timeout"])
        line.inputs = values.read(asked.inputs)
    elif step.action == NOW:
        line.due_at = now
    else:
        assert run.enabled is not None
        connector = registry.action(step.action).connector.name
        if connector not in run.enabled.connections:
            raise ReplayFailed(f"The recipe uses {connector}, but was enabled without an account of it.")
        line.connection_id = run.enabled.connections[connector]
    return line


def _milliseconds(span: timedelta) -> int:
    return max(0, round(span.total_seconds() * 1000))


def _answer_due(run: _Run, now: int) -> bool:
    """Answers the engine's own steps that have an answer now; says whether there was one."""
    answered = False
    for line in run.lines.values():
        if line.state != "waiting" or line.connection_id is not None:
            continue
        if line.action == WAIT_FOR and (found := _awaited(run, line)):
            row, event = found
            line.answer, line.event_id = event, row.id
        elif line.due_at is None or line.due_at > now:
            continue
        elif line.action == NOW:
            line.answer = to_datetime(now)
        line.state, line.changed, answered = "done", True, True
    return answered


def _awaited(run: _Run, line: _Line) -> tuple[Any, Event] | None:
    """The first event since the run's own that fits a wait, and answered no wait of this run yet."""
    used = {other.event_id for other in run.lines.values() if other.event_id}
    for row, event in run.since:
        if row.id not in used and any(fits(match, event, run.event) for match in line.inputs["any"]):
            return row, event
    return None


def _conclude(run: _Run, outcome: Outcome) -> None:
    if isinstance(outcome, Finished):
        _end(run, "done", outcome.says)
    elif isinstance(outcome, Failed):
        _end(run, "failed", outcome.reason)
    elif isinstance(outcome, Held):
        _hold(run, outcome.error)
    else:
        _wait(run)


def _wait(run: _Run) -> None:
    pending = [line for line in run.lines.values() if line.state in _OPEN]
    timers = [line.due_at for line in pending if line.connection_id is None and line.due_at is not None]
    run.due_at = min(timers, default=None)
    run.state = "running" if any(line.connection_id for line in pending) else "waiting"
    run.reason = None


def _end(run: _Run, state: str, reason: str | None) -> None:
    run.state, run.reason, run.ended, run.due_at = state, reason, True, None


def _hold(run: _Run, error: HubError) -> None:
    run.state, run.reason, run.due_at = "held", str(error), None


# ---- writing


def _write(hub: Hub, runs: Sequence[_Run]) -> tuple[set[str], bool]:
    """Writes down what was decided; gives the queues that have something to do now, and whether runs go on at once."""
    with hub.database.write() as connection:
        hub.database.lock_people(connection, [run.row.person_id for run in runs if run.row.person_id is not None])
        mine = _still_mine(connection, runs)
        _catch_up(connection, mine)
        now = hub.clock.now()
        _insert_steps(connection, mine, now)
        _update_steps(connection, mine, now)
        _drop_open_steps(connection, [run.row.id for run in mine if run.ended], now)
        _write_waiters(hub, connection, mine)
        _update_runs(connection, mine, now)
    queues = {
        perform(line.connection_id) for run in mine for line in run.lines.values() if line.connection_id and line.asked
    }
    # A run that ended or waits may have held back another one of the same person.
    more = any(run.state != "running" or run.due_at is not None for run in mine)
    return queues, more


def _still_mine(connection: sa.Connection, runs: Sequence[_Run]) -> list[_Run]:
    """The runs that nobody else advanced, cancelled or erased since they were read."""
    table = schema.run
    query = sa.select(table.c.id, table.c.fence).where(
        table.c.id.in_([run.row.id for run in runs]), table.c.ended_at.is_(None)
    )
    fences = {row.id: row.fence for row in connection.execute(query.order_by(table.c.id).with_for_update())}
    return [run for run in runs if fences.get(run.row.id) == run.row.fence]


def _catch_up(connection: sa.Connection, runs: Sequence[_Run]) -> None:
    """Makes runs due again for which an event came while they were decided on."""
    by_workspace: dict[int, list[_Run]] = defaultdict(list)
    for run in runs:
        if not run.ended and run.row.person_id is not None and run.waits_for:
            by_workspace[run.workspace.id].append(run)
    for waiting in by_workspace.values():
        rows = _events_since(connection, waiting[0].workspace, [(run.row, run.waits_for) for run in waiting])
        for run in waiting:
            known = {row.id for row, _ in run.since} | {line.event_id for line in run.lines.values()}
            for row in rows[run.row.person_id]:
                if row.type in run.waits_for and _is_since(row, run.row) and row.id not in known:
                    run.due_at = 0 if run.state != "held" else None


def _insert_steps(connection: sa.Connection, runs: Sequence[_Run], now: int) -> None:
    rows = [_step_row(run, line, now) for run in runs for line in run.lines.values() if line.asked]
    if rows:
        connection.execute(sa.insert(schema.step), rows)


def _step_row(run: _Run, line: _Line, now: int) -> dict[str, Any]:
    assert line.asked is not None and run.sealer is not None
    about = f"step {run.row.id} {line.position}"
    purpose = line.asked.step.inputs.get("purpose")
    return {
        "run_id": run.row.id,
        "position": line.position,
        "workspace_id": run.workspace.id,
        "person_id": run.row.person_id,
        "connection_id": line.connection_id,
        "action": line.action,
        "state": line.state,
        "priority": _PRIORITY.get(purpose, OTHER) if isinstance(purpose, str) else OTHER,
        "due_at": line.due_at,
        "fingerprint": line.fingerprint,
        "inputs": run.sealer.seal(line.asked.inputs, f"{about} inputs"),
        "answer": _sealed_answer(run, line),
        "event_id": line.event_id,
        "asked_at": now,
        "ended_at": now if line.state == "done" else None,
    }


def _update_steps(connection: sa.Connection, runs: Sequence[_Run], now: int) -> None:
    table = schema.step
    rows = [
        {
            "run": run.row.id,
            "at_position": line.position,
            "new_answer": _sealed_answer(run, line),
            "new_event": line.event_id,
            "now": now,
        }
        for run in runs
        for line in run.lines.values()
        if line.changed and not line.asked
    ]
    if rows:
        connection.execute(
            sa.update(table)
            .where(table.c.run_id == sa.bindparam("run"), table.c.position == sa.bindparam("at_position"))
            .values(
                state="done",
                answer=sa.bindparam("new_answer"),
                event_id=sa.bindparam("new_event"),
                ended_at=sa.bindparam("now"),
            ),
            rows,
        )


def _sealed_answer(run: _Run, line: _Line) -> bytes | None:
    if line.answer is None:
        return None
    assert run.sealer is not None
    answer = _event_as_data(line.answer) if isinstance(line.answer, Event) else line.answer
    return run.sealer.seal(values.write(answer), f"step {run.row.id} {line.position} answer")


def _event_as_data(event: Event) -> dict[str, Any]:
    return {"id": event.id, "type": event.type, "at": event.at, "content": events.packed(event).decode()}


def _event_from(data: Mapping[str, Any]) -> Event:
    row = _EventRow(data["id"], data["type"], to_ms(data["at"]))
    return events.unpacked(row, data["content"].encode())


@dataclass(frozen=True)
class _EventRow:
    id: int
    type: str
    at: int


def _drop_open_steps(connection: sa.Connection, run_ids: Sequence[int], now: int) -> None:
    """Ends the steps of ended runs that did not leave yet. One that is on its way is recorded as it comes back."""
    if run_ids:
        table = schema.step
        connection.execute(
            sa.update(table)
            .where(table.c.run_id.in_(run_ids), table.c.state == "waiting")
            .values(state="dropped", ended_at=now)
        )


def _write_waiters(hub: Hub, connection: sa.Connection, runs: Sequence[_Run]) -> None:
    """Notes which events each run must be woken for from now on."""
    table = schema.waiter
    touched = [run for run in runs if run.row.person_id is not None and (run.waits_for or _waited(run))]
    if not touched:
        return
    connection.execute(sa.delete(table).where(table.c.run_id.in_([run.row.id for run in touched])))
    rows = [
        {
            "workspace_id": run.workspace.id,
            "person_id": run.row.person_id,
            "type": kind,
            "run_id": run.row.id,
        }
        for run in touched
        if not run.ended
        for kind in sorted(run.waits_for)
    ]
    hub.database.insert_new(connection, table, rows)


def _waited(run: _Run) -> bool:
    return any(line.action == WAIT_FOR for line in run.lines.values())


def _update_runs(connection: sa.Connection, runs: Iterable[_Run], now: int) -> None:
    table = schema.run
    rows = [
        {
            "run": run.row.id,
            "new_state": run.state,
            "new_reason": run.reason,
            "new_due": run.due_at,
            "new_end": now if run.ended else None,
        }
        for run in runs
    ]
    if rows:
        connection.execute(
            sa.update(table)
            .where(table.c.id == sa.bindparam("run"))
            .values(
                state=sa.bindparam("new_state"),
                reason=sa.bindparam("new_reason"),
                due_at=sa.bindparam("new_due"),
                ended_at=sa.bindparam("new_end"),
                fence=table.c.fence + 1,
                leased_until=0,
            ),
            rows,
        )
