"""Writing down what leaves and what came back: claims before the call, outcomes after it, in one commit a round."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import sqlalchemy as sa

from .. import guards, metrics, schedules, schema
from ..connections import NEEDS_LOGIN, Connection
from ..core import Hub
from ..database import Lease
from ..effect import counting
from ..effect.measure import cost_of
from ..errors import NotAuthorized, OutcomeUnknown, RateLimited, Rejected
from ..event import Event
from ..http import LONGEST_CALL_SECONDS
from ..retry import GIVE_UP_SECONDS, GiveUp, decide
from ..schedule import EACH
from ..timing import to_datetime, to_ms
from ..workspaces import Workspace
from .backlog import PutOff
from .calling import Answered, ConnectorBroken, Found, NotAsked, NotLeft, Outcome, Repeat
from .changes import Changes, give_up, move_runs, refuse, write_steps
from .claims import claim
from .doubts import Doubtful
from .pace import PATIENCE_SECONDS
from .steps import Broken, Call, Late, Name, Waiting, late_of

FIND_OUT = "Look at the provider whether it happened, then retry or cancel."


@dataclass(frozen=True)
class Round:
    """What one transaction is to write. `pace` is kept with the connection. `renews`: a login that was not accepted is
    not lost yet, as it is renewed next."""

    outcomes: Sequence[Outcome] = ()
    calls: Sequence[Call] = ()
    broken: Sequence[Broken] = ()
    late: Sequence[PutOff] = ()
    pace: dict[str, Any] = field(default_factory=dict)
    renews: bool = False


@dataclass(frozen=True)
class Written:
    """What one transaction did, for the holder to go on with. `again`: steps wait that could leave at once; `later`:
    steps about somebody that are put off; `told`: the inbox has something to read."""

    claimed: list[Call]
    doubtful: list[Doubtful]
    advanced: bool
    again: bool
    later: list[Late]
    told: bool


def write_round(hub: Hub, lease: Lease, connection: Connection, todo: Round) -> Written:
    """Records outcomes and claims calls in one transaction, while the lease is held. Raises LeaseLost.

    Of the calls, only those steps are claimed that still wait and that the guards let pass.
    """
    workspace = hub.workspaces.get(connection.workspace_id)
    with hub.database.write(lease) as database:
        _lock_people(hub, database, todo.outcomes)
        runs = _runs(database, todo)
        ended = {row.id for row in runs if row.ended_at is not None}
        changes = Changes(hub.clock.now(), lease.fence, ended)
        outcomes = _looked_back(database, workspace, connection, todo.outcomes)
        doubtful = [item for outcome in outcomes if (item := _record(hub, workspace, outcome, changes))]
        for broken in todo.broken:
            give_up(changes, broken)
        for put_off in todo.late:
            changes.again(put_off.step.name, put_off.reason, put_off.due)
        recipes = {row.id: row.recipe for row in runs}
        claimed = claim(hub, database, workspace, connection, todo.calls, changes, recipes)
        guards.give_back(database, _did_not_leave(outcomes, changes))
        write_steps(database, changes)
        _link(hub, database, workspace, outcomes)
        told = _tell(hub, database, connection, runs, outcomes, changes)
        advanced = move_runs(database, changes)
        _write_connection(database, connection, outcomes, todo)
        _count_messages(hub, database, runs, outcomes)
    metrics.steps_changed(connection.connector.name, changes.steps)
    steps = [outcome.step for outcome in outcomes] + [late.step for late in todo.late]
    later = [late for step in steps if (late := late_of(step, changes.later.get(step.name, 0))) and late.due]
    # A run that is parked or held may have held back later ones of the same person.
    advanced = advanced or bool(changes.parked or changes.held)
    return Written(claimed, doubtful, advanced, changes.at_once, later, told)


def _did_not_leave(outcomes: Sequence[Outcome], changes: Changes) -> list[Name]:
    """The messages of which it is certain, for good, that nobody gets them."""
    over = {(row["run_id"], row["position"]) for row in changes.steps if row["state"] in ("refused", "dropped")}
    return [outcome.step.name for outcome in outcomes if outcome.step.action.writes_by and outcome.step.name in over]


def _lock_people(hub: Hub, database: sa.Connection, outcomes: Sequence[Outcome]) -> None:
    """Locks whom answers tell about: people before runs, and runs before steps, here as in the engine."""
    told = [o.step.person_id for o in outcomes if isinstance(o.result, Answered) and o.result.person]
    hub.database.lock_people(database, [person_id for person_id in told if person_id is not None])


def _runs(database: sa.Connection, todo: Round) -> Sequence[Any]:
    """The runs of this round: which are over, and of what recipes. Locks them all, in the order in which the engine
    does."""
    ids = {outcome.step.name[0] for outcome in todo.outcomes} | {item.name[0] for item in todo.broken}
    ids |= {late.step.name[0] for late in todo.late}
    ids |= {step.name[0] for call in todo.calls for step in call.steps}
    return database.execute(_RUNS, {"ids": list(ids)}).all() if ids else ()


_OF_A_RUN = ("id", "ended_at", "recipe", "enabled_id", "event_id", "event_at")
_RUNS = (
    sa.select(*(schema.run.c[name] for name in _OF_A_RUN))
    .where(schema.run.c.id.in_(sa.bindparam("ids", expanding=True)))
    .order_by(schema.run.c.id)
    .with_for_update()
)


def _looked_back(
    database: sa.Connection, workspace: Workspace, connection: Connection, outcomes: Sequence[Outcome]
) -> list[Outcome]:
    """Where looking back found answers: the first that no other step has as its own; without one, an empty Found."""
    taken = {
        answer_id(workspace, outcome.step, outcome.result)
        for outcome in outcomes
        if isinstance(outcome.result, Answered)
    }
    settled = []
    for outcome in outcomes:
        if isinstance(outcome.result, Found):
            mine = None
            for answer in outcome.result.answers:
                name = answer_id(workspace, outcome.step, answer)
                if name not in taken and not _is_taken(database, connection, name):
                    taken.add(name)
                    mine = answer
                    break
            outcome = replace(outcome, result=mine or Found(()))
        settled.append(outcome)
    return settled


def _is_taken(database: sa.Connection, connection: Connection, name: bytes | None) -> bool:
    table = schema.step
    query = sa.select(table.c.run_id).where(table.c.connection_id == connection.id, table.c.answer_id == name)
    return database.execute(query.limit(1)).first() is not None


def _record(hub: Hub, workspace: Workspace, outcome: Outcome, changes: Changes) -> Doubtful | None:
    """Collects what an outcome changes. Gives the doubt, if the step's outcome is still not known."""
    step, result, reason = outcome.step, outcome.result, outcome.reason
    if isinstance(result, Answered):
        sealed = step.sealer.seal(result.written, f"{step.about} answer")
        changes.end(step.name, "done", None, sealed, answer_id(workspace, step, result))
    elif isinstance(result, Found):
        changes.again(step.name, "It is certain that it did not happen, so it is done again.", changes.now)
    elif isinstance(result, NotLeft):
        changes.again(step.name, None, changes.now, parks=False, is_attempt=False)
    elif isinstance(result, Repeat):
        # A newer value may follow at once: until then the old one could still arrive, and take its place.
        is_in_order = step.person_id is not None
        changes.again(step.name, reason, _ended_at(hub, step, changes) if is_in_order else changes.now)
    elif isinstance(result, NotAuthorized):
        changes.again(step.name, reason, changes.now)
    elif isinstance(result, ConnectorBroken):
        changes.unknown(step.name, reason)
    elif isinstance(result, NotAsked):
        return _record_not_asked(hub, outcome, result, changes)
    elif isinstance(result, Rejected):
        refuse(changes, step, reason, result.status, result.code)
    elif isinstance(result, OutcomeUnknown) and step.action.repeat == "once":
        changes.unknown(step.name, f"{reason} {FIND_OUT}")
    elif isinstance(result, OutcomeUnknown) and step.action.repeat == "readback":
        return _doubt(hub, outcome, changes)
    else:
        _record_failure(hub, outcome, changes)
    return None


