"""The queues' threads: one for reading, one for advancing, one per connection that has something to do.

A poke makes a thread look at its queue; it drains it and waits for the next poke. Whoever pokes, threads of this
process or a job from Redis, the same functions do the work.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from . import engine, outbox
from .core import Hub
from .database import LeaseLost
from .wakeups import ADVANCE, READ, connection_of

log = logging.getLogger("hub.worker")

READ_LEASE_SECONDS = 30.0
AFTER_ERROR_SECONDS = 1.0
IDLE_SECONDS = 20.0


class Worker:
    """Serves the queues of a hub in this process, from `start` to `stop`."""

    def __init__(self, hub: Hub) -> None:
        self.hub = hub
        self._threads: dict[str, _Queue] = {}
        self._lock = threading.Lock()
        self._stopping = threading.Event()

    def start(self) -> None:
        """Looks at everything once: what was left by an earlier process is found at once."""
        self.poke(READ)
        self.poke(ADVANCE)

    def poke(self, queue: str) -> None:
        """Has a queue looked at. Never blocks."""
        with self._lock:
            if self._stopping.is_set():
                return
            found = self._threads.get(queue)
            if found is None or not found.accepts():
                found = self._threads[queue] = _Queue(queue, self._work(queue), self._stopping)
                found.poke.look()
                found.start()
                return
        found.poke.look()

    def stop(self, seconds: float = 30.0) -> None:
        """Ends the threads after what they are doing; calls that are on their way come back first."""
        self._stopping.set()
        with self._lock:
            threads = list(self._threads.values())
        for thread in threads:
            thread.poke.look()
        for thread in threads:
            thread.join(seconds)

    def _work(self, queue: str) -> Callable[[outbox.Poke], None]:
        connection_id = connection_of(queue)
        if connection_id is not None:
            return lambda poke: outbox.drain(self.hub, connection_id, poke, self._stopping.is_set)
        return {READ: self._read, ADVANCE: self._advance}[queue]

    def _read(self, poke: outbox.Poke) -> None:
        from webhooks.inbox import BATCH, read_deliveries

        lease = self.hub.database.acquire(READ, READ_LEASE_SECONDS)
        if lease is None:
            return
        held = self.hub.clock.monotonic()
        try:
            while not self._stopping.is_set():
                poke.take()
                count = read_deliveries(self.hub, lease)
                if count < BATCH and not poke.wait(self.hub.linger_seconds):
                    return
                if self.hub.clock.monotonic() - held > READ_LEASE_SECONDS / 3:
                    if not self.hub.database.renew(lease, READ_LEASE_SECONDS):
                        return
                    held = self.hub.clock.monotonic()
        except LeaseLost:
            return
        finally:
            self.hub.database.release(lease)

    def _advance(self, poke: outbox.Poke) -> None:
        while engine.advance(self.hub) and not self._stopping.is_set():
            pass


class _Queue(threading.Thread):
    """One queue's thread. A connection's thread ends after a while without pokes; the next poke makes a new one."""

    def __init__(self, name: str, work: Callable[[outbox.Poke], None], stopping: threading.Event) -> None:
        super().__init__(name=name, daemon=True)
        self.poke = outbox.Poke()
        self._work, self._stopping = work, stopping
        self._ends = connection_of(name) is not None
        self._lock = threading.Lock()
        self._ended = False

    def accepts(self) -> bool:
        """Whether a poke will still be seen."""
        with self._lock:
            if self._ended:
                return False
            self.poke.look()
            return True

    def run(self) -> None:
        while not self._stopping.is_set():
            if not self.poke.wait(IDLE_SECONDS):
                with self._lock:
                    if self._ends and not self.poke.is_set:
                        self._ended = True
                        return
                continue
            self.poke.take()
            try:
                self._work(self.poke)
            except Exception as error:
                # The type alone: what an error tells may be somebody's data.
                log.error("%s: %s; it is tried again", self.name, type(error).__name__)
                self._stopping.wait(AFTER_ERROR_SECONDS)
                self.poke.look()
