"""The calls of one connection that are on their way, or wait for one of its threads."""

from __future__ import annotations

import threading
from collections import Counter, deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from queue import Empty, PriorityQueue
from typing import TypeVar

from prometheus_client import Gauge

from ..errors import Rejected
from .calling import Outcome
from .poke import Poke
from .steps import Lane, Name, Waiting


@dataclass(frozen=True)
class Trip:
    """Steps on their way in one call since `at`, or one step that is asked about, which has no lane."""

    steps: tuple[Waiting, ...]
    lane: Lane | None
    at: int


@dataclass(frozen=True)
class Back:
    """A trip that came back; None for outcomes if it never left."""

    trip: Trip
    outcomes: list[Outcome] | None


Key = TypeVar("Key")

_LAST = 9
"""After every priority that a step has."""

AHEAD = 6
"""Calls per thread that are claimed before a thread is free for them, so that no thread waits for a commit."""

LATEST_SECONDS = 0.05
"""What came back is taken by then, also while many calls still wait for a thread."""


class Flight:
    """Makes calls in threads and keeps what came back until it is taken. Without threads, whoever sends makes the call.

    `may_leave` is asked right before each call: a process that stood still must not call in another one's place.
    `monotonic` gives the hub's time in seconds.
    """

    def __init__(
        self,
        threads: int,
        name: str,
        poke: Poke,
        may_leave: Callable[[], bool],
        monotonic: Callable[[], float],
        in_flight: Gauge,
    ) -> None:
        self._most, self._name, self._poke = threads, name, poke
        self._may_leave, self._monotonic, self._in_flight = may_leave, monotonic, in_flight
        self._threads: list[threading.Thread] = []
        self._waiting: PriorityQueue[tuple[int, int, Trip | None, Callable[[], list[Outcome]]]] = PriorityQueue()
        self._numbers = count()
        self._back: deque[Back] = deque()
        self._taken_at = monotonic()
        self._is_halted = False
        self._count = 0
        self._lanes: Counter[Lane | None] = Counter()
        self._steps: dict[Name, Waiting] = {}
        self._people: Counter[tuple[int | None, int]] = Counter()

    def __len__(self) -> int:
        """How many calls are on their way or came back and were not taken yet."""
        return self._count

    @property
    def lanes(self) -> set[Lane]:
        return {lane for lane in self._lanes if lane is not None}

    @property
    def names(self) -> set[Name]:
        return set(self._steps)

    @property
    def twins(self) -> set[tuple[str, bytes]]:
        return {step.twin for step in self._steps.values()}

    @property
    def people(self) -> dict[int, set[int]]:
        """Whom these calls are about, each with the runs that asked for them."""
        found: dict[int, set[int]] = {}
        for person_id, run_id in self._people:
            if person_id is not None:
                found.setdefault(person_id, set()).add(run_id)
        return found

    def send(self, trip: Trip, work: Callable[[], list[Outcome]]) -> None:
        """Has the work done as soon as a thread is free, the urgent first; not if meanwhile a call told that others
        may fail as well: until that is taken, whatever is sent comes back. The work may not raise."""
        self._count += 1
        self._lanes[trip.lane] += 1
        for step in trip.steps:
            self._steps[step.name] = step
            self._people[step.person_id, step.name[0]] += 1
        if self._is_halted:
            self._come_back(trip)
            return
        if not self._most:
            self._do(trip, work)
            return
        self._waiting.put((trip.steps[0].priority, next(self._numbers), trip, work))
        if len(self._threads) < min(self._most, self._count):
            thread = threading.Thread(target=self._run, name=f"{self._name}-{len(self._threads)}", daemon=True)
            self._threads.append(thread)
            thread.start()

    def _run(self) -> None:
        while True:
            *_, trip, work = self._waiting.get()
            if trip is None:
                return
            self._do(trip, work)

    def _do(self, trip: Trip, work: Callable[[], list[Outcome]]) -> None:
        with self._in_flight.track_inprogress():
            outcomes = work() if self._may_leave() else None
        self._back.append(Back(trip, outcomes))
        if outcomes is None or any(_concerns_others(outcome) for outcome in outcomes):
            self._is_halted = True
            self.recall()
        # While enough calls wait for a thread, what came back is taken together: a commit for many costs like one.
        elif self._count - len(self._back) <= 2 * self._most or self._monotonic() - self._taken_at > LATEST_SECONDS:
            self._poke.nudge()

    def recall(self) -> None:
        """Has those come back that still wait for a thread: whether they may leave is to be decided anew."""
        with suppress(Empty):
            while True:
                *_, trip, _ = self._waiting.get_nowait()
                if trip is None:  # a thread's word that it may end
                    self._waiting.put((_LAST, next(self._numbers), None, list))
                    break
                self._come_back(trip)
        self._poke.nudge()

    def _come_back(self, trip: Trip) -> None:
        self._back.append(Back(trip, None))
        self._poke.nudge()

    def take(self) -> list[Back]:
        """What came back, once."""
        taken = []
        self._taken_at, self._is_halted = self._monotonic(), False
        while self._back:
            back = self._back.popleft()
            self._count -= 1
            _one_less(self._lanes, back.trip.lane)
            for step in back.trip.steps:
                del self._steps[step.name]
                _one_less(self._people, (step.person_id, step.name[0]))
            taken.append(back)
        return taken

    def close(self) -> None:
        """Waits for the calls that were sent."""
        for _ in self._threads:
            self._waiting.put((_LAST, next(self._numbers), None, list))
        for thread in self._threads:
            thread.join()


def _concerns_others(outcome: Outcome) -> bool:
    """Whether it says something about the account, so that it may happen to the next call too."""
    return outcome.failure is not None and not isinstance(outcome.failure, Rejected)


def _one_less(counts: Counter[Key], key: Key) -> None:
    counts[key] -= 1
    if not counts[key]:
        del counts[key]
