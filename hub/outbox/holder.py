"""The one holder of a connection: takes what waits, batches it, keeps to the quota, calls, and records."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from .. import schema
from ..connections import READY, Connection
from ..core import Hub
from ..database import Lease, LeaseLost
from ..errors import HubError, OutcomeUnknown, RateLimited, TryLater
from ..http import CONNECT_TIMEOUT, READ_TIMEOUT
from ..quota import Observation, Quota
from ..retry import rest_seconds
from ..timing import to_datetime
from ..wakeups import ADVANCE, perform
from . import calling
from .backlog import Backlog, Call, Name
from .calling import Outcome
from .doubts import Doubtful, left_behind
from .poke import Poke
from .record import Round, write_round

LEASE_SECONDS = 45.0
RENEW_SECONDS = 10.0
WRITE_AGAIN_SECONDS = 0.5

# A call must end before its lease could be somebody else's.
LATEST_START_SECONDS = LEASE_SECONDS - CONNECT_TIMEOUT - READ_TIMEOUT
CLOCKS_DIFFER = timedelta(seconds=30)
RATE_LIMIT_PAUSE_SECONDS = 1.0


def drain(hub: Hub, connection_id: str, poke: Poke | None = None, stopping: Callable[[], bool] = lambda: False) -> None:
    """Does everything that waits at a connection, unless somebody else holds it.

    Whoever comes while it is held may go: the holder looks once more after letting go.
    """
    while True:
        lease = hub.database.acquire(perform(connection_id), LEASE_SECONDS)
        if lease is None:
            return
        try:
            _Holder(hub, connection_id, lease, poke or Poke(), stopping).run()
        except LeaseLost:
            return
        finally:
            hub.database.release(lease)
        if stopping() or not _waits(hub, connection_id):
            return


def _waits(hub: Hub, connection_id: str) -> bool:
    """Whether there is something to do at a connection, and nothing that forbids it."""
    step, connection, now = schema.step, schema.connection, hub.clock.now()
    query = (
        sa.select(step.c.run_id)
        .join(connection, connection.c.id == step.c.connection_id)
        .where(
            step.c.connection_id == connection_id,
            step.c.state == "waiting",
            sa.or_(step.c.due_at.is_(None), step.c.due_at <= now),
            connection.c.state == READY,
            sa.or_(connection.c.paused_until.is_(None), connection.c.paused_until <= now),
        )
        .limit(1)
    )
    with hub.database.read() as database:
        return database.execute(query).first() is not None


class _Holder:
    """One turn of holding a connection."""

    def __init__(self, hub: Hub, connection_id: str, lease: Lease, poke: Poke, stopping: Callable[[], bool]) -> None:
        self.hub, self.lease, self.poke, self.stopping = hub, lease, poke, stopping
        self.connection: Connection = hub.connections.get(connection_id, fresh=True)
        self.workspace = hub.workspaces.get(self.connection.workspace_id)
        self.backlog = Backlog(hub, self.workspace, connection_id)
        self.quota, self.failures, self.paused_until = self._state()
        self.renewed = hub.clock.monotonic()
        self.busy: set[tuple[str, ...]] = set()
        self.doubtful: dict[Name, Doubtful] = {}
        self.left_at: dict[Name, int] = {}
        self.came_back: deque[tuple[tuple[str, ...], list[Outcome]]] = deque()
        self.observations: deque[Observation] = deque()
        self.pool = ThreadPoolExecutor(self.connection.connector.limit.concurrent, f"perform-{connection_id}")
        self.idle_since: float | None = None
        self.lost_login = False

    def run(self) -> None:
        try:
            if self.connection.state == READY and not self._resting():
                self.client = self.hub.connections.client(self.connection)
                self._take_over()
                while self._round():
                    self._await()
        except HubError as error:
            if isinstance(error, LeaseLost):
                raise
            # The account's own fields do not make a client (any more): a person must connect it again.
            self.hub.connections.set_state(self.connection.id, "needs_login", str(error))
        finally:
            self.pool.shutdown(wait=True)
        self._let_others_pass()

    # ---- one round

    def _round(self) -> bool:
        """Records what came back, sends what may leave; False when this turn is over."""
        now = self.hub.clock.now()
        if self.poke.take():
            self.backlog.look()
        outcomes = self._collect(now)
        leaving = self._over()
        calls: list[Call] = []
        if not leaving:
            self.backlog.fill()
            calls = self._choose(now)
        broken = self.backlog.take_broken()
        if outcomes or calls or broken:
            done = self._write(outcomes, calls, broken)
            self._after(done, calls, outcomes)
            self.idle_since = None
        if leaving:
            return self.quota.in_flight > 0
        self._ask_back(now)
        return self._stays()

    def _write(self, outcomes: list[Outcome], calls: list[Call], broken: Any) -> Round:
        """Writes the round down, again and again while the database is away and the lease is surely ours."""
        state = self.quota.state()
        while True:
            try:
                return write_round(
                    self.hub,
                    self.lease,
                    self.connection,
                    outcomes,
                    calls,
                    broken,
                    state,
                    self.failures,
                    self.paused_until,
                )
            except DBAPIError:
                if self.hub.clock.monotonic() - self.renewed > RENEW_SECONDS + LATEST_START_SECONDS:
                    raise
                self.hub.pause(WRITE_AGAIN_SECONDS)

    def _collect(self, now: int) -> list[Outcome]:
        outcomes: list[Outcome] = []
        while self.came_back:
            group, mine = self.came_back.popleft()
            self.busy.discard(group)
            self.quota.end(now)
            self._judge(mine, now)
            outcomes += mine
        while self.observations:
            self.quota.correct(self.observations.popleft(), now)
        return outcomes

    def _judge(self, outcomes: list[Outcome], now: int) -> None:
        """What a call tells about the provider: busy, down, or well."""
        results = [outcome.result for outcome in outcomes]
        if any(isinstance(result, RateLimited) for result in results):
            after = max(r.after or RATE_LIMIT_PAUSE_SECONDS for r in results if isinstance(r, RateLimited))
            self.quota.hold(now + round(after * 1000))
        elif all(isinstance(result, TryLater | OutcomeUnknown) for result in results):
            self.failures += 1
            if rest := rest_seconds(self.failures):
                self.paused_until = now + round(rest * 1000)
        else:
            self.failures, self.paused_until = 0, None

    def _choose(self, now: int) -> list[Call]:
        chosen = []
        going = set(self.busy)
        for call in self.backlog.calls(self.busy):
            if call.group in going and len(call.steps) < call.action.batch_limit:
                continue
            if self.quota.wait(now) != 0:
                break
            self.quota.start(now)
            going.add(call.group)
            chosen.append(call)
        return chosen

    def _after(self, done: Round, calls: list[Call], outcomes: list[Outcome]) -> None:
        for call in calls:
            self.backlog.take(call)
        for _ in range(len(calls) - len(done.claimed)):
            self.quota.cancel()
        for call in done.claimed:
            self.left_at |= {step.name: self.hub.clock.now() for step in call.steps}
            self._submit(call.group, partial(calling.make, call, self.client, self.observations.append))
        for outcome in outcomes:
            asked = self.doubtful.pop(outcome.step.name, None)
            left_at = asked.since if asked else self.left_at.pop(outcome.step.name, outcome.step.asked_at)
            if isinstance(outcome.result, OutcomeUnknown) and outcome.step.action.repeat == "readback":
                self.doubtful[outcome.step.name] = Doubtful(outcome.step, left_at, self.hub.clock.now())
            elif isinstance(outcome.result, calling.Found | RateLimited):
                self.backlog.look()
        if done.lost_login:
            self.lost_login = True
            self.hub.connections.forget(self.connection.id)
        if done.advanced:
            self.hub.wakeups.wake(ADVANCE)

    def _submit(self, group: tuple[str, ...], work: Callable[[], list[Outcome]]) -> None:
        self.busy.add(group)

        def do() -> None:
            if self.hub.clock.monotonic() - self.renewed > LATEST_START_SECONDS:
                return  # this process stood still: the lease may be another's, who will find the claim
            self.came_back.append((group, work()))
            self.poke.nudge()

        self.pool.submit(do)

    # ---- looking back

    def _take_over(self) -> None:
        """Settles what an earlier holder claimed and never recorded."""
        doubtful, outcomes = left_behind(self.hub, self.workspace, self.connection.id)
        self.doubtful = {item.step.name: item for item in doubtful}
        if outcomes:
            self._after(self._write(outcomes, [], []), [], outcomes)

    def _ask_back(self, now: int) -> None:
        """Asks the provider about steps of unknown outcome, once it must know."""
        for item in list(self.doubtful.values()):
            group = ("look back", *map(str, item.step.name))
            if item.due > now or group in self.busy or self.quota.wait(now) != 0:
                continue
            self.quota.start(now)
            since = to_datetime(item.since) - CLOCKS_DIFFER
            work = partial(calling.look_back, item.step, since, self.client, self.observations.append)
            self._submit(group, work)

    # ---- staying and going

    def _over(self) -> bool:
        """Whether no further call may leave in this turn."""
        if self.stopping() or self.lost_login or self._resting():
            return True
        return self.hub.connections.get(self.connection.id).changed_at != self.connection.changed_at

    def _resting(self) -> bool:
        return self.paused_until is not None and self.paused_until > self.hub.clock.now()

    def _stays(self) -> bool:
        if self.quota.in_flight or len(self.backlog) or self.doubtful or self.poke.is_set:
            self.idle_since = None
            return True
        if self.idle_since is None:
            self.idle_since = self.hub.clock.monotonic()
        return self.hub.clock.monotonic() - self.idle_since < self.hub.linger_seconds

    def _await(self) -> None:
        """Waits until something came back, more may wait, the quota lets a call go, or the lease is to be renewed."""
        now = self.hub.clock.now()
        waits = [RENEW_SECONDS / 2]
        if len(self.backlog) and (pause := self.quota.wait(now)):
            waits.append(pause)
        waits += [max(0.0, (item.due - now) / 1000) for item in self.doubtful.values()]
        if self.idle_since is not None:
            waits.append(self.hub.linger_seconds)
        self.poke.wait(max(0.001, min(waits)))
        if self.hub.clock.monotonic() - self.renewed > RENEW_SECONDS:
            if not self.hub.database.renew(self.lease, LEASE_SECONDS):
                raise LeaseLost
            self.renewed = self.hub.clock.monotonic()

    def _state(self) -> tuple[Quota, int, int | None]:
        table = schema.connection
        with self.hub.database.read() as database:
            row = database.execute(
                sa.select(table.c.quota, table.c.failures, table.c.paused_until).where(table.c.id == self.connection.id)
            ).one()
        return Quota(self.connection.connector.limit, json.loads(row.quota)), row.failures, row.paused_until

    def _let_others_pass(self) -> None:
        """Runs whose steps cannot leave now do not hold back later runs of the same people."""
        run, step = schema.run, schema.step
        stuck = sa.select(step.c.run_id).where(
            step.c.connection_id == self.connection.id, step.c.state.in_(("waiting", "claimed"))
        )
        with self.hub.database.write() as database:
            done = database.execute(
                sa.update(run).where(run.c.id.in_(stuck), run.c.state == "running").values(state="waiting")
            )
        if done.rowcount:
            self.hub.wakeups.wake(ADVANCE)