def _doubt(hub: Hub, outcome: Outcome, changes: Changes) -> Doubtful:
    """The provider is asked once it must know."""
    step, is_back = outcome.step, outcome.left_at is not None
    ended_at = changes.now if is_back else _ended_at(hub, step, changes)
    due = ended_at + round(step.action.settle.total_seconds() * 1000)
    changes.look_back(step.name, outcome.reason, due)
    return Doubtful(step, step.left_at if outcome.left_at is None else outcome.left_at, due)


def _ended_at(hub: Hub, step: Waiting, changes: Changes) -> int:
    """When the call of a holder that is gone has ended: it may be on its way for as long as a call may take, and its
    answer comes back to nobody."""
    longest = round(LONGEST_CALL_SECONDS * 1000)
    return max(hub.earlier_calls_end(changes.now), min(step.left_at, changes.now) + longest)


def _record_not_asked(hub: Hub, outcome: Outcome, result: NotAsked, changes: Changes) -> Doubtful | None:
    name = outcome.step.name
    if isinstance(result.error, Rejected):
        changes.unknown(name, f"Whether it happened could not be asked: {outcome.reason}")
    elif changes.now - to_ms(result.since) > GIVE_UP_SECONDS * 1000:
        changes.unknown(name, f"Whether it happened was asked for three days. The last answer: {outcome.reason}")
    else:
        return _doubt(hub, outcome, changes)
    return None


