"""Writing down what leaves and what came back: claims before the call, outcomes after it, in one commit a round."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
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
from .backlog import Broken, Call, Waiting
from .calling import ConnectorBroken, Found, Outcome
from .changes import Changes, move_runs, refuse, write_steps
from .claims import claim


@dataclass
class Round:
    """What one transaction did, for the holder to go on with."""

    claimed: list[Call] = field(default_factory=list)
    advanced: bool = False
    lost_login: bool = False


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
    changes = Changes(hub.clock.now(), lease.fence)
    done = Round()
    with hub.database.write(lease) as database:
        for outcome in outcomes:
            if isinstance(outcome.result, Found):
                outcome = _looked_back(database, workspace, connection, outcome, changes)
            _record(hub, workspace, outcome, changes)
        for item in broken:
            changes.end(item.name, "refused", item.reason, None, None)
        done.claimed = claim(hub, database, workspace, connection, calls, changes)
        write_steps(database, changes)
        _link(hub, database, workspace, outcomes)
        move_runs(database, changes)
        done.lost_login = any(isinstance(outcome.result, NotAuthorized) for outcome in outcomes)
        _write_connection(hub, database, connection, outcomes, quota, failures, paused_until)
    done.advanced = bool(changes.advanced)
    return done


def _looked_back(
    database: sa.Connection, workspace: Workspace, connection: Connection, outcome: Outcome, changes: Changes
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


def _record(hub: Hub, workspace: Workspace, outcome: Outcome, changes: Changes) -> None:
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


def _link(hub: Hub, database: sa.Connection, workspace: Workspace, outcomes: Sequence[Outcome]) -> None:
    """Remembers what answers told about whom they were about."""
    found = []
    for outcome in outcomes:
        step = outcome.step
        if isinstance(outcome.result, bytes) and step.action.identifies and step.person_id is not None:
            # The call is done whatever its answer tells: an answer of another shape tells nothing.
            with suppress(KeyError, TypeError, AttributeError):
                found.append((step.person_id, step.action.identifies(step.inputs, outcome.answer)))
    if found:
        hub.people.link(database, workspace, found)


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
