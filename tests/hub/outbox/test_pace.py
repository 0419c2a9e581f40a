"""A provider's limits are kept, as the provider itself counts them, and a provider that is down is left alone."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from hub import Limit, OutcomeUnknown, RateLimited, Rejected, ServiceDown, schema
from hub.quota import observed
from hub.timing import SystemClock, to_ms
from tests import telling
from tests.hub.outbox.desk import ON_SQLITE, Desk
from tests.threads import in_a_thread


@pytest.fixture
def limit(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    def limit(**limits: Any) -> None:
        monkeypatch.setattr(telling.connector, "limit", Limit(**limits))

    return limit


class StrictProvider:
    """Counts calls as they arrive, after some latency, and more of them at once than anybody may see."""

    def __init__(self) -> None:
        self.arrived: list[float] = []
        self.at_once = self.most_at_once = 0
        self._lock = threading.Lock()
        self._chance = random.Random(3)

    def __call__(self, name: str, inputs: dict[str, Any]) -> Any:
        with self._lock:
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
            way, work = self._chance.uniform(0, 0.03), self._chance.uniform(0, 0.03)
        time.sleep(way)
        with self._lock:
            self.arrived.append(time.monotonic())
        time.sleep(work)
        with self._lock:
            self.at_once -= 1
        return {}

    def most_within(self, seconds: float) -> int:
        arrived = sorted(self.arrived)
        return max(sum(start <= at < start + seconds for at in arrived) for start in arrived)


@ON_SQLITE
def test_a_provider_that_counts_strictly_never_sees_more_than_its_limit(desk: Desk, limit: Any) -> None:
    limit(calls=10, per=0.5, concurrent=3)
    strict = desk.provider.answer = StrictProvider()
    desk.hub.clock, desk.hub.linger_seconds = SystemClock(), 0.05
    desk.put_all([[telling.do(n)] for n in range(40)])
    began = time.monotonic()
    desk.drain()
    assert len(desk.did) == 40
    assert strict.most_within(0.5) <= 10
    assert strict.most_at_once == 3
    assert time.monotonic() - began < 4  # 40 calls need four windows, less than a second apart


def test_what_the_window_does_not_hold_waits_for_the_next_one_whoever_holds_the_account_then(
    desk: Desk, limit: Any
) -> None:
    limit(calls=3, per=10.0)
    desk.put_all([[telling.do(n)] for n in range(8)])
    desk.drain()
    assert len(desk.did) == 3
    again = desk.world.another_hub()
    desk.drain(again)
    assert len(desk.did) == 3
    desk.world.clock.advance(10.0)
    desk.drain(again)
    again.close()
    assert len(desk.did) == 6
    desk.later(seconds=10)
    assert sorted(desk.did) == list(range(8))


def test_a_holder_that_died_leaves_its_calls_counted(desk: Desk, limit: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    limit(calls=3, per=10.0)
    desk.put_all([[telling.do(n)] for n in range(4)])

    class Died(Exception):
        pass

    def dies(*args: Any) -> None:
        raise Died

    with monkeypatch.context() as patch, pytest.raises(Died):
        patch.setattr("hub.outbox.flight.Flight.send", dies)
        desk.drain()
    desk.drain()
    assert desk.did == []
    desk.later(seconds=10)
    assert len(desk.did) == 3


def test_a_used_up_day_goes_on_at_midnight_in_utc_and_nothing_is_lost(desk: Desk, limit: Any) -> None:
    limit(daily=2)
    runs = desk.put_all([[telling.do(n)] for n in range(3)])
    desk.drain()
    assert len(desk.did) == 2
    assert desk.account.paused_until == to_ms(datetime(2026, 11, 23, tzinfo=UTC))
    assert desk.of(runs[2]).run_state == "waiting"  # twelve hours: later runs of the same person pass
    desk.later(hours=11, minutes=59)
    assert len(desk.did) == 2
    desk.later(minutes=1)
    assert len(desk.did) == 3


def test_waiting_for_a_limit_costs_no_time_of_the_processor(desk: Desk, limit: Any) -> None:
    limit(calls=1, per=1.0)
    desk.hub.clock, desk.hub.linger_seconds = SystemClock(), 0.1
    desk.put_all([[telling.do(n)] for n in range(2)])
    began, used = time.monotonic(), time.process_time()
    desk.drain()
    assert time.monotonic() - began >= 1.0
    assert time.process_time() - used < 0.3


def test_waiting_to_look_back_costs_no_time_of_the_processor(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(telling.send, "settle", timedelta(seconds=1))
    desk.hub.clock, desk.hub.linger_seconds = SystemClock(), 0.1
    desk.provider.after = lambda name, inputs: OutcomeUnknown()
    desk.put(telling.send("+14155550100", "Hello", purpose="transactional"))
    began, used = time.monotonic(), time.process_time()
    desk.drain()
    assert time.monotonic() - began >= 1.0
    assert time.process_time() - used < 0.3
    assert desk.did == ["Hello"] and desk.states() == ["done"]


def test_what_an_answer_says_of_limits_counts_at_once_and_for_the_next_holder(desk: Desk, limit: Any) -> None:
    limit(calls=100, per=10.0, concurrent=1)

    def answer(name: str, inputs: dict[str, Any]) -> Any:
        observed(calls=2, per=10.0)
        return {}

    desk.provider.answer = answer
    desk.put_all([[telling.do(n)] for n in range(5)])
    desk.drain()
    assert len(desk.did) == 2
    desk.later(seconds=9)
    assert len(desk.did) == 2
    desk.later(seconds=1)
    assert len(desk.did) == 4


def test_a_declaration_that_a_release_corrects_counts_where_the_provider_said_nothing(desk: Desk, limit: Any) -> None:
    limit(calls=1, per=10.0)
    desk.put_all([[telling.do(n)] for n in range(5)])
    desk.drain()
    limit(calls=4, per=10.0)
    desk.later(seconds=10)
    assert len(desk.did) == 5


@pytest.mark.parametrize(("after", "seconds"), [(30.0, 30), (None, 1), (float("nan"), 1), (-5.0, 1), (0.0, 1)])
@ON_SQLITE
def test_a_provider_that_asks_for_fewer_calls_gets_none_for_as_long_and_none_counts_as_a_failure(
    desk: Desk, limit: Any, after: float | None, seconds: int
) -> None:
    limit(concurrent=1)
    desk.provider.answer = lambda name, inputs: RateLimited(after=after)
    runs = desk.put_all([[telling.do(n)] for n in range(3)])
    desk.drain()
    assert desk.provider.number == 1
    assert desk.account.failures == 0
    assert desk.of(runs[0]).run_state == "running"  # it keeps its place before the same person's later runs
    desk.provider.answer = lambda name, inputs: {}
    desk.later(seconds=seconds - 0.001)
    assert desk.did == []
    desk.later(seconds=0.001)
    desk.later(seconds=5)
    assert sorted(desk.did) == [0, 1, 2]


def test_pauses_grow_while_a_provider_asks_for_fewer_calls_again_and_again(desk: Desk, limit: Any) -> None:
    limit(concurrent=1)
    desk.hub.linger_seconds = 0.0
    desk.provider.answer = lambda name, inputs: RateLimited()
    desk.put_all([[telling.do(n)] for n in range(200)])
    for _ in range(120):
        desk.later(seconds=1)
    assert desk.provider.number < 12


def down(name: str, inputs: dict[str, Any]) -> Any:
    return ServiceDown("It is down.")


def test_after_five_calls_without_an_answer_a_connection_rests_and_its_steps_wait(desk: Desk, limit: Any) -> None:
    limit(concurrent=1)
    desk.provider.answer = down
    runs = desk.put_all([[telling.do(n)] for n in range(20)])
    desk.drain()
    assert desk.provider.number == 5
    assert (desk.account.failures, desk.account.paused_until) == (5, desk.world.clock.now() + 15_000)
    assert set(desk.states()) == {"waiting"}
    assert {desk.of(run).run_state for run in runs} == {"waiting"}  # later runs of the same people pass
    desk.later(seconds=14.9)
    assert desk.provider.number == 5


def test_after_a_rest_one_call_finds_out_and_opens_or_rests_twice_as_long(desk: Desk) -> None:
    desk.provider.answer = down
    desk.put_all([[telling.do(n)] for n in range(20)])
    desk.drain()
    before = desk.provider.number
    assert before <= 5 + 3  # four leave at once: what leaves together may fail together
    assert desk.account.failures == 5
    desk.later(seconds=15)
    assert desk.provider.number == before + 1
    assert desk.account.paused_until == desk.world.clock.now() + 30_000
    desk.provider.answer = lambda name, inputs: {}
    desk.later(seconds=30)
    desk.later(minutes=2)
    assert sorted(desk.did) == list(range(20))
    assert (desk.account.failures, desk.account.paused_until) == (0, None)


def test_refusals_are_answers_and_open_no_breaker(desk: Desk) -> None:
    desk.provider.answer = lambda name, inputs: Rejected("no")
    desk.put_all([[telling.do(n)] for n in range(20)])
    desk.drain()
    assert set(desk.states()) == {"refused"}
    assert desk.account.failures == 0


def test_a_step_that_comes_while_the_connection_rests_lets_others_pass(desk: Desk) -> None:
    desk.provider.answer = down
    desk.put_all([[telling.do(n)] for n in range(8)])
    desk.drain()
    late = desk.put(telling.do("late"))
    desk.drain()
    assert desk.of(late).run_state == "waiting"


@ON_SQLITE
def test_a_dead_connection_delays_no_other_one(desk: Desk) -> None:
    came, goes_on = threading.Event(), threading.Event()
    other = Desk.__new__(Desk)
    other.world, other.connection = desk.world, desk.world.connect("telling", account="b")

    def answer(name: str, inputs: dict[str, Any]) -> Any:
        if inputs["what"] == "stuck":
            came.set()
            assert goes_on.wait(10)
            return ServiceDown()
        return {}

    desk.provider.answer = answer
    desk.put(telling.do("stuck"))
    with in_a_thread(desk.drain):
        assert came.wait(10)
        other.put_all([[telling.do(n)] for n in range(5)])
        other.drain()
        assert sorted(desk.did) == list(range(5))
        goes_on.set()


def test_holders_that_follow_each_other_leave_no_threads_behind(desk: Desk) -> None:
    desk.put(telling.do(0))
    desk.drain()
    before = threading.active_count()
    for n in range(10):
        desk.put(telling.do(n))
        desk.drain()
    assert threading.active_count() <= before


def test_what_a_holder_keeps_of_its_pace_does_not_grow(desk: Desk, limit: Any) -> None:
    limit(calls=20, per=60.0)
    for _ in range(5):
        desk.put_all([[telling.do(n)] for n in range(20)])
        desk.later(seconds=61)
    (row,) = desk.world.rows(schema.connection)
    assert len(row.quota) < 500
