"""Writing down what leaves and what came back: claims before the call, outcomes after it, in one commit a round."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from .. import schema, values
from ..connections import NEEDS_LOGIN, Connection
from ..connector import Action
from ..core import Hub
from ..database import Lease
from ..errors import NotAuthorized, OutcomeUnknown, Rejected, scrubbed
from ..retry import GiveUp, decide
from ..workspaces import Workspace
from . import guards
from .backlog import Broken, Call, Name, Waiting
from .calling import ConnectorBroken, Found, Outcome

ECHO_KEPT = timedelta(minutes=30)


@dataclass
class Round:
    """What one transaction did, for the holder to go on with."""

    claimed: list[Call] = field(default_factory=list)
    advanced: bool = False
    lost_login: bool = False


@dataclass
class _Changes:
    """Rows to write, collected over a round."""

    now: int
    fence: int
    steps: list[dict[str, Any]] = field(default_factory=list)
    advanced: set[int] = field(default_factory=set)
    parked: set[int] = field(default_factory=set)
    held: dict[int, str] = field(default_factory=dict)
    answered: set[bytes | None] = field(default_factory=set)

    def end(self, step: Name, state: str, reason: str | None, answer: bytes | None, answer_id: bytes | None) -> None:
        self._change(step, state, reason=reason, answer=answer, answer_id=answer_id, ended_at=self.now)
        self.advanced.add(step[0])

    def again(self, step: Name, reason: str | None, due_at: int) -> None:
        """It did not happen: it waits again, and lets the person's later runs pass meanwhile."""
        self._change(step, "waiting", reason=reason, due_at=due_at)
        self.parked.add(step[0])

    def look_back(self, step: Name, reason: str | None, due_at: int) -> None:
        """It may have happened: it stays claimed, and is looked for at the provider before anything else."""
        self._change(step, "claimed", reason=reason, due_at=due_at)
        self.parked.add(step[0])

    def unknown(self, step: Name, reason: str) -> None:
        self._change(step, "unknown", reason=reason)
        self.held[step[0]] = reason

    def _change(
        self,
        step: Name,
        state: str,
        *,
        reason: str | None,
        due_at: int | None = None,
        answer: bytes | None = None,
        answer_id: bytes | None = None,
        ended_at: int | None = None,
    ) -> None:
        self.steps.append(
            {
                "run": step[0],
                "at_position": step[1],
                "new_state": state,
                "new_reason": reason,
                "new_due": due_at,
                "new_answer": answer,
                "new_answer_id": answer_id,
                "new_end": ended_at,
            }
        )


def write_round(
    hub: Hub,
    lease: Lease,
    connection: Connection,
    outcomes: Sequence[Outcome],
    calls: Sequence[Call],
    broken: Sequence[Broken],
    quota: dict[str, Any],
    failures: int,
    paused_until: int | None,
) -> Round:
    """Records outcomes and claims calls in one transaction, while the lease is held. Raises LeaseLost.

    Of the calls, only those steps are claimed that still wait and that the guards let pass.
    """
    workspace = hub.workspaces.get(connection.workspace_id)
    changes = _Changes(hub.clock.now(), lease.fence)
    done = Round()
    with hub.database.write(lease) as database:
        for outcome in outcomes:
            if isinstance(outcome.result, Found):
                outcome = _looked_back(database, workspace, connection, outcome, changes)
            _record(hub, workspace, outcome, changes)
        for item in broken:
            changes.end(item.name, "refused", item.reason, None, None)
        done.claimed = _claim(hub, database, workspace, connection, calls, changes)
        _write_steps(database, changes)
        _link(hub, database, workspace, outcomes)
        _move_runs(database, changes)
        done.lost_login = any(isinstance(outcome.result, NotAuthorized) for outcome in outcomes)
        _write_connection(hub, database, connection, outcomes, quota, failures, paused_until)
    done.advanced = bool(changes.advanced)
    return done


def _looked_back(
    database: sa.Connection, workspace: Workspace, connection: Connection, outcome: Outcome, changes: _Changes
) -> Outcome:
    """The first answer found that no other step has as its own; without one, the outcome stays Found and empty."""
    assert isinstance(outcome.result, Found)
    table = schema.step
    for answer in outcome.result.answers:
        name = answer_id(workspace, outcome.step.action, answer)
        taken = database.execute(
            sa.select(table.c.run_id).where(table.c.connection_id == connection.id, table.c.answer_id == name).limit(1)
        ).first()
        if taken is None and name not in changes.answered:
            changes.answered.add(name)
            return Outcome(outcome.step, values.write(answer), answer)
    return Outcome(outcome.step, Found(()))


