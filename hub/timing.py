"""The one source of time and of chance. Nothing else in the hub asks the machine for either."""

from __future__ import annotations

import random
import secrets
import time
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Protocol
from zoneinfo import available_timezones


class Clock(Protocol):
    """What the hub asks for the time. Instants are milliseconds since 1970 in UTC."""

    def now(self) -> int: ...

    def monotonic(self) -> float: ...


class SystemClock:
    """The machine's time."""

    def now(self) -> int:
        return time.time_ns() // 1_000_000

    def monotonic(self) -> float:
        return time.monotonic()


class FrozenClock:
    """Time that moves only when told to: for tests and rehearsals."""

    def __init__(self, start: datetime | None = None) -> None:
        self._now = to_ms(start or datetime(2026, 11, 22, 12, 0, tzinfo=UTC))
        self._wrong = 0

    def now(self) -> int:
        return self._now

    def monotonic(self) -> float:
        return (self._now - self._wrong) / 1000

    def set(self, ahead: float) -> None:
        """Have the time of day be so many seconds ahead of the true one, which goes on unchanged."""
        wrong = round(ahead * 1000)
        self._now += wrong - self._wrong
        self._wrong = wrong

    def go_to(self, at: int) -> None:
        """Have it be this instant, in milliseconds since 1970."""
        self._now, self._wrong = at, 0

    def advance(self, by: timedelta | float) -> None:
        """Move on by a timedelta, or by seconds."""
        seconds = by.total_seconds() if isinstance(by, timedelta) else by
        self._now += round(seconds * 1000)


def to_ms(at: datetime) -> int:
    """An aware datetime as milliseconds since 1970."""
    if at.tzinfo is None:
        raise ValueError("A time without its zone cannot be compared; make it aware, for example with UTC.")
    return round(at.timestamp() * 1000)


def to_datetime(ms: int) -> datetime:
    """Milliseconds since 1970 as an aware datetime in UTC."""
    return datetime.fromtimestamp(ms / 1000, UTC)


def iso(ms: int | None) -> str | None:
    """Milliseconds since 1970 as ISO 8601 in UTC, `2026-11-22T14:02:05.120Z`."""
    if ms is None:
        return None
    return to_datetime(ms).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def to_the_second(ms: int) -> str:
    """Milliseconds since 1970 for people, in UTC: `2026-11-22 14:02:05`."""
    return to_datetime(ms).strftime("%Y-%m-%d %H:%M:%S")


@cache
def known_zones() -> frozenset[str]:
    """Every time zone that there is, as IANA names it."""
    return frozenset(available_timezones())


class Chance:
    """The one source of randomness. `seed` makes what is not secret repeatable."""

    def __init__(self, seed: int | None = None) -> None:
        self._random = random.Random(seed)

    def between(self, low: float, high: float) -> float:
        return self._random.uniform(low, high)

    @staticmethod
    def token(nbytes: int) -> str:
        """An unguessable word for addresses and secrets; never from the seed."""
        return secrets.token_hex(nbytes)
