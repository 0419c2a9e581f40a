"""A recipe tried out in a test: no database, no network, and time that passes at once.

This drives the recipe through the hub's own replay, so a forgotten `yield` or an input that changes is found here as
it would be there. It is not the engine: what quotas, retries, consent guards, batches and other runs would do is not
part of it, an action takes no time, and each is answered with what the test says.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from .. import values
from ..connector import Action
from ..errors import ActionFailed, Rejected, ReplayFailed
from ..event import Event
from ..matching import fits
from ..recipe import Recipe
from ..recipe_settings import filled_in
from ..replay import Asked, Entry, Failed, Finished, Held, replay
from ..step import CHOOSE, NOW, SLEEP, SLEEP_UNTIL, WAIT_FOR, Step, choose

MOST_STEPS = 300
"""Fewer than the hub allows, as each step replays all before it: a loop without an end is told soon."""

State = Literal["done", "stopped", "failed", "skipped"]


@dataclass(frozen=True)
class Rehearsed:
    """What became of a run.

    state   done · stopped (by an event of `stop_when`) · failed (the recipe raised) · skipped (it did not start)
    says    how it ended, in the words that the hub would show
    steps   every step that it asked for, in order; those that stopping cut short are among them
    """

    state: State
    says: str | None
    steps: list[Step]

    def of(self, action: Action[Any, Any]) -> list[Step]:
        """Those of the steps that are this action's."""
        return [step for step in self.steps if step.action == action.name]


def rehearse(
    recipe: Recipe,
    event: Event,
    answers: Mapping[Action[Any, Any] | Callable[..., Step], Any] | None = None,
    happenings: Iterable[Event] = (),
    **settings: Any,
) -> Rehearsed:
    """Runs a recipe on an event to its end: `rehearse(welcome, shopify.customer_created.sample, {…}, audience="a1")`.

    answers     what each action gives: plain data, a `Rejected` to throw, or a function that is given the step's
                inputs by name and returns either. `choose` may be among them, with what each test chooses:
                `{choose: {"subject": "b"}}`; otherwise the first option is chosen
    happenings  later events about the same person, which come in when they happened. One that happened before the
                run's own counts as come late, right after it

    Raises LookupError where an answer is missing, ReplayFailed where the hub would hold the run, SettingInvalid for
    settings that do not fit.
    """
    if not any(fits(match, event) for match in recipe.on):
        raise ValueError(f"{recipe.name} does not start with {event.type}, or not with such an event.")
    chosen = filled_in(recipe.settings, settings)
    if refusal := recipe.refusal(event):
        return Rehearsed("skipped", refusal, [])
    return _Rehearsal(recipe, event, dict(answers or {}), sorted(happenings, key=lambda late: late.at), chosen).run()


@dataclass
class _Rehearsal:
    recipe: Recipe
    event: Event
    answers: Mapping[Action[Any, Any] | Callable[..., Step], Any]
    happenings: list[Event]
    settings: Mapping[str, Any]
    steps: list[Step] = field(default_factory=list)
    journal: dict[int, Entry] = field(default_factory=dict)

    def run(self) -> Rehearsed:
        now = self.event.at
        while True:
            if stop := self._stop(now):
                return Rehearsed("stopped", f"Ended by {stop.type}.", self.steps)
            outcome = replay(lambda: self.recipe(self.event, **self.settings), self.journal)
            if isinstance(outcome, Finished):
                return Rehearsed("done", outcome.says, self.steps)
            if isinstance(outcome, Failed):
                return Rehearsed("failed", outcome.reason, self.steps)
            if isinstance(outcome, Held):
                raise outcome.error
            self.steps += [asked.step for asked in outcome.asked]
            if len(self.steps) > MOST_STEPS:
                raise ReplayFailed(f"The recipe asked for {MOST_STEPS} steps. It may have a loop without an end.")
            # The answers of several steps come when the last of them is there.
            ends = [self._answered(asked, now) for asked in outcome.asked]
            now = max([now, *ends])

    def _stop(self, now: datetime) -> Event | None:
        came = [late for late in self.happenings if late.at <= now]
        ends = self.recipe.stop_when
        return next((late for late in came if any(fits(match, late, self.event) for match in ends)), None)

    def _answered(self, asked: Asked, now: datetime) -> datetime:
        """Answers a step, and gives the time when it ends."""
        step, end = asked.step, now
        answer: Any = None
        if step.action == SLEEP:
            end = now + step.inputs["for"]
        elif step.action == SLEEP_UNTIL:
            end = step.inputs["at"]
        elif step.action == WAIT_FOR:
            answer, end = self._awaited(step, now)
        elif step.action == NOW:
            answer = now
        elif step.action == CHOOSE:
            answer = self._chosen(step)
        else:
            answer = self._given(step)
        error = answer if isinstance(answer, Rejected) else None
        entry = Entry(step.action, asked.fingerprint, True, None if error else answer, error)
        self.journal[asked.position] = entry
        return end

    def _awaited(self, step: Step, now: datetime) -> tuple[Event | None, datetime]:
        used = [entry.answer for entry in self.journal.values() if entry.action == WAIT_FOR]
        timeout = now + step.inputs["timeout"]
        for late in self.happenings:
            is_new = not any(late is other for other in used)
            if is_new and late.at <= timeout and any(fits(match, late, self.event) for match in step.inputs["any"]):
                return late, late.at
        return None, timeout

    def _chosen(self, step: Step) -> str:
        test, options = step.inputs["test"], step.inputs["options"]
        name: str = dict(self.answers.get(choose, {})).get(test, min(options))
        if name not in options:
            raise LookupError(f"The test {test!r} has no option {name!r}: it has {', '.join(options)}.")
        return name

    def _given(self, step: Step) -> Any:
        for action, given in self.answers.items():
            if isinstance(action, Action) and action.name == step.action:
                answer = given(**step.inputs) if callable(given) else given
                if isinstance(answer, ActionFailed) and not isinstance(answer, Rejected):
                    raise TypeError(f"{type(answer).__name__} never reaches a recipe: the hub deals with it.")
                return answer if isinstance(answer, Rejected) else values.read(values.write(answer))
        raise LookupError(
            f"Step {len(self.steps)} is {step.action}, and no answer is given for it. "
            f"Add it to the answers: {{{step.action}: …}}"
        )
