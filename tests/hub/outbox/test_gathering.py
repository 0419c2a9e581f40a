"""Where steps come so quickly that they fill a call within a moment, it waits for them: elsewhere nothing waits."""

from __future__ import annotations

from threading import Event

import pytest

from hub.outbox import Poke
from hub.outbox.gathering import Gathering
from hub.schema import TRANSACTIONAL
from hub.timing import FrozenClock
from tests.hub.outbox.desk import ON_SQLITE, Desk
from tests.servers import until
from tests.telling import gather
from tests.threads import in_a_thread

LANE, URGENT = (1, "upsert", b""), (TRANSACTIONAL, "upsert", b"")
SECONDS, LIMIT = 1.5, 100


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock()


@pytest.fixture
def gathering(clock: FrozenClock) -> Gathering:
    return Gathering(clock.monotonic, SECONDS)


def come(gathering: Gathering, clock: FrozenClock, times: int, each: int, lane: tuple[int, str, bytes] = LANE) -> None:
    """So many steps each tenth of a second."""
    for _ in range(times):
        gathering.came(lane, each)
        clock.advance(0.1)


def test_the_first_call_leaves_at_once(gathering: Gathering, clock: FrozenClock) -> None:
    come(gathering, clock, 5, 50)
    assert gathering.waits(LANE, LIMIT) == 0


def test_one_that_fills_soon_waits_until_a_moment_after_the_one_before(
    gathering: Gathering, clock: FrozenClock
) -> None:
    gathering.left(LANE)
    come(gathering, clock, 2, 40)
    assert gathering.waits(LANE, LIMIT) == pytest.approx(SECONDS - 0.2)
    clock.advance(SECONDS - 0.2)
    assert gathering.waits(LANE, LIMIT) == 0


def test_one_that_does_not_fill_soon_leaves_at_once(gathering: Gathering, clock: FrozenClock) -> None:
    gathering.left(LANE)
    come(gathering, clock, 5, 3)
    assert gathering.waits(LANE, LIMIT) == 0


def test_a_few_that_come_together_are_not_taken_for_many(gathering: Gathering, clock: FrozenClock) -> None:
    gathering.left(LANE)
    gathering.came(LANE, 6)
    assert gathering.waits(LANE, LIMIT) == 0


def test_what_is_urgent_waits_for_nothing(gathering: Gathering, clock: FrozenClock) -> None:
    gathering.left(URGENT)
    come(gathering, clock, 5, 50, URGENT)
    assert gathering.waits(URGENT, LIMIT) == 0


def test_each_lane_is_another_matter(gathering: Gathering, clock: FrozenClock) -> None:
    other = (1, "other", b"")
    gathering.left(LANE)
    gathering.left(other)
    come(gathering, clock, 5, 50)
    assert gathering.waits(LANE, LIMIT) > 0
    assert gathering.waits(other, LIMIT) == 0


def test_when_it_was_quick_long_ago_nothing_waits(gathering: Gathering, clock: FrozenClock) -> None:
    come(gathering, clock, 5, 50)
    clock.advance(60.0)
    gathering.left(LANE)
    gathering.came(LANE, 1)
    assert gathering.waits(LANE, LIMIT) == 0


@ON_SQLITE
def test_steps_that_come_quickly_leave_in_full_calls_and_the_last_ones_after_a_moment(desk: Desk) -> None:
    clock, poke, over = desk.world.clock, Poke(), Event()
    desk.hub.gather_seconds, desk.hub.linger_seconds = SECONDS, 60.0

    def come(many: int) -> None:
        desk.put_all([[gather(n)] for n in range(many)])
        poke.look()

    def left() -> list[int]:
        return [size for name, size in desk.provider.calls]

    with in_a_thread(lambda: desk.drain(poke=poke, stopping=over.is_set)):
        come(25)
        until(lambda: left() == [10, 10])
        come(5)
        until(lambda: left() == [10, 10, 10])
        come(3)
        clock.advance(SECONDS)
        poke.nudge()
        until(lambda: left() == [10, 10, 10, 3])
        over.set()
        poke.nudge()
    assert set(desk.states()) == {"done"}
