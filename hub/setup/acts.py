"""What somebody can do about one run, and what it would mean."""

from __future__ import annotations

from dataclasses import dataclass

from .. import runs
from ..step import ASK, SLEEP, SLEEP_UNTIL, WAIT_FOR
from . import words
from .activity import messages
from .language import _
from .queries import Run, Step

_STOPPED_BY = ("unknown", "refused", "dropped")
_OPEN = ("waiting", "unknown")


@dataclass(frozen=True)
class Skip:
    """A step that can be skipped. `then` says what follows from that."""

    position: int
    label: str
    then: str


@dataclass(frozen=True)
class Acts:
    """What can be done. `sends` are the messages that trying again may send, in words; `may_be_twice` whether the
    customer may have got one already and nobody can tell, `is_asked_first` whether the service is asked for one.
    `asks` is the position of the question that somebody of the business may answer."""

    can_retry: bool
    can_end: bool
    can_be_replayed: bool
    asks: int | None
    skips: tuple[Skip, ...]
    sends: tuple[str, ...]
    may_be_twice: bool
    is_asked_first: bool


def acts(run: Run) -> Acts:
    """What can be done about a run as it is just now: without what was in it, only to end it."""
    can_retry = run.state in ("held", "failed") and run.sealed
    repeated = [step for step in run.steps if step.state in _STOPPED_BY] if can_retry else []
    unknown = [step.action for step in repeated if step.state == "unknown"]
    return Acts(
        can_retry=can_retry,
        can_end=run.ended_at is None,
        can_be_replayed=run.state in ("failed", "stopped") and run.sealed,
        asks=next((step.position for step in run.steps if step.action == ASK and step.state == "waiting"), None),
        skips=tuple(_skip(step) for step in run.steps if _is_open(run) and step.state in _OPEN),
        sends=messages([step.action for step in repeated]),
        may_be_twice=bool(messages([action for action in unknown if not runs.can_be_asked(action)])),
        is_asked_first=bool(messages([action for action in unknown if runs.can_be_asked(action)])),
    )


def _is_open(run: Run) -> bool:
    return run.ended_at is None and run.sealed


def _skip(step: Step) -> Skip:
    if step.action in (SLEEP, SLEEP_UNTIL):
        return Skip(step.position, _("Go on now"), _("The wait is over, and what comes next is done at once."))
    if step.action == WAIT_FOR:
        then = _("The recipe goes on at once, as if it had not happened in time.")
        return Skip(step.position, _("Do not wait any longer"), then)
    if step.action == ASK:
        then = _("The recipe goes on at once, as if nobody had answered in time.")
        return Skip(step.position, _("Go on without an answer"), then)
    label = _("Skip “%(action)s”", action=words.action(step.action))
    then = _("The recipe is told that it was not done. If it cannot do without, it ends.")
    return Skip(step.position, label, then)
