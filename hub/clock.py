"""The clock: one leader over all processes wakes what is due, and does what comes round.

Due runs and steps · schedules · wake-ups that got lost · long work · retention · keys that nobody needs any more ·
what is unusually silent · people who are told that something needs them · logins renewed · subscriptions compared.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any

import sqlalchemy as sa

from . import notices, retention, schedules, schema, silence, tasks
from .connections import READY
from .core import Hub
from .database import Lease
from .errors import HubError
from .oauth.renewing import renew_due
from .outbox.steps import OPEN
from .trouble import Trouble
from .wakeups import ADVANCE, READ, perform

log = logging.getLogger("hub.clock")

CLOCK = "clock"
TICK_SECONDS = 0.5
LEASE_SECONDS = 15.0
DISK_SECONDS, SCHEDULE_SECONDS, MINUTE, DAY = 1.0, 5.0, 60.0, 86_400.0
STOP_SECONDS, CHORE_SECONDS = 10.0, 2.0


class Clock:
    """The loop that ticks. Every process with a clock runs it; only the one that holds the lease acts.

    What comes round is done in a thread beside the ticks: a provider that does not answer delays nobody's run.
    """

    def __init__(self, hub: Hub) -> None:
        self.hub = hub
        self._stopping = threading.Event()
        self._threads = [threading.Thread(target=work, name=CLOCK, daemon=True) for work in (self.run, self._do)]
        self._lease: Lease | None = None
        self._renewed = 0.0
        self._last: dict[str, float] = {}
        self._chores: SimpleQueue[tuple[str, Callable[[], object]] | None] = SimpleQueue()
        self._asked: set[str] = set()
        self._trouble = Trouble(log, CLOCK)
        self._disk = retention.Disk(hub)

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Lets another clock lead at once. A chore that is being done ends with the process: it is done again."""
        self._stopping.set()
        self._chores.put(None)
        if self._threads[0].ident is not None:
            self._threads[0].join(STOP_SECONDS)
            self._threads[1].join(CHORE_SECONDS)

    def run(self) -> None:
        """Ticks until stopped."""
        while not self._stopping.wait(TICK_SECONDS):
            try:
                if self._leads():
                    self.tick()
                self._trouble.over()
            except Exception as error:
                self._trouble.met(error)
                self._lease = None
        self._resign()

    def tick(self) -> None:
        """What is done on each tick, and what on every so many."""
        wake_due(self.hub, self._wake)
        self._every(SCHEDULE_SECONDS, "schedules kept", lambda: schedules.keep(self.hub))
        self._every(TICK_SECONDS, "schedules", lambda: schedules.fire(self.hub, self._is_over))
        self._every(MINUTE, "privacy", self.hub.privacy.act)
        self._every(TICK_SECONDS, "nothing kept", lambda: retention.sweep_at_once(self.hub))
        self._every(MINUTE, "retention", lambda: retention.sweep(self.hub))
        self._every(TICK_SECONDS, "tasks", lambda: tasks.go_on(self.hub, self._is_over))
        self._every(DISK_SECONDS, "disk", self._disk.look)
        self._every(MINUTE, "silence", lambda: silence.look(self.hub))
        self._every(MINUTE, "notices", lambda: notices.tell(self.hub))
        self._every(MINUTE, "logins", lambda: renew_due(self.hub, self._is_over))
        self._every(DAY, "subscriptions", lambda: compare_subscriptions(self.hub, self._is_over))

    def _every(self, seconds: float, name: str, work: Callable[[], object]) -> None:
        now = self.hub.clock.monotonic()
        due = name not in self._last or now - self._last[name] >= seconds
        if due and name not in self._asked:
            self._last[name] = now
            self._asked.add(name)
            self._chores.put((name, work))

    def _do(self) -> None:
        troubles: dict[str, Trouble] = {}
        while (chore := self._chores.get()) is not None and not self._stopping.is_set():
            name, work = chore
            if self._is_over():
                self._last.pop(name, None)
                self._asked.discard(name)
                continue
            trouble = troubles.setdefault(name, Trouble(log, name, "it is done again when it comes round"))
            try:
                work()
                trouble.over()
            except Exception as error:
                trouble.met(error)
            self._asked.discard(name)

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

    def _is_over(self) -> bool:
        """Whether nothing more is to be begun: told to stop, or somebody else may lead by now. Whoever stood still,
        or waited long for the database, finds that out before it acts, not at the next tick."""
        stood = self.hub.clock.monotonic() - self._renewed
        return self._stopping.is_set() or self._lease is None or stood >= LEASE_SECONDS

    def _wake(self, queue: str) -> None:
        if not self._is_over():
            self.hub.wakeups.wake(queue)

    def _resign(self) -> None:
        if self._lease is not None:
            try:
                self.hub.database.release(self._lease)
            except Exception as error:
                self._trouble.met(error)


