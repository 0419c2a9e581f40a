"""One process of a hub that knows this package: `python -m tests.far.process up|web|worker|clock`.

Its leases can be short (`FAR_LEASE_SECONDS`), so that a test need not wait long for the work of a process that was
killed, and so can the time it has to end (`FAR_STOP_SECONDS`). With `FAR_SIGNALS_ELSEWHERE` its main thread gets no
signals, once it is ready: the system gives them to another one.
"""

from __future__ import annotations

import logging
import os
import signal
import sys

import requests

from hub import clock, processes, registry, worker
from hub.core import Hub
from hub.engine import loading
from hub.errors import HubError, SetupError
from hub.outbox import holding
from hub.settings import from_environment


def main(part: str) -> None:
    """Runs a part until it is told to stop."""
    logging.basicConfig(level=logging.WARNING, format="%(name)s: %(message)s")
    know_far()
    if seconds := float(os.environ.get("FAR_LEASE_SECONDS", "0")):
        short_leases(seconds)
    worker.STOP_SECONDS = float(os.environ.get("FAR_STOP_SECONDS", worker.STOP_SECONDS))
    settings = from_environment()
    try:
        if part in ("worker", "clock"):
            getattr(processes, part)(settings)
        else:
            getattr(processes, part)(settings, "127.0.0.1", on_ready)
    except HubError as error:
        sys.exit(str(error))
    print("ended", flush=True)


def short_leases(seconds: float) -> None:
    """Has whoever dies be followed after so long."""
    holding.LEASE_SECONDS = seconds
    holding.RENEW_SECONDS = seconds / 6
    holding.LATEST_START_SECONDS = seconds / 3
    worker.READ_LEASE_SECONDS = clock.LEASE_SECONDS = seconds
    loading.LEASE_SECONDS = round(seconds)


def on_ready(hub: Hub) -> None:
    """Calls the hub, which must answer by now, and says so."""
    requests.get(f"http://127.0.0.1:{hub.settings.port}/healthz", timeout=5).raise_for_status()
    if os.environ.get("FAR_FAILS"):
        raise SetupError("It is ready, and not wanted.")
    if os.environ.get("FAR_SIGNALS_ELSEWHERE"):
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})
    print("ready", flush=True)


def know_far() -> None:
    """Makes this package's connector and recipes the only ones."""
    modules = {"regulars.connectors": {"far": "tests.far"}, "regulars.recipes": {"far": "tests.far.recipes"}}
    registry._modules = modules.__getitem__  # type: ignore[assignment]


if __name__ == "__main__":
    main(sys.argv[1])
