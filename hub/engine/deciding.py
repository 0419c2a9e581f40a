"""Deciding on a run: its exits, the answers that are due, and what its recipe asks for next. Writes nothing."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from .. import arms, registry, values
from ..core import Hub
from ..errors import HubError, ReplayFailed, keepable
from ..event import Event, Person
from ..matching import fits
from ..replay import Asked, Failed, Finished, Held, Outcome, Waiting, replay
from ..schedule import progress
from ..step import ASK, CHOOSE, COMPLAINT_CLOSED, COMPLAINT_OPENED, NOW, SLEEP, SLEEP_UNTIL, WAIT_FOR, Step
from ..timing import to_datetime, to_ms
from .state import OPEN, Line, Run


def decide(hub: Hub, run: Run) -> None:
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


def _exit(run: Run) -> str | None:
    assert run.recipe is not None
    for match in run.recipe.stop_when:
        if any(fits(match, event, run.event) for _, event in run.since):
            return f"Ended by {match.type}."
    return None


def _asked(hub: Hub, run: Run, asked: Asked, now: int) -> Line:
    """A step that was asked for just now, as a new line."""
    step = asked.step
    line = Line(asked.position, step.action, asked.fingerprint, "waiting", asked=asked, changed=True)
    began = run.waited_since.get(asked.position, now)
    if step.action == SLEEP:
        line.due_at = began + _milliseconds(step.inputs["for"])
    elif step.action == SLEEP_UNTIL:
        line.due_at = to_ms(step.inputs["at"])
    elif step.action in (WAIT_FOR, ASK):
        line.due_at = began + _milliseconds(step.inputs["timeout"])
        line.inputs = values.read(asked.inputs)
    elif step.action in (NOW, COMPLAINT_OPENED, COMPLAINT_CLOSED):
        line.due_at = now
    elif step.action == CHOOSE:
        line.due_at = now
        line.answer = _chosen(hub, run, step)
        line.reason = f"Test “{step.inputs['test']}”: {line.answer}."
    else:
        assert run.enabled is not None
        connector = registry.action(step.action).connector.name
        if connector not in run.enabled.connections:
            raise ReplayFailed(f"The recipe uses {connector}, but was enabled without an account of it.")
        line.connection_id = run.enabled.connections[connector]
    return line


def _chosen(hub: Hub, run: Run, step: Step) -> str:
    if hub.choices is not None:
        test, options = step.inputs["test"], step.inputs["options"]
        name: str = hub.choices.get(test, min(options))
        if name not in options:
            raise ReplayFailed(f"The test “{test}” has no option {name}. It has {', '.join(options)}.")
        return name
    who = arms.name_of(run.row.person_id, run.row.event_id)
    return arms.option(run.workspace, run.row.recipe, step.inputs["test"], step.inputs["options"], who)


def _milliseconds(span: timedelta) -> int:
    return max(0, round(span.total_seconds() * 1000))


def _answer_due(run: Run, now: int) -> bool:
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
        elif line.action == WAIT_FOR and line.asked:
            continue  # what came before this wait is loaded next time; even one without a time-out sees it
        elif line.action == NOW:
            line.answer = to_datetime(now)
        elif line.action == ASK:
            line.answer = line.inputs["default"]
        line.state, line.changed, answered = "done", True, True
    return answered


def _awaited(run: Run, line: Line) -> tuple[Any, Event] | None:
    """The first event since the run's own that fits a wait, and answered no wait of this run yet."""
    used = {other.event_id for other in run.lines.values() if other.event_id}
    for row, event in run.since:
        if row.id not in used and any(fits(match, event, run.event) for match in line.inputs["any"]):
            return row, event
    return None


def _conclude(run: Run, outcome: Outcome) -> None:
    if isinstance(outcome, Finished):
        _end(run, "done", _without_whom(run, outcome.says))
    elif isinstance(outcome, Failed):
        _end(run, "failed", _without_whom(run, outcome.reason))
    elif isinstance(outcome, Held):
        _hold(run, outcome.error)
    else:
        _wait(run)


def _without_whom(run: Run, says: str | None) -> str | None:
    """What a recipe says stays readable when its payloads are gone, so it must not tell whom it was about."""
    person = run.event.person if run.event else Person()
    for name in (person.email, person.phone):
        if says and name:
            says = says.replace(name, "…")
    return says


def _wait(run: Run) -> None:
    pending = [line for line in run.lines.values() if line.state in OPEN]
    timers = [line.due_at for line in pending if line.connection_id is None and line.due_at is not None]
    run.due_at = min(timers, default=None)
    run.state = "running" if any(line.connection_id for line in pending) else "waiting"
    walks = run.recipe is not None and run.event is not None and run.recipe.walk(run.event)
    run.reason = progress(line.answer for line in run.lines.values()) if walks else None


def _end(run: Run, state: str, reason: str | None) -> None:
    run.state, run.reason, run.ended, run.due_at = state, reason and keepable(reason), True, None


def _hold(run: Run, error: HubError) -> None:
    run.state, run.reason, run.due_at = "held", keepable(str(error)), None
