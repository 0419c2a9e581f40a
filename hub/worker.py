"""The queues' threads: one for reading, one for advancing, one per connection that has something to do.

A poke makes a thread look at its queue; it drains it and waits for the next poke. Whoever pokes, threads of this
process or a job from Redis, the same functions do the work.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from . import engine, outbox, schema
from .core import Hub
from .database import LeaseLost
from .ids import number_after
from .timing import Clock
from .trouble import Trouble
from .wakeups import ADVANCE, READ, connection_of

log = logging.getLogger("hub.worker")

READ_LEASE_SECONDS = 30.0
AFTER_ERROR_SECONDS = 1.0
IDLE_SECONDS = 20.0
FEW, A_SECOND = 10, 10
"""So often at once, and then so often a second, one looks at what came in and at runs that are due. A look costs as
much as some orders, whatever it finds: what comes meanwhile is taken together."""
STOP_SECONDS = 30.0
"""A call to a provider ends within 25 seconds, so by then it has come back and is recorded."""


class Worker:
    """Serves the queues of a hub in this process, from `start` to `stop`."""

    def __init__(self, hub: Hub) -> None:
        self.hub = hub
        self._threads: dict[str, _Queue] = {}
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._reading, self._advancing = Looks(hub.clock), Looks(hub.clock)

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
            if found is not None and found.look():
                return
            work = self._work(queue)
            if work is not None:
                self._threads[queue] = _Queue(queue, work, self._stopping)
                self._threads[queue].start()

    def is_free_for(self, queue: str) -> bool:
        """Whether this process should look at a queue itself, rather than offer it to others: always, but for a
        further account while it is at one already."""
        if connection_of(queue) is None:
            return True
        with self._lock:
            at = {name for name, thread in self._threads.items() if connection_of(name) and thread.is_engaged}
        return queue in at or not at

    def poke_busy(self) -> None:
        """Has the queues looked at that are being worked at here: a wake-up for what this process holds may have
        gone to another one, which left it to us."""
        with self._lock:
            busy = [thread for thread in self._threads.values() if thread.busy]
        for thread in busy:
            thread.look()

    def stop(self, seconds: float | None = None) -> bool:
        """Ends the threads after what they are doing; calls that are on their way come back first.

        False if some did not within this time (STOP_SECONDS): their claims are in the database, for the next process
        to settle.
        """
        seconds = STOP_SECONDS if seconds is None else seconds
        self._stopping.set()
        with self._lock:
            threads = list(self._threads.values())
        for thread in threads:
            thread.look()
        deadline = time.monotonic() + seconds
        for thread in threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        late = [thread.name for thread in threads if thread.is_alive()]
        if late:
            log.error("Not ended within %g seconds: %s. What they did is settled later.", seconds, ", ".join(late))
        return not late

    def _work(self, queue: str) -> Callable[[outbox.Poke], None] | None:
        """What serves a queue; None for one of another release, which this code does not know."""
        connection_id = connection_of(queue)
        if connection_id is not None:
            return lambda poke: outbox.drain(self.hub, connection_id, poke, self._stopping.is_set)
        return {READ: self._read, ADVANCE: self._advance}.get(queue)

    def _read(self, poke: outbox.Poke) -> None:
        from webhooks.inbox import BATCH, read_deliveries

        monotonic = self.hub.clock.monotonic
        lease = self.hub.database.acquire(READ, READ_LEASE_SECONDS)
        if lease is None:
            return
        renewed = last_found = monotonic()
        count = 0
        try:
            # A run that waits takes what came since: what is read from here on counts as later than all before.
            number_after(self.hub.database, schema.event)
            while not self._stopping.is_set():
                self.hub.door.let_pass(self._stopping)
                if count < BATCH:
                    self._reading.wait(self._stopping)
                poke.take()
                count = read_deliveries(self.hub, lease)
                if count:
                    last_found = monotonic()
                lingers = last_found + self.hub.linger_seconds - monotonic()
                if count < BATCH and (lingers <= 0 or not poke.wait(lingers)):
                    return
                if monotonic() - renewed > READ_LEASE_SECONDS / 3:
                    if not self.hub.database.renew(lease, READ_LEASE_SECONDS):
                        return
                    renewed = monotonic()
        except LeaseLost:
            return
        finally:
            self.hub.database.release(lease)

    def _advance(self, poke: outbox.Poke) -> None:
        self._advancing.wait(self._stopping)
        # After less than that nothing is due; whoever makes another run due pokes.
        while engine.advance(self.hub) == engine.BATCH and not self._stopping.is_set():
            pass


class Looks:
    """How often one looks: FEW times at once after a rest, then A_SECOND."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._left, self._at = float(FEW), clock.monotonic()

    def wait(self, stopping: threading.Event) -> None:
        """Returns when it is time for another look, or all is to stop."""
        now = self._clock.monotonic()
        self._left, self._at = min(FEW, self._left + (now - self._at) * A_SECOND), now
        if self._left < 1:
            stopping.wait((1 - self._left) / A_SECOND)
        self._left -= 1


class _Queue(threading.Thread):
    """One queue's thread. A connection's thread ends after a while without pokes; the next poke makes a new one.

    `busy` says that it is working, rather than waiting for a poke.
    """

    def __init__(self, name: str, work: Callable[[outbox.Poke], None], stopping: threading.Event) -> None:
        super().__init__(name=name, daemon=True)
        self.busy = False
        self._poke = outbox.Poke()
        self._poke.look()
        self._work, self._stopping = work, stopping
        self._may_end = connection_of(name) is not None
        self._lock = threading.Lock()
        self._ended = False
        self._trouble = Trouble(log, name)

    def look(self) -> bool:
        """Pokes it. False if it has ended, so that nobody would see the poke."""
        with self._lock:
            if self._ended:
                return False
            self._poke.look()
            return True

    @property
    def is_engaged(self) -> bool:
        """Whether it is working, or about to."""
        return self.busy or self._poke.is_set

    def run(self) -> None:
        while not self._stopping.is_set():
            if self._poke.wait(IDLE_SECONDS):
                self._serve()
            elif self._ends():
                return

    def _ends(self) -> bool:
        with self._lock:
            self._ended = self._may_end and not self._poke.is_set
            return self._ended

    def _serve(self) -> None:
        if self._stopping.is_set():
            return
        self.busy = True
        try:
            self._poke.take()
            self._work(self._poke)
            self._trouble.over()
        except BaseException as error:  # in a thread nobody hears that the process should exit
            self._trouble.met(error)
            self._stopping.wait(AFTER_ERROR_SECONDS)
            self._poke.look()
        finally:
            self.busy = False
