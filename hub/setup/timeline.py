"""A run as it is shown: what started it, one sentence per step, waits as gaps, and how it ended."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ..connections import NEEDS_LOGIN, OFF, Connection
from ..step import NOW, SLEEP, SLEEP_UNTIL, WAIT_FOR
from ..timing import iso
from . import words
from .queries import Run, Step
from .words import Moment, Said, State, Tool

START = State("done", "●", "Came in")
OVER = State("done", "✓", "Over")
_WITHOUT_LOGIN = {
    NEEDS_LOGIN: "It goes on when you have signed in to {} again.",
    OFF: "{} is disconnected.",
}

WAITING = State("going", "◐", "Waiting")


@dataclass(frozen=True)
class Line:
    """One line of a timeline. A gap is a wait: its line is dashed. `outcome` says more than the state does."""

    state: State
    says: Said
    outcome: Said = ()
    tool: Tool | None = None
    at: Moment | None = None
    gap: bool = False


def title(run: Run) -> str:
    return words.recipe(run.recipe)


def lines(run: Run, now: int, connections: Mapping[str, Connection]) -> list[Line]:
    """A run from its event to where it is now. `connections` are the workspace's, by id."""
    came = words.moment(run.received_at, now)
    start = Line(START, (words.upper_first(words.happening(run.event_type)),), tool=_tool(run.event_type), at=came)
    shown = [_line(step, now, connections) for step in run.steps if step.action != NOW]
    return [start, *shown, _end(run, now)]


def summary(run: Run, now: int, connections: Mapping[str, Connection]) -> Said:
    """How far a run has come, in one sentence."""
    if said := words.reason(run.reason):
        return (said,)
    if run.ended_at is not None:
        done = [words.action(s.action) for s in run.steps if s.state == "done" and s.connection_id]
        return (_listed(done) or "There was nothing to do.",)
    pending = [step for step in run.steps if step.ended_at is None]
    if not pending:
        return ("It goes on in a moment.",)
    return _pending(pending[0], now, connections.get(pending[0].connection_id or ""))


def details(run: Run, steps: int) -> str:
    """Everything that is known about a run besides what was in it, as JSON to copy."""
    document: dict[str, Any] = {
        "id": str(run.id),
        "recipe": run.recipe,
        "version": run.version,
        "state": run.state,
        "reason": run.reason,
        "started_at": iso(run.started_at),
        "ended_at": iso(run.ended_at),
        "event": {
            "id": str(run.event_id),
            "type": run.event_type,
            "at": iso(run.event_at),
            "received_at": iso(run.received_at),
        },
        "steps": [_detail(step) for step in run.steps],
    }
    if steps > len(run.steps):
        document["steps_left_out"] = steps - len(run.steps)
    return json.dumps(document, indent=2, ensure_ascii=False)


def _detail(step: Step) -> dict[str, Any]:
    return {
        "position": step.position,
        "action": step.action,
        "connection": step.connection_id,
        "state": step.state,
        "attempts": step.attempts,
        "asked_at": iso(step.asked_at),
        "claimed_at": iso(step.claimed_at),
        "due_at": iso(step.due_at),
        "ended_at": iso(step.ended_at),
        "reason": step.reason,
        **({"awaits": list(step.awaits), "answered_by": step.answered_by} if step.action == WAIT_FOR else {}),
    }


def _line(step: Step, now: int, connections: Mapping[str, Connection]) -> Line:
    ended = step.ended_at
    at = words.moment(ended if ended is not None else step.asked_at, now)
    if step.connection_id is None:
        return _gap(step, at, now)
    outcome = _outcome(step, now, connections.get(step.connection_id))
    return Line(words.step_state(step.state), (words.action(step.action),), outcome, _tool(step.action), at)


def _gap(step: Step, at: Moment, now: int) -> Line:
    """A wait, with its length, and what ended it."""
    says = _wait(step, now)
    if step.state == "waiting":
        until: Said = ("Until ", words.moment(step.due_at, now)) if step.due_at is not None else ()
        return Line(WAITING, says, until, gap=True)
    if step.state == "dropped":
        return Line(words.step_state("dropped"), says, at=at, gap=True)
    outcome: Said = ()
    if step.action == WAIT_FOR:
        outcome = (f"It happened: {words.happening(step.answered_by)}." if step.answered_by else "It did not happen.",)
    return Line(OVER, says, outcome, at=at, gap=True)


def _wait(step: Step, now: int) -> Said:
    length = words.span(step.due_at - step.asked_at) if step.due_at is not None else None
    if step.action == WAIT_FOR:
        most = f", {length} at most" if length else ""
        return (f"Wait until {words.any_of(list(step.awaits))}{most}",)
    if step.action == SLEEP_UNTIL and step.due_at is not None:
        return ("Wait until ", words.moment(step.due_at, now))
    return (f"Wait {length}",) if step.action == SLEEP and length else ("Wait",)


def _outcome(step: Step, now: int, connection: Connection | None) -> Said:
    """What came of a step, or what it waits for; nothing where its state says all."""
    said = words.reason(step.reason)
    if step.state == "waiting" and connection is not None and connection.state in _WITHOUT_LOGIN:
        return (_WITHOUT_LOGIN[connection.state].format(connection.connector.title),)
    if step.state == "waiting" and step.due_at is not None and step.due_at > now:
        tried = f"Tried {words.counted(step.attempts, 'time')}, again at "
        return (tried, words.moment(step.due_at, now), f". {said}" if said else ".")
    if step.state == "claimed" and said:
        return (f"Finding out whether it happened. {said}",)
    return (said,) if said else ()


def _pending(step: Step, now: int, connection: Connection | None) -> Said:
    if step.connection_id is None:
        until: Said = (", until ", words.moment(step.due_at, now)) if step.due_at is not None else ()
        return _wait(step, now) if step.action == SLEEP_UNTIL else _wait(step, now) + until
    state = words.step_state(step.state).says
    return (f"{words.action(step.action)}: ", *(_outcome(step, now, connection) or (f"{state.lower()}.",)))


def _end(run: Run, now: int) -> Line:
    state = words.run_state(run.state)
    at = words.moment(run.ended_at, now) if run.ended_at is not None else None
    is_told = any(step.reason == run.reason for step in run.steps)
    said = None if is_told else words.reason(run.reason)
    return Line(state, (state.says,), (said,) if said else (), at=at)


def _tool(name: str) -> Tool:
    return words.tool(name.partition(".")[0])


def _listed(said: list[str]) -> str:
    """Sentences in one line, each told once, with how often it was done: "Tag a customer (3 times) · …"."""
    return " · ".join(_times(say, said.count(say)) for say in dict.fromkeys(said))


def _times(say: str, count: int) -> str:
    return say if count == 1 else f"{say} ({words.counted(count, 'time')})"


def tools(run: Run) -> Iterator[Tool]:
    """The services that a run used, each once, its trigger's first."""
    seen = dict.fromkeys([run.event_type, *(s.action for s in run.steps if s.connection_id)])
    yield from dict.fromkeys(_tool(name) for name in seen)
