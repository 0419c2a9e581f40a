"""The processes of a measurement: the hub as it is run, the practice services, and references; each on its own."""

from __future__ import annotations

import os
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests

from ..errors import HubError
from ..settings import Settings
from . import machine

READY_SECONDS = 60.0
STOP_SECONDS = 40.0
POLL_SECONDS = 0.02
UNSET = ("DATABASE_URL", "REDIS_URL", "HUB_SECRET_KEY", "PUBLIC_URL")
"""What must not leak into the measured hub from the environment of whoever measures."""


ACCOUNTS = ("shopify", "hubspot", "mailchimp", "twilio")
"""What the order recipe needs."""


class Unmeasured(HubError):
    """A measurement came to no figure."""


def until(condition: Callable[[], object], seconds: float, says: str, every: float = POLL_SECONDS) -> None:
    """Waits until the condition holds. Raises Unmeasured if it does not within `seconds`."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise Unmeasured(f"{says} within {seconds:g} seconds.")
        time.sleep(every)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def answers(url: str) -> bool:
    try:
        with _session() as session:
            return session.get(url, timeout=5).ok
    except requests.RequestException:
        return False


def _session() -> requests.Session:
    session = requests.Session()
    session.trust_env = False  # no proxy stands between us and ourselves
    return session


@dataclass
class Running:
    """A process that was started here, with its output in a file."""

    what: str
    process: subprocess.Popen[bytes]
    port: int
    log: Path

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def cpu(self) -> float:
        return machine.cpu_seconds(self.pid)

    def wait_ready(self, path: str) -> None:
        """Returns when it answers. Raises Unmeasured, with its last words, if it does not."""
        url = f"http://127.0.0.1:{self.port}{path}"
        until(lambda: self.process.poll() is not None or answers(url), READY_SECONDS, f"{self.what} did not answer")
        if self.process.poll() is not None:
            raise Unmeasured(f"{self.what} ended: {self.log.read_text(errors='replace')[-500:]}")

    def kill(self) -> None:
        """Ends it at once, whatever it is doing."""
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        """Asks it to end, and ends it if it does not."""
        if self.process.stdin:
            self.process.stdin.close()
        self.process.terminate()
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()


def spawn(
    what: str, words: Sequence[str], port: int, log: Path, environment: Mapping[str, str] | None = None
) -> Running:
    """Starts `python -m …`. Its standard input ends with this process."""
    with log.open("ab") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", *words],
            env={**os.environ, **(environment or {})},
            stdout=out,
            stderr=out,
            stdin=subprocess.PIPE,
        )
    return Running(what, process, port, log)


@contextmanager
def started(running: Running, ready: str) -> Iterator[Running]:
    """A process from when it answers to the end of the block."""
    try:
        running.wait_ready(ready)
        yield running
    finally:
        running.stop()


@dataclass
class Practice:
    """The practice services of one measurement."""

    running: Running

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.running.port}"

    def counts(self) -> dict[str, dict[str, Any]]:
        """All calls, answers and effects as numbers, by connector: see `Practice.counts`."""
        return dict(self._ask("GET", "/_counts"))

    def effects(self) -> dict[str, int]:
        """How many contacts, members and texts there are."""
        holds = {name: counts["holds"] for name, counts in self.counts().items()}
        return {
            "contacts": holds["hubspot"]["contacts"],
            "members": holds["mailchimp"]["members"],
            "texts": holds["twilio"]["messages"],
        }

    def set(self, connector: str, **settings: Any) -> None:
        """Sets limits and the like: see `adjustable` of each service."""
        self._ask("POST", f"/_settings/{connector}", settings)

    def slow_down(self, seconds: float) -> None:
        """Has each call of every service take this long."""
        for name in ACCOUNTS:
            self.set(name, latency=seconds)

    def unlimited(self) -> None:
        """Has HubSpot take any number of calls."""
        self.set("hubspot", max_calls=1_000_000)

    def books(self, connector: str) -> Any:
        return self._ask("GET", f"/_books/{connector}")

    def texts(self) -> dict[str, list[float]]:
        """When each text was asked for, in seconds since 1970, by its number."""
        return dict(self._ask("GET", "/_texts"))

    def break_down(self, connector: str, **fault: Any) -> None:
        self._ask("POST", f"/_faults/{connector}", fault)

    def _ask(self, method: str, path: str, body: object = None) -> Any:
        with _session() as session:
            answer = session.request(method, self.url + path, json=body, timeout=120)
        answer.raise_for_status()
        return answer.json()


@contextmanager
def practice(folder: Path, *, reports: bool = False) -> Iterator[Practice]:
    """The practice services in a process of their own. `reports`: whether texts are reported on."""
    port = free_port()
    running = spawn("The practice services", ["hub.bench.services", str(port)], port, folder / "practice.log")
    with started(running, "/_counts"):
        services = Practice(running)
        services.set("twilio", reports=reports)
        yield services


@dataclass
class Measured:
    """The hub that is measured. `hook`: the path of its shop's webhooks."""

    running: Running
    settings: Settings
    hook: str = ""

    def newest(self) -> int:
        """An id that everything which comes later is beyond: ids grow with time."""
        return max(int(self.ask(f"SELECT coalesce(max(id), 0) FROM {table}")[0][0]) for table in ("run", "event"))

    def states(self, since: int = 0) -> dict[str, int]:
        """How many runs there are in each state, of those beyond this id; read beside the running hub."""
        return dict(self.ask(f"SELECT state, count(*) FROM run WHERE id > {since} GROUP BY state"))

    def events(self, since: int = 0) -> int:
        """How many events there are beyond this id."""
        return int(self.ask(f"SELECT count(*) FROM event WHERE id > {since}")[0][0])

    def unread(self) -> int:
        return int(self.ask("SELECT count(*) FROM delivery WHERE state = 'new'")[0][0])

    def ask(self, query: str) -> list[tuple[Any, ...]]:
        file = self.settings.home / "hub.db"
        with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True, timeout=30)) as connection:
            return connection.execute(query).fetchall()


