"""Playing a recipe: events come in when they happened, and what follows is done, until nothing is left to be done."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from operator import itemgetter
from typing import Any, Literal
from zoneinfo import ZoneInfo

from .. import questions, registry, schedules
from ..connection import Connection
from ..connector import Action
from ..core import Hub
from ..errors import ActionFailed, ReplayFailed, ServiceDown
from ..event import Event, Person
from ..matching import fits
from ..outbox.calling import LEAVES
from ..outbox.steps import Waiting
from ..recipe import Recipe
from ..recipe_settings import filled_in
from ..replay import Held, replay
from ..step import Step
from ..timing import to_ms
from ..wakeups import READ
from .driving import READ_LEASE_SECONDS, next_due, settle
from .happenings import Trouble, about
from .reading import Journal, journals, longest, progress, skipped
from .stage import Heard, Stage, stage
from .timeline import Entry, entries, not_started, zone_of

MOST_STEPS = 300
"""Fewer than the hub allows, as each step replays all before it: a loop without an end is told soon."""

MOST_IDLE = 1_000
"""Instants at which nothing comes of what is due: a service that is down is tried some hundred times."""

VERSION = "rehearsal"
State = Literal["running", "waiting", "done", "stopped", "failed", "held", "skipped"]


@dataclass(frozen=True)
class Rehearsed:
    """What became of a run.

    state     done · stopped (by an event of `stop_when`) · failed (the recipe raised) · held (a person must decide) ·
              skipped (it did not start) · waiting (for what never comes)
    says      how it ended, in the words that the hub would show
    steps     every step that it asked for, in order; those that stopping cut short are among them
    timeline  what comes of them, and when: see `Entry`
    """

    state: State
    says: str | None
    steps: list[Step]
    timeline: tuple[Entry, ...]

    def of(self, action: Action[Any, Any]) -> list[Step]:
        """Those of the steps that are this action's."""
        return [step for step in self.steps if step.action == action.name]


@dataclass(frozen=True)
class Played:
    """What became of one event that may start the recipe: `event` as it was given, and its run."""

    event: Event
    run: Rehearsed


@dataclass
class Play:
    """A recipe with its settings, and how those around it behave.

    recipe    as it is in this process
    settings  as an owner gives them, or already of their types
    answers   what an action gives, in place of its practice service: plain data, an error that the service answers
              with, or a function that is given the step's inputs by name and returns either
    troubles  when services do not answer
    agreed    whether everybody who said nothing about messages counts as having agreed to them
    welcome   whether services know those whom events are about as people who agreed to all that these send
    decisions what somebody of the business answers when a recipe asks, in this order; then nobody does
    choices   which option each test chooses, by the test's name; otherwise the first by its name
    zone      the business's time zone, for those whose own nobody knows
    said      what people said about messages before, by channel and recipients; what events tell counts more
    """

    recipe: Recipe
    settings: Mapping[str, Any] = field(default_factory=dict)
    answers: Mapping[Action[Any, Any], Any] = field(default_factory=dict)
    troubles: Sequence[Trouble] = ()
    agreed: bool = True
    decisions: Sequence[str] = ()
    choices: Mapping[str, str] = field(default_factory=dict)
    zone: ZoneInfo | None = None
    said: Heard | None = None
    welcome: bool = False

    def events(self, events: Iterable[Event]) -> list[Played]:
        """What becomes of each event that may start the recipe. They come in when they happened, in this order where
        that is at once.

        Raises SettingInvalid; LookupError where an answer is missing; what a function among the answers raises; and
        ReplayFailed for a recipe without an end, or that the hub would hold.
        """
        return self.arriving([(event.at, event) for event in events])

    def arriving(self, arrivals: Iterable[tuple[datetime, Event]]) -> list[Played]:
        """What `events` does, of events that come in at times of their own."""
        chosen = filled_in(self.recipe.settings, self.settings)
        coming = sorted(arrivals, key=itemgetter(0))
        if not coming:
            return []
        told = [event.type.partition(".")[0] for _, event in coming if not schedules.is_timed(event)]
        services = [*self.recipe.needs, *told]
        with stage() as on:
            accounts = {name: on.account(registry.connector(name)) for name in dict.fromkeys(services)}
            with on.begun(to_ms(coming[0][0])):
                return _Playing(self, on, accounts, chosen).run(coming)


