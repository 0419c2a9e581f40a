"""Wake-ups: hints that a queue has something to do. They carry no data, and losing all of them loses nothing.

Two carriers, one interface: threads of this process, and RQ jobs on Redis.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

READ = "read"
ADVANCE = "advance"
_PERFORM = "perform:"


def perform(connection_id: str) -> str:
    """The queue of what is to be done at one connection."""
    return _PERFORM + connection_id


def connection_of(queue: str) -> str | None:
    """The connection whose queue this is, or None."""
    return queue.removeprefix(_PERFORM) if queue.startswith(_PERFORM) else None


class Wakeups(Protocol):
    """Says that a queue should be looked at soon, by whoever serves queues. Never blocks long, never raises."""

    def wake(self, queue: str) -> None: ...


class NoWakeups:
    """Tells nobody: for processes that only look, and for tests that drive the queues themselves."""

    def wake(self, queue: str) -> None:
        pass


class ThreadWakeups:
    """Tells the queue threads of this process, once they are there."""

    def __init__(self) -> None:
        self.listener: Callable[[str], None] | None = None

    def wake(self, queue: str) -> None:
        if self.listener is not None:
            self.listener(queue)
