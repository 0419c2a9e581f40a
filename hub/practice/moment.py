"""The time at the practice services: the machine's, or that of the rehearsal in which they are called."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime

from ..timing import Clock

_clock: ContextVar[Clock | None] = ContextVar("the practice services' clock", default=None)


@contextmanager
def told_by(clock: Clock) -> Iterator[None]:
    """Has the services take their time from this clock, whoever calls them in the block."""
    before = _clock.set(clock)
    try:
        yield
    finally:
        _clock.reset(before)


def seconds() -> float:
    """Seconds since 1970."""
    clock = _clock.get()
    return clock.now() / 1000 if clock else time.time()


def monotonic() -> float:
    """Seconds that only ever go on."""
    clock = _clock.get()
    return clock.monotonic() if clock else time.monotonic()


def now() -> datetime:
    """The time, in UTC."""
    return datetime.fromtimestamp(seconds(), UTC)
