"""Writing down what was decided on a batch of runs, in one transaction."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from .. import bulk, metrics, registry, schema, values
from ..asking import counts_as_asked, last_asked
from ..core import Hub
from ..effect import counting
from ..event import Event
from ..guards import complaints, purpose_of
from ..recipe import PRIORITIES
from ..step import CHOOSE, COMPLAINT_OPENED, WAIT_FOR
from ..wakeups import ADVANCE, perform
from .loading import events_since, is_since
from .state import Line, Run, event_as_data


@dataclass(frozen=True)
class Written:
    """What was written: the runs, the queues that have something to do now, and whether runs go on at once."""

    runs: Sequence[Run]
    queues: set[str]
    more: bool

    def wake(self, hub: Hub) -> None:
        """Wakes whoever has something to do."""
        for queue in sorted(self.queues):
            hub.wakeups.wake(queue)
        if self.more:
            hub.wakeups.wake(ADVANCE)


def write(
    hub: Hub, runs: Sequence[Run], before: Callable[[sa.Connection, Sequence[Run]], None] | None = None
) -> Written:
    """Writes down what was decided. `before` is called within the transaction, with the runs that nobody else advanced
    meanwhile."""
    with hub.database.write() as connection:
        hub.database.lock_people(connection, [run.row.person_id for run in runs if run.row.person_id is not None])
        mine = _still_mine(connection, runs)
        if before is not None:
            before(connection, mine)
        _catch_up(connection, mine)
        now = hub.clock.now()
        insert_steps(connection, mine, now)
        _update_steps(connection, mine, now)
        _drop_open_steps(connection, [run.row.id for run in mine if run.ended], now)
        _write_waiters(hub, connection, mine)
        freed = _note_complaints(hub, connection, mine)
        _update_runs(connection, mine, now)
        tallies = counting.Tallies(hub.database)
        counting.choose(connection, chosen(mine), tallies)
        tallies.write(connection)
    metrics.runs_ended((run.row.recipe, run.state) for run in mine if run.ended or run.state == "held")
    queues = freed | {
        perform(line.connection_id) for run in mine for line in run.lines.values() if line.connection_id and line.asked
    }
    # A run that ended or waits may have held back another one of the same person.
    more = any(run.state != "running" or run.due_at is not None for run in mine)
    return Written(mine, queues, more)


def _still_mine(connection: sa.Connection, runs: Sequence[Run]) -> list[Run]:
    """The runs that nobody else advanced, cancelled or erased since they were read."""
    rows = connection.execute(_FENCES, {"ids": [run.row.id for run in runs]})
    fences = {row.id: row.fence for row in rows}
    return [run for run in runs if fences.get(run.row.id) == run.row.fence]


_FENCES = (
    sa.select(schema.run.c.id, schema.run.c.fence)
    .where(schema.run.c.id.in_(sa.bindparam("ids", expanding=True)), schema.run.c.ended_at.is_(None))
    .order_by(schema.run.c.id)
    .with_for_update()
)


def _catch_up(connection: sa.Connection, runs: Sequence[Run]) -> None:
    """Makes runs due again for which an event came while they were decided on."""
    by_workspace: dict[int, list[Run]] = defaultdict(list)
    for run in runs:
        if not run.ended and run.row.person_id is not None and run.waits_for:
            by_workspace[run.workspace.id].append(run)
    for waiting in by_workspace.values():
        rows = events_since(connection, waiting[0].workspace, [(run.row, run.waits_for) for run in waiting])
        for run in waiting:
            known = {row.id for row, _ in run.since} | {line.event_id for line in run.lines.values()}
            for row in rows[run.row.person_id]:
                if row.type in run.waits_for and is_since(row, run.row) and row.id not in known:
                    run.due_at = 0 if run.state != "held" else None


def insert_steps(connection: sa.Connection, runs: Sequence[Run], now: int) -> None:
    """Writes down the steps that were asked for just now, one person's in the order of these runs."""
    asking = [run for run in runs if any(line.asked for line in run.lines.values())]
    last = last_asked(connection, {run.row.person_id for run in asking}, now)
    rows = []
    for run in asking:
        person_id = run.row.person_id
        at = counts_as_asked(now, last.get(person_id, 0), *(line.asked_at for line in run.lines.values()))
        if person_id is not None:
            last[person_id] = at
        rows += [_step_row(run, line, now, at) for line in run.lines.values() if line.asked]
    bulk.insert(connection, schema.step, rows)


