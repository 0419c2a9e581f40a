"""How many calls an account may still make: declared by its connector, corrected by what the provider says."""

from __future__ import annotations

import contextvars
import math
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from .connector import Limit

_DAY = 86_400_000


@dataclass(frozen=True)
class Observation:
    """What a provider's answer said about its limits; None where it said nothing.

    calls, per        so many calls within so many seconds
    remaining         calls left in the window now
    restore           calls that come back per second, for providers whose bucket refills steadily
    daily_remaining   calls left today
    """

    calls: int | None = None
    per: float | None = None
    remaining: float | None = None
    restore: float | None = None
    daily_remaining: int | None = None


_observer: contextvars.ContextVar[Callable[[Observation], None] | None] = contextvars.ContextVar(
    "quota_observer", default=None
)


def observed(
    *,
    calls: int | None = None,
    per: float | None = None,
    remaining: float | None = None,
    restore: float | None = None,
    daily_remaining: int | None = None,
) -> None:
    """For connectors: pass on what an answer's headers said about limits. Outside a call it does nothing.

    What is no number says nothing: a provider's odd header must not fail a call that happened.
    """
    if observer := _observer.get():
        observer(Observation(*(_number(value) for value in (calls, per, remaining, restore, daily_remaining))))


def _number(value: Any) -> Any:
    return value if isinstance(value, int | float) and math.isfinite(value) else None


@contextmanager
def observing(observer: Callable[[Observation], None]) -> Iterator[None]:
    """Hands what `observed` is told meanwhile, on this thread, to the observer."""
    token = _observer.set(observer)
    try:
        yield
    finally:
        _observer.reset(token)


class Quota:
    """One account's calls. Used by the account's one holder; instants are milliseconds.

    A call counts from when it leaves until `per` seconds after it was answered: the provider may have counted it
    at any moment between, so its own window is never overrun. `ahead`: so many more calls per thread may be started,
    to wait until a thread is free for them, and one more that is urgent.
    """

    def __init__(self, limit: Limit, state: dict[str, Any] | None = None, *, ahead: int = 0) -> None:
        state = state or {}
        # What the provider said counts more than the declaration, which a later release may correct.
        self._said: dict[str, Any] = {name: state[name] for name in ("calls", "per") if state.get(name)}
        self.calls: int | None = self._said.get("calls", limit.calls)
        self.per: float = self._said.get("per", limit.per)
        self._room = limit.concurrent * (1 + ahead)
        self._urgent_room = limit.concurrent * (2 + ahead) if ahead else self._room
        self.daily = limit.daily
        self.in_flight = 0
        self._ended: deque[int] = deque(state.get("ended", ()))
        self._day: int = state.get("day", 0)
        self._today: int = state.get("today", 0)
        self._not_before: int = state.get("not_before", 0)

    def wait(self, now: int, *, urgent: bool = False) -> float | None:
        """Seconds until the next call may leave, 0 if at once, None if a call must end first."""
        self._forget(now)
        if self.in_flight >= (self._urgent_room if urgent else self._room):
            return None
        waits = [max(0, self._not_before - now) / 1000]
        if self.calls is not None and self.in_flight + len(self._ended) >= self.calls:
            if not self._ended:
                return None
            waits.append(max(1, self._ended[0] + self._window - now) / 1000)
        if self.daily is not None and self._today >= self.daily:
            waits.append((_DAY - now % _DAY) / 1000)
        return max(waits)

    def start(self, now: int) -> None:
        self._forget(now)
        self.in_flight += 1
        self._today += 1

    def cancel(self) -> None:
        """A call that was started did not leave after all."""
        self.in_flight -= 1
        self._today -= 1

    def end(self, now: int) -> None:
        self.in_flight -= 1
        self._ended.append(now)

    @property
    def is_overdrawn(self) -> bool:
        """Whether more calls were started than may leave, as the provider allows fewer than we thought."""
        return self.calls is not None and self.in_flight + len(self._ended) > max(self.calls, len(self._ended))

    def hold(self, until: int) -> None:
        """No call before this instant: the provider asked for a pause."""
        self._not_before = max(self._not_before, until)

    def correct(self, seen: Observation, now: int) -> None:
        """Takes over what the provider says of its limits."""
        if seen.calls is not None and seen.calls >= 1:
            self.calls = self._said["calls"] = int(seen.calls)
        if seen.per is not None and seen.per > 0:
            self.per = self._said["per"] = seen.per
        if seen.remaining is not None and seen.remaining < 1:
            restore = seen.restore or 0.0
            pause = (1 - seen.remaining) / restore if restore > 0 else self.per / 4
            self.hold(now + min(_DAY, round(pause * 1000)))
        if seen.daily_remaining is not None and seen.daily_remaining <= 0:
            self.hold(now + _DAY - now % _DAY)

    def state(self, now: int) -> dict[str, Any]:
        """What the next holder needs to go on: plain data. Calls that are on their way count as ended now: should
        this holder die, they left."""
        ended = [*self._ended, *([now] * self.in_flight)]
        return {
            **self._said,
            "ended": ended[-self.calls :] if self.calls else [],
            "day": self._day,
            "today": self._today,
            "not_before": self._not_before,
        }

    @property
    def _window(self) -> int:
        return round(self.per * 1000)

    def _forget(self, now: int) -> None:
        while self._ended and (self.calls is None or self._ended[0] + self._window <= now):
            self._ended.popleft()
        if now // _DAY != self._day:
            self._day, self._today = now // _DAY, 0
