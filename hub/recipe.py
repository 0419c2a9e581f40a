"""Declaring a recipe: a generator function that yields steps, and when it starts, stops and must not start."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from types import CodeType, ModuleType
from typing import Any

from . import addresses, recipe_settings
from .connector import Action, Connector, Match, Trigger
from .errors import RecipeInvalid
from .event import Event
from .recipe_settings import Declared
from .schedule import Schedule
from .step import Steps
from .trigger import Worth

Filter = Callable[[Event], bool]
"""Says whether an event should start the recipe. Its docstring is what people read when it did not:
"The order has an e-mail address.\""""

WITHIN = timedelta(days=14)
"""How long people may take to reach a recipe's goal, if the recipe does not say."""

MOST_WITHIN = timedelta(days=90)

PRIORITIES = 5
"""How many priorities recipes have among each other."""

FOREVER = timedelta(days=3650)
"""How long a `once_per` key counts where no cool-down is given."""


@dataclass(frozen=True)
class Goal:
    """What a recipe should make people do, `within` how long after its event. `worth`: where such an event says what it
    is worth."""

    match: Match
    within: timedelta = WITHIN
    worth: Worth | None = None


@dataclass(frozen=True)
class Recipe:
    """A recipe as declared. Calling it gives the generator, so that one recipe can `yield from` another."""

    name: str
    function: Callable[..., Steps] = field(repr=False)
    on: tuple[Match | Schedule, ...]
    title: str
    about: str
    settings: Mapping[str, Declared]
    needs: tuple[str, ...]
    filters: tuple[Filter, ...]
    once_per: Callable[[Event], str | None] | None = field(repr=False)
    cool_down: timedelta
    stop_when: tuple[Match, ...]
    priority: int
    goal: Goal | None = None

    def __call__(self, event: Event, **settings: Any) -> Steps:
        return self.function(event, **settings)

    def begin(self, event: Event, settings: Mapping[str, Any]) -> Steps:
        """What an event sets going: the recipe, or first the way through the list of those whom it begins for."""
        walk = self.walk(event)
        return walk.walk(settings) if walk else self.function(event, **settings)

    def walk(self, event: Event) -> Schedule | None:
        """The schedule that goes through a list now that this event came, if that is what it says."""
        return next((found for found in self.schedules if found.listing and found.type == event.type), None)

    @property
    def schedules(self) -> tuple[Schedule, ...]:
        return tuple(item for item in self.on if isinstance(item, Schedule))

    @property
    def module(self) -> str:
        return self.function.__module__

    def refusal(self, event: Event) -> str | None:
        """Why this event does not start the recipe, as the filter's own sentence; None if it does."""
        if self.walk(event):
            return None
        for check in self.filters:
            if not check(event):
                says = " ".join((check.__doc__ or check.__name__.replace("_", " ")).split()).rstrip(".")
                return f"Not so: {says}."
        return None


Start = Trigger | Match | Schedule


def recipe(
    *,
    on: Start | Sequence[Start],
    title: str,
    filters: Sequence[Filter] = (),
    once_per: str | Callable[[Event], str | None] | None = None,
    cool_down: timedelta = FOREVER,
    stop_when: Trigger | Match | Sequence[Trigger | Match] = (),
    goal: Trigger | Match | None = None,
    within: timedelta = WITHIN,
    value: str | None = None,
    priority: int = 3,
) -> Callable[[Callable[..., Steps]], Recipe]:
    """Declares a recipe. The function's docstring tells an owner what it does; its keyword-only parameters are
    its settings.

    on         what starts it: a trigger, one that is narrowed, a schedule, or several of them
    title      its name for people
    filters    all must hold, else it does not start and the reason is kept
    once_per   "person", a payload field ("id", "customer.id"), or a function of the event: it starts once per
               value within `cool_down`; where the value is missing (None), it starts each time
    stop_when  events about the same person that end a run at once, whatever it waits for
    goal       what people should do after it. How many do `within` that time of its event is counted, and what it
               was worth: the payload field `value`, by default the one that the goal's connector names
    priority   of its marketing among that of all recipes, from 1 to 5: where a person may get one message, the most
               important one leaves. 5 for a checkout, 4 for a cart, 2 for what somebody looked at, 1 for what can wait

    Raises RecipeInvalid, with every fault in one message.
    """

    def register(function: Callable[..., Steps]) -> Recipe:
        made = Recipe(
            name=function.__name__,
            function=function,
            on=_starts(on),
            title=title,
            about=inspect.getdoc(function) or "",
            settings=recipe_settings.declared(function),
            needs=tuple(sorted(_needs(function, [*_starts(on), *_matches(stop_when)]))),
            filters=tuple(filters),
            once_per=_once_key(once_per),
            cool_down=cool_down,
            stop_when=_matches(stop_when),
            goal=None if goal is None else _goal(_matches(goal)[0], within, value),
            priority=priority,
        )
        if faults := list(_faults(made)):
            raise RecipeInvalid(f"Recipe {made.name}: " + "; ".join(faults) + ".")
        return made

    return register


