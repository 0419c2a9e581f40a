"""What recipes bring about is counted once, by day and arm, whatever comes late, twice or at the same time."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from hub import Event, Steps, choose, engine, recipe, retention, schema, sleep, wait_for
from hub.core import Hub
from hub.effect import counting
from hub.errors import SettingInvalid, SetupError
from hub.timing import iso
from tests import telling
from tests.world import World, happen, tell
from webhooks.again import start_again
from webhooks.starting import HELD_OUT

DAY = timedelta(days=1)
EMAIL = "ada@example.com"


@recipe(on=telling.happened, title="Write", goal=telling.ended, within=14 * DAY, value="total")
def write(event: Event) -> Steps:
    """Writes to people in one of two ways, twice."""
    yield telling.send("+14155550100", (yield choose("greeting", a="Hello", b="Hey")), purpose="transactional")
    yield sleep(days=1)
    yield telling.send("+14155550100", "Again", purpose="transactional")
    return None


@recipe(on=telling.happened, title="Write without a goal")
def plain(event: Event) -> Steps:
    """Writes to people."""
    yield telling.do("it")
    return None


def sums(world: World, *conditions: Any) -> dict[str, dict[str, Any]]:
    """What is counted, by arm and currency, without what is nothing."""
    found: dict[str, dict[str, Any]] = {}
    for row in world.rows(schema.tally, *conditions):
        name = " ".join(filter(None, [row.arm, row.currency]))
        known = found.setdefault(name, dict.fromkeys(counting._NUMBERS, 0))
        for number in counting._NUMBERS:
            known[number] += getattr(row, number)
    return {arm: {name: number for name, number in numbers.items() if number} for arm, numbers in found.items()}


def buy(world: World, key: str, total: str = "12.50", email: str = EMAIL, **more: Any) -> None:
    happen(world, "ended", key, email, total=total, currency="USD", **more)


def option(world: World) -> str:
    """The arm of the only run's test."""
    chosen = world.steps(world.runs[0].id)[0]
    return f"greeting={world.opened(chosen, 'answer')}"


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


# ---- holding out


def held_out(world: World) -> list[Any]:
    return world.rows(schema.participant, schema.participant.c.run_id.is_(None))


