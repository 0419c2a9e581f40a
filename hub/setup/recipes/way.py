"""The way of a recipe in words, drawn without any account: the same lines as those of a run (`timeline.Line`)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any

from ... import registry, values
from ...connector import Match
from ...errors import HubError, Rejected
from ...matching import example
from ...recipe import FOREVER, Recipe
from ...recipe_settings import Declared
from ...schedule import Schedule
from .. import starting, words
from ..language import _, ngettext
from ..measures import LANGUAGE, SOURCE
from ..retold import told
from ..timeline import Line, Place
from . import trail as trails
from .preview import cost_of
from .sentences import BEGIN, BESIDE, ONLY_IF, action_of, span
from .sentences import lines as sentences
from .trail import Trail


@dataclass(frozen=True)
class Way:
    """What happens after one or several kinds of events, from top to bottom. `texts` are the messages that one person
    gets if all goes the usual way."""

    lines: tuple[Line, ...]
    texts: tuple[Text, ...] = ()


@dataclass(frozen=True)
class Text:
    """A message of a recipe as the example has it: by which channel, and where that is known its parts and price. `by`
    names the service that writes it, where that is not the recipe."""

    channel: str
    marketing: bool
    parts: int | None = None
    price: Decimal | None = None
    currency: str = ""
    assumes: str = ""
    by: str | None = None


def ways(recipe: Recipe, settings: Mapping[str, Any]) -> tuple[Way, ...]:
    """The ways of a recipe with these settings, usually one. Settings that are not there yet are stood in for."""
    return _drawn(_Asked(recipe.function, values.write(stood_in(recipe, settings)), LANGUAGE.get(), recipe))


def stood_in(recipe: Recipe, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Every setting: as chosen, by default, or stood in for. What is chosen in an account is always stood in for, as
    the examples know nothing of that account."""
    found = {}
    for name, setting in recipe.settings.items():
        example = example_of(setting)
        if example is not None:
            found[name] = example
        elif name in settings:
            found[name] = settings[name]
        else:
            found[name] = _stand_in(setting) if setting.required else setting.default
    return found


def counted(way: Way, places: Mapping[Place, int]) -> Way:
    """The way with how many people are at each of its steps; those who are at none of them are told below."""
    left = {place: count for place, count in places.items() if count}
    lines = [replace(line, people=left.pop(line.place, 0)) if line.place else line for line in way.lines]
    if rest := sum(left.values()):
        says = ngettext(
            "%(num)s more run at a step that is not drawn here",
            "%(num)s more runs at a step that is not drawn here",
            rest,
        )
        lines.append(Line(BESIDE, (says,), is_told=False))
    return replace(way, lines=tuple(lines))


# ---- drawing


@dataclass(frozen=True)
class _Asked:
    """A recipe, its settings and a language, by which a drawing is found again."""

    function: Any
    settings: bytes
    language: str
    recipe: Recipe = field(compare=False)


@lru_cache(maxsize=128)
def _drawn(asked: _Asked) -> tuple[Way, ...]:
    settings = values.read(asked.settings)
    groups: dict[tuple[Line, ...], tuple[list[Match | Schedule], tuple[Text, ...]]] = {}
    for match in asked.recipe.on:
        found, event = None, example(asked.recipe, match)
        if event is not None:
            found = trails.trail(asked.recipe, event, settings)
        lines = tuple(sentences(found, asked.recipe)) if found else (_not_drawn(),)
        starts, _texts_of = groups.setdefault(lines, ([], tuple(_texts(found)) if found else ()))
        starts.append(match)
    first = _only_if(asked.recipe)
    found_ways = ((_begin(starts, asked.recipe), lines, texts) for lines, (starts, texts) in groups.items())
    return tuple(Way((begin, *first, *lines), texts) for begin, lines, texts in found_ways)


def _begin(starts: list[Match | Schedule], recipe: Recipe) -> Line:
    outcome = _("Once for each person.") if _is_once_per_person(recipe) else ""
    if outcome and recipe.cool_down < FOREVER:
        outcome = _("For each person at most once in %(span)s.", span=span(recipe.cool_down))
    says = starting.begins(starts)
    return Line(
        BEGIN, (says,), (outcome,) if outcome else (), words.tool(starts[0].type.partition(".")[0]), is_told=False
    )


def _only_if(recipe: Recipe) -> list[Line]:
    """What must hold for it to begin, by the filters' own sentences."""
    said = []
    for check in recipe.filters:
        sentence = " ".join((check.__doc__ or check.__name__.replace("_", " ")).split())
        said.append(_inside(told(sentence, check.__module__)))
    return [Line(ONLY_IF, (_("Only if: %(conditions)s", conditions="; ".join(said)),), is_told=False)] if said else []


def _inside(sentence: str) -> str:
    return (sentence[:1].lower() + sentence[1:] if LANGUAGE.get() == SOURCE else sentence).rstrip(".")


def _is_once_per_person(recipe: Recipe) -> bool:
    return getattr(recipe.once_per, "__name__", "") == "_person_key"


def _not_drawn() -> Line:
    says = _("What follows cannot be drawn: no example of this event meets the recipe's conditions")
    return Line(BESIDE, (says,), is_told=False)


# ---- messages


def _texts(trail: Trail) -> Iterator[Text]:
    for node in trail.nodes:
        action = action_of(node.step)
        if action is not None and action.starts_messages:
            yield Text("", True, by=action.connector.title)
        if action is None or action.channel is None:
            continue
        is_marketing, said = node.step.inputs.get("purpose") != "transactional", node.step.inputs.get("text")
        try:
            cost = cost_of(action, said) if isinstance(said, str) else None
        except Rejected:
            cost = None
        if cost is None:
            yield Text(action.channel, is_marketing)
        else:
            yield Text(action.channel, is_marketing, cost.parts, cost.amount, cost.currency, cost.assumes)


# ---- words


def example_of(setting: Declared) -> str | None:
    """What a setting that is chosen in an account is drawn and rehearsed with."""
    if setting.words.chooses is None:
        return None
    of, _dot, name = setting.words.chooses.partition(".")
    try:
        return registry.connector(of).choosable[name].example
    except (HubError, KeyError):
        return None


def _stand_in(setting: Declared) -> Any:
    if isinstance(setting.type, tuple):
        return setting.type[0]
    stands = {timedelta: timedelta(days=1), bool: False, list: ["…"], int: 1, float: 1.0, Decimal: Decimal(1)}
    return stands.get(setting.type, "…")
