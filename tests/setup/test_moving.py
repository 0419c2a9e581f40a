"""Moving whoever is inside a recipe, on the pages: told first, then done."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from hub import Event, Steps, recipe, registry, sleep
from hub.app import create_app
from hub.clock import CLOCK
from tests import telling
from tests.carriers import ByThreads
from tests.setup.conftest import World as Browsing
from tests.setup.reading import text_of
from tests.world import World, happen

PLACE = "/w/1/recipes/greet"


@recipe(on=telling.happened, title="Greet people")
def greet(event: Event, *, word: str = "hello", days: int = 3) -> Steps:
    """Greets, and some days later again."""
    yield telling.do(word)
    yield sleep(days=days)
    yield telling.do(word)


@pytest.fixture
def world(tmp_path: Any, telling_known: None) -> Iterator[World]:
    made = World(f"sqlite:///{tmp_path / 'hub.db'}", tmp_path, ByThreads())
    telling.provider.done.clear()
    yield made
    made.close()


@pytest.fixture
def page(world: World, monkeypatch: pytest.MonkeyPatch) -> Browsing:
    """A browser before a hub in which somebody is inside the recipe."""
    world.turn_on(monkeypatch, greet)
    monkeypatch.setattr(registry, "recipe", lambda name: greet)
    happen(world)
    world.hub.database.acquire(CLOCK, 3600)
    found = Browsing(world.hub, world.clock, world.workspace, create_app(world.hub).test_client())
    found.sign_in()
    return found


def test_what_moving_means_is_told_and_then_done(page: Browsing, world: World) -> None:
    assert "There is nothing to move." in text_of(page.open(f"{PLACE}/inside").text)
    world.enable("greet", days="5")
    assert f'href="{PLACE}/inside"' in page.open(PLACE).text
    before = world.runs
    shown = text_of(page.open(f"{PLACE}/inside").text)
    assert "1 can move to what is on" in shown
    assert "Step 2 changes. If it is a wait again, it counts from when the first one began." in shown
    assert world.runs == before
    assert page.send(f"{PLACE}/move").headers["Location"] == PLACE
    assert "1 moved, and goes on from where it is." in page.open(PLACE).text
    assert world.runs[0].enabled_id != before[0].enabled_id
    assert "moved 1 inside the recipe “Greet people” to what is on" in text_of(page.open("/w/1/changes").text)
    world.pass_time(timedelta(days=4))
    assert len(telling.provider.done) == 1


def test_who_cannot_move_is_told_with_the_reason(page: Browsing, world: World) -> None:
    world.enable("greet", word="ahoy")
    shown = text_of(page.open(f"{PLACE}/inside").text)
    assert "1 cannot move, and ends as it began" in shown and "Step 1 is telling.do with other inputs" in shown
    assert 'id="move"' not in page.open(f"{PLACE}/inside").text


def test_a_recipe_that_is_off_moves_nobody(page: Browsing, world: World) -> None:
    world.hub.enabled.disable(world.workspace, "greet")
    assert page.open(f"{PLACE}/inside").headers["Location"] == PLACE
    assert "is not on" in text_of(page.open(PLACE).text)