def _starts(given: Start | Sequence[Start]) -> tuple[Match | Schedule, ...]:
    listed = (given,) if isinstance(given, Start) else given
    return tuple(Match(item) if isinstance(item, Trigger) else item for item in listed)


def _matches(given: Trigger | Match | Sequence[Trigger | Match]) -> tuple[Match, ...]:
    listed = (given,) if isinstance(given, Trigger | Match) else given
    return tuple(item if isinstance(item, Match) else Match(item) for item in listed)


def _goal(match: Match, within: timedelta, value: str | None) -> Goal:
    worth = match.trigger.worth
    if value is not None:
        worth = replace(worth, value=value) if worth is not None else Worth(value)
    return Goal(match, within, worth)


def _faults(made: Recipe) -> Iterator[str]:
    if not inspect.isgeneratorfunction(made.function):
        yield "it yields no step, so it would do nothing"
    if not made.about:
        yield "it has no docstring that tells its owner what it does"
    if not made.on:
        yield "nothing starts it (on=…)"
    if made.priority not in range(1, PRIORITIES + 1):
        yield f"priority=… must be a whole number from 1 to {PRIORITIES}"
    if any(match.same for match in made.on):
        yield "on=… cannot use same=…, as there is no earlier event to compare with"
    if made.goal is not None and made.goal.match.same:
        yield "goal=… cannot use same=…, as the event that it would be compared with is not kept so long"
    if made.goal is not None and not timedelta(0) < made.goal.within <= MOST_WITHIN:
        yield f"within=… should be more than nothing, and {MOST_WITHIN.days} days at most"

    if len(made.on) > 1 and any(schedule.listing for schedule in made.schedules):
        yield "what goes through a list (each) can be the only thing that starts it"
    if len({schedule.name for schedule in made.schedules}) < len(made.schedules):
        yield "it has the same schedule twice"
    for schedule in made.schedules:
        yield from schedule.faults(made.settings)


def value_at(data: Mapping[str, Any], path: str) -> Any:
    """The value under a dotted name, None where there is none: `value_at(order, "customer.id")`."""
    found: Any = data
    for part in path.split("."):
        if not isinstance(found, Mapping):
            return None
        found = found.get(part)
    return found


def _once_key(given: str | Callable[[Event], str | None] | None) -> Callable[[Event], str | None] | None:
    if given is None or callable(given):
        return given
    if given == "person":
        return _person_key

    def by_field(event: Event) -> str | None:
        found = value_at(event.data, given)
        return None if found is None else f"{given}={found}"

    return by_field


def _person_key(event: Event) -> str | None:
    person = event.person
    if person.email:
        return f"email={addresses.email(person.email) or person.email}"
    if person.phone:
        return f"phone={addresses.phone(person.phone) or person.phone}"
    return next((f"{kind}={value}" for kind, value in sorted(person.ids.items())), None)


def _needs(function: Callable[..., Any], on: Iterable[Match | Schedule]) -> set[str]:
    """The connectors that a recipe uses: those of its triggers and listings, and those that its code names, also in
    functions that it shares with others of its package."""
    needs = {match.trigger.connector.name for match in on if isinstance(match, Match)}
    needs |= {item.listing.connector.name for item in on if isinstance(item, Schedule) and item.listing}
    seen: set[object] = set()

    def look(code_owner: Callable[..., Any]) -> None:
        if code_owner in seen:
            return
        seen.add(code_owner)
        for name in _names(code_owner.__code__):
            meet(code_owner.__globals__.get(name), code_owner)

    def meet(found: object, user: Callable[..., Any]) -> None:
        if isinstance(found, ModuleType):
            found = getattr(found, "connector", None)
        if isinstance(found, Connector):
            needs.add(found.name)
        elif isinstance(found, Action | Trigger):
            needs.add(found.connector.name)
        elif isinstance(found, Match):
            needs.add(found.trigger.connector.name)
        elif isinstance(found, Recipe):
            needs.update(found.needs)
        elif isinstance(found, list | tuple):
            for item in found:
                meet(item, user)
        elif inspect.isfunction(found) and _are_beside(found.__module__, user.__module__):
            look(found)

    look(function)
    return needs


def _are_beside(module: str, other: str) -> bool:
    """Whether two modules are the same one, or of one package."""
    package = module.rpartition(".")[0]
    return module == other or (package != "" and package == other.rpartition(".")[0])


def _names(code: CodeType) -> Iterator[str]:
    """Every name that a function's code uses, also within a comprehension or a lambda, which have code of their own."""
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names(constant)
