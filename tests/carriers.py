"""The two carriers of wake-ups, for tests that do in one thread what the hub's threads would do.

What a hub wakes through `wakeups` travels the real way, and `take` gives what arrived where a worker would be poked.
"""

from __future__ import annotations

import threading
import time
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Sequence
from types import SimpleNamespace

from hub import jobs
from hub.jobs import RqWakeups
from hub.wakeups import ThreadWakeups, Wakeups

PATIENCE_SECONDS = 10.0
_LAST = "~"  # comes after every queue's name: those that are sent together go in the order of their names


class Carrier(ABC):
    """What both do: a queue that was woken is noted, and must arrive."""

    wakeups: Wakeups
    redis_url: str | None = None

    def __init__(self) -> None:
        self._news = threading.Condition()
        self._woken: list[str] = []
        self._times: Counter[str] = Counter()
        self._one_takes = threading.Lock()

    def note(self, queue: str) -> None:
        with self._news:
            self._woken.append(queue)
            self._times[queue] += 1
            self._news.notify_all()

    def times(self, queue: str) -> int:
        """How often a queue was woken."""
        return self._times[queue]

    def until_woken(self, queue: str, times: int) -> None:
        """Waits until the queue was woken more often than this, by whatever thread."""
        with self._news:
            if not self._news.wait_for(lambda: self._times[queue] > times, PATIENCE_SECONDS):
                raise AssertionError(f"Nobody woke the queue {queue}.")

    def take(self) -> set[str]:
        """The queues whose wake-ups arrived since this was last asked. Of what was woken before, nothing is on its way
        any more. Raises AssertionError if a queue was woken and no wake-up of it arrives."""
        with self._one_takes:
            with self._news:
                woken, self._woken = self._woken, []
            return self._arrived(woken)

    @abstractmethod
    def _arrived(self, woken: Sequence[str]) -> set[str]:
        """Of what was woken, the queues that a worker would be poked for."""


class ByThreads(Carrier):
    """Through threads of this process, as in `hub up`."""

    def __init__(self) -> None:
        super().__init__()
        self.wakeups = ThreadWakeups()
        self.wakeups.listener = self.note

    def _arrived(self, woken: Sequence[str]) -> set[str]:
        return set(woken)


class ByRedis(Carrier):
    """Through RQ jobs on a real Redis. Whoever takes runs the hub's own worker of RQ meanwhile."""

    def __init__(self, redis_url: str) -> None:
        super().__init__()
        self.redis_url = redis_url
        self._redis, self._sender = jobs.connect(redis_url), RqWakeups(redis_url)
        self.wakeups = SimpleNamespace(wake=self._wake)

    def _wake(self, queue: str) -> None:
        self.note(queue)
        self._sender.wake(queue)

    def _arrived(self, woken: Sequence[str]) -> set[str]:
        missing, arrived, complete = set(woken), set(), _InTime()
        if len(missing) < len(woken):
            # A second wake-up of a queue may be sent when the first one was taken already. This one is sent after it.
            self._sender.wake(_LAST)
            missing.add(_LAST)

        def poke(queue: str) -> None:
            arrived.add(queue)
            missing.discard(queue)
            with self._news:  # and what another thread woke meanwhile, if this is how it was told
                self._woken = [other for other in self._woken if other != queue]
            if not missing:
                complete.set()

        if missing:
            jobs.serve_jobs(self._redis, SimpleNamespace(poke=poke), complete)
        if missing:
            raise AssertionError(f"Woken, and never arrived: {sorted(missing)}.")
        return arrived - {_LAST}


class _InTime(threading.Event):
    """Is set at the latest when everybody's patience is over; whoever takes jobs looks every second."""

    def __init__(self) -> None:
        super().__init__()
        self._latest = time.monotonic() + PATIENCE_SECONDS

    def is_set(self) -> bool:
        return super().is_set() or time.monotonic() > self._latest
