"""A recipe on the real engine, against the practice services."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from hub.recipe import Recipe
from tests.recipes.town import Town
from tests.world import World


@pytest.fixture
def enabled(world: World, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Town]:
    """Enables one of our recipes, and gives the town."""

    def enable(recipe: Recipe, **settings: str) -> Town:
        world.use(monkeypatch, recipe)
        town = Town(world)
        world.enable(recipe.name, **settings)
        return town

    return enable
