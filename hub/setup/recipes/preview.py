"""A message as a made-up person would get it, and what it costs. A template can do nothing but fill in."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from ... import registry, texts
from ...action import Action
from ...errors import HubError, Rejected
from ...recipe import Recipe
from ...recipe_settings import Setting
from ..language import _, ngettext
from ..measures import money
from ..retold import told

LONGEST = 5000
"""Characters of a template that are looked at: far more than any message may have."""


@dataclass(frozen=True)
class Cost:
    """What a message costs: its parts, and their price where it is known. `assumes` says whose price that is."""

    parts: int
    amount: Decimal | None
    currency: str
    assumes: str

    @property
    def says(self) -> str:
        """ "2 parts, about $0.017"."""
        said = ngettext("%(num)s part", "%(num)s parts", self.parts)
        if self.amount is None:
            return said
        return _("%(parts)s, about %(sum)s", parts=said, sum=money(self.amount, self.currency))


@dataclass(frozen=True)
class Preview:
    """A message filled in. `trouble` says why it cannot be sent like this; `slips` are names that nothing is offered
    for, and which people would therefore see."""

    text: str
    cost: Cost | None
    trouble: str | None
    slips: tuple[str, ...]


def preview(recipe: Recipe, setting: Setting, template: str) -> Preview:
    """What a made-up person gets, if a setting's text is this."""
    template = template[:LONGEST]
    text = texts.filled_in(template, **setting.fills)
    slips = tuple(name for name in texts.placeholders(template) if name not in setting.fills)
    cost, trouble = None, None
    action = _sender(recipe, setting)
    if action is not None:
        try:
            cost = cost_of(action, text)
        except Rejected as refusal:
            trouble = told(refusal)
    if not text:
        cost, trouble = None, _("This is empty, so nothing would be sent.")
    return Preview(text, cost, trouble, slips)


def slipped(name: str) -> str:
    """What comes of a placeholder that nothing is offered for."""
    return _("%(word)s is none of the words that are filled in, so people would see it as it is.", word=f"{{{name}}}")


def cost_of(action: Action[Any, Any], text: str) -> Cost | None:
    """What a message of this text costs, if its connector says. Raises Rejected for a text that cannot be sent."""
    if action.parts is None:
        return None
    parts, price = action.parts(text), action.price
    if price is None:
        return Cost(parts, None, "", "")
    return Cost(parts, price.amount * parts, price.currency, told(price.says, action.connector.package))


def _sender(recipe: Recipe, setting: Setting) -> Action[Any, Any] | None:
    """The action that sends such a message: of the connectors that the recipe uses, the one with this channel."""
    for name in recipe.needs:
        try:
            actions = registry.connector(name).actions.values()
        except HubError:
            continue
        for action in actions:
            if action.channel is not None and action.channel == setting.message:
                return action
    return None
