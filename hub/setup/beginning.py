"""The first steps of a new business: what is done, and what comes next, until the first recipe is at work."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .. import registry
from ..connections import OFF
from ..connector import Match
from ..recipe import Recipe
from .queries import Account


@dataclass(frozen=True)
class Todo:
    """One of the first steps. `page` is where it is done, and `label` what its button says."""

    title: str
    says: str
    is_done: bool
    page: str
    label: str


def todos(accounts: Sequence[Account], on: Sequence[Recipe], *, ran: bool) -> tuple[Todo, ...]:
    """The first steps in their order; none once all are done."""
    connected = [account.connection.connector for account in accounts if account.connection.state != OFF]
    names = {connector.name for connector in connected}
    known = registry.recipes().values()
    starts = {match.type.partition(".")[0] for recipe in known for match in recipe.on if isinstance(match, Match)}
    found = (
        Todo(
            "Connect your shop",
            "Or whatever tells of your customers. A practice account will do to begin with.",
            bool(names & starts),
            "connections",
            "Connect it",
        ),
        Todo(
            "Connect what your messages leave by",
            "Your newsletter, or your texts. Nothing is sent before you switch a recipe on.",
            any(connector.sends_messages for connector in connected),
            "connections",
            "Connect it",
        ),
        Todo("Choose a recipe", "See what it does, step by step, and switch it on.", bool(on), "recipes", "Choose one"),
        Todo(
            "See it at work",
            "The next order starts it: at a practice shop, yours.",
            ran,
            "connections",
            "Go on",
        ),
    )
    return () if all(todo.is_done for todo in found) else found
