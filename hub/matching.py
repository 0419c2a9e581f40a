"""Whether an event is what a recipe starts with, waits for, or ends with; and an example that is."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import replace
from typing import Any

from .connector import Match
from .event import Event
from .recipe import Recipe, value_at
from .schedule import Schedule


def fits(match: Match | Schedule | Mapping[str, Any], event: Event, trigger: Event | None = None) -> bool:
    """Whether the event has the match's type and values, and shares its `same` fields with the run's own event."""
    if isinstance(match, Schedule):
        return match.fits(event)
    wanted = match.as_data() if isinstance(match, Match) else match
    if event.type != wanted["type"]:
        return False
    if any(value_at(event.data, path) != value for path, value in wanted["where"].items()):
        return False
    if not wanted["same"]:
        return True
    return trigger is not None and all(_shared(event, trigger, path) for path in wanted["same"])


def _shared(event: Event, trigger: Event, path: str) -> bool:
    """Whether both have the same value there; a missing value is shared with nobody."""
    value = value_at(event.data, path)
    return value is not None and value == value_at(trigger.data, path)


def example(recipe: Recipe, match: Match | Schedule) -> Event | None:
    """An event that starts the recipe: the sample of what it starts with, with the values that it wants; None if that
    does not meet its conditions."""
    try:
        event = with_values(match.sample, match.where)
        return event if fits(match, event) and recipe.refusal(event) is None else None
    except Exception:  # a filter may raise anything
        return None


def with_values(event: Event, found: Mapping[str, Any]) -> Event:
    """The event with these values at their dotted names."""
    data = deepcopy(dict(event.data))
    for path, value in found.items():
        _put(data, path, value)
    return replace(event, data=data)


def _put(data: dict[str, Any], path: str, value: Any) -> None:
    *parents, last = path.split(".")
    for part in parents:
        inner = data.get(part)
        data[part] = inner = dict(inner) if isinstance(inner, Mapping) else {}
        data = inner
    data[last] = value
