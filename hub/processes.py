"""The processes: everything in one (`hub up`), or web, worker and clock apart. Each runs until SIGTERM or SIGINT."""

from __future__ import annotations

import fcntl
import gc
import logging
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager

from . import metrics
from .clock import Clock, wake_due
from .core import Hub
from .errors import SetupError
from .settings import Settings
from .signals import Told
from .trouble import Trouble
from .wakeups import ThreadWakeups, Wakeups
from .worker import Worker

log = logging.getLogger("hub")

POLL_SECONDS = 1.0
POLL_SECONDS_WITH_REDIS = 5.0
POKE_SECONDS = 0.25


def up(settings: Settings, host: str, on_ready: Callable[[Hub], None] | None = None) -> None:
    """Web, worker and clock in this process. `on_ready` is called when the hub listens.

    Raises SetupError if another process has this home, or another program the port.
    """
    from . import serving

    told = Told()
    with alone(settings), closing(serving.listen(host, settings.port)) as listening, ExitStack() as ending:
        wakeups = ThreadWakeups()
        hub = _opened(settings, wakeups, ending)
        if hub.database.is_sqlite:
            hub.take_over()  # no other process has the home
        _refresh(hub)
        worker, clock = Worker(hub), Clock(hub)
        wakeups.listener = worker.poke
        ending.callback(_stop, worker)
        worker.start()
        ending.callback(clock.stop)
        clock.start()
        serving.serve(hub, listening, told, (lambda: on_ready(hub)) if on_ready else None)


def web(settings: Settings, host: str, on_ready: Callable[[Hub], None] | None = None) -> None:
    """The web part alone. Raises SetupError if another program has the port."""
    from . import serving

    told = Told()
    with closing(serving.listen(host, settings.port)) as listening, ExitStack() as ending:
        hub = _opened(settings, _wakeups(settings), ending)
        serving.serve(hub, listening, told, (lambda: on_ready(hub)) if on_ready else None)


def worker(settings: Settings) -> None:
    """A worker alone: takes wake-ups from Redis, and looks by itself every few seconds. Several may run."""
    told = Told()
    with ExitStack() as ending:
        local = ThreadWakeups()
        hub = _opened(settings, local, ending)
        _tell_figures(settings, ending)
        _refresh(hub)
        served = Worker(hub)
        local.listener = served.poke
        if settings.redis_url:
            from .jobs import SharedWakeups

            hub.wakeups = SharedWakeups(served, settings.redis_url)
        ending.callback(_stop, served)
        served.start()
        stopping = threading.Event()
        ending.callback(stopping.set)
        threading.Thread(target=_poll, args=(served, stopping), daemon=True, name="poll").start()
        if settings.redis_url:
            _take_jobs(settings.redis_url, served, stopping, ending)
        told.wait()


def clock(settings: Settings) -> None:
    """The clock alone. Several may run: one of them leads."""
    told = Told()
    with ExitStack() as ending:
        ticking = Clock(_opened(settings, _wakeups(settings), ending))
        _tell_figures(settings, ending)
        ending.callback(ticking.stop)
        ticking.start()
        told.wait()


def _opened(settings: Settings, wakeups: Wakeups, ending: ExitStack) -> Hub:
    hub = Hub(settings, wakeups=wakeups)
    ending.callback(hub.close)
    _collect_rarely()
    return hub


def _collect_rarely() -> None:
    """Has Python look for circles of garbage less often. A batch of payloads is some ten thousand objects that live
    for some milliseconds and hang in no circle; looking through them every 700 costs as much as reading them."""
    gc.freeze()
    gc.set_threshold(10_000, 10, 10)


def _tell_figures(settings: Settings, ending: ExitStack) -> None:
    if settings.metrics_port:
        ending.callback(metrics.serve(settings.metrics_port))


def _wakeups(settings: Settings) -> Wakeups:
    if settings.redis_url:
        from .jobs import RqWakeups

        return RqWakeups(settings.redis_url)
    return ThreadWakeups()


def _take_jobs(redis_url: str, served: Worker, stopping: threading.Event, ending: ExitStack) -> None:
    from . import jobs

    taker = threading.Thread(
        target=jobs.serve_jobs, args=(jobs.connect(redis_url), served, stopping), daemon=True, name="jobs"
    )
    taker.start()

    def end() -> None:
        stopping.set()
        taker.join(jobs.AGAIN_SECONDS * 2)

    ending.callback(end)


def _poll(served: Worker, stopping: threading.Event) -> None:
    """Looks for wake-ups that got lost: often for what this process holds, now and then for everything."""
    trouble = Trouble(log, "looking for what is due")
    every = POLL_SECONDS_WITH_REDIS if served.hub.settings.redis_url else POLL_SECONDS
    waited = 0.0
    while not stopping.wait(POKE_SECONDS):
        served.poke_busy()
        waited += POKE_SECONDS
        if waited < every:
            continue
        waited = 0.0
        try:
            wake_due(served.hub, served.poke)
            trouble.over()
        except Exception as error:
            trouble.met(error)


def _stop(worker: Worker) -> None:
    """Stops a worker; a call that never comes back does not keep the process, whose exit would wait for it."""
    if not worker.stop():
        logging.shutdown()
        os._exit(1)


def _refresh(hub: Hub) -> None:
    for note in hub.enabled.refresh():
        log.warning("%s", note)


@contextmanager
def alone(settings: Settings) -> Iterator[None]:
    """Holds the home for this process alone; the system lets go of it whatever way the process ends."""
    settings.home.mkdir(parents=True, exist_ok=True)
    file = os.open(settings.home / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise SetupError(
                f"A hub is running already with {settings.home}. Stop it first, or set HUB_HOME to another folder."
            ) from None
        yield
    finally:
        os.close(file)
