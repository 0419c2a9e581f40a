"""The branches of a recipe that are worth rehearsing, found by how it goes usually: what it waits for happens or does
not, a message is refused, somebody did not agree."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Literal

from ..errors import HubError, SettingInvalid
from ..event import Event
from ..matching import example
from ..recipe import Recipe
from ..registry import action
from ..step import SLEEP, SLEEP_UNTIL, WAIT_FOR
from .playing import Rehearsed
from .scripts import Script

Kind = Literal["usual", "happens", "refused", "not_agreed"]

SOON = timedelta(minutes=10)
"""When something happens where the recipe waits for nothing."""

_UNITS = (timedelta(days=1), timedelta(hours=1), timedelta(minutes=1))


@dataclass(frozen=True)
class Branch:
    """One branch. `what` is the type of the event that happens, `after` when; or the action that is refused."""

    kind: Kind
    script: Script
    what: str = ""
    after: timedelta = timedelta(0)

    @property
    def key(self) -> str:
        """What names it in an address."""
        return f"{self.kind}-{self.what}" if self.what else self.kind


def starts(recipe: Recipe) -> list[Event]:
    """An example of each event that starts the recipe, in the order in which it names them."""
    return [event for match in recipe.on if (event := example(recipe, match)) is not None]


def start_of(recipe: Recipe) -> Event:
    """The first example of what starts the recipe. Raises SettingInvalid if none does."""
    found = starts(recipe)
    if not found:
        raise SettingInvalid("No example of what starts this recipe meets its conditions. Give an event: --event FILE")
    return found[0]


def branches(recipe: Recipe, start: Event, usual: Script, run: Rehearsed) -> list[Branch]:
    """The branches of a recipe that an event starts, the usual one first: by what became of that one (`run`)."""
    return [Branch("usual", usual), *_happening(recipe, run, start, usual), *_refused(run, usual)]


def _happening(recipe: Recipe, run: Rehearsed, start: Event, usual: Script) -> Iterator[Branch]:
    """What the recipe waits for, or ends with, happens halfway through the wait for it."""
    when: dict[str, timedelta] = {}
    first: timedelta | None = None
    for step, begins, lasts in _waits(run, start):
        middle = begins + _rounded(lasts / 2)
        first = first or (middle if lasts else None)
        for match in step.inputs.get("any", ()) if lasts else ():
            when.setdefault(match["type"], middle)
    for match in recipe.stop_when:
        when.setdefault(match.type, first or SOON)
    for kind, after in when.items():
        text = f"{kind} after {round(after.total_seconds())} s"
        yield Branch("happens", replace(usual, happenings=(text,)), kind, after)


def _waits(run: Rehearsed, start: Event) -> Iterator[tuple[Any, timedelta, timedelta]]:
    """Each wait, when it begins, and for how long it lasts."""
    shown = iter(run.timeline)
    for step in run.steps:
        entry = next((each for each in shown if each.action == step.action), None)
        if entry is None or step.action not in (SLEEP, SLEEP_UNTIL, WAIT_FOR):
            shown = iter(run.timeline) if entry is None else shown
            continue
        begins = entry.at - start.at.replace(microsecond=0)
        if step.action == SLEEP:
            lasts = step.inputs["for"]
        else:
            lasts = step.inputs["timeout"] if step.action == WAIT_FOR else step.inputs["at"] - entry.at
        yield step, begins, max(lasts, timedelta(0))


def _rounded(span: timedelta) -> timedelta:
    """To whole days, else hours, else minutes: as people say it."""
    unit = next((unit for unit in _UNITS if span >= unit), timedelta(seconds=1))
    return max(unit, unit * (span // unit))


def _refused(run: Rehearsed, usual: Script) -> Iterator[Branch]:
    messages: dict[str, bool] = {}
    for step in run.steps:
        try:
            if action(step.action).channel is not None:
                messages[step.action] = step.inputs.get("purpose") == "marketing" or messages.get(step.action, False)
        except HubError:
            continue  # a step of the engine's own
    for name in messages:
        yield Branch("refused", replace(usual, refusals=(name,)), name)
    if any(messages.values()):
        yield Branch("not_agreed", replace(usual, agreed=False))
