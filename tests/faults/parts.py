"""The hub's processes, looked after as a system does it: whatever ends is started again."""

from __future__ import annotations

import atexit
import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from tests.faults.leash import Leash

ROOT = Path(__file__).resolve().parents[2]
AGAIN_SECONDS = 0.5
STOP_SECONDS = 40.0


@cache
def compiled() -> Mapping[str, str]:
    """Has Python keep what it compiled for the next process, as a hub that was installed has it: a start then takes a
    third of the time."""
    folder = Path(tempfile.mkdtemp(prefix="regulars-compiled-", dir="/tmp"))
    leash = Leash()
    leash.folder(folder)
    atexit.register(leash.close)
    return {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": str(folder)}


@dataclass
class Part:
    """One process of a hub: its `words` on the command line. `started` is told the number of each that it makes;
    `ends` are the codes with which it ended by itself."""

    name: str
    words: Sequence[str]
    environment: Mapping[str, str] = field(repr=False)
    log: Path
    started: Callable[[int], None] = field(repr=False)
    wanted: bool = False
    process: subprocess.Popen[bytes] | None = None
    ends: list[int] = field(default_factory=list)
    not_before: float = 0.0
    lock: threading.RLock = field(default_factory=threading.RLock, repr=False)

    def start(self) -> None:
        with self.lock:
            self.wanted = True
            self.look()

    def kill(self) -> None:
        """As a power cut would: nothing is told, nothing is finished."""
        with self.lock:
            self.wanted = False
            if self.process is not None:
                self.process.kill()
                self.process.wait()
                self.process = None

    def stop(self) -> None:
        """Told to end, as for an update; killed if it does not end in time."""
        with self.lock:
            self.wanted = False
            process, self.process = self.process, None
        if process is not None:
            process.send_signal(signal.SIGCONT)
            process.terminate()
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def freeze(self, frozen: bool) -> None:
        with self.lock, contextlib.suppress(ProcessLookupError):
            if self.process is not None and self.process.poll() is None:
                self.process.send_signal(signal.SIGSTOP if frozen else signal.SIGCONT)

    def look(self) -> None:
        """Starts it if it is wanted and not there."""
        with self.lock:
            if self.process is not None and (code := self.process.poll()) is not None:
                self.ends.append(code)
                self.process, self.not_before = None, time.monotonic() + AGAIN_SECONDS
            if self.wanted and self.process is None and time.monotonic() >= self.not_before:
                with self.log.open("ab") as out:
                    self.process = subprocess.Popen(
                        [sys.executable, "-m", "hub.cli", *self.words],
                        cwd=ROOT,
                        env={**os.environ, **self.environment},
                        stdin=subprocess.DEVNULL,
                        stdout=out,
                        stderr=out,
                    )
                self.started(self.process.pid)


class Keeper:
    """Looks after some parts until it is closed, and then ends them."""

    def __init__(self, parts: Sequence[Part]) -> None:
        self.parts = {part.name: part for part in parts}
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._keep, name="keeper", daemon=True)
        self._thread.start()

    def _keep(self) -> None:
        while not self._ending.wait(0.1):
            for part in self.parts.values():
                part.look()

    def close(self) -> None:
        self._ending.set()
        self._thread.join()
        for part in self.parts.values():
            part.kill()
