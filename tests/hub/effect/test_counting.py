"""What recipes bring about is counted once, by day and arm, whatever comes late or twice."""

from __future__ import annotations

import pytest

from hub import Event, Steps, choose, recipe, schema, wait_for
from hub.effect import counting
from hub.timing import iso
from tests import telling
from tests.hub.effect.counted import DAY, EMAIL, buy, option, sums, write
from tests.world import World, happen, tell


def test_who_comes_reaches_the_goal_and_spends_is_counted_in_their_arms(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.turn_on(monkeypatch, write)
    happen(world)
    world.pass_time(DAY)
    buy(world, "2", "12.50")
    buy(world, "3", "7.5")
    # 20.00 in all, of one person: its square is 200,000² in units of a ten-thousandth.
    money = {"value": 200_000, "squares": 4e10}
    assert sums(world) == {
        "in": {"people": 1, "reached": 1, "sent": 2},
        "in USD": money,
        option(world): {"people": 1, "reached": 1, "sent": 2},
        f"{option(world)} USD": money,
    }


def test_what_a_delivery_repeats_or_somebody_does_again_is_counted_once(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.turn_on(monkeypatch, write)
    happen(world)
    happen(world, key="another cart of theirs")
    world.clock.advance(DAY)
    buy(world, "2")
    buy(world, "2")
    assert sums(world)["in"] == {"people": 1, "reached": 1, "sent": 4}
    assert sums(world)["in USD"]["value"] == 125_000
    # Three months after they came first, they count as somebody who comes anew.
    world.pass_time(counting.RESTS)
    happen(world, key="much later")
    assert sums(world)["in"]["people"] == 2


def test_what_happened_before_or_too_late_does_not_count_and_what_came_late_does(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.turn_on(monkeypatch, write)
    start = world.clock.now()
    happen(world)
    before, in_time = iso(start - 1000), iso(start + 86_400_000)
    buy(world, "2", at=before)
    assert "reached" not in sums(world)["in"]
    world.pass_time(15 * DAY)
    buy(world, "3")
    assert "reached" not in sums(world)["in"]
    buy(world, "4", at=in_time)
    assert sums(world)["in"]["reached"] == 1
    # It is counted on the day on which they came.
    assert {row.day for row in world.rows(schema.tally)} == {start // counting.DAY * counting.DAY}


def test_an_event_that_is_a_goal_and_starts_the_recipe_is_not_its_own_effect(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    @recipe(on=telling.ended, title="Thanks", goal=telling.ended, value="total")
    def thanks(event: Event) -> Steps:
        """Thanks for an order."""
        yield telling.do("it")
        return None

    world.turn_on(monkeypatch, thanks)
    buy(world, "1")
    assert sums(world) == {"in": {"people": 1}}
    world.clock.advance(DAY)
    buy(world, "2")
    assert sums(world)["in"] == {"people": 1, "reached": 1}


def test_somebody_who_says_no_is_counted_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    account = world.turn_on(monkeypatch, write)
    happen(world)
    for number in (2, 3):
        world.clock.advance(60)
        no = {"channel": "email", "address": EMAIL, "given": False}
        told = {"type": "happened", "id": f"no {number}", "email": EMAIL, "data": {}, "consents": [no]}
        world.deliver(account, tell(events=[told]))
        world.settle()
    assert sums(world)["in"]["unsubscribed"] == sums(world)[option(world)]["unsubscribed"] == 1


def test_money_of_another_currency_is_not_added(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.turn_on(monkeypatch, write)
    happen(world)
    world.clock.advance(DAY)
    for key, total, currency in [("2", "1", "USD"), ("3", "5", "EUR"), ("4", "a lot", "USD"), ("5", "NaN", "USD")]:
        happen(world, "ended", key, EMAIL, total=total, currency=currency)
    assert {arm for arm in sums(world) if " " in arm} == {"in USD", f"{option(world)} USD"}
    assert sums(world)["in USD"]["value"] == 10_000


def test_what_a_late_choice_finds_done_already_belongs_to_its_option(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    @recipe(on=telling.happened, title="Choose late", goal=telling.ended, value="total")
    def late(event: Event) -> Steps:
        """Waits for an order, and chooses."""
        yield wait_for(telling.ended, timeout=DAY)
        yield telling.do((yield choose("how", a=1, b=2)))
        return None

    world.turn_on(monkeypatch, late)
    happen(world)
    world.clock.advance(60)
    buy(world, "2", "3")
    (chosen,) = (arm for arm in sums(world) if arm.startswith("how=") and " " not in arm)
    assert sums(world)[chosen] == {"people": 1, "reached": 1}
    assert sums(world)[f"{chosen} USD"] == sums(world)["in USD"] == {"value": 30_000, "squares": 9e8}
