"""How fast calls may leave an account: its quota, and its rest while the provider does not answer."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from ..connector import Limit
from ..errors import OutcomeUnknown, RateLimited, TryLater
from ..quota import Quota
from ..retry import BREAKER_FAILURES, rest_seconds, seconds_asked_for
from .calling import Outcome
from .flight import AHEAD

PATIENCE_SECONDS = 60.0
"""While an account may not be called for longer, people's later runs pass those that wait for it."""

LONGEST_HOLD_SECONDS = 60.0


class Pace:
    """One account's pace, for its one holder. `failures` are calls without an answer, in a row; `is_new` says that it
    rests and that this is not kept yet."""

    def __init__(self, limit: Limit, quota: str, failures: int, paused_until: int | None) -> None:
        state = json.loads(quota)
        self.quota = Quota(limit, state, ahead=AHEAD)
        self.failures, self.paused_until, self.is_new = failures, paused_until, False
        self._limited: int = state.get("limited", 0)
        self._held_until = 0

    def row(self, now: int) -> dict[str, Any]:
        """What is kept of it with the connection, for the next holder."""
        return {
            "quota": json.dumps(self.quota.state(now) | {"limited": self._limited}),
            "failures": self.failures,
            "paused_until": self.paused_until,
        }

    def resting(self, now: int) -> bool:
        return self.paused_until is not None and self.paused_until > now

    def wait(self, now: int, *, urgent: bool = False) -> float | None:
        """Seconds until the next call may leave, 0 if at once, None if a call must end first.

        After a rest one call alone finds out whether the provider answers again.
        """
        if self.failures >= BREAKER_FAILURES and self.quota.in_flight:
            return None
        return self.quota.wait(now, urgent=urgent)

    def rest(self, until: int) -> None:
        """No call before this instant, whoever holds the account then."""
        self.paused_until, self.is_new = max(self.paused_until or 0, until), True

    def judge(self, outcomes: Sequence[Outcome], now: int) -> None:
        """What a call tells about the provider: busy, down, or well. Calls that leave together fail together, and
        count once."""
        failed = [outcome.failure for outcome in outcomes]
        limits = [error for error in failed if isinstance(error, RateLimited)]
        if limits:
            self.failures, self.paused_until = 0, None
            self._limit(max(seconds_asked_for(error) or 0.0 for error in limits), now)
        elif failed and all(isinstance(error, TryLater | OutcomeUnknown) for error in failed):
            self._fail(now)
        elif failed:
            self._limited, self.failures, self.paused_until = 0, 0, None

    def _limit(self, asked_for: float, now: int) -> None:
        if now >= self._held_until:
            self._limited += 1
        seconds = asked_for or min(LONGEST_HOLD_SECONDS, 2.0 ** min(self._limited - 1, 10))
        self._held_until = max(self._held_until, now + round(seconds * 1000))
        self.quota.hold(self._held_until)

    def _fail(self, now: int) -> None:
        if not self.resting(now):
            self.failures += 1
            if rest := rest_seconds(self.failures):
                self.paused_until = now + round(rest * 1000)
