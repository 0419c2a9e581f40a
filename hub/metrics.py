"""What each process counts for operators. Labels come from what is installed, never from what somebody said.

Each process tells its own: a web and the whole hub at `/metrics`, a worker and a clock at METRICS_PORT. How full the
queues are is in the database, so any web tells it for all (`figures.py`).
"""

from __future__ import annotations

import errno
from collections import Counter as Counted
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from prometheus_client import Counter, Gauge, start_http_server

from .errors import NotAuthorized, OutcomeUnknown, RateLimited, Rejected, SetupError, TryLater

CALLS = Counter("hub_calls_total", "Calls to providers, by what came of them", ["connector", "outcome"])
IN_FLIGHT = Gauge("hub_calls_in_flight", "Calls to providers that are on their way", ["connector"])
STEPS = Counter("hub_steps_total", "What became of steps, each time something did", ["connector", "outcome"])
RUNS = Counter("hub_runs_total", "Runs that ended, or were held for a person", ["recipe", "state"])
WAKEUPS = Counter("hub_wakeups_total", "Wake-ups through Redis", ["outcome"])
TROUBLE = Counter("hub_trouble_total", "Each time that something went wrong which is tried again", ["what"])

_CALL_WORDS = (
    (RateLimited, "rate_limited"),
    (TryLater, "down"),
    (OutcomeUnknown, "no_answer"),
    (Rejected, "refused"),
    (NotAuthorized, "not_authorized"),
    (Exception, "failed"),
)
_STEP_WORDS = {"waiting": "again", "claimed": "in_doubt"}


_is_counted: ContextVar[bool] = ContextVar("whether what happens is counted", default=True)


@contextmanager
def uncounted() -> Iterator[None]:
    """Has nothing of what happens in the block be counted, as it does not really happen: in a rehearsal."""
    before = _is_counted.set(False)
    try:
        yield
    finally:
        _is_counted.reset(before)


def call_ended(connector: str, failures: Iterable[Exception | None]) -> None:
    """Counts a call, by what each step in it met; None for one that was answered."""
    if not _is_counted.get():
        return
    words = {_word(failure) for failure in failures}
    CALLS.labels(connector, words.pop() if len(words) == 1 else "partly").inc()


def _word(failure: Exception | None) -> str:
    return next((word for kind, word in _CALL_WORDS if isinstance(failure, kind)), "answered")


def steps_changed(connector: str, rows: Iterable[Mapping[str, Any]]) -> None:
    """Counts what a round wrote about steps: done, refused, again, in_doubt, unknown or dropped."""
    for state, count in Counted(row["state"] for row in rows if _is_counted.get()).items():
        STEPS.labels(connector, _STEP_WORDS.get(state, state)).inc(count)


def runs_ended(runs: Iterable[tuple[str, str]]) -> None:
    """Counts runs by recipe and state."""
    for (recipe, state), count in Counted(run for run in runs if _is_counted.get()).items():
        RUNS.labels(recipe, state).inc(count)


def serve(port: int) -> Callable[[], None]:
    """Tells this process's counts at a port of its own, until the function that it gives is called.

    Raises SetupError if another program has the port.
    """
    try:
        server, thread = start_http_server(port)
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise
        raise SetupError(f"Port {port} is taken by another program. Stop it, or choose another METRICS_PORT.") from None

    def stop() -> None:
        server.shutdown()
        server.server_close()
        thread.join()

    return stop
