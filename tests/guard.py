"""Runs a server for as long as the process that asked for it lives: `python guard.py`, and a plan on standard input.

The plan is one line of JSON: `folder` (removed at the end), `user` (whom to run as, or null), `prepare` (commands
to run first), `serve` (the server's command). Whatever ends the asking process also closes our standard input; that
is the sign to stop the server. So nothing is left behind, not even after `kill -9`.
"""

from __future__ import annotations

import contextlib
import json
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
            server = subprocess.Popen(plan["serve"], **run_as)
        threading.Thread(target=_stop_with_asker, args=(server,), daemon=True).start()
        server.wait()
    finally:
        said = (folder / "log").read_text(errors="replace")
        shutil.rmtree(folder, ignore_errors=True)
        with contextlib.suppress(BrokenPipeError):  # nobody reads it when the asker was killed
            print(said[-2000:], file=sys.stderr, flush=True)


def _stop_with_asker(server: subprocess.Popen[bytes]) -> None:
    sys.stdin.read()
    server.send_signal(signal.SIGINT)  # PostgreSQL and Redis both take it as: do not wait for clients, end now
    try:
        server.wait(10)
    except subprocess.TimeoutExpired:
        server.kill()


if __name__ == "__main__":
    main()
