"""The first steps of a new business: what is done, and what comes next, until the first recipe is at work."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .. import registry
from ..connections import OFF
from ..connector import Match
from ..recipe import Recipe
from .language import _
from .queries import Account


@dataclass(frozen=True)
class Todo:
    """One of the first steps. `page` is where it is done, and `label` what its button says."""

    title: str
    says: str
    is_done: bool
    page: str
    label: str


def todos(accounts: Sequence[Account], on: Sequence[Recipe], *, rehearsed: bool, ran: bool) -> tuple[Todo, ...]:
    """The first steps in their order; none once all are done."""
    connected = [account.connection.connector for account in accounts if account.connection.state != OFF]
    names = {connector.name for connector in connected}
    known = registry.recipes().values()
    starts = {match.type.partition(".")[0] for recipe in known for match in recipe.on if isinstance(match, Match)}
    found = (
        Todo(
            _("Connect your shop"),
            _("Or whatever tells of your customers. A practice account will do to begin with."),
            bool(names & starts),
            "connections",
            _("Connect it"),
        ),
        Todo(
            _("Connect what your messages leave by"),
            _("Your newsletter, or your texts. Nothing is sent before you switch a recipe on."),
            any(connector.sends_messages for connector in connected),
            "connections",
            _("Connect it"),
        ),
        Todo(
            _("Rehearse a recipe"),
            _("See what would happen to one person, from the first step to the last. Nothing is sent."),
            rehearsed,
            "recipes",
            _("Choose one"),
        ),
        Todo(
            _("Switch a recipe on"),
            _("You see first what it means: to whom, how many, and what it costs."),
            bool(on),
            "recipes",
            _("Choose one"),
        ),
        Todo(
            _("See it at work"),
            _("The next order starts it: at a practice shop, yours."),
            ran,
            "connections",
            _("Go on"),
        ),
    )
    return () if all(todo.is_done for todo in found) else found
