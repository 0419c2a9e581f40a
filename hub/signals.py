"""Being told to stop, by SIGTERM or SIGINT."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable

STOP = (signal.SIGTERM, signal.SIGINT)


class Told:
    """From when it is made, SIGTERM and SIGINT do not end the process but are something to wait for.

    To be made in the main thread. Being told twice is being told once: stopping takes no longer than it must.
    """

    def __init__(self) -> None:
        self._told = threading.Event()
        # Python calls a handler only when the main thread is awake, and a signal that comes just before that thread
        # begins to wait does not wake it. What the system writes into a pipe is seen by another thread at once.
        reading, writing = os.pipe()
        os.set_blocking(writing, False)
        signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
        threading.Thread(target=self._listen, args=(reading,), name="signals", daemon=True).start()
        self._take()

    def _take(self) -> None:
        for number in STOP:
            signal.signal(number, lambda *_: None)

    def _listen(self, reading: int) -> None:
        while not any(number in STOP for number in os.read(reading, 64)):
            pass
        self._told.set()

    def wait(self) -> None:
        """Returns when told to stop."""
        self._told.wait()

    def instead(self, act: Callable[[], object]) -> None:
        """Takes the signals back from whoever took them, and calls `act` in a thread when told to stop."""
        self._take()

        def run() -> None:
            self.wait()
            act()

        threading.Thread(target=run, name="stop", daemon=True).start()
