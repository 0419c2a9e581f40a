"""A hub for tests of its threads and processes: real time, a real database, a provider on a real socket."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from hub import jobs, registry, schema
from hub.clock import Clock
from hub.core import Hub
from hub.delivery import Delivery
from hub.practice.server import PracticeServer
from hub.settings import Settings
from hub.timing import to_datetime
from hub.wakeups import ThreadWakeups, Wakeups
from hub.worker import Worker
from tests import servers
from tests.far import process
from tests.far.service import service
from tests.world import keep
from webhooks.intake import Intake

ROOT = Path(__file__).resolve().parents[2]
KEY = "a secret key for tests that is long enough to be one"


class Site:
    """One workspace with one account of the far provider. What runs the hub's work is the test's to start."""

    def __init__(self, database_url: str, home: Path, port: int = 8000) -> None:
        self.database_url, self.home, self.port = database_url, home, port
        self.far = service()
        self.practice = PracticeServer({"far": self.far})
        base = self.practice.start()
        self.settings = Settings(home=home, database_url=database_url, secret_key=KEY, port=port)
        self.hub = Hub(self.settings)
        self.workspace = self.hub.workspaces.add("Crumb & Co.")
        self.connection, _ = self.hub.connections.connect(
            self.workspace, "far", {"account": "a", "base_url": f"{base}/far"}
        )
        self.intake = Intake(self.hub.database, self.hub.wakeups)
        self._processes: list[subprocess.Popen[str]] = []

    @property
    def webhook_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/webhooks/far/{self.connection.id}"

    def enable(self, recipe: str) -> None:
        self.hub.enabled.enable(self.workspace, recipe, {})

    def wake_through(self, wakeups: Wakeups) -> None:
        """What the site itself wakes goes this way from now on."""
        self.hub.wakeups = self.intake.wakeups = wakeups

    def happen(self, *names: str) -> None:
        """Keeps a delivery with one event per name, as the door does; each is about a person of its own."""
        body = event_body(*names)
        delivery = Delivery("POST", self.webhook_url, {}, body, to_datetime(self.hub.clock.now()))
        assert keep(self.intake, self.workspace, self.connection, delivery)

    def states(self) -> list[str]:
        with self.hub.database.read() as database:
            return list(database.execute(sa.select(schema.run.c.state)).scalars())

    def steps(self) -> list[Any]:
        with self.hub.database.read() as database:
            return list(database.execute(sa.select(schema.step).order_by(*schema.step.primary_key.columns)))

    def until_done(self, count: int, seconds: float = 15.0) -> None:
        servers.until(lambda: self.states() == ["done"] * count, seconds, f"The end of {count} runs")

    def start(self, part: str, **more: str) -> subprocess.Popen[str]:
        """Starts a process of this hub; what it says is in its `stdout`."""
        environment = {
            **{name: value for name, value in os.environ.items() if name not in ("REDIS_URL", "PUBLIC_URL")},
            "HUB_HOME": str(self.home),
            "DATABASE_URL": self.database_url,
            "HUB_SECRET_KEY": KEY,
            "PORT": str(self.port),
            **more,
        }
        started = subprocess.Popen(
            [sys.executable, "-m", "tests.far.process", part],
            cwd=ROOT,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._processes.append(started)
        return started

    def close(self) -> None:
        for started in self._processes:
            started.kill()
            started.wait()
            if started.stdout is not None:
                started.stdout.close()
        self.intake.close()
        self.hub.close()
        self.practice.stop()


def event_body(*names: str) -> bytes:
    """The body of a delivery with one event per name, each about a person of its own."""
    events = [{"id": name, "email": f"{name}@example.com", "data": {"what": name}} for name in names]
    return json.dumps({"events": events}).encode()


@contextmanager
def running(site: Site, redis_url: str | None = None, *, clock: bool = True) -> Iterator[Worker]:
    """A worker and a clock in this process: woken by threads, or through Redis."""
    with ExitStack() as ending:
        local = ThreadWakeups()
        hub = Hub(site.settings, wakeups=local)
        ending.callback(hub.close)
        hub.linger_seconds = 0.2
        worker = Worker(hub)
        local.listener = worker.poke
        ending.callback(worker.stop)
        worker.start()
        site.wake_through(local)
        if redis_url:
            site.wake_through(jobs.RqWakeups(redis_url))
            stopping = threading.Event()
            taker = threading.Thread(target=jobs.serve_jobs, args=(jobs.connect(redis_url), worker, stopping))
            taker.start()
            ending.callback(taker.join)
            ending.callback(stopping.set)
        if clock:
            ticking = Clock(site.hub)
            ending.callback(ticking.stop)
            ticking.start()
        yield worker


def know_far(monkeypatch: Any) -> None:
    """Makes the far connector and its recipes the only ones, for one test."""
    monkeypatch.setattr(registry, "_modules", registry._modules)
    process.know_far()
    forget()


def forget() -> None:
    """Has the registry look again for connectors and recipes."""
    registry.connector.cache_clear()
    registry.recipes.cache_clear()