def rehearse(
    recipe: Recipe,
    event: Event,
    answers: Mapping[Action[Any, Any], Any] | None = None,
    happenings: Iterable[Event] = (),
    *,
    troubles: Sequence[Trouble] = (),
    agreed: bool = True,
    decisions: Sequence[str] = (),
    choices: Mapping[str, str] | None = None,
    **settings: Any,
) -> Rehearsed:
    """Plays a recipe on an event to its end: `rehearse(welcome, shopify.customer_created.sample, audience="a1")`.

    answers     what actions give, where it should not be what their practice services do: see `Play`
    happenings  later events about the same person, which come in when they happened. One that happened before the
                run's own counts as come late, right after it
    decisions   what somebody of the business answers when the recipe asks: see `Play`
    choices     which option each test chooses, `{"subject": "b"}`: see `Play`

    Raises ValueError for an event that does not start the recipe, and what `Play.events` raises.
    """
    if not any(fits(match, event) for match in recipe.on):
        raise ValueError(f"{recipe.name} does not start with {event.type}, or not with such an event.")
    later = [(max(late.at, event.at), about(event.person, late)) for late in happenings]
    play = Play(recipe, settings, dict(answers or {}), troubles, agreed, decisions, choices or {})
    return play.arriving([(event.at, event), *later])[0].run


