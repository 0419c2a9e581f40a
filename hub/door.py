"""The door goes first: reading waits a moment while many deliveries come in at once.

They share one interpreter. A provider waits for its answer, and comes again if it waits too long; nobody waits for the
reading of what is kept. So a burst is taken as fast as it comes, and read right after it.
"""

from __future__ import annotations

import math
import threading

from .timing import Clock

CROWD = 8
"""So many deliveries at once are a crowd."""
CALM_SECONDS = 0.02
"""For so long there must have been no crowd. They are answered all together, so for a moment there is none."""
LONGEST_SECONDS = 0.25
"""However long the crowd lasts, a batch is read after this time."""


class Door:
    """How many deliveries are being taken by this process."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._inside: list[None] = []
        self._crowded_at = -math.inf

    def __enter__(self) -> None:
        self._inside.append(None)
        if len(self._inside) >= CROWD:
            self._crowded_at = self._clock.monotonic()

    def __exit__(self, *_: object) -> None:
        self._inside.pop()

    def let_pass(self, stopping: threading.Event) -> None:
        """Returns when there is no crowd, or it has been waited for long enough, or at once if all is to stop."""
        end = self._clock.monotonic() + LONGEST_SECONDS
        while self._clock.monotonic() < min(end, self._crowded_at + CALM_SECONDS):
            if stopping.wait(CALM_SECONDS):
                return
