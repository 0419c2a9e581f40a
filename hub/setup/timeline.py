"""A run as it is shown: what started it, one sentence per step, waits as gaps, and how it ended."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ..connections import NEEDS_LOGIN, OFF, PAUSED
from ..step import ASK, CHOOSE, COMPLAINT_CLOSED, COMPLAINT_OPENED, NOW, SLEEP_UNTIL, WAIT_FOR
from ..timing import iso
from . import words
from .language import Lazy, _, joined, lazy, ngettext, parts
from .queries import MOST_STEPS, Account, Run, Step
from .words import Moment, Said, State, Tool

START = State("done", "●", lazy("Came in"))
OVER = State("done", "✓", lazy("Over"))
_WITHOUT_LOGIN = {
    PAUSED: Lazy("%(service)s waits, as all sending is paused."),
    NEEDS_LOGIN: Lazy("It goes on when you have signed in to %(service)s again."),
    OFF: Lazy("%(service)s is disconnected. It goes on when you have connected it again."),
}
WAITING = State("going", "◐", lazy("Waiting"))
LEFT_OUT = State("over", "○", lazy("Not shown"))


Place = tuple[int, str]
"""A step of a recipe, however often the waits before it began anew: how many steps of connectors come before it, and
its action."""


@dataclass(frozen=True)
class Line:
    """One line of a timeline, of a run as of a recipe. A gap is a wait: its line is dashed. `outcome` says more than
    the state does; `is_told` is whether the state has to be told besides what the line says. `depth` indents what
    happens only sometimes. `place` names the step of a recipe that it draws, and `people` is how many are there."""

    state: State
    says: Said
    outcome: Said = ()
    tool: Tool | None = None
    at: Moment | None = None
    gap: bool = False
    is_told: bool = True
    depth: int = 0
    place: Place | None = None
    people: int = 0


def title(run: Run) -> str:
    return words.recipe(run.recipe)


def lines(run: Run, steps: int, now: int, accounts: Mapping[str, Account]) -> list[Line]:
    """A run of so many steps from its event to where it is now. `accounts` are the workspace's, by connection."""
    came, says = words.moment(run.received_at, now), words.upper_first(words.happening(run.event_type))
    shown = [Line(START, (says,), tool=_tool(run.event_type), at=came, is_told=False)]
    shown += [_line(step, now, accounts) for step in run.steps if step.position < MOST_STEPS and step.action != NOW]
    if left_out := steps - len(run.steps):
        says = ngettext(
            "%(num)s more step. See all with: hub run %(run)s",
            "%(num)s more steps. See all with: hub run %(run)s",
            left_out,
            run=str(run.id),
        )
        shown.append(Line(LEFT_OUT, (says,), gap=True, is_told=False))
    shown += [_line(step, now, accounts) for step in run.steps if step.position >= MOST_STEPS]
    return shown + _end(run, now)


def summary(run: Run, now: int, accounts: Mapping[str, Account]) -> Said:
    """How far a run has come, in one sentence."""
    if said := words.reason(run.reason):
        return (said,)
    if run.ended_at is not None:
        done = [words.action(s.action) for s in run.steps if s.state == "done" and s.connection_id]
        return (_listed(done, is_more=len(run.steps) >= MOST_STEPS) or _("There was nothing to do."),)
    pending = [step for step in run.steps if step.ended_at is None]
    if not pending:
        return (_("It goes on in a moment."),)
    return _pending(pending[0], now, accounts.get(pending[0].connection_id or ""))


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


def _line(step: Step, now: int, accounts: Mapping[str, Account]) -> Line:
    ended = step.ended_at
    at = words.moment(ended if ended is not None else step.asked_at, now)
    if step.action in (COMPLAINT_OPENED, COMPLAINT_CLOSED):
        return Line(words.step_state(step.state), (words.action(step.action),), at=at)
    if step.connection_id is None:
        return _gap(step, at, now)
    outcome = _outcome(step, now, accounts.get(step.connection_id))
    return Line(words.step_state(step.state), (words.action(step.action),), outcome, _tool(step.action), at)


