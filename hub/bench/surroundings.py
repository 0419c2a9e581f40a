"""What shared the machine with a measurement: CPU of each of its processes, of the load generator, and of strangers."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from . import machine

FULL_CORE = 0.93


class Watch:
    """CPU between `begin` and `told`, of named processes beside this one."""

    def __init__(self, pids: Mapping[str, int]) -> None:
        self._pids = dict(pids)
        self.begin()

    def begin(self) -> None:
        self._started = time.perf_counter()
        self._before = {name: machine.cpu_seconds(pid) for name, pid in self._pids.items()}
        self._own, self._all = time.process_time(), machine.busy_seconds()

    def cpu(self, name: str) -> float:
        """CPU seconds of one of the processes since `begin`."""
        return machine.cpu_seconds(self._pids[name]) - self._before[name]

    def told(self) -> dict[str, Any]:
        """CPU seconds of each since `begin`, and what a reader should know about it."""
        seconds = time.perf_counter() - self._started
        taken = {name: self.cpu(name) for name in self._pids}
        taken["load_generator"] = time.process_time() - self._own
        strangers = max(0.0, machine.busy_seconds() - self._all - sum(taken.values()))
        notes = []
        if taken.get("practice", 0.0) > FULL_CORE * seconds:
            notes.append("the practice services filled a core, so they set the rate and not the hub.")
        if strangers > 0.1 * seconds:
            notes.append(f"other programs took {strangers / seconds:.2f} cores meanwhile.")
        return {
            "seconds": round(seconds, 2),
            "cpu_seconds": {name: round(used, 2) for name, used in taken.items()},
            "cpu_seconds_of_other_programs": round(strangers, 2),
            "notes": notes,
        }