def test_who_is_held_out_gets_nothing_and_is_counted(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.turn_on(monkeypatch, write)
    world.hub.enabled.enable(world.workspace, "write", {}, hold_out=30)
    for number in range(40):
        world.hear(key=str(number), email=f"person{number}@example.com")
    world.settle()
    out = held_out(world)
    # 12 of 40 are expected; with 30 % each, fewer than 3 or more than 21 come about once in a thousand times.
    assert 3 <= len(out) <= 21
    assert len(world.runs) + len(out) == 40
    ids = {row.person_id for row in out}
    assert not ids & {run.person_id for run in world.runs}
    skipped = [event for event in world.rows(schema.event) if event.skipped]
    assert {event.person_id for event in skipped} == ids
    assert {event.skipped for event in skipped} == {f'{{"write": "{HELD_OUT}"}}'}
    counted = sums(world)
    assert (counted["in"]["people"], counted["out"]) == (len(world.runs), {"people": len(out)})


def test_who_is_held_out_stays_so_and_their_orders_are_counted(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.turn_on(monkeypatch, write)
    world.hub.enabled.enable(world.workspace, "write", {}, hold_out=50)
    for number in range(10):
        world.hear(key=str(number), email=f"person{number}@example.com")
    world.settle()
    out = {row.person_id for row in held_out(world)}
    assert 0 < len(out) < 10
    world.enable("write")  # new settings keep the share
    world.clock.advance(DAY)
    other = world.another_hub()
    for number in range(10):
        world.hear(key=f"again {number}", email=f"person{number}@example.com")
        world.hear("ended", f"order {number}", f"person{number}@example.com", total="1", currency="USD")
    world.settle(other)
    other.close()
    assert not out & {run.person_id for run in world.runs}
    assert sums(world)["out"] == {"people": len(out), "reached": len(out)}
    assert sums(world)["in"]["reached"] == 10 - len(out)
    # Even if a person asks for it on purpose.
    event = next(event for event in world.rows(schema.event) if event.person_id in out)
    assert start_again(world.workspace, world.hub, event.id).skipped == {"write": HELD_OUT}


def test_events_about_nobody_start_and_are_not_counted(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.turn_on(monkeypatch, write)
    world.hub.enabled.enable(world.workspace, "write", {}, hold_out=50)
    for number in range(8):
        world.hear(key=str(number), email=None)
    world.settle()
    assert len(world.runs) == 8
    assert (world.rows(schema.participant), world.rows(schema.tally)) == ([], [])


def test_a_share_that_cannot_be_is_refused(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.turn_on(monkeypatch, write, plain)
    with pytest.raises(SettingInvalid, match="between 0 and 50 %"):
        world.hub.enabled.enable(world.workspace, "write", {}, hold_out=51)
    with pytest.raises(SetupError, match="Connect a shop"):
        world.hub.enabled.enable(world.workspace, "plain", {}, hold_out=10)


def test_without_a_goal_of_its_own_orders_in_the_shop_count(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.practice()
    world.turn_on(monkeypatch, plain)
    made = world.hub.enabled.enable(world.workspace, "plain", {}, hold_out=10)
    assert made.measure is not None
    assert (made.measure.type, made.hold_out) == ("shopify.order.created", 10)
    assert made.measure.worth is not None
    assert made.measure.worth.value == "total_price"
    again = world.another_hub()
    kept = again.enabled.latest(world.workspace, "plain")
    again.close()
    assert kept is not None
    assert kept.measure == made.measure


# ---- what it costs those who measure nothing


@pytest.fixture
def statements(world: World) -> Iterator[list[str]]:
    found: list[str] = []

    def note(connection: Any, cursor: Any, statement: str, *_: Any) -> None:
        found.append(statement)

    sa.event.listen(world.hub.database.engine, "before_cursor_execute", note)
    yield found
    sa.event.remove(world.hub.database.engine, "before_cursor_execute", note)


def test_where_nothing_is_measured_nothing_is_asked(
    world: World, monkeypatch: pytest.MonkeyPatch, statements: list[str]
) -> None:
    world.turn_on(monkeypatch, plain)
    happen(world)
    happen(world, "ended", "2")
    assert statements
    assert not [statement for statement in statements if "participant" in statement or "tally" in statement]


# ---- what goes


def test_who_is_counted_goes_in_time_and_what_was_counted_with_history(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.turn_on(monkeypatch, write)
    happen(world)
    world.pass_time(counting.RESTS - DAY)
    retention.sweep(world.hub)
    assert world.rows(schema.participant)
    world.pass_time(2 * DAY)
    retention.sweep(world.hub)
    assert not world.rows(schema.participant)
    assert world.rows(schema.tally)
    world.pass_time(timedelta(days=world.settings.history_days))
    retention.sweep(world.hub)
    assert not world.rows(schema.tally)


def test_who_is_erased_is_not_counted_on_and_was_told_before(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.turn_on(monkeypatch, write)
    happen(world)
    world.clock.advance(DAY)
    buy(world, "2")
    (told,) = world.hub.privacy.export(world.workspace, EMAIL)["measured"]
    assert (told["recipe"], told["arms"], told["value"]) == ("write", ["in", option(world)], 12.5)
    before = sums(world)
    world.hub.privacy.erase(world.workspace, EMAIL)
    assert world.rows(schema.participant) == []
    world.clock.advance(DAY)
    buy(world, "3")
    assert sums(world) == before


# ---- what breaks off, and what happens at the same time


def test_what_breaks_off_before_it_is_written_counts_once_when_it_is_done_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.turn_on(monkeypatch, write)
    write_down, breaks = counting.Tallies.write, [True, True]

    def broken(self: counting.Tallies, connection: sa.Connection) -> None:
        write_down(self, connection)
        if self.found and breaks:
            breaks.pop()
            raise OSError("killed")  # all of the transaction is lost, as by a kill, and the tally with it

    monkeypatch.setattr(counting.Tallies, "write", broken)
    settled(world, world.hear)
    assert sums(world)["in"] == {"people": 1, "sent": 1}
    breaks.append(True)
    world.clock.advance(60)
    settled(world, lambda: world.hear("ended", "2", EMAIL, total="2.50", currency="USD"))
    assert sums(world)["in"] == {"people": 1, "sent": 1, "reached": 1}
    assert sums(world)["in USD"]["value"] == 25_000
    # The call was made, and what came of it is not written down: it is looked for, found, and counted once.
    breaks.append(True)
    settled(world, lambda: world.clock.advance(DAY))
    assert sums(world)["in"]["sent"] == len(telling.provider.done) == 2
    assert not breaks


def settled(world: World, happens: Callable[[], object]) -> None:
    """Has something happen, and all that follows be done, however often it breaks off."""
    happens()
    for _ in range(4):
        with suppress(OSError, AssertionError):
            world.settle()
        world.clock.advance(60)
    world.settle()


def test_two_workers_at_once_count_each_choice_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    @recipe(on=telling.happened, title="Choose late", goal=telling.ended)
    def late(event: Event) -> Steps:
        """Chooses an hour later."""
        yield sleep(hours=1)
        yield choose("how", a=1, b=2)
        yield sleep(hours=1)
        return None

    world.turn_on(monkeypatch, late)
    for number in range(40):
        world.hear(key=str(number), email=f"person{number}@example.com")
    world.settle()
    world.clock.advance(timedelta(hours=1))
    hubs = [world.hub, world.another_hub()]
    together = threading.Barrier(len(hubs))

    def work(hub: Hub) -> None:
        together.wait()
        while engine.advance(hub, 5):
            pass

    threads = [threading.Thread(target=work, args=(hub,)) for hub in hubs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    hubs[1].close()
    counted = sums(world)
    assert counted["in"] == {"people": 40}
    assert counted["how=a"]["people"] + counted["how=b"]["people"] == 40