def _record_failure(hub: Hub, outcome: Outcome, changes: Changes) -> None:
    step, error = outcome.step, outcome.failure
    assert error is not None
    since = max(step.asked_at, step.held_until or 0)
    decision = decide(error, step.attempts + 1, (changes.now - since) / 1000, hub.chance)
    if isinstance(decision, GiveUp):
        refuse(changes, step, f"{decision.reason} The last answer: {outcome.reason}", error.status, error.code)
        return
    # A short pause that all calls of the account keep changes nobody's order.
    parks = not isinstance(error, RateLimited) or decision.after > PATIENCE_SECONDS
    changes.again(step.name, outcome.reason, changes.now + round(decision.after * 1000), parks=parks)


def answer_id(workspace: Workspace, step: Waiting, answer: Answered) -> bytes | None:
    """What tells an answer of a readback action from every other one, without telling what it is."""
    return None if answer.key is None else workspace.hash("answer", step.action.name, answer.key)


def _link(hub: Hub, database: sa.Connection, workspace: Workspace, outcomes: Sequence[Outcome]) -> None:
    """Remembers what answers told about whom they were about."""
    found = []
    for outcome in outcomes:
        person_id = outcome.step.person_id
        if isinstance(outcome.result, Answered) and outcome.result.person and person_id is not None:
            found.append((person_id, outcome.result.person))
    if found:
        hub.people.link(database, workspace, found)


def _count_messages(hub: Hub, database: sa.Connection, runs: Sequence[Any], outcomes: Sequence[Outcome]) -> None:
    """Counts the messages that left, for recipes whose effect is measured."""
    left = [outcome.step for outcome in outcomes if isinstance(outcome.result, Answered)]
    messages = [step for step in left if step.action.channel or step.action.starts_messages]
    if not messages:
        return
    of = {row.id: row for row in runs}
    sent = [
        counting.Sent(step.person_id, of[step.name[0]].recipe, step.name[0], *cost_of(step.action, step.inputs))
        for step in messages
        if step.person_id is not None and hub.enabled.is_measured(database, of[step.name[0]].enabled_id)
    ]
    tallies = counting.Tallies(hub.database)
    counting.send(database, sent, tallies, hub.clock.now())
    tallies.write(database)


def _tell(
    hub: Hub,
    database: sa.Connection,
    connection: Connection,
    runs: Sequence[Any],
    outcomes: Sequence[Outcome],
    changes: Changes,
) -> bool:
    """Hands what pages of listings told to the inbox, with the answers that say where to go on: both, or neither. Each
    is known by the time that it was gone through for. Whether there was anything."""
    pages = {
        outcome.step.name[0]: outcome.result.page
        for outcome in outcomes
        if isinstance(outcome.result, Answered) and outcome.result.page and outcome.step.name[0] not in changes.ended
    }
    workspace, is_any = hub.workspaces.get(connection.workspace_id), False
    for row in (row for row in runs if row.id in pages):
        about, at = f"{row.recipe} {row.event_id}", to_datetime(row.event_at)
        events = [Event(f"{about} {i.key}", EACH, at, i.data, i.person, place=i.place) for i in pages[row.id].items]
        if events:
            schedules.deliver(hub, database, workspace, connection.id, row.recipe, events)
            is_any = True
    return is_any


def _write_connection(
    database: sa.Connection, connection: Connection, outcomes: Sequence[Outcome], todo: Round
) -> None:
    table, pace = schema.connection, todo.pace
    lost = [outcome for outcome in outcomes if isinstance(outcome.failure, NotAuthorized) and not todo.renews]
    login = {"state": NEEDS_LOGIN, "reason": lost[-1].reason} if lost else {}
    mine = sa.update(table).where(table.c.id == connection.id)
    # Only for the login that was used: it may have been renewed while the call was on its way.
    same = database.execute(mine.where(table.c.changed_at == connection.changed_at).values(**pace, **login))
    if not same.rowcount and "quota" in pace:
        # What was called counts whatever the login.
        database.execute(mine.values(quota=pace["quota"]))