def _gap(step: Step, at: Moment, now: int) -> Line:
    """A wait, with its length, and what ended it."""
    if step.action == CHOOSE:
        chosen = (step.reason or _("One of several ways was chosen")).rstrip(".")
        return Line(OVER, (chosen,), at=at, is_told=False)
    says = _wait(step, now)
    if step.state == "waiting":
        until: Said = parts("Until %(at)s", at=words.moment(step.due_at, now)) if step.due_at is not None else ()
        return Line(WAITING, says, until, gap=True)
    if step.state == "dropped":
        return Line(words.step_state("dropped"), says, at=at, gap=True)
    outcome: Said = (words.reason(step.reason) or "",) if step.reason else ()
    if step.action == WAIT_FOR and not step.reason:
        outcome = (words.came(step.answered_by),)
    elif step.action == ASK and not step.reason:
        outcome = (_("Nobody answered in time."),)
    return Line(OVER, says, outcome, at=at, gap=True)


def _wait(step: Step, now: int) -> Said:
    if step.action == SLEEP_UNTIL and step.due_at is not None:
        return parts("Wait until %(at)s", at=words.moment(step.due_at, now))
    length = step.due_at - step.asked_at if step.due_at is not None else None
    return (words.wait(step.action, list(step.awaits), length),)


def _outcome(step: Step, now: int, account: Account | None) -> Said:
    """What came of a step, or what it waits for; nothing where its state says all."""
    said = words.reason(step.reason)
    if step.state == "waiting" and account is not None:
        service = account.connection.connector.title
        if account.connection.state in _WITHOUT_LOGIN:
            return (_(_WITHOUT_LOGIN[account.connection.state].source, service=service),)
        if until := account.paused_at(now):
            return parts(
                "%(service)s takes no calls just now, and is tried again at %(at)s.",
                service=service,
                at=words.moment(until, now),
            )
    if step.state == "waiting" and said and step.held_until == step.due_at:
        return (said,)
    if step.state == "waiting" and step.due_at is not None and step.due_at > now:
        tried = ngettext("Tried %(num)s time, again at", "Tried %(num)s times, again at", step.attempts)
        return (f"{tried} ", words.moment(step.due_at, now), f". {said}" if said else ".")
    if step.state == "claimed" and said:
        return (joined([_("Finding out whether it happened."), said]),)
    return (said,) if said else ()


def _pending(step: Step, now: int, account: Account | None) -> Said:
    if step.connection_id is None:
        if step.action == SLEEP_UNTIL or step.due_at is None:
            return _wait(step, now)
        until = words.moment(step.due_at, now)
        if step.action == WAIT_FOR:
            return parts("Wait until %(event)s, or until %(at)s", event=words.any_of(list(step.awaits)), at=until)
        return parts("%(wait)s, until %(at)s", wait=_wait(step, now), at=until)
    outcome = _outcome(step, now, account) or (f"{words.step_state(step.state).says}.",)
    return parts("%(action)s: %(outcome)s", action=words.action(step.action), outcome=outcome)


def _end(run: Run, now: int) -> list[Line]:
    """How a run ended, or stands where no step of it says so."""
    state = words.run_state(run.state)
    at = words.moment(run.ended_at, now) if run.ended_at is not None else None
    said = None if any(step.reason == run.reason for step in run.steps) else words.reason(run.reason)
    if run.ended_at is None and said is None and any(step.ended_at is None for step in run.steps):
        return []
    if run.ended_at is None and said is None:
        said = _("It goes on in a moment.")
    return [Line(state, (state.says,), (said,) if said else (), at=at, is_told=False)]


def _tool(name: str) -> Tool:
    return words.tool(name.partition(".")[0])


def _listed(said: list[str], *, is_more: bool) -> str:
    """Sentences in one line, each told once, with how often it was done: "Tag a customer (3 times) · …"."""
    counts = Counter(said)
    return " · ".join(say if n == 1 else f"{say} {_times(n, is_more=is_more)}" for say, n in counts.items())


def _times(count: int, *, is_more: bool) -> str:
    if is_more:
        return _("(%(num)s times or more)", num=count)
    return ngettext("(%(num)s time)", "(%(num)s times)", count)


def tools(run: Run) -> Iterator[Tool]:
    """The services that a run used, each once, its trigger's first."""
    seen = dict.fromkeys([run.event_type, *(s.action for s in run.steps if s.connection_id)])
    yield from dict.fromkeys(_tool(name) for name in seen)
