"""Being told to stop, by SIGTERM or SIGINT."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from queue import SimpleQueue


class Told:
    """From when it is made, SIGTERM and SIGINT do not end the process but are something to wait for.

    To be made in the main thread. Being told twice is being told once: stopping takes no longer than it must.
    """

    def __init__(self) -> None:
        # Of all that wakes a waiting thread, only this may be called in the middle of anything.
        self._signals: SimpleQueue[int] = SimpleQueue()
        self._take()

    def _take(self) -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda got, _frame: self._signals.put(got))

    def wait(self) -> None:
        """Returns when told to stop."""
        self._signals.get()

    def instead(self, act: Callable[[], object]) -> None:
        """Takes the signals back from whoever took them, and calls `act` in a thread when told to stop."""
        self._take()

        def run() -> None:
            self.wait()
            act()

        threading.Thread(target=run, name="stop", daemon=True).start()
