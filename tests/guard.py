"""Runs a server for as long as the process that asked for it lives: `python guard.py`, and a plan on standard input.

The plan is one line of JSON: `folder` (removed at the end), `user` (whom to run as, or null), `prepare` (commands
to run first), `serve` (the server's command), `environment` (more of it, for the server). Each further line is a word:
`stop`, `kill` or `start`, answered by `done`. Whatever ends the asking process also closes our standard input; that
is the sign to stop the server. So nothing is left behind, not even after `kill -9`.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any


def main() -> None:
    plan: dict[str, Any] = json.loads(sys.stdin.readline())
    folder = Path(plan["folder"])
    try:
        with (folder / "log").open("wb") as log:
            run_as: dict[str, Any] = {"stdin": subprocess.DEVNULL, "stdout": log, "stderr": log, "cwd": folder}
            if plan["user"]:
                run_as |= {"user": plan["user"], "extra_groups": []}
            for command in plan["prepare"]:
                subprocess.run(command, check=True, **run_as)
            run_as["env"] = {**os.environ, **plan.get("environment", {})}
            served = _Served(plan["serve"], run_as)
            served.start()
            threading.Thread(target=_obey, args=(served,), daemon=True).start()
            served.over.wait()
    finally:
        said = (folder / "log").read_text(errors="replace")
        shutil.rmtree(folder, ignore_errors=True)
        with contextlib.suppress(BrokenPipeError):  # nobody reads it when the asker was killed
            print(said[-2000:], file=sys.stderr, flush=True)


def _children(pid: int) -> list[int]:
    """A descriptor of each process that this one started: it can be read when that process has ended."""
    found = []
    with contextlib.suppress(OSError):  # where there is no /proc
        for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
            with contextlib.suppress(ProcessLookupError):
                found.append(os.pidfd_open(int(child)))
    return found


class _Served:
    """The server's process, with all that it starts. `over` is set when it ended unasked, or for good."""

    def __init__(self, command: list[str], run_as: dict[str, Any]) -> None:
        self.over = threading.Event()
        self._command, self._run_as = command, run_as
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._process = subprocess.Popen(self._command, start_new_session=True, **self._run_as)
        threading.Thread(target=self._watch, args=(self._process,), daemon=True).start()

    def stop(self) -> None:
        """PostgreSQL and Redis both take SIGINT as: do not wait for clients, end now."""
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(signal.SIGINT)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            self._kill(process)

    def kill(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            self._kill(process)

    def _kill(self, process: subprocess.Popen[bytes]) -> None:
        children = _children(process.pid)  # PostgreSQL's have sessions of their own, and would hold its memory a moment
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        for child in children:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(child, signal.SIGKILL)
            select.select([child], [], [], 10)
            os.close(child)

    def _watch(self, process: subprocess.Popen[bytes]) -> None:
        process.wait()
        if process is self._process:
            self.over.set()


def _obey(served: _Served) -> None:
    words = {"stop": served.stop, "kill": served.kill, "start": served.start}
    try:
        for line in sys.stdin:
            words[line.strip()]()
            print("done", flush=True)
    finally:
        served.stop()
        served.over.set()


if __name__ == "__main__":
    main()
