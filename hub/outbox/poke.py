"""What wakes a holder."""

from __future__ import annotations

import threading


class Poke:
    """Wakes a holder. `look` says that more may wait; `nudge` only that something came back."""

    def __init__(self) -> None:
        self._event = threading.Event()
        self._more = False

    def look(self) -> None:
        self._more = True
        self._event.set()

    def nudge(self) -> None:
        self._event.set()

    def wait(self, seconds: float) -> bool:
        return self._event.wait(seconds)

    def take(self) -> bool:
        """Whether more may wait; from here on new pokes count."""
        self._event.clear()
        if not self._more:
            return False  # and nothing is written: a look that comes right now would be overwritten
        self._more = False
        return True

    @property
    def is_set(self) -> bool:
        return self._event.is_set()
