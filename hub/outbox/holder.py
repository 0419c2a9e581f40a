"""The one holder of a connection: takes what waits, batches it, keeps to the quota, calls, and records."""

from __future__ import annotations

import logging
import math
from collections import deque
from collections.abc import Callable, Iterable, Sequence, Set
from datetime import timedelta
from functools import partial

from sqlalchemy.exc import DBAPIError

from .. import metrics
from ..connections import READY
from ..core import Hub
from ..database import LeaseLost
from ..errors import ActionFailed, HubError, NotAuthorized, TryLater
from ..oauth.renewing import renewed
from ..quota import Observation
from ..schema import TRANSACTIONAL
from ..timing import to_datetime
from ..wakeups import ADVANCE, READ, perform
from . import calling, holding
from .backlog import Backlog
from .calling import Caller, NotLeft, Outcome
from .doubts import Doubtful, LeftBehind, left_behind
from .flight import Flight, Trip
from .holding import Holding
from .poke import Poke
from .record import Round, write_round
from .standing import has_work, let_others_pass, pace_of, rest
from .steps import Call, Name, Waiting
from .veil import veiled

log = logging.getLogger("hub.outbox")

LOOK_SECONDS = 1.0
"""A wake-up may go to another process, which leaves it to the holder: so the holder looks by itself."""

CLOCKS_DIFFER = timedelta(hours=2)
"""How wrong our clock may have been when a call left. What was sent alike meanwhile is known by its answer, so looking
further back finds nothing that is not ours."""
RENEW_AGAIN_SECONDS = 30.0
"""How long a connection rests whose login cannot be renewed as the provider does not answer."""

PATIENCE = 30
"""A holder waits for its account's limit this many times as long as it lingers: for a minute."""


def drain(hub: Hub, connection_id: str, poke: Poke | None = None, stopping: Callable[[], bool] = lambda: False) -> None:
    """Does everything that waits at a connection, unless somebody else holds it.

    Whoever comes while it is held may go: the holder looks once more after letting go.
    """
    while True:
        renewed = hub.clock.monotonic()
        lease = hub.database.acquire(perform(connection_id), holding.LEASE_SECONDS)
        if lease is None:
            return
        try:
            _Holder(hub, connection_id, Holding(hub, lease, renewed), poke or Poke(), stopping).run()
        except LeaseLost:
            return
        finally:
            hub.database.release(lease)
        if stopping() or not has_work(hub, connection_id):
            return


