"""Each machine's own clock: libfaketime, loaded before a program, moves every clock that it asks but the monotonic one.

So SQLite's and PostgreSQL's clocks move with the machine that they are on, as do ids, and whatever a library asks.
"""

from __future__ import annotations

import os
import re
import tempfile
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

MISSING = "libfaketime is not installed (apt-get install libfaketime)"


def library() -> Path | None:
    """The variant for programs with threads, if it is installed."""
    return next(iter(sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))), None)


class Times:
    """The clocks of some machines, known by name: the true time, which can be made to go on, and how wrong each is.

    Without libfaketime all clocks are right, and none can be moved.
    """

    def __init__(self) -> None:
        self.library = library()
        self.gone_on = 0.0
        self._wrong: dict[str, float] = defaultdict(float)
        self.folder = Path(tempfile.mkdtemp(prefix="regulars-times-", dir="/tmp"))
        self.folder.chmod(0o755)  # PostgreSQL runs as somebody else

    def environment(self, machine: str) -> Mapping[str, str]:
        """What a program of this machine must find in its environment."""
        if self.library is None:
            return {}
        self._write(machine)
        return {
            "LD_PRELOAD": str(self.library),
            "FAKETIME_TIMESTAMP_FILE": str(self.folder / machine),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            # Else each wait for Python's own lock reads the file too, and ends too early.
            "FAKETIME_FORCE_MONOTONIC_FIX": "0",
            "NO_FAKE_STAT": "1",
            "PYTHONPATH": str(Path(__file__).with_name("preloaded")),
        }

    def set(self, machine: str, seconds: float) -> None:
        """Has a machine's clock be wrong by so many seconds; 0 is right."""
        self._wrong[machine] = seconds
        self._write(machine)

    def go_on(self, seconds: float) -> None:
        """Lets so much time pass at once, on all machines."""
        if self.library is not None:
            self.gone_on += seconds
            for file in self.folder.glob("[!.]*"):
                self._write(file.name)

    def _write(self, machine: str) -> None:
        fresh = self.folder / f".{machine}"
        fresh.write_text(f"{self.gone_on + self._wrong[machine]:+.3f}\n")
        fresh.chmod(0o644)
        fresh.replace(self.folder / machine)  # whoever reads it meanwhile reads the one or the other


def sweep() -> None:
    """Removes what libfaketime leaves of processes that were killed."""
    for file in Path("/dev/shm").glob("*faketime_s*_*"):
        number = re.search(r"\d+$", file.name)
        if number and not Path(f"/proc/{number[0]}").exists() and os.access(file, os.W_OK):
            file.unlink(missing_ok=True)
