"""The clock: one leader over all processes wakes what is due, and does what comes round.

Due runs and steps · wake-ups that got lost · retention · keys that nobody needs any more · subscriptions compared.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

import sqlalchemy as sa

from . import retention, schema
from .connections import READY
from .core import Hub
from .database import Lease
from .wakeups import ADVANCE, READ, perform

log = logging.getLogger("hub.clock")

CLOCK = "clock"
TICK_SECONDS = 0.5
LEASE_SECONDS = 15.0
MINUTE, DAY = 60.0, 86_400.0


class Clock:
    """The loop that ticks. Every process with a clock runs it; only the one that holds the lease acts."""

    def __init__(self, hub: Hub) -> None:
        self.hub = hub
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._lease: Lease | None = None
        self._renewed = 0.0
        self._last: dict[str, float] = {}

    def start(self) -> None:
        self._thread = threading.Thread(target=self.run, name=CLOCK, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(10)

    def run(self) -> None:
        """Ticks until stopped."""
        while not self._stopping.wait(TICK_SECONDS):
            try:
                if self._leads():
                    self.tick()
            except Exception as error:
                log.error("clock: %s; it is tried again", type(error).__name__)
                self._lease = None
                self._stopping.wait(1.0)
        if self._lease is not None:
            self.hub.database.release(self._lease)

    def tick(self) -> None:
        """What is done on each tick, and what on every so many."""
        wake_due(self.hub)
        self._every(MINUTE, "privacy", self.hub.privacy.act)
        self._every(MINUTE, "retention", lambda: retention.sweep(self.hub))
        self._every(DAY, "subscriptions", lambda: compare_subscriptions(self.hub))

    def _every(self, seconds: float, name: str, work: Callable[[], object]) -> None:
        now = self.hub.clock.monotonic()
        if name not in self._last or now - self._last[name] >= seconds:
            self._last[name] = now
            work()

    def _leads(self) -> bool:
        database, now = self.hub.database, self.hub.clock.monotonic()
        if self._lease is None:
            self._lease = database.acquire(CLOCK, LEASE_SECONDS)
            self._renewed = now
        elif now - self._renewed > LEASE_SECONDS / 3:
            if not database.renew(self._lease, LEASE_SECONDS):
                self._lease = None
            self._renewed = now
        return self._lease is not None


def wake_due(hub: Hub) -> list[str]:
    """Wakes every queue that has something due, whatever became of earlier wake-ups; gives the queues."""
    now = hub.clock.now()
    run, step, connection, delivery = schema.run, schema.step, schema.connection, schema.delivery
    queues = []
    with hub.database.read() as database:
        if database.execute(sa.select(delivery.c.id).where(delivery.c.state == "new").limit(1)).first():
            queues.append(READ)
        if database.execute(sa.select(run.c.id).where(run.c.due_at <= now).limit(1)).first():
            queues.append(ADVANCE)
        waiting = sa.exists().where(
            step.c.connection_id == connection.c.id,
            sa.or_(
                (step.c.state == "waiting") & sa.or_(step.c.due_at.is_(None), step.c.due_at <= now),
                step.c.state == "claimed",
            ),
            step.c.state.in_(("waiting", "claimed")),
        )
        usable = (connection.c.state == READY) & sa.or_(
            connection.c.paused_until.is_(None), connection.c.paused_until <= now
        )
        queues += [
            perform(name) for name in database.execute(sa.select(connection.c.id).where(usable, waiting)).scalars()
        ]
    for queue in queues:
        hub.wakeups.wake(queue)
    return queues


def compare_subscriptions(hub: Hub) -> None:
    """Compares every connection's subscriptions with what they should be, and repairs them."""
    for workspace in hub.workspaces.list():
        for connection in hub.connections.list(workspace):
            if connection.state == READY and (trouble := hub.connections.subscribe(connection.id)):
                log.warning("%s: its events are not subscribed to: %s", connection.id, trouble)
