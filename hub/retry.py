"""When a failed call is tried again: a decision as a value."""

from __future__ import annotations

import math
from dataclasses import dataclass

from .errors import RateLimited, TryLater
from .timing import Chance

FIRST_SECONDS = 2.0
LONGEST_SECONDS = 15 * 60.0
LONGEST_ASKED_SECONDS = 24 * 3600.0
GIVE_UP_SECONDS = 3 * 24 * 3600.0


@dataclass(frozen=True)
class Retry:
    """Try again after this many seconds."""

    after: float


@dataclass(frozen=True)
class GiveUp:
    """Do not try again: `reason` says why, in words for people."""

    reason: str


def decide(error: Exception, attempts: int, asked_seconds_ago: float, chance: Chance) -> Retry | GiveUp:
    """What to do after the `attempts`-th failed call for a step that was asked for so long ago.

    What the provider asks for counts most; else the pause doubles with each attempt, from 2 s to 15 min, the later
    half of it by chance so that many do not come back at once. After three days it is given up.
    """
    if asked_seconds_ago > GIVE_UP_SECONDS:
        return GiveUp("It was tried for three days without success.")
    pause = min(LONGEST_SECONDS, FIRST_SECONDS * 2.0 ** min(max(attempts, 1) - 1, 20))
    pause = chance.between(pause / 2, pause)
    if (asked := seconds_asked_for(error)) is not None:
        pause = max(asked, pause if not isinstance(error, RateLimited) else 0.0)
    return Retry(pause)


def seconds_asked_for(error: Exception) -> float | None:
    """How long the provider asked us to wait, a day at most; None if it did not say."""
    if not isinstance(error, TryLater) or error.after is None or math.isnan(error.after):
        return None
    return min(max(0.0, error.after), LONGEST_ASKED_SECONDS)


BREAKER_FAILURES = 5
"""Calls in a row without an answer after which a connection rests."""


def rest_seconds(failures: int) -> float:
    """How long a connection rests after so many failures in a row: 0 below the limit, then 15 s, doubling to 10 min."""
    if failures < BREAKER_FAILURES:
        return 0.0
    return min(600.0, 15.0 * 2.0 ** min(failures - BREAKER_FAILURES, 10))
