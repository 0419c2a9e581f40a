"""When a failed call is tried again."""

from __future__ import annotations

from itertools import pairwise

import pytest

from hub import OutcomeUnknown, RateLimited, Rejected, ServiceDown, TryLater
from hub.retry import BREAKER_FAILURES, GIVE_UP_SECONDS, GiveUp, Retry, decide, rest_seconds, seconds_asked_for
from hub.timing import Chance

chance = Chance(5)


def pause(error: Exception, attempts: int = 1) -> float:
    decision = decide(error, attempts, 0.0, chance)
    assert isinstance(decision, Retry)
    return decision.after


@pytest.mark.parametrize("attempts", [1, 2, 5, 9, 10, 50, 10_000])
def test_a_pause_doubles_with_each_attempt_up_to_a_quarter_of_an_hour_its_later_half_by_chance(attempts: int) -> None:
    whole = min(900.0, 2.0 * 2 ** min(attempts - 1, 100))
    found = {pause(OutcomeUnknown(), attempts) for _ in range(50)}
    assert whole / 2 <= min(found) < max(found) <= whole


@pytest.mark.parametrize("attempts", [0, -1])
def test_a_count_that_makes_no_sense_is_the_first(attempts: int) -> None:
    assert 1.0 <= pause(ServiceDown(), attempts) <= 2.0


def test_what_the_provider_asks_for_is_kept() -> None:
    assert pause(RateLimited(after=0.25)) == 0.25
    assert pause(RateLimited(after=7.0), attempts=20) == 7.0
    assert pause(ServiceDown(after=7.0)) == 7.0
    assert pause(ServiceDown(after=0.0), attempts=9) >= 256.0


@pytest.mark.parametrize(
    ("error", "seconds"),
    [
        (TryLater(after=5.0), 5.0),
        (TryLater(after=-5.0), 0.0),
        (TryLater(after=float("inf")), 86_400.0),
        (TryLater(after=1e9), 86_400.0),
        (TryLater(after=float("nan")), None),
        (TryLater(), None),
        (Rejected(), None),
    ],
)
def test_what_a_provider_asks_for_is_a_day_at_most(error: Exception, seconds: float | None) -> None:
    assert seconds_asked_for(error) == seconds


def test_after_three_days_it_is_given_up() -> None:
    assert isinstance(decide(ServiceDown(), 400, GIVE_UP_SECONDS, chance), Retry)
    decision = decide(ServiceDown(), 400, GIVE_UP_SECONDS + 1, chance)
    assert decision == GiveUp("It was tried for three days without success.")


def test_a_connection_rests_after_five_failures_longer_each_time_ten_minutes_at_most() -> None:
    assert [rest_seconds(failures) for failures in range(BREAKER_FAILURES)] == [0.0] * BREAKER_FAILURES
    rests = [rest_seconds(failures) for failures in range(BREAKER_FAILURES, 40)]
    assert rests[:3] == [15.0, 30.0, 60.0]
    assert all(later >= earlier for earlier, later in pairwise(rests))
    assert rests[-1] == 600.0
