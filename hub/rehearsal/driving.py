"""Doing what a hub's threads would do, in this one: wherever wake-ups lead, until nothing is left to do now; then on to
the next instant at which something is due."""

from __future__ import annotations

import sqlalchemy as sa

from .. import clock, engine, outbox, schema
from ..core import Hub
from ..outbox.steps import OPEN
from ..wakeups import ADVANCE, READ, connection_of

READ_LEASE_SECONDS = 30.0
MOST_ROUNDS = 100_000


class Woken:
    """Wake-ups that are noted, for whoever looks at the queues when it is time to."""

    def __init__(self) -> None:
        self._queues: set[str] = set()

    def wake(self, queue: str) -> None:
        self._queues.add(queue)

    def take(self) -> list[str]:
        """The queues that were woken since this was last asked."""
        queues, self._queues = self._queues, set()
        return sorted(queues)


def serve(hub: Hub, queue: str) -> int:
    """Does all that waits in a queue; gives how much that was, of the queues where that is known."""
    if queue == READ:
        return read(hub)
    if queue == ADVANCE:
        return advance(hub)
    connection_id = connection_of(queue)
    if connection_id is None:
        raise ValueError(f"There is no queue {queue!r}.")
    outbox.drain(hub, connection_id)
    return 0


def read(hub: Hub) -> int:
    """Reads the deliveries that wait, as the reader does; gives how many."""
    from webhooks.inbox import BATCH, read_deliveries

    lease = hub.database.acquire(READ, READ_LEASE_SECONDS)
    assert lease is not None
    try:
        done = [read_deliveries(hub, lease)]
        while done[-1] >= BATCH:
            done.append(read_deliveries(hub, lease))
    finally:
        hub.database.release(lease)
    return sum(done)


def advance(hub: Hub) -> int:
    """Advances the runs that are due; gives how many. What they make due in turn, wake-ups tell."""
    done = [engine.advance(hub)]
    while done[-1] >= engine.BATCH:
        done.append(engine.advance(hub))
    return sum(done)


def settle(hub: Hub, woken: Woken) -> None:
    """Does everything that can be done now."""
    clock.wake_due(hub)
    for _ in range(MOST_ROUNDS):
        queues = woken.take()
        if not queues:
            return
        for queue in queues:
            serve(hub, queue)
    raise RuntimeError("The hub never came to rest.")


def next_due(hub: Hub) -> int | None:
    """The next instant at which something is due that is not due yet, in milliseconds; None if nothing will be."""
    now = {"now": hub.clock.now()}
    with hub.database.read() as connection:
        found = [connection.execute(query, now).scalar() for query in (_RUNS, _STEPS, _RESTS)]
    return min((at for at in found if at is not None), default=None)


_run, _step, _connection = schema.run, schema.step, schema.connection
_RUNS = sa.select(sa.func.min(_run.c.due_at)).where(_run.c.due_at > sa.bindparam("now"))
_STEPS = sa.select(sa.func.min(_step.c.due_at)).where(
    OPEN, _step.c.connection_id.is_not(None), _step.c.due_at > sa.bindparam("now")
)
_RESTS = sa.select(sa.func.min(_connection.c.paused_until)).where(
    _connection.c.paused_until > sa.bindparam("now"),
    sa.exists().where(_step.c.connection_id == _connection.c.id, OPEN),
)
