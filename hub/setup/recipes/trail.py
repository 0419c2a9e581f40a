"""The way of a recipe, found by driving it: no account, no database, nothing sent, and time that passes at once.

A recipe is driven through the hub's own replay with a sample of what starts it. Steps are answered with the usual one
of the examples that their connector gives; waits both by what they wait for and by their end. What follows more often
than not is the trail; where an answer leads elsewhere, another trail begins beside it.
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final, Literal

from ... import registry
from ...errors import HubError
from ...event import Event
from ...matching import with_values
from ...recipe import Recipe, value_at
from ...replay import Asked, Entry, Failed, Finished, replay
from ...step import ASK, CHOOSE, NOW, OWN, SLEEP, SLEEP_UNTIL, WAIT_FOR, Step
from ..language import _, pgettext
from .unknown import Unforeseen, Unknown

MOST_NODES = 60
"""Steps of one trail: a recipe without an end goes on for ever."""

MOST_REPLAYS = 1500
"""Of all trails together. Each step replays all before it."""

DEEPEST = 2

OVER: Final = "over"
AGAIN: Final = "again"
ON: Final = "on"
MORE: Final = "more"
UNFORESEEN: Final = "unforeseen"
BROKEN: Final = "broken"
How = Literal["over", "again", "on", "more", "unforeseen", "broken"]
"""How a trail ends: the recipe ends, the same wait begins anew, it goes on as the trail that it left, it is too long to
be drawn, what follows depends on an answer that nobody gave an example of, or the example does not suit the recipe."""


@dataclass(frozen=True)
class Node:
    """One step of a trail. `after` is since the run's beginning; `lasts` is set for waits; `calls` counts the steps of
    connectors before it; `others` are the trails that begin here, each with when, in words."""

    step: Step
    after: timedelta
    calls: int
    lasts: timedelta | None = None
    happens: bool = False
    others: tuple[tuple[str, Trail], ...] = ()


@dataclass(frozen=True)
class Trail:
    """Steps in order, and how they end: `says` is the recipe's own line about it, or what cannot be foreseen."""

    nodes: tuple[Node, ...]
    how: How
    says: str | None = None


def trail(recipe: Recipe, event: Event, settings: Mapping[str, Any]) -> Trail:
    """The way of a recipe from this event, with all its settings."""
    drive = _Drive(recipe, event, settings)
    return drive.explore(_Past(event.at), 0)


@dataclass(frozen=True)
class _Past:
    """What has been asked and answered so far."""

    now: datetime
    journal: Mapping[int, Entry] = field(default_factory=dict)
    calls: int = 0

    def with_answers(self, asked: tuple[Asked, ...], answers: list[Any], now: datetime) -> _Past:
        entries = {
            item.position: Entry(item.step.action, item.fingerprint, True, answer)
            for item, answer in zip(asked, answers, strict=True)
        }
        calls = sum(not _is_own(item.step) for item in asked)
        return _Past(now, {**self.journal, **entries}, self.calls + calls)


@dataclass(frozen=True)
class _Fork:
    """Where another trail begins: beside the step at `index`, which led to the steps from `begins` on. `begun` is the
    wait that may begin anew."""

    index: int
    begins: int
    when: str
    past: _Past
    begun: Step | None = None


