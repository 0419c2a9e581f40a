"""`hub publish`: what an edit means for whoever is inside is told first, and done when asked for."""

from __future__ import annotations

import pytest

from hub import Event, Steps, recipe, sleep
from tests import telling
from tests.cli.conftest import Command, refused, told
from tests.world import World, happen


@recipe(on=telling.happened, title="Greet")
def greet(event: Event, *, word: str = "hello", days: int = 3) -> Steps:
    """Greets, and some days later again."""
    yield telling.do(word)
    yield sleep(days=days)


@pytest.fixture
def inside(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    world.turn_on(monkeypatch, greet)
    happen(world)
    return world


def test_it_tells_and_changes_nothing_until_it_is_told_to(hub: Command, inside: World) -> None:
    hub("enable", "greet", "days=5")
    before = inside.runs
    shown = hub("publish", "greet").stdout
    assert "1 run moves to the code and settings that are on." in shown
    assert "1: Step 2 changes. If it is a wait again, it counts from when the first one began." in shown
    assert f"(hub run {before[0].id})" in shown
    assert "Nothing was changed. To do it: hub publish greet -w 'Crumb & Co.' --move" in shown
    assert inside.runs == before
    assert "Done." in hub("publish", "greet", "--move").stdout
    assert inside.runs[0].enabled_id != before[0].enabled_id
    assert "Nobody is inside greet with other code or settings" in hub("publish", "greet").stdout


def test_what_cannot_move_is_told_with_the_first_step_that_differs(hub: Command, inside: World) -> None:
    hub("enable", "greet", "word=ahoy")
    document = told(hub("publish", "greet", "--move", "--json"))
    (line,) = document.pop("runs")
    assert document == {"recipe": "greet", "moved": True}
    assert (line["id"], line["verdict"], line["position"]) == (str(inside.runs[0].id), "cannot", 0)
    assert line["reason"].startswith("Step 1 is telling.do with other inputs")


def test_a_recipe_that_is_not_on_is_refused(hub: Command, inside: World) -> None:
    hub("disable", "greet")
    assert "not on" in refused(hub("publish", "greet"))
