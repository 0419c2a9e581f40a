"""What a recipe brings about, on its page: in words, as a table, and no sooner than it is sure."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from hub import schema
from hub.effect.counting import DAY
from hub.effect.measure import UNITS
from tests.setup.conftest import World

from ..reading import text_of
from .visiting import CART, PLACE, connected, hidden, on, send

PAGE = f"{PLACE}/abandoned_cart"


@pytest.fixture
def measured(visited: World) -> World:
    """Whose recipe leaves out a tenth."""
    connected(visited)
    visited.hub.enabled.enable(visited.workspace, "abandoned_cart", {"audience": "a1"}, 10)
    return visited


def count(
    world: World, arm: str, days: int, people: int, reached: int, currency: str = "", *, ago: int = 30, **more: Any
) -> None:
    """Has so many people come on each of these days, from so many days ago on."""
    enabled = world.hub.enabled.latest(world.workspace, "abandoned_cart")
    assert enabled is not None
    first = (world.clock.now() - ago * DAY) // DAY * DAY
    common = {"workspace_id": 1, "enabled_id": enabled.id, "arm": arm, "currency": currency}
    with world.hub.database.write() as connection:
        for number in range(days):
            row = {**common, "day": first + number * DAY, "people": people, "reached": reached, **more}
            connection.execute(sa.insert(schema.tally).values(row))


def seen(world: World, path: str = PAGE) -> str:
    return text_of(world.open(path).text)


def test_whoever_is_not_enough_is_told_so_with_when(measured: World) -> None:
    assert "Nobody came since it is counted" in seen(measured)
    count(measured, "in", 5, 90, 20, ago=12)
    count(measured, "out", 5, 10, 1, ago=12)
    page = seen(measured)
    assert "450 came · 100 reached the goal · not enough data yet" in page
    assert "7 days of people have had their time, at the earliest." in page
    assert "The goal: an order is placed within 7 days." in page


def test_what_is_sure_is_told_with_its_numbers(measured: World) -> None:
    count(measured, "in", 20, 90, 27)
    count(measured, "out", 20, 10, 1)
    count(measured, "in", 20, 0, 0, "USD", value=540 * UNITS, squares=27 * (20.0 * UNITS) ** 2, cost=2 * UNITS)
    count(measured, "out", 20, 0, 0, "USD", value=20 * UNITS, squares=(20.0 * UNITS) ** 2)
    page = seen(measured)
    # 30 % and 10 % reached it: a fifth of 1,800 people more than without it.
    assert "1,800 came · 540 reached the goal · 360 more (" in page
    assert "● It works" in page
    assert "30 % (28 to 32)" in page
    assert "With it 1,800 540" in page


def test_without_anybody_left_out_nobody_knows_what_would_have_been(measured: World) -> None:
    measured.hub.enabled.enable(measured.workspace, "abandoned_cart", {"audience": "a1"}, 0)
    assert "it leaves out nobody to compare with" in seen(measured)


def test_a_test_of_options_tells_its_winner(measured: World) -> None:
    for option, reached in (("a", 4), ("b", 16)):
        count(measured, f"subject={option}", 20, 45, reached)
    count(measured, "in", 20, 90, 20)
    page = seen(measured)
    assert "Test “subject”: b wins. Of 900," in page
    assert "b 900 320" in page


def test_who_changes_the_share_begins_to_count_anew(measured: World) -> None:
    count(measured, "in", 20, 90, 27)
    measured.hub.enabled.enable(measured.workspace, "abandoned_cart", {"audience": "a2"})
    assert "1,800 came" in seen(measured)
    measured.hub.enabled.enable(measured.workspace, "abandoned_cart", {"audience": "a2"}, 20)
    assert "Nobody came since it is counted" in seen(measured)


def test_the_share_is_set_in_a_fold_confirmed_and_taken_back(visited: World) -> None:
    connected(visited)
    answer = send(visited, "abandoned_cart/settings", {**CART, "hold_out": "10"})
    assert "10 % of people are left out, always the same ones" in text_of(answer.text)
    assert send(visited, "abandoned_cart/on", hidden(answer.text)).status_code == 303
    ((_, entry),) = visited.hub.enabled.of(visited.workspace)
    assert entry.hold_out == 10
    assert 'value="10"' in visited.open(f"{PAGE}/settings").text
    send(visited, "abandoned_cart/settings", {**CART, "hold_out": "0"})
    visited.clock.advance(timedelta(minutes=1))
    send(visited, "abandoned_cart/undo", {})
    ((_, entry),) = visited.hub.enabled.of(visited.workspace)
    assert entry.hold_out == 10


@pytest.mark.parametrize("share", ["51", "-1", "many", "1.5"])
def test_a_share_that_cannot_be_is_told_beside_its_field(visited: World, share: str) -> None:
    connected(visited)
    answer = send(visited, "abandoned_cart/settings", {**CART, "hold_out": share})
    assert answer.status_code == 422
    assert "Type a whole number from 0 to 50." in text_of(answer.text)
    assert 'id="prove" open' in answer.text
    assert on(visited) == {}
