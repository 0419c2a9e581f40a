"""When a call that is not full yet waits for more: where steps come so quickly that they fill much of it soon."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from ..schema import TRANSACTIONAL
from .steps import Lane

SHORTEST_SECONDS = 0.5
"""What comes at one moment says nothing about how quickly more will come."""


class Gathering:
    """How quickly the lanes of one connection fill. `monotonic` gives the hub's time in seconds; no call waits for
    longer than `seconds` after the one before it in its lane, nor the first one, nor an urgent one at all."""

    def __init__(self, monotonic: Callable[[], float], seconds: float) -> None:
        self._monotonic, self._seconds = monotonic, seconds
        self._came: dict[Lane, deque[tuple[float, int]]] = {}
        self._left: dict[Lane, float] = {}

    def came(self, lane: Lane, count: int) -> None:
        """So many steps came into a lane."""
        self._lately(lane).append((self._monotonic(), count))

    def left(self, lane: Lane) -> None:
        """A call of a lane leaves."""
        self._left[lane] = self._monotonic()

    def waits(self, lane: Lane, limit: int) -> float:
        """For how many seconds a lane's next call waits for more steps, if it is not full before: `limit` fill it."""
        now = self._monotonic()
        rest = self._left.get(lane, now - self._seconds) + self._seconds - now
        if rest <= 0 or lane[0] == TRANSACTIONAL:
            return 0.0
        if not (came := self._lately(lane)):
            return 0.0
        a_second = sum(count for _, count in came) / max(SHORTEST_SECONDS, now - came[0][0])
        return rest if a_second * self._seconds >= limit / 2 else 0.0

    def _lately(self, lane: Lane) -> deque[tuple[float, int]]:
        came, first = self._came.setdefault(lane, deque()), self._monotonic() - self._seconds
        while came and came[0][0] < first:
            came.popleft()
        return came