class _Playing:
    """One play on a stage."""

    def __init__(self, play: Play, on: Stage, accounts: Mapping[str, str], settings: Mapping[str, Any]) -> None:
        self.play, self.on, self.settings = play, on, settings
        self.hub: Hub = on.hub
        self.connections = {name: self.hub.connections.get(account) for name, account in accounts.items()}
        self.answers: dict[str, Any] = {action.name: given for action, given in play.answers.items()}
        self.troubles = [
            (trouble.connector, to_ms(trouble.since), to_ms(trouble.since + trouble.lasts)) for trouble in play.troubles
        ]
        self.decisions = list(play.decisions)
        self.broken: Exception | None = None
        self.known: dict[int, Event] = {}
        self.welcomed: list[Person] = []
        self.hub.stand_in, self.hub.choices = self._stand_in, play.choices
        on.people.agreed, on.people.said = play.agreed, play.said
        self.hub.versions.take(play.recipe, VERSION)
        if play.zone is not None:
            self.hub.workspaces.live_by(on.workspace, play.zone.key)
        bound = {name: accounts[name] for name in play.recipe.needs}
        self.hub.enabled.put(on.workspace, play.recipe, VERSION, settings, bound)

    def run(self, coming: Sequence[tuple[datetime, Event]]) -> list[Played]:
        rest, times = [(to_ms(at), event) for at, event in coming], 0
        moved: tuple[int, ...] = ()
        while True:
            now = self.hub.clock.now()
            count = next((number for number, (at, _) in enumerate(rest) if at > now), len(rest))
            self._take([event for _, event in rest[:count]])
            del rest[:count]
            settle(self.hub, self.on.woken)
            self._decide()
            if self.broken is not None:
                raise self.broken
            times += 1
            if times % MOST_STEPS == 0 and longest(self.hub) > MOST_STEPS:
                raise ReplayFailed(f"The recipe asked for {MOST_STEPS} steps. It may have a loop without an end.")
            if times % MOST_IDLE == 0:
                before, moved = moved, progress(self.hub)
                if moved == before and not rest:
                    return self._played()  # what is left is looked at again and again, and waits for what never comes
            due = next_due(self.hub)
            ahead = [at for at in (due, rest[0][0] if rest else None) if at is not None]
            if not ahead:
                return self._played()
            self.on.clock.go_to(min(ahead))

    def _decide(self) -> None:
        """Answers what the recipe asks somebody of the business."""
        while self.decisions and (asked := questions.waiting(self.hub, self.on.workspace, 1)):
            questions.answer(self.hub, self.on.workspace, asked[0], self.decisions.pop(0))
            settle(self.hub, self.on.woken)

    def _take(self, events: Sequence[Event]) -> None:
        """Has events come in, a few at a time as they would."""
        from webhooks.inbox import take
        from webhooks.reading import MOST_EVENTS, told

        for start in range(0, len(events), MOST_EVENTS):
            some = events[start : start + MOST_EVENTS]
            for is_timed, alike in groupby(some, schedules.is_timed):
                same = list(alike)
                pairs = [(self._heard_from(event), event) for event in same]
                asked_by = self.play.recipe.name if is_timed else None
                read = told(self.on.workspace, self.hub.clock.now(), pairs, asked_by)
                lease = self.hub.database.acquire(READ, READ_LEASE_SECONDS)
                assert lease is not None
                take(self.hub, lease, read)
                self.known |= {item.id: event for item, event in zip(read.events, same, strict=True)}

    def _heard_from(self, event: Event) -> Connection:
        """Where an event comes from; its provider knows what it tells."""
        if self.play.welcome and event.person not in self.welcomed:
            self._welcome(event.person)
        if schedules.is_timed(event):
            return schedules.connection_of(self.hub, self.on.workspace, schedules.CLOCK)
        self.on.services.meet(event)
        return self.connections[event.type.partition(".")[0]]

    def _welcome(self, person: Person) -> None:
        self.welcomed.append(person)
        declared = self.play.recipe.settings
        chosen = {kind: self.settings[name] for name, one in declared.items() if (kind := one.words.chooses)}
        for name in self.play.recipe.needs:
            self.on.services.welcome(registry.connector(name), person, chosen)

    def _stand_in(self, step: Waiting) -> Any:
        """What answers a step in place of its practice service, if anything does."""
        service, now = step.action.connector, self.hub.clock.now()
        if any(name == service.name and since <= now < until for name, since, until in self.troubles):
            raise ServiceDown(f"{service.title} does not answer.")
        given = self.answers.get(step.action.name, LEAVES)
        try:
            if given is LEAVES and self.on.services.of(service) is None:
                raise LookupError(
                    f"Step {step.name[1] + 1} is {step.action.name}, and no answer is given for it. "
                    f"Add it to the answers: {{{step.action.name}: …}}"
                )
            return given(**step.inputs) if callable(given) else given
        except ActionFailed:
            raise
        except Exception as error:  # a mistake of whoever rehearses, not the service's
            self.broken = self.broken or error
            raise

    # ---- what came of it

    def _played(self) -> list[Played]:
        found = {journal.run.event_id: journal for journal in journals(self.hub, self.on.workspace)}
        refused = skipped(self.hub, self.play.recipe.name)
        return [
            Played(event, self._became(event, found.get(event_id), refused.get(event_id)))
            for event_id, event in self.known.items()
            if any(fits(match, event) for match in self.play.recipe.on)
        ]

    def _became(self, event: Event, journal: Journal | None, refusal: str | None) -> Rehearsed:
        zone = zone_of(event.person, event.place, self.play.zone)
        if journal is None:
            says = refusal or "It came before, so it starts nothing."
            return Rehearsed("skipped", says, [], (not_started(event, says, zone),))
        if journal.run.state == "held":
            self._raise_if_held(event, journal)
        steps = [line.step for line in journal.lines]
        return Rehearsed(journal.run.state, journal.run.reason, steps, entries(journal, zone))

    def _raise_if_held(self, event: Event, journal: Journal) -> None:
        """Raises what the hub holds the run for, unless it waits for a person to find out what happened."""
        outcome = replay(lambda: self.play.recipe(event, **self.settings), journal.entries)
        if isinstance(outcome, Held):
            raise outcome.error
