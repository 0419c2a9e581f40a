"""Ends whatever a run started, however the run itself ends: `python leash.py`, told line by line on standard input.

`process 123` is one to be killed, `folder /tmp/x` one to be removed, unmounted before if it is a disk. They are when
standard input ends, which it does whatever becomes of whoever holds it.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path


class Leash:
    """Held by a run. Closing it ends what is on it."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, __file__],
            stdin=subprocess.PIPE,
            text=True,
            start_new_session=True,  # else Ctrl-C would reach it too
        )

    def process(self, number: int) -> None:
        self._tell(f"process {number}")

    def folder(self, path: Path) -> None:
        self._tell(f"folder {path}")

    def close(self) -> None:
        self._process.communicate()

    def _tell(self, line: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()


def main() -> None:
    held = [line.split(maxsplit=1) for line in sys.stdin.read().splitlines()]
    for number in (int(what) for kind, what in held if kind == "process"):
        # Another process may have the number by now: ours were all started in this folder's Python.
        with contextlib.suppress(OSError):
            if sys.executable in Path(f"/proc/{number}/cmdline").read_text():
                os.kill(number, signal.SIGKILL)
    for folder in (what for kind, what in held if kind == "folder"):
        if os.path.ismount(folder):
            subprocess.run(["umount", "-l", folder], check=False)
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