def _record(hub: Hub, workspace: Workspace, outcome: Outcome, changes: _Changes) -> None:
    step, result = outcome.step, outcome.result
    if isinstance(result, bytes):
        sealed = step.sealer.seal(result, f"{step.about} answer")
        changes.end(step.name, "done", None, sealed, answer_id(workspace, step.action, outcome.answer))
        return
    if isinstance(result, Found):
        changes.again(step.name, "It is certain that it did not happen, so it is done again.", changes.now)
        return
    if isinstance(result, ConnectorBroken):
        changes.unknown(step.name, result.reason)
        return
    reason = scrubbed(str(result), strings_in(step.inputs))
    if isinstance(result, Rejected):
        refuse(changes, step, reason, result.status, result.code)
    elif isinstance(result, NotAuthorized):
        changes.again(step.name, reason, changes.now)
    elif isinstance(result, OutcomeUnknown) and step.action.repeat == "once":
        changes.unknown(step.name, f"{reason} Look at the provider whether it happened, then retry or cancel.")
    elif isinstance(result, OutcomeUnknown) and step.action.repeat == "readback":
        changes.look_back(step.name, reason, changes.now + _settle(step))
    else:
        decision = decide(result, step.attempts + 1, (changes.now - step.asked_at) / 1000, hub.chance)
        if isinstance(decision, GiveUp):
            refuse(changes, step, f"{decision.reason} The last answer: {reason}", result.status, result.code)
        else:
            changes.again(step.name, reason, changes.now + round(decision.after * 1000))


def refuse(changes: _Changes, step: Waiting, reason: str, status: int | None = None, code: str | None = None) -> None:
    """Ends a step as refused: the recipe gets a Rejected with this reason at its yield."""
    error = values.write({"message": reason, "status": status, "code": code})
    changes.end(step.name, "refused", reason, step.sealer.seal(error, f"{step.about} answer"), None)


def _settle(step: Waiting) -> int:
    return round(step.action.settle.total_seconds() * 1000)


def answer_id(workspace: Workspace, action: Action[Any, Any], answer: Any) -> bytes | None:
    """What tells an answer of a readback action from every other one, without telling what it is."""
    if action.find is None or not isinstance(answer, dict) or action.answer_key not in answer:
        return None
    return workspace.hash("answer", action.name, str(answer[action.answer_key]))


