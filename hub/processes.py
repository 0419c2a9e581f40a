"""The processes: everything in one (`hub up`), or web, worker and clock apart."""

from __future__ import annotations

import fcntl
import logging
import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from .clock import Clock, wake_due
from .core import Hub
from .errors import SetupError
from .settings import Settings
from .wakeups import ThreadWakeups, Wakeups
from .worker import Worker

log = logging.getLogger("hub")

POLL_SECONDS = 1.0
POLL_SECONDS_WITH_REDIS = 5.0
WEB_THREADS = 64
"""Requests that may wait for one commit together."""


def up(settings: Settings, host: str, on_ready: Callable[[Hub], None] | None = None) -> None:
    """Web, worker and clock in this process, until SIGTERM or SIGINT. Raises SetupError if another has this home."""
    with alone(settings):
        wakeups = ThreadWakeups()
        hub = Hub(settings, wakeups=wakeups)
        if hub.database.is_sqlite:
            hub.database.break_leases()  # whoever held them is dead: this process alone has the home
        _refresh(hub)
        worker, clock = Worker(hub), Clock(hub)
        wakeups.listener = worker.poke
        worker.start()
        clock.start()
        try:
            _serve_web(hub, host, on_ready)
        finally:
            clock.stop()
            worker.stop()
            hub.close()


def web(settings: Settings, host: str) -> None:
    """The web part alone."""
    hub = Hub(settings, wakeups=_wakeups(settings))
    try:
        _serve_web(hub, host, None)
    finally:
        hub.close()


def worker(settings: Settings) -> None:
    """A worker alone: takes wake-ups from Redis, and looks by itself every few seconds."""
    local = ThreadWakeups()
    hub = Hub(settings, wakeups=local)
    _refresh(hub)
    served = Worker(hub)
    local.listener = served.poke
    served.start()
    stopping = threading.Event()
    poller = threading.Thread(target=_poll, args=(hub, stopping), daemon=True, name="poll")
    poller.start()
    try:
        if settings.redis_url:
            from .jobs import serve_jobs

            serve_jobs(settings.redis_url, served)
        else:
            _until_told(stopping)
    finally:
        stopping.set()
        served.stop()
        hub.close()


def clock(settings: Settings) -> None:
    """The clock alone. Several may run: one of them leads."""
    hub = Hub(settings, wakeups=_wakeups(settings))
    ticking = Clock(hub)
    ticking.start()
    try:
        _until_told(threading.Event())
    finally:
        ticking.stop()
        hub.close()


def _wakeups(settings: Settings) -> Wakeups:
    if settings.redis_url:
        from .jobs import RqWakeups

        return RqWakeups(settings.redis_url)
    return ThreadWakeups()


def _poll(hub: Hub, stopping: threading.Event) -> None:
    pause = POLL_SECONDS_WITH_REDIS if hub.settings.redis_url else POLL_SECONDS
    while not stopping.wait(pause):
        try:
            wake_due(hub)
        except Exception as error:
            log.error("poll: %s; it is tried again", type(error).__name__)


def _until_told(stopping: threading.Event) -> None:
    def stop(*_: object) -> None:
        stopping.set()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    while not stopping.wait(1.0):
        pass


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


def _serve_web(hub: Hub, host: str, on_ready: Callable[[Hub], None] | None) -> None:
    from granian.constants import Interfaces
    from granian.server.mt import MTServer

    from webhooks.intake import Intake

    from .app import create_app

    class Server(MTServer):
        """Granian with its workers as threads of this process: one process is all of the embedded hub."""

        def _check_gil(self) -> None:
            """Granian's own use of threads is for Python without the GIL; its Rust side lets go of the GIL anyway."""

    intake = Intake(hub.database, hub.wakeups)
    app = create_app(hub, intake)
    server = Server(
        "hub.app",
        address=host,
        port=hub.settings.port,
        interface=Interfaces.WSGI,
        blocking_threads=WEB_THREADS,
        workers=1,
        log_enabled=False,
    )
    if on_ready is not None:
        server.on_startup(lambda: on_ready(hub))
    try:
        server.serve(target_loader=lambda *_args, **_kwargs: app, wrap_loader=False)
    finally:
        intake.close()
