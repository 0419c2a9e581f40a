"""Takes network namespaces away as soon as the process that asked for them is gone: `python guard.py`.

Each line on standard input names a namespace. When the input ends, whatever ended it, all processes in them are
killed and the namespaces removed, with everything that was in them. Nothing else is touched.

The first ones named hold servers: those have a guard of their own, which tidies up, so they are waited for a moment.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time

SECONDS = 15.0


def main() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    patient: list[str] = []
    others: list[str] = []
    for line in sys.stdin:
        name, _, kind = line.strip().partition(" ")
        (patient if kind == "servers" else others).append(name)
    for name in others:
        kill(name)
    end = time.monotonic() + SECONDS
    while any(processes(name) for name in patient) and time.monotonic() < end:
        time.sleep(0.05)
    for name in patient:
        kill(name)
    for name in others + patient:
        subprocess.run(["ip", "netns", "delete", name], capture_output=True)


def kill(namespace: str) -> None:
    for process in processes(namespace):
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)


def processes(namespace: str) -> list[int]:
    listed = subprocess.run(["ip", "netns", "pids", namespace], capture_output=True, text=True)
    return [int(word) for word in listed.stdout.split()]


if __name__ == "__main__":
    main()