def strings_in(value: Any) -> list[str]:
    """Every text in plain data."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [text for item in value.values() for text in strings_in(item)]
    if isinstance(value, list | tuple):
        return [text for item in value for text in strings_in(item)]
    return []


# ---- claiming


def _claim(
    hub: Hub,
    database: sa.Connection,
    workspace: Workspace,
    connection: Connection,
    calls: Sequence[Call],
    changes: _Changes,
) -> list[Call]:
    steps = [step for call in calls for step in call.steps]
    if not steps:
        return []
    waiting = _still_waiting(database, steps, changes.fence)
    refusals = guards.refusals(hub, database, workspace, connection, [s for s in steps if s.name in waiting])
    for step in steps:
        if reason := refusals.get(step.name):
            refuse(changes, step, reason)
            waiting.discard(step.name)
    claimed = []
    for call in calls:
        left = tuple(step for step in call.steps if step.name in waiting)
        if left:
            claimed.append(Call(left))
    _mark_claimed(database, [step for call in claimed for step in call.steps], changes)
    _note_echoes(hub, database, workspace, connection, claimed)
    return claimed


def _still_waiting(database: sa.Connection, steps: Sequence[Waiting], fence: int) -> set[Name]:
    """Those of the steps that nobody cancelled, erased or ended since they were read. One that is claimed under our
    own fence never left: the commit that claimed it broke off on its way back to us."""
    table = schema.step
    query = sa.select(table.c.run_id, table.c.position).where(
        table.c.run_id.in_({step.name[0] for step in steps}),
        (table.c.state == "waiting") | ((table.c.state == "claimed") & (table.c.fence == fence)),
    )
    names = {step.name for step in steps}
    found = {(row.run_id, row.position) for row in database.execute(query.with_for_update())}
    return found & names


def _mark_claimed(database: sa.Connection, steps: Sequence[Waiting], changes: _Changes) -> None:
    if not steps:
        return
    table = schema.step
    database.execute(
        sa.update(table)
        .where(table.c.run_id == sa.bindparam("run"), table.c.position == sa.bindparam("at_position"))
        .values(
            state="claimed",
            fence=changes.fence,
            attempts=table.c.attempts + 1,
            claimed_at=changes.now,
            due_at=None,
        ),
        [{"run": step.name[0], "at_position": step.name[1]} for step in steps],
    )


def _note_echoes(
    hub: Hub, database: sa.Connection, workspace: Workspace, connection: Connection, calls: Sequence[Call]
) -> None:
    """Notes the events that these calls will cause, so that they start nothing when they come in."""
    until = hub.clock.now() + round(ECHO_KEPT.total_seconds() * 1000)
    rows = {}
    for call in calls:
        if call.action.echo is None:
            continue
        for step in call.steps:
            for text in call.action.echo(step.inputs):
                name = workspace.hash("echo", connection.id, text)
                rows[name] = {"connection_id": connection.id, "hash": name, "until": until}
    if rows:
        statement = hub.database.insert(schema.echo)
        table = schema.echo
        database.execute(
            statement.on_conflict_do_update(
                index_elements=[table.c.connection_id, table.c.hash], set_={"until": statement.excluded.until}
            ),
            [rows[name] for name in sorted(rows)],
        )


# ---- writing


def _write_steps(database: sa.Connection, changes: _Changes) -> None:
    """Writes the outcomes of steps that are still ours: claimed under our fence, or refused before they left."""
    if not changes.steps:
        return
    table = schema.step
    database.execute(
        sa.update(table)
        .where(
            table.c.run_id == sa.bindparam("run"),
            table.c.position == sa.bindparam("at_position"),
            (table.c.state == "claimed") | (table.c.state == "waiting"),
        )
        .values(
            state=sa.bindparam("new_state"),
            reason=sa.bindparam("new_reason"),
            due_at=sa.bindparam("new_due"),
            answer=sa.bindparam("new_answer"),
            answer_id=sa.bindparam("new_answer_id"),
            ended_at=sa.bindparam("new_end"),
        ),
        changes.steps,
    )


def _link(hub: Hub, database: sa.Connection, workspace: Workspace, outcomes: Sequence[Outcome]) -> None:
    """Remembers what answers told about whom they were about."""
    found = []
    for outcome in outcomes:
        step = outcome.step
        if isinstance(outcome.result, bytes) and step.action.identifies and step.person_id is not None:
            found.append((step.person_id, step.action.identifies(step.inputs, outcome.answer)))
    if found:
        hub.people.link(database, workspace, found)


def _move_runs(database: sa.Connection, changes: _Changes) -> None:
    table = schema.run
    live = table.c.ended_at.is_(None)
    if changes.advanced:
        database.execute(
            sa.update(table)
            .where(table.c.id.in_(changes.advanced), live, table.c.state != "held")
            .values(due_at=changes.now, state="running")
        )
    parked = changes.parked - changes.advanced
    if parked:
        database.execute(
            sa.update(table).where(table.c.id.in_(parked), live, table.c.state == "running").values(state="waiting")
        )
    for run_id, reason in changes.held.items():
        database.execute(
            sa.update(table).where(table.c.id == run_id, live).values(state="held", reason=reason, due_at=None)
        )


def _write_connection(
    hub: Hub,
    database: sa.Connection,
    connection: Connection,
    outcomes: Sequence[Outcome],
    quota: dict[str, Any],
    failures: int,
    paused_until: int | None,
) -> None:
    table = schema.connection
    row: dict[str, Any] = {"quota": json.dumps(quota), "failures": failures, "paused_until": paused_until}
    for outcome in outcomes:
        if isinstance(outcome.result, NotAuthorized):
            reason = scrubbed(str(outcome.result), strings_in(outcome.step.inputs))
            row |= {"state": NEEDS_LOGIN, "reason": reason}
    # Only for the login that was used: it may have been renewed while the call was on its way.
    same = table.c.changed_at == connection.changed_at
    database.execute(sa.update(table).where(table.c.id == connection.id, same).values(row))