def chosen(runs: Iterable[Run]) -> list[counting.Chosen]:
    """Which options of tests these runs chose just now, where the effect of their recipe is measured."""
    found = []
    for run in runs:
        if run.enabled is None or run.enabled.measure is None or run.row.person_id is None:
            continue
        asked = [line for line in run.lines.values() if line.asked and line.action == CHOOSE]
        options = [f"{line.asked.step.inputs['test']}={line.answer}" for line in asked if line.asked]
        if options:
            found.append(counting.Chosen(run.row.person_id, run.row.recipe, run.row.id, options))
    return found


def _step_row(run: Run, line: Line, now: int, asked_at: int) -> dict[str, Any]:
    assert line.asked is not None and run.sealer is not None
    about = f"step {run.row.id} {line.position}"
    doubted = run.doubted_since is not None and line.connection_id is not None
    return {
        "run_id": run.row.id,
        "position": line.position,
        "workspace_id": run.workspace.id,
        "person_id": run.row.person_id,
        "connection_id": line.connection_id,
        "action": line.action,
        "state": "claimed" if doubted else line.state,
        "priority": _priority(run, line),
        "due_at": line.due_at,
        "fingerprint": line.fingerprint,
        "inputs": run.sealer.seal(line.asked.inputs, f"{about} inputs"),
        "answer": _sealed_answer(run, line),
        "reason": line.reason,
        "event_id": line.event_id,
        "asked_at": asked_at,
        "claimed_at": run.doubted_since if doubted else None,
        "ended_at": now if line.state == "done" else None,
    }


def _priority(run: Run, line: Line) -> int:
    """Whose turn a step is: what somebody's own act asks for first, marketing last, and of that the most important."""
    assert line.asked is not None and run.recipe is not None
    if line.connection_id is None:
        return schema.OTHER
    action = registry.action(line.action)
    if action.lists:  # going through a list has time: whatever is to be done for somebody goes first
        return schema.MARKETING + PRIORITIES
    purpose = purpose_of(action, line.asked.step.inputs)
    if purpose == "marketing":
        return schema.MARKETING + PRIORITIES - run.recipe.priority
    return schema.TRANSACTIONAL if purpose == "transactional" else schema.OTHER


def _update_steps(connection: sa.Connection, runs: Sequence[Run], now: int) -> None:
    rows = [
        {
            "run_id": run.row.id,
            "position": line.position,
            "answer": _sealed_answer(run, line),
            "event_id": line.event_id,
            "ended_at": now,
        }
        for run in runs
        for line in run.lines.values()
        if line.changed and not line.asked
    ]
    _ANSWER.run(connection, rows)


_ANSWER = bulk.Update(schema.step, ["run_id", "position"], ["answer", "event_id", "ended_at"], also={"state": "'done'"})


def _sealed_answer(run: Run, line: Line) -> bytes | None:
    if line.answer is None:
        return None
    assert run.sealer is not None
    answer = event_as_data(line.answer) if isinstance(line.answer, Event) else line.answer
    return run.sealer.seal(values.write(answer), f"step {run.row.id} {line.position} answer")


def _drop_open_steps(connection: sa.Connection, run_ids: Sequence[int], now: int) -> None:
    """Ends the steps of ended runs that did not leave yet. One that is on its way is recorded as it comes back."""
    if run_ids:
        table = schema.step
        connection.execute(
            sa.update(table)
            .where(table.c.run_id.in_(run_ids), table.c.state == "waiting")
            .values(state="dropped", ended_at=now)
        )


def _write_waiters(hub: Hub, connection: sa.Connection, runs: Sequence[Run]) -> None:
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


def _note_complaints(hub: Hub, connection: sa.Connection, runs: Iterable[Run]) -> set[str]:
    """Notes who complains, and whose complaint is settled; gives the queues where something may leave again."""
    queues: set[str] = set()
    for run in runs:
        for action, name in run.complaints if run.row.person_id is not None else ():
            if action == COMPLAINT_OPENED:
                complaints.opened(hub, connection, run.workspace.id, run.row.person_id, name)
            else:
                queues |= complaints.closed(hub, connection, run.row.person_id, name)
    return queues


def _waited(run: Run) -> bool:
    return any(line.action == WAIT_FOR for line in run.lines.values())


def _update_runs(connection: sa.Connection, runs: Iterable[Run], now: int) -> None:
    rows = [
        {
            "id": run.row.id,
            "state": run.state,
            "reason": run.reason,
            "due_at": run.due_at,
            "ended_at": now if run.ended else None,
        }
        for run in runs
    ]
    _STAND.run(connection, rows)


_STAND = bulk.Update(
    schema.run, ["id"], ["state", "reason", "due_at", "ended_at"], also={"fence": "run.fence + 1", "leased_until": "0"}
)
