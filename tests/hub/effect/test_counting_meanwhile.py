"""What counting costs, what of it goes, and what breaks off or happens at the same time."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from hub import Event, Steps, choose, engine, recipe, retention, schema, sleep
from hub.core import Hub
from hub.effect import counting
from tests import telling
from tests.hub.effect.counted import DAY, EMAIL, buy, option, plain, sums, write
from tests.world import World, happen


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
