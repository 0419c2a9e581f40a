"""All recipes as cards: which are on, which could be, and what the others need first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ... import registry
from ...connections import NEEDS_LOGIN, OFF, Connection
from ...core import Hub
from ...enabled import Enabled
from ...recipe import Recipe
from ...workspaces import Workspace
from .. import words
from ..language import lazy
from ..retold import told
from ..words import NEEDS_YOU, STATES, WORKING, State, Tool
from . import effect
from .way import ways

CAN_BE_ON = State("off", "○", lazy("Off"))


@dataclass(frozen=True)
class Need:
    """A service that a recipe uses, and whether it is connected."""

    connector: str
    tool: Tool
    state: State
    is_there: bool


@dataclass(frozen=True)
class Card:
    """A recipe, as it is shown among the others."""

    name: str
    title: str
    about: str
    sends: str
    needs: tuple[Need, ...]
    state: State
    is_on: bool

    @property
    def gist(self) -> str:
        """Its first sentence."""
        first, dot, _rest = self.about.partition(". ")
        return first + dot.strip()

    @property
    def missing(self) -> tuple[Need, ...]:
        return tuple(need for need in self.needs if not need.is_there)


@dataclass(frozen=True)
class Gallery:
    on: tuple[Card, ...]
    possible: tuple[Card, ...]
    later: tuple[Card, ...]


def gallery(hub: Hub, workspace: Workspace) -> Gallery:
    """Every recipe there is, and every one that is on."""
    on = {entry.recipe: (recipe, entry) for recipe, entry in hub.enabled.of(workspace)}
    connections = hub.connections.list(workspace)
    known = {name: recipe for name, recipe in registry.recipes().items() if name not in on}
    cards = [card(recipe, connections, None, entry) for recipe, entry in on.values()]
    others = [card(recipe, connections, None, None) for recipe in known.values()]
    return Gallery(
        on=tuple(cards),
        possible=tuple(found for found in others if not found.missing),
        later=tuple(sorted((found for found in others if found.missing), key=lambda found: len(found.missing))),
    )


def card(
    recipe: Recipe, connections: Sequence[Connection], settings: Mapping[str, object] | None, entry: Enabled | None
) -> Card:
    """A recipe with its state; `entry` if it is on."""
    chosen = entry.settings if entry is not None else settings or {}
    needs = tuple(_need(name, connections, entry) for name in recipe.needs)
    drawn = ways(recipe, chosen)
    return Card(
        name=recipe.name,
        title=words.recipe_title(recipe),
        about=told(" ".join(recipe.about.split()), recipe.function.__module__),
        sends=effect.sends(drawn),
        needs=needs,
        state=_state(entry, needs),
        is_on=entry is not None,
    )


def _state(entry: Enabled | None, needs: Sequence[Need]) -> State:
    if entry is None:
        return CAN_BE_ON
    if any(need.state.kind == NEEDS_YOU for need in needs) or not all(need.is_there for need in needs):
        return STATES[NEEDS_YOU]
    return State(WORKING, "●", lazy("On"))


def _need(name: str, connections: Sequence[Connection], entry: Enabled | None) -> Need:
    mine = [found for found in connections if found.connector.name == name and found.state != OFF]
    if entry is not None and name in entry.connections:
        mine = [found for found in mine if found.id == entry.connections[name]]
    if not mine:
        return Need(name, words.tool(name), State("off", "○", lazy("Not connected")), False)
    if any(found.state == NEEDS_LOGIN for found in mine):
        return Need(name, words.tool(name), State(NEEDS_YOU, "▲", lazy("Sign in again")), True)
    return Need(name, words.tool(name), State("working", "✓", lazy("Connected")), True)
