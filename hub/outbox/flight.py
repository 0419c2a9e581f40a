"""The calls of one connection that are on their way, each in a thread of its own."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

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


class Flight:
    """Makes calls in threads and keeps what came back until it is taken.

    `may_leave` is asked right before each call: a process that stood still must not call in another one's place.
    """

    def __init__(self, threads: int, name: str, poke: Poke, may_leave: Callable[[], bool]) -> None:
        self._pool = ThreadPoolExecutor(threads, name)
        self._poke, self._may_leave = poke, may_leave
        self._back: deque[Back] = deque()
        self._lanes: Counter[Lane | None] = Counter()
        self._steps: dict[Name, Waiting] = {}

    def __len__(self) -> int:
        """How many calls are on their way or came back and were not taken yet."""
        return self._lanes.total()

    @property
    def lanes(self) -> set[Lane]:
        return {lane for lane, count in self._lanes.items() if lane is not None and count}

    @property
    def names(self) -> set[Name]:
        return set(self._steps)

    @property
    def twins(self) -> set[tuple[str, bytes]]:
        return {step.twin for step in self._steps.values()}

    def send(self, trip: Trip, work: Callable[[], list[Outcome]]) -> None:
        """Has the work done at once; there must be a free thread. It may not raise."""
        self._lanes[trip.lane] += 1
        self._steps |= {step.name: step for step in trip.steps}
        self._pool.submit(self._do, trip, work)

    def _do(self, trip: Trip, work: Callable[[], list[Outcome]]) -> None:
        self._back.append(Back(trip, work() if self._may_leave() else None))
        self._poke.nudge()

    def take(self) -> list[Back]:
        """What came back, once."""
        taken = []
        while self._back:
            back = self._back.popleft()
            self._lanes[back.trip.lane] -= 1
            for step in back.trip.steps:
                del self._steps[step.name]
            taken.append(back)
        return taken

    def close(self) -> None:
        """Waits for the calls that are on their way."""
        self._pool.shutdown(wait=True)
