"""How full the queues are and how everything stands, for operators: read from the database when somebody asks.

Each look costs a few short queries along indexes, however much there is: counting ends at MOST.
"""

from __future__ import annotations

import math
import threading
from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from . import schema
from .clock import CLOCK, LEASE_SECONDS
from .connections import OFF, READY
from .core import Hub
from .outbox.steps import OPEN
from .recipe import PRIORITIES
from .retention import standing
from .schema import MARKETING

MOST = 10_000
FRESH_SECONDS = 5.0
"""Whoever asks more often gets what was read last: anybody may ask, and the database has other work."""

_PRIORITIES = range(MARKETING + PRIORITIES)


class Figures(Collector):
    """The figures of one hub, as Prometheus reads them. Where the database does not answer, that is the figure."""

    def __init__(self, hub: Hub) -> None:
        self.hub = hub
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(self)
        self._lock = threading.Lock()
        self._read_at, self._text = -math.inf, b""

    def text(self) -> bytes:
        with self._lock:
            now = self.hub.clock.monotonic()
            if now - self._read_at >= FRESH_SECONDS:
                self._text, self._read_at = generate_latest(self._registry), now
            return self._text

    def describe(self) -> list[Any]:
        return []  # else it would be read to find out

    def collect(self) -> Iterator[GaugeMetricFamily]:
        try:
            with self.hub.database.read() as connection:
                found = [*self._queues(connection), *self._accounts(connection), *self._rest(connection)]
        except Exception:
            found = []
        yield _gauge("hub_database_answers", "Whether the database answers", 1 if found else 0)
        yield from found

    def _queues(self, connection: sa.Connection) -> Iterator[GaugeMetricFamily]:
        delivery, run, now = schema.delivery, schema.run, self.hub.clock.now()
        unread = sa.select(delivery.c.received_at.label("since")).where(sa.literal_column("state = 'new'"))
        count, oldest = _count(connection, unread.order_by(delivery.c.id))
        yield _gauge("hub_deliveries_unread", "Deliveries that are kept and not read yet", count)
        yield _gauge("hub_deliveries_unread_oldest_seconds", "How long the oldest of them waits", _age(oldest, now))
        due = sa.select(run.c.due_at.label("since")).where(run.c.due_at <= now)
        count, oldest = _count(connection, due.order_by(run.c.due_at))
        yield _gauge("hub_runs_due", "Runs that could go on at once", count)
        yield _gauge("hub_runs_due_oldest_seconds", "How long the oldest of them waits", _age(oldest, now))
        held = sa.select(sa.literal(0).label("since")).select_from(run).where(sa.literal_column("state = 'held'"))
        yield _gauge("hub_runs_held", "Runs that are held for a person", _count(connection, held)[0])

    def _accounts(self, connection: sa.Connection) -> Iterator[GaugeMetricFamily]:
        """What waits and how the accounts stand, per connector."""
        account, step, now = schema.connection, schema.step, self.hub.clock.now()
        mine = sa.select(step.c.asked_at).where(step.c.connection_id == account.c.id, OPEN)
        some = mine.correlate(account).limit(MOST).subquery()
        counted = sa.select(sa.func.count()).select_from(some).scalar_subquery()
        # The index has them in this order, so that each of these is one look.
        oldest = [
            sa.select(sa.func.min(step.c.asked_at))
            .where(step.c.connection_id == account.c.id, step.c.priority == priority, OPEN)
            .scalar_subquery()
            for priority in _PRIORITIES
        ]
        rows = connection.execute(
            sa.select(account.c.connector, account.c.state, account.c.paused_until, counted, *oldest)
        )
        waiting: Counter[str] = Counter()
        ages: dict[str, float] = defaultdict(float)
        states: Counter[tuple[str, str]] = Counter()
        for connector, state, paused_until, count, *since in rows:
            rests = state == READY and (paused_until or 0) > now
            states[connector, "resting" if rests else state] += 1
            if state != OFF:
                waiting[connector] += count
                ages[connector] = max([ages[connector], *(_age(at, now) for at in since)])
        depth = GaugeMetricFamily(
            "hub_steps_waiting", "Steps that were asked for and not done yet", labels=["connector"]
        )
        age = GaugeMetricFamily(
            "hub_steps_waiting_oldest_seconds", "How long the oldest of them waits", labels=["connector"]
        )
        for connector, count in sorted(waiting.items()):
            depth.add_metric([connector], count)
            age.add_metric([connector], ages[connector])
        stand = GaugeMetricFamily("hub_connections", "Accounts, by how they stand", labels=["connector", "state"])
        for labels, count in sorted(states.items()):
            stand.add_metric(labels, count)
        yield from (depth, age, stand)

    def _rest(self, connection: sa.Connection) -> Iterator[GaugeMetricFamily]:
        lease = schema.lease
        query = sa.select(lease.c.until, self.hub.database.db_now).where(lease.c.name == CLOCK)
        row = connection.execute(query).one_or_none()
        # One that resigned lets its lease end at once, and says nothing about when it ticked last.
        age = LEASE_SECONDS - (row[0] - row[1]) / 1000 if row and row[0] else math.inf
        yield _gauge("hub_clock_heartbeat_age_seconds", "How long ago a leading clock was last heard of", max(0.0, age))
        disk = standing(self.hub)
        yield _gauge("hub_database_bytes", "The room that the database takes, its log included", disk.used)
        yield _gauge("hub_database_budget_bytes", "HUB_DISK_MB in bytes; 0 if it is not set", disk.budget or 0)


def _count(connection: sa.Connection, query: sa.Select[Any]) -> tuple[int, int | None]:
    """How many rows a query has, up to MOST, and the least of their `since`."""
    some = query.limit(MOST).subquery()
    count, oldest = connection.execute(sa.select(sa.func.count(), sa.func.min(some.c.since))).one()
    return count, oldest


def _age(since: int | None, now: int) -> float:
    return 0.0 if since is None else max(0.0, (now - since) / 1000)


def _gauge(name: str, about: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, about, value=value)
