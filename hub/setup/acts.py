"""What somebody can do about one run, and what it would mean."""

from __future__ import annotations

from dataclasses import dataclass

from ..step import SLEEP, SLEEP_UNTIL, WAIT_FOR
from . import words
from .activity import messages
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
    customer may have got them already."""

    can_retry: bool
    can_end: bool
    can_be_replayed: bool
    skips: tuple[Skip, ...]
    sends: tuple[str, ...]
    may_be_twice: bool


def acts(run: Run) -> Acts:
    """What can be done about a run as it is just now."""
    can_retry = run.state in ("held", "failed")
    repeated = [step for step in run.steps if step.state in _STOPPED_BY] if can_retry else []
    sends = messages([step.action for step in repeated])
    return Acts(
        can_retry=can_retry,
        can_end=run.ended_at is None,
        can_be_replayed=run.state in ("failed", "stopped"),
        skips=tuple(_skip(step) for step in run.steps if run.ended_at is None and step.state in _OPEN),
        sends=sends,
        may_be_twice=bool(messages([step.action for step in repeated if step.state == "unknown"])),
    )


def _skip(step: Step) -> Skip:
    if step.action in (SLEEP, SLEEP_UNTIL):
        return Skip(step.position, "Go on now", "The wait is over, and what comes next is done at once.")
    if step.action == WAIT_FOR:
        then = "The recipe goes on at once, as if it had not happened in time."
        return Skip(step.position, "Do not wait any longer", then)
    label = f"Skip “{words.action(step.action)}”"
    return Skip(step.position, label, "The recipe is told that it was not done. If it cannot do without, it ends.")
