"""An account's calls never overrun what its provider allows. Instants are milliseconds."""

import itertools
import json
import threading

import pytest

from hub import Limit
from hub.quota import Observation, Quota, observed, observing

DAY = 86_400_000
NOON = 20_000 * DAY + DAY // 2


def call(quota, at, *, lasting=0):
    quota.start(at)
    quota.end(at + lasting)


def test_calls_leave_at_once_until_the_window_is_full():
    quota = Quota(Limit(calls=2, per=10.0))
    assert quota.wait(NOON) == 0
    call(quota, NOON)
    assert quota.wait(NOON) == 0
    call(quota, NOON + 1000)
    # 2 calls ended at 0 s and 1 s; the first is out of the window at 10 s
    assert quota.wait(NOON + 4000) == 6.0
    assert quota.wait(NOON + 10_000) == 0


def test_a_call_counts_from_when_it_leaves_until_a_window_after_its_answer():
    quota = Quota(Limit(calls=1, per=1.0))
    quota.start(NOON)
    assert quota.wait(NOON + 5000) is None
    quota.end(NOON + 5000)
    assert quota.wait(NOON + 5000) == 1.0
    assert quota.wait(NOON + 6000) == 0


def test_no_more_calls_run_at_once_than_allowed():
    quota = Quota(Limit(concurrent=2))
    quota.start(NOON)
    assert quota.wait(NOON) == 0
    quota.start(NOON)
    assert quota.wait(NOON) is None
    quota.end(NOON)
    assert quota.wait(NOON) == 0


def test_a_days_calls_come_back_at_midnight_in_utc():
    quota = Quota(Limit(daily=1))
    call(quota, NOON)
    assert quota.wait(NOON) == 12 * 3600.0
    assert quota.wait(NOON + DAY // 2) == 0


@pytest.mark.parametrize(("calls", "per", "lasting"), [(1, 0.5, 0), (3, 1.0, 700), (40, 2.0, 0), (10, 10.0, 2500)])
def test_at_no_time_are_more_calls_in_the_providers_window_than_it_allows(calls, per, lasting):
    quota, now, left = Quota(Limit(calls=calls, per=per, concurrent=1)), NOON, []
    for _ in range(calls * 4):
        while wait := quota.wait(now):
            now += max(1, round(wait * 1000))
        quota.start(now)
        left.append((now, now + lasting))
        now += lasting
        quota.end(now)
    # The provider may have counted a call at any moment between its leaving and its answer: earliest against latest.
    for (_, latest), (earliest, _) in zip(left, left[calls:], strict=False):
        assert earliest - latest >= per * 1000


def test_a_pause_that_the_provider_asks_for_is_kept_and_never_shortened():
    quota = Quota(Limit())
    quota.hold(NOON + 5000)
    quota.hold(NOON + 2000)
    assert quota.wait(NOON) == 5.0
    assert quota.wait(NOON + 5000) == 0


@pytest.mark.parametrize(
    ("seen", "wait"),
    [
        (Observation(), 0),
        (Observation(remaining=5), 0),
        (Observation(remaining=0), 2.5),  # a quarter of 10 s, then it is asked again
        (Observation(remaining=0, per=4.0), 1.0),
        (Observation(remaining=-49, restore=50), 1.0),  # 50 short, 50 come back a second
        (Observation(remaining=0.5, restore=2), 0.25),
        (Observation(daily_remaining=0), 12 * 3600.0),
        (Observation(daily_remaining=1), 0),
        (Observation(calls=0, per=0.0), 0),
    ],
)
def test_what_the_provider_says_is_taken_over(seen, wait):
    quota = Quota(Limit(calls=100, per=10.0))
    quota.correct(seen, NOON)
    assert quota.wait(NOON) == wait


def test_a_smaller_or_larger_allowance_counts_at_once():
    quota = Quota(Limit(calls=100, per=10.0))
    call(quota, NOON)
    quota.correct(Observation(calls=1, per=20.0), NOON)
    assert quota.wait(NOON) == 20.0
    quota.correct(Observation(calls=2), NOON)
    assert quota.wait(NOON) == 0


def test_the_next_holder_goes_on_where_the_last_one_stopped():
    first = Quota(Limit(calls=2, per=10.0, daily=3))
    first.correct(Observation(calls=3), NOON)
    for at in range(3):
        call(first, NOON + at)
    first.hold(NOON + 1000)
    second = Quota(Limit(calls=2, per=10.0, daily=3), json.loads(json.dumps(first.state(NOON + 3))))
    for later in (3, 500, 10_000, 10_002, DAY):
        assert second.wait(NOON + later) == first.wait(NOON + later)


def test_what_is_handed_on_does_not_grow_with_the_calls():
    quota = Quota(Limit(concurrent=4))
    for at in range(5000):
        call(quota, NOON + at)
    assert quota.state(NOON + 5000)["ended"] == []
    quota = Quota(Limit(calls=10, per=1000.0))
    for at in range(5000):
        call(quota, NOON + at)
    assert len(quota.state(NOON + 5000)["ended"]) == 10


def test_an_observation_reaches_the_observer_of_the_call_and_nobody_elses():
    seen, elsewhere = [], []
    observed(remaining=1)
    with observing(seen.append):
        observed(remaining=2)
        with observing(elsewhere.append):
            observed(remaining=3)
        thread = threading.Thread(target=observed, kwargs={"remaining": 4})
        thread.start()
        thread.join()
        observed(calls=100, per=10.0)
    observed(remaining=5)
    assert seen == [Observation(remaining=2), Observation(calls=100, per=10.0)]
    assert elsewhere == [Observation(remaining=3)]


def test_waits_are_never_negative_nor_without_end():
    quota = Quota(Limit(calls=3, per=0.25, concurrent=2, daily=50))
    now = NOON
    for step in itertools.count(1):
        wait = quota.wait(now)
        assert wait is not None and 0 <= wait <= DAY / 1000
        now += round(wait * 1000)
        call(quota, now, lasting=step % 7)
        if step == 120:
            break