class _Holder:
    """One turn of holding a connection."""

    def __init__(self, hub: Hub, connection_id: str, held: Holding, poke: Poke, stopping: Callable[[], bool]) -> None:
        self.hub, self.held, self.poke, self.stopping = hub, held, poke, stopping
        self.connection = hub.connections.get(connection_id, fresh=True)
        self.workspace = hub.workspaces.get(self.connection.workspace_id)
        self.backlog = Backlog(hub, self.workspace, connection_id)
        self.pace = pace_of(hub, self.connection)
        threads = self.connection.connector.limit.concurrent if hub.has_threads else 0
        in_flight = metrics.IN_FLIGHT.labels(self.connection.connector.name)
        self.flight = Flight(threads, f"perform-{connection_id}", poke, self._may_leave, hub.clock.monotonic, in_flight)
        self.observations: deque[Observation] = deque()
        self.doubtful: dict[Name, Doubtful] = {}
        self.lost_login = self.renews = self.accepted = False
        self.looked: float | None = None
        self.idle_since: float | None = None
        self.next_at: int | None = None

    def run(self) -> None:
        try:
            if self.connection.state == READY and not self.pace.resting(self.hub.clock.now()) and self._log_in():
                while self._round():
                    self._await()
        finally:
            self.flight.close()
        if self.renews:
            self._renew()
        let_others_pass(self.hub, self.connection.id)

    def _log_in(self) -> bool:
        """Makes the client, with a token that goes on. If the account's own fields do not make one (any more), a
        person must connect it again."""
        login = self.connection.login
        if login is not None and login.is_over(self.hub.clock.now()) and not self._renew():
            return False
        secrets = self.connection.told_to_nobody
        try:
            client = self.hub.connections.client(self.connection)
        except Exception as error:
            says = (
                str(error) if isinstance(error, HubError) else f"The account cannot be used ({type(error).__name__})."
            )
            self.hub.connections.lose_login(self.connection, veiled(says, (), secrets))
            return False
        self.caller = Caller(client, secrets, self.observations.append, self.hub.stand_in)
        return True

    def _renew(self) -> bool:
        """Has the login renewed; whether there is one to work with. Whoever cannot say just now is asked again after a
        rest, and nothing is lost."""
        try:
            self.connection = renewed(self.hub, self.connection, doubted=self.renews)
        except NotAuthorized:
            return False
        except ActionFailed as error:
            after = error.after if isinstance(error, TryLater) else None
            rest(self.hub, self.connection, max(RENEW_AGAIN_SECONDS, after or 0.0))
            return False
        return True

    # ---- one round

    def _round(self) -> bool:
        """Records what came back, sends what may leave; False when this turn is over."""
        poked = self.poke.take()
        # What needs the database comes before what came back is taken: then a failure loses nothing.
        over = self.held.insist(self._is_over)
        found = LeftBehind() if over else self.held.insist(partial(self._look, poked))
        now, self.next_at = self.hub.clock.now(), None
        outcomes = found.outcomes + self._collect(now)
        late = self.backlog.take_late(self.doubtful.values(), now + round(LOOK_SECONDS * 1000))
        calls = [] if over or self._rests(now) else self._choose(now, outcomes)
        over = over or self._rests(now)
        broken = found.broken + self.backlog.take_broken()
        if outcomes or calls or broken or late or self.pace.is_new:
            self._write(Round(outcomes, calls, broken, late, self.pace.row(now), self.renews))
        return len(self.flight) > 0 if over else self._stays(now)

    def _is_over(self) -> bool:
        """Whether no further call may leave in this turn: the account was changed, or the process ends."""
        if self.stopping():
            return True
        known = self.hub.connections.get(self.connection.id)
        return (known.changed_at, known.state) != (self.connection.changed_at, READY)

    def _rests(self, now: int) -> bool:
        return self.lost_login or self.pace.resting(now)

    def _look(self, poked: bool) -> LeftBehind:
        """Reads what waits, and finds what was left behind: by an earlier holder, or by a person who asks again."""
        time = self.hub.clock.monotonic()
        if is_time := self.looked is None or time - self.looked >= LOOK_SECONDS:
            found = left_behind(self.hub, self.workspace, self.connection.id, self.flight.names | set(self.doubtful))
        else:
            found = LeftBehind()
        if poked or is_time:
            self.backlog.look()
        self.backlog.fill()
        if is_time:
            self.looked = time
            self.doubtful |= {item.step.name: item for item in found.doubtful}
        return found

    def _collect(self, now: int) -> list[Outcome]:
        outcomes = self._take(now)
        while self.observations:
            seen = self.observations.popleft()
            if self.hub.keeps_limits:
                self.pace.quota.correct(seen, now)
        if self.pace.quota.is_overdrawn:
            self.flight.recall()
            outcomes += self._take(now)
        if lost := [o.failure for o in outcomes if isinstance(o.failure, NotAuthorized)]:
            login, is_first = self.connection.login, not self.lost_login
            # One that was accepted in this turn was good, however new it is.
            may_renew = login is not None and (login.may_renew(now) or (self.accepted and login.can_renew))
            may_renew = may_renew and all(failure.status == 401 for failure in lost)
            self.lost_login, self.renews = True, may_renew and (is_first or self.renews)
        self.accepted = self.accepted or any(outcome.is_settled for outcome in outcomes)
        return outcomes

    def _take(self, now: int) -> list[Outcome]:
        outcomes: list[Outcome] = []
        for back in self.flight.take():
            if back.outcomes is None:
                self.pace.quota.cancel()
                outcomes += [Outcome(step, NotLeft()) for step in back.trip.steps if back.trip.lane]
                continue
            self.pace.quota.end(now)
            metrics.call_ended(self.connection.connector.name, [outcome.trouble for outcome in back.outcomes])
            self.pace.judge(back.outcomes, now)
            outcomes += [outcome.at(back.trip.at) for outcome in back.outcomes]
        return outcomes

    def _choose(self, now: int, outcomes: Sequence[Outcome]) -> list[Call]:
        """Starts what is asked, and gives the calls that leave now: none about people of whom something came back that
        is not settled, as it comes before them."""
        self._ask_back(now, {outcome.step.name for outcome in outcomes})
        busy, chosen = self.flight.lanes, []
        people = self.flight.people
        _add(people, [outcome.step for outcome in outcomes if not outcome.is_settled])
        while call := self.backlog.next(busy, people):
            if not self._has_room(now, urgent=call.lane[0] == TRANSACTIONAL):
                break
            self.backlog.take(call)
            busy.add(call.lane)
            _add(people, call.steps)
            chosen.append(call)
        if self.backlog.gathers is not None:
            self._next(now + math.ceil(self.backlog.gathers * 1000))
        return chosen

    def _has_room(self, now: int, *, urgent: bool = False) -> bool:
        """Whether one more call may leave now; then it is counted. Else notes when one may."""
        pause = self.pace.wait(now, urgent=urgent)
        if pause == 0:
            self.pace.quota.start(now)
            return True
        if pause is not None and pause > self._patience:
            self.pace.rest(now + round(pause * 1000))
        elif pause is not None:
            self._next(now + round(pause * 1000))
        return False

    def _ask_back(self, now: int, came_back: Set[Name]) -> None:
        """Asks the provider about steps of unknown outcome, once it must know, except those whose answer came back
        in this round. While a call that it could not tell from such a step is on its way, nothing is asked: the
        answer would be that one's."""
        for item in self.doubtful.values():
            if item.step.name in came_back | self.flight.names or item.step.twin in self.flight.twins:
                continue
            due = max(item.due, self.hub.earlier_calls_end(now))
            if due > now:
                self._next(due)
            elif self._has_room(now):
                work = partial(calling.look_back, item.step, to_datetime(item.since) - CLOCKS_DIFFER, self.caller)
                self.flight.send(Trip((item.step,), None, item.since), work)

    def _write(self, todo: Round) -> None:
        done = self.held.insist(partial(write_round, self.hub, self.held.lease, self.connection, todo))
        self.pace.is_new = False
        now = self.hub.clock.now()
        for _ in range(len(todo.calls) - len(done.claimed)):
            self.pace.quota.cancel()
        for call in done.claimed:
            self.flight.send(Trip(call.steps, call.lane, now), partial(calling.make, call, self.caller))
        for outcome in todo.outcomes:
            self.doubtful.pop(outcome.step.name, None)
        self.doubtful |= {item.step.name: item for item in done.doubtful}
        self.backlog.note(done.later)
        if done.again or todo.broken or len(done.claimed) < len(todo.calls):
            self.poke.look()  # there is room for others at once
        if self.lost_login:
            self.hub.connections.forget(self.connection.id)
        if done.advanced:
            self.hub.wakeups.wake(ADVANCE)
        if done.told:
            self.hub.wakeups.wake(READ)

    # ---- staying and going

    def _stays(self, now: int) -> bool:
        soon = self.next_at is not None and self.next_at - now <= self._patience * 1000
        if len(self.flight) or soon or self.poke.is_set:
            self.idle_since = None
            return True
        if self.next_at is not None:
            return False
        if self.idle_since is None:
            self.idle_since = self.hub.clock.monotonic()
        return self.hub.clock.monotonic() - self.idle_since < self.hub.linger_seconds

    def _await(self) -> None:
        """Waits until something came back, more may wait, the quota lets a call go, or the lease is to be renewed."""
        waits = [LOOK_SECONDS, holding.RENEW_SECONDS / 2]
        if self.next_at is not None:
            waits.append((self.next_at - self.hub.clock.now()) / 1000)
        if self.idle_since is not None:
            waits.append(self.hub.linger_seconds)
        self.poke.wait(max(0.001, min(waits)))
        self.held.renew()

    def _may_leave(self) -> bool:
        """Whether a call may leave that was claimed: the lease is surely ours until it has ended, and nothing was
        changed meanwhile."""
        try:
            return self.held.may_call and not self._is_over()
        except DBAPIError:  # nobody can say
            return False

    def _next(self, at: int) -> None:
        self.next_at = at if self.next_at is None else min(self.next_at, at)

    @property
    def _patience(self) -> float:
        return self.hub.linger_seconds * PATIENCE


def _add(people: dict[int, set[int]], steps: Iterable[Waiting]) -> None:
    """Adds whom these steps are about, with the runs that asked for them."""
    for step in steps:
        if step.person_id is not None:
            people.setdefault(step.person_id, set()).add(step.name[0])