@dataclass
class _Drive:
    recipe: Recipe
    event: Event
    settings: Mapping[str, Any]
    replays: int = 0

    def explore(self, past: _Past, depth: int, begun: Step | None = None) -> Trail:
        """The trail from here on. Beside a wait (`begun`), it ends where the same wait begins anew."""
        nodes: list[Node] = []
        forks: list[_Fork] = []
        end: Trail | None = None
        while end is None:
            asked, end = self._ask(past, len(nodes))
            if end is not None:
                break
            if begun and not nodes and _same(asked[0].step, begun):
                end = Trail((), AGAIN)
                break
            answers, now = [self._usual(item.step, past) for item in asked], past.now
            # Whatever begins beside one of several steps at once begins after all of them.
            begins = len(nodes) + sum(item.step.action != NOW for item in asked)
            if asked[0].step.action == WAIT_FOR:
                answers, other = self._waited(asked, past)
                if other is not None:
                    forks.append(_Fork(len(nodes), begins, "", other, asked[0].step))
            for number, item in enumerate(asked):
                if item.step.action == NOW:
                    continue
                lasts = _lasts(item.step, past.now)
                happens = item.step.action == WAIT_FOR and answers[number] is not None
                calls = past.calls + number
                node = Node(item.step, past.now - self.event.at, calls, lasts, happens)
                for when, answer in self._examples(item.step)[1:]:
                    changed = past.with_answers(asked, _replaced(answers, number, answer), past.now)
                    forks.append(_Fork(len(nodes), begins, when, changed))
                nodes.append(node)
                now = max(now, self._ends(item.step, answers[number], past.now))
            past = past.with_answers(asked, answers, now)
        made = Trail(tuple(nodes), end.how, end.says)
        return self._forked(made, forks, depth) if depth < DEEPEST else made

    def _forked(self, made: Trail, forks: list[_Fork], depth: int) -> Trail:
        """The trail with those that begin beside it, as far as they lead elsewhere."""
        nodes = list(made.nodes)
        for fork in forks:
            other = _joined(self.explore(fork.past, depth + 1, fork.begun), made, fork.begins)
            if other.nodes or other.how != ON:
                node = nodes[fork.index]
                nodes[fork.index] = replace(node, others=(*node.others, (fork.when, other)))
        return replace(made, nodes=tuple(nodes))

    def _ask(self, past: _Past, count: int) -> tuple[tuple[Asked, ...], Trail | None]:
        """What the recipe asks for next, or how it ends."""
        self.replays += 1
        if count >= MOST_NODES or self.replays > MOST_REPLAYS:
            return (), Trail((), MORE)
        try:
            outcome = replay(lambda: self.recipe(self.event, **self.settings), past.journal)
        except Unforeseen as unforeseen:
            return (), Trail((), UNFORESEEN, unforeseen.action)
        if isinstance(outcome, Finished):
            return (), Trail((), OVER, outcome.says)
        if isinstance(outcome, Failed):
            met = next(
                (e.answer for e in past.journal.values() if isinstance(e.answer, Unknown) and e.answer.met), None
            )
            return (), Trail((), UNFORESEEN, met.action) if met is not None else Trail((), BROKEN)
        asked = getattr(outcome, "asked", ())
        return (asked, None) if asked else ((), Trail((), BROKEN))

    # ---- answers

    def _usual(self, step: Step, past: _Past) -> Any:
        if step.action == NOW:
            return past.now
        examples = self._examples(step)
        if not examples and _is_own(step):
            return None
        return examples[0][1] if examples else Unknown(step.action)

    def _examples(self, step: Step) -> list[tuple[str, Any]]:
        if step.action == CHOOSE:
            return [(_("it is %(option)s", option=name), name) for name in step.inputs["options"]]
        if step.action == ASK:
            return _decisions(step)
        if _is_own(step):
            return []
        try:
            given = registry.action(step.action).examples
            return [(when, deepcopy(answer)) for when, answer in given(**step.inputs)] if given else []
        except HubError:
            return []

    def _waited(self, asked: tuple[Asked, ...], past: _Past) -> tuple[list[Any], _Past | None]:
        """How a wait usually ends, and the other way. Usual is what leads further, as whoever waits thirty days for a
        yes hopes for it; but not a mere detour, from which it goes on as without."""
        step = asked[0].step
        ended = past.with_answers(asked, [None], past.now + step.inputs["timeout"])
        happening = self._happening(step, past.now + step.inputs["timeout"] / 2)
        if happening is None:
            return [None], None
        happened = past.with_answers(asked, [happening], happening.at)
        with_it, without = self._reach(happened, step), self._reach(ended, step)
        is_detour = bool(without) and with_it[-len(without) :] == without
        if len(with_it) > len(without) and not is_detour:
            return [happening], ended
        return [None], happened

    def _reach(self, past: _Past, begun: Step) -> list[tuple[str, int]]:
        """The steps of connectors that follow if all goes the usual way and nothing that is waited for happens."""
        reached: list[tuple[str, int]] = []
        first = True
        for count in range(MOST_NODES):
            asked, end = self._ask(past, count)
            if end is not None or (first and _same(asked[0].step, begun)):
                break
            first = first and asked[0].step.action == NOW
            answers = [self._usual(item.step, past) for item in asked]
            now = max(self._ends(item.step, answer, past.now) for item, answer in zip(asked, answers, strict=True))
            past = past.with_answers(asked, answers, now)
            reached += [(item.step.action, item.step.line) for item in asked if not _is_own(item.step)]
        return reached

    def _ends(self, step: Step, answer: Any, now: datetime) -> datetime:
        if isinstance(answer, Event):
            return max(now, answer.at)
        return now + (_lasts(step, now) or timedelta(0))

    def _happening(self, step: Step, at: datetime) -> Event | None:
        """An event as it is waited for, about the person of this run."""
        for match in step.inputs["any"]:
            try:
                sample = registry.connector(match["type"].partition(".")[0]).triggers[match["type"]].sample
            except (HubError, KeyError):
                continue
            shared = {path: value_at(self.event.data, path) for path in match["same"]}
            return replace(with_values(sample, {**match["where"], **shared}), at=at, person=self.event.person)
        return None


def _decisions(step: Step) -> list[tuple[str, Any]]:
    """What somebody of the business may answer: each choice, or a text; and what counts if nobody does."""
    choices, default = step.inputs["choices"], step.inputs["default"]
    said = [(pgettext("clause", "somebody of yours says “%(answer)s”", answer=choice), choice) for choice in choices]
    said = said or [(pgettext("clause", "somebody answers"), "…")]
    return said if default in choices else [*said, (pgettext("clause", "nobody answers in time"), default)]


def _is_own(step: Step) -> bool:
    return step.action in OWN


def _lasts(step: Step, now: datetime) -> timedelta | None:
    """How long a wait takes at most; None for whatever is no wait."""
    lasts: timedelta | None = None
    if step.action == SLEEP:
        lasts = step.inputs["for"]
    elif step.action == SLEEP_UNTIL:
        lasts = max(timedelta(0), step.inputs["at"] - now)
    elif step.action == WAIT_FOR:
        lasts = step.inputs["timeout"]
    return lasts


def _same(step: Step, other: Step) -> bool:
    """Whether both are the same line of the recipe, waiting for the same."""
    return step.action == other.action == WAIT_FOR and step.line == other.line and _awaited(step) == _awaited(other)


def _awaited(step: Step) -> list[str]:
    return [match["type"] for match in step.inputs["any"]]


def _joined(other: Trail, made: Trail, begins: int) -> Trail:
    """The other trail up to where it asks for the same as the rest of the one that it left."""
    rest = [_names(node) for node in made.nodes[begins:]]
    own = [_names(node) for node in other.nodes]
    for index in range(len(own) + 1):
        if own[index:] == rest and (other.how, other.says) == (made.how, made.says) and (rest or not own):
            return Trail(other.nodes[:index], ON)
    return other


def _names(node: Node) -> tuple[str, int]:
    return node.step.action, node.step.line


def _replaced(answers: list[Any], number: int, answer: Any) -> list[Any]:
    return [*answers[:number], answer, *answers[number + 1 :]]
