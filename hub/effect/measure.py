"""How the effect of a recipe is counted while it is on: what people should do, by when, and who is held out."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from ..action import Action
from ..errors import Rejected
from ..event import Event
from ..matching import fits
from ..recipe import Goal, value_at
from ..trigger import Worth

UNITS = 10_000
"""How many of the sums that are counted make one of a currency: a text message costs less than a hundredth."""

MOST_UNITS = 10**9 * UNITS
MOST_HELD_OUT = 50
"""Percent: whoever leaves out more than half should rather switch the recipe off."""


@dataclass(frozen=True)
class Measure:
    """How the effect of a recipe is counted while it is on: its goal as plain data, and the percentage of people who
    are held out. Two times at which it was on can be added up if these are equal."""

    type: str
    where: Mapping[str, Any] = field(hash=False)
    within: timedelta
    worth: Worth | None
    hold_out: int

    def fits(self, event: Event) -> bool:
        return fits({"type": self.type, "where": self.where, "same": []}, event)

    def value_of(self, event: Event) -> tuple[int, int, str]:
        """What an event of the goal is worth and what discounts there were, in UNITS, and the currency of both."""
        if self.worth is None:
            return 0, 0, ""
        currency = str(value_at(event.data, self.worth.currency) or "")[:3].upper()
        discounts = _units(value_at(event.data, self.worth.discounts)) if self.worth.discounts else 0
        return _units(value_at(event.data, self.worth.value)), discounts, currency

    def written(self) -> str:
        worth = self.worth and [self.worth.value, self.worth.currency, self.worth.discounts]
        within = round(self.within.total_seconds() * 1000)
        return json.dumps([self.type, dict(self.where), within, worth, self.hold_out])


def measure_of(goal: Goal, hold_out: int) -> Measure:
    return Measure(goal.match.type, goal.match.where, goal.within, goal.worth, hold_out)


def measure_in(written: str | None) -> Measure | None:
    """What `written` gave."""
    if written is None:
        return None
    kind, where, within, worth, hold_out = json.loads(written)
    return Measure(kind, where, timedelta(milliseconds=within), worth and Worth(*worth), hold_out)


def cost_of(action: Action[Any, Any], inputs: Mapping[str, Any]) -> tuple[int, str]:
    """What a message cost in UNITS, and in which currency: its parts at the price that its connector assumes."""
    text = inputs.get("text")
    if action.parts is None or action.price is None or not isinstance(text, str):
        return 0, ""
    try:
        return _units(action.price.amount * action.parts(text)), action.price.currency
    except Rejected:
        return 0, ""


def _units(value: Any) -> int:
    """A sum as a payload has it; nothing where it has none, or one that cannot be."""
    try:
        units = Decimal(str(value)) * UNITS
        return round(units) if abs(units) <= MOST_UNITS else 0
    except (InvalidOperation, ValueError):
        return 0