def leads_until(hub: Hub) -> int | None:
    """Until when the clock that leads has its lease, in milliseconds on the database's clock; None if none leads,
    in any process: then nothing goes on."""
    table = schema.lease
    query = sa.select(table.c.until).where(table.c.name == CLOCK, table.c.until > hub.database.db_now)
    with hub.database.read() as connection:
        return connection.execute(query).scalar()


def wake_due(hub: Hub, wake: Callable[[str], None] | None = None) -> list[str]:
    """Wakes every queue that has something due, whatever became of earlier wake-ups; gives the queues. Through
    `wake`, if not as the hub does."""
    now = hub.clock.now()
    run, delivery = schema.run, schema.delivery
    queues = []
    with hub.database.read() as database:
        if database.execute(sa.select(delivery.c.id).where(delivery.c.state == "new").limit(1)).first():
            queues.append(READ)
        if database.execute(sa.select(run.c.id).where(run.c.due_at <= now).limit(1)).first():
            queues.append(ADVANCE)
        queues += [perform(name) for name in database.execute(_with_work(hub, now)).scalars()]
    for queue in queues:
        (wake or hub.wakeups.wake)(queue)
    return queues


def _with_work(hub: Hub, now: int) -> sa.Select[Any]:
    """The connections that can be used, and where a step may leave or was left behind by a holder that is gone."""
    step, connection, lease, busy = schema.step, schema.connection, schema.lease, _busy()
    # A claimed step is its holder's business for as long as there is one.
    held = sa.exists().where(
        lease.c.name == sa.literal(perform("")) + step.c.connection_id, lease.c.until > hub.database.db_now
    )
    waiting = sa.exists().where(
        step.c.connection_id == connection.c.id,
        sa.or_(
            (step.c.state == "waiting") & sa.or_(step.c.due_at.is_(None), step.c.due_at <= now),
            (step.c.state == "claimed") & ~held,
        ),
        OPEN,
    )
    usable = (connection.c.state == READY) & sa.or_(
        connection.c.paused_until.is_(None), connection.c.paused_until <= now
    )
    return sa.select(connection.c.id).join_from(busy, connection, connection.c.id == busy.c.id).where(usable, waiting)


def _busy() -> sa.CTE:
    """The connections that have steps which are not ended: from each the outbox's index leads to the next, so that
    neither the connections that have none are asked for, nor all the steps of those that have many."""
    step = schema.step
    first = sa.select(step.c.connection_id).where(OPEN, step.c.connection_id.is_not(None))
    found = sa.select(first.order_by(step.c.connection_id).limit(1).scalar_subquery().label("id")).cte(
        "busy", recursive=True
    )
    after = sa.select(step.c.connection_id).where(OPEN, step.c.connection_id > found.c.id)
    following = after.order_by(step.c.connection_id).limit(1).correlate(found).scalar_subquery()
    return found.union_all(sa.select(following).where(found.c.id.is_not(None)))


def compare_subscriptions(hub: Hub, stopping: Callable[[], bool] = lambda: False) -> None:
    """Compares every connection's subscriptions with what they should be, and repairs them."""
    for workspace in hub.workspaces.list():
        try:
            connections = hub.connections.list(workspace)
        except HubError as error:  # one business's trouble is not the others'
            log.warning("%s: its subscriptions cannot be compared: %s", workspace.name, error)
            continue
        for connection in connections:
            if stopping():
                return
            if connection.state == READY and (trouble := hub.connections.subscribe(connection.id)):
                log.warning("%s: its events are not subscribed to: %s", connection.id, trouble)
