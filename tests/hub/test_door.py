"""Who reads lets a crowd at the door pass first, but not for ever."""

from __future__ import annotations

import threading
from contextlib import ExitStack

import pytest

from hub.door import CALM_SECONDS, CROWD, LONGEST_SECONDS, Door
from hub.timing import FrozenClock


class Waiting(threading.Event):
    """Waits in the clock's own time, and says how long. `meanwhile` happens at each wait."""

    def __init__(self, clock: FrozenClock) -> None:
        super().__init__()
        self.clock, self.waited, self.meanwhile = clock, 0.0, lambda: None

    def wait(self, timeout: float | None = None) -> bool:
        self.clock.advance(timeout or 0.0)
        self.waited += timeout or 0.0
        self.meanwhile()
        return self.is_set()


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock()


@pytest.fixture
def door(clock: FrozenClock) -> Door:
    return Door(clock)


@pytest.fixture
def stopping(clock: FrozenClock) -> Waiting:
    return Waiting(clock)


def enter(door: Door, many: int) -> None:
    with ExitStack() as inside:
        for _ in range(many):
            inside.enter_context(door)


def test_nobody_waits_for_a_few(door: Door, stopping: Waiting) -> None:
    door.let_pass(stopping)
    enter(door, CROWD - 1)
    enter(door, CROWD - 1)
    door.let_pass(stopping)
    assert stopping.waited == 0


def test_a_crowd_that_is_over_is_waited_for_a_moment(door: Door, stopping: Waiting) -> None:
    enter(door, CROWD)
    door.let_pass(stopping)
    assert stopping.waited == pytest.approx(CALM_SECONDS)


def test_a_crowd_that_does_not_end_holds_up_nothing_for_ever(door: Door, stopping: Waiting) -> None:
    stopping.meanwhile = lambda: enter(door, CROWD)
    enter(door, CROWD)
    door.let_pass(stopping)
    assert stopping.waited == pytest.approx(LONGEST_SECONDS, abs=CALM_SECONDS)


def test_who_is_to_stop_does_not_wait_for_a_crowd(door: Door, stopping: Waiting) -> None:
    stopping.meanwhile = lambda: enter(door, CROWD)
    stopping.set()
    enter(door, CROWD)
    door.let_pass(stopping)
    assert stopping.waited == pytest.approx(CALM_SECONDS)