def spawn_hub(settings: Settings, more: Mapping[str, str] | None = None) -> Running:
    """`hub up` on a home, with `more` in its environment; it does not answer yet."""
    settings.home.mkdir(parents=True, exist_ok=True)
    environment = _environment(settings, more)
    return spawn("The hub", ["hub.cli", "up"], settings.port, settings.home / "hub.log", environment)


def command(settings: Settings, words: Sequence[str], more: Mapping[str, str]) -> None:
    """Gives the hub of a home a command. Raises Unmeasured if it is refused."""
    environment = {**os.environ, **_environment(settings, more)}
    done = subprocess.run(
        [sys.executable, "-m", "hub.cli", *words], env=environment, capture_output=True, check=False, timeout=60
    )
    if done.returncode:
        raise Unmeasured(f"hub {' '.join(words)}: {done.stderr.decode(errors='replace')[-500:]}")


def _environment(settings: Settings, more: Mapping[str, str] | None) -> dict[str, str]:
    home = {"HUB_HOME": str(settings.home), "PORT": str(settings.port)}
    return {name: "" for name in UNSET} | home | dict(more or {})


def settings_in(folder: Path) -> Settings:
    port = free_port()
    return Settings(home=folder / "home", port=port, public_url=f"http://127.0.0.1:{port}")


@contextmanager
def hub(folder: Path, services: Practice, *, recipe: bool, more: Mapping[str, str] | None = None) -> Iterator[Measured]:
    """A running hub on a fresh home, with the practice accounts connected and, if wanted, the order recipe on."""
    settings = settings_in(folder)
    with started(spawn_hub(settings, more), "/healthz") as running:
        yield Measured(running, settings, prepare(settings, services, recipe=recipe))


def prepare(settings: Settings, services: Practice, *, recipe: bool) -> str:
    """Connects the accounts beside the running hub, which the practice services visit; gives the shop's path."""
    from ..core import Hub
    from ..practice.server import services as known

    hub, hook = Hub(settings), ""
    try:
        workspace = hub.workspaces.add("Bench")
        for name in ACCOUNTS:
            fields = {**known()[name].account, "base_url": f"{services.url}/{name}"}
            connection, trouble = hub.connections.connect(workspace, name, fields)
            if trouble:
                raise Unmeasured(f"The practice account of {name} could not be connected: {trouble}")
            if name == "shopify":
                hook = urlsplit(hub.connections.webhook_url(connection)).path
        if recipe:
            hub.enabled.enable(workspace, "order_thanks", {"audience": "practice"})
    finally:
        hub.close()
    return hook
