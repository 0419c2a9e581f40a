"""The real processes, driven from outside: a hub, the practice services, and many signed orders."""

from __future__ import annotations

import os
import random
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests
import sqlalchemy as sa

from connectors.shopify.practice import order_payload, service, signed
from hub import schema
from hub.core import Hub
from hub.settings import Settings
from tests.servers import until

ROOT = Path(__file__).resolve().parents[2]
SECRET = service.account["webhook_secret"]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def spawn(words: list[str], environment: Mapping[str, str], log: Path) -> subprocess.Popen[bytes]:
    """A command of the hub as a process of its own, its output in a file."""
    with log.open("ab") as out:
        return subprocess.Popen(
            [sys.executable, "-m", "hub.cli", *words],
            cwd=ROOT,
            env={**os.environ, **environment},
            stdout=out,
            stderr=out,
            stdin=subprocess.DEVNULL,
        )


@contextmanager
def practice(log: Path) -> Iterator[str]:
    """The practice services in a process of their own; gives their address."""
    port = free_port()
    process = spawn(["practice", "--port", str(port)], {}, log)
    address = f"http://127.0.0.1:{port}"
    try:
        until(lambda: answers(f"{address}/_calls"), 20, "The practice services")
        yield address
    finally:
        process.kill()
        process.wait()


def answers(url: str) -> bool:
    try:
        return requests.get(url, timeout=2).ok
    except requests.RequestException:
        return False


@dataclass
class Order:
    """A signed order, as it is posted."""

    headers: dict[str, str]
    body: bytes


def orders(count: int) -> list[Order]:
    """Orders of as many people, each with an id, an address and a number of its own."""
    return [order(n) for n in range(count)]


def order(n: int) -> Order:
    """The order of one person, who has this number."""
    payload = order_payload(n, email=f"person{n}@example.com", phone=f"+1415{5_550_000 + n}")
    return Order(*signed("orders/create", payload, SECRET, event_id=f"event-{n}", webhook_id=f"hook-{n}"))


def forged(count: int) -> list[Order]:
    """Orders signed with another secret."""
    payloads = (order_payload(90_000 + n, email=f"forged{n}@example.com") for n in range(count))
    return [Order(*signed("orders/create", payload, "not the secret")) for payload in payloads]


@dataclass
class Embedded:
    """One embedded hub on a home, started and killed at will, with the four practice accounts connected."""

    home: Path
    practice: str
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None
    shop_url: str = ""

    @property
    def environment(self) -> dict[str, str]:
        # Nothing of the environment of whoever runs the tests may leak into the hub.
        unset = {"DATABASE_URL": "", "REDIS_URL": "", "HUB_SECRET_KEY": "", "PUBLIC_URL": ""}
        return {"HUB_HOME": str(self.home), "PORT": str(self.port), **unset}

    @property
    def settings(self) -> Settings:
        return Settings(home=self.home, port=self.port, public_url=f"http://127.0.0.1:{self.port}")

    @property
    def log(self) -> Path:
        return self.home.with_name("hub.log")

    def prepare(self) -> None:
        """Connects the accounts and enables the recipe. The hub itself runs already: practice services call it."""
        hub = Hub(self.settings)
        workspace = hub.workspaces.add("Practice")
        for connector, account in ACCOUNTS.items():
            fields = {**account(), "base_url": f"{self.practice}/{connector}"}
            connection, trouble = hub.connections.connect(workspace, connector, fields)
            assert trouble is None, trouble
            if connector == "shopify":
                self.shop_url = hub.connections.webhook_url(connection)
        hub.enabled.enable(workspace, "order_thanks", {"audience": "practice"})
        hub.close()

    def start(self) -> None:
        self.process = spawn(["up"], self.environment, self.log)
        until(lambda: self.ended() or answers(f"http://127.0.0.1:{self.port}/healthz"), 20, "The hub")
        assert not self.ended(), self.log.read_text()[-2000:]

    def ended(self) -> bool:
        return self.process is None or self.process.poll() is not None

    def kill(self) -> None:
        """As a power cut would: nothing is told, nothing is finished."""
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            self.process.wait(30)

    def command(self, *words: str) -> str:
        """What a command prints that is given on the hub's machine; it must be done."""
        environment = {**os.environ, **self.environment}
        words = (sys.executable, "-m", "hub.cli", *words)
        done = subprocess.run(words, cwd=ROOT, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def run_states(self) -> dict[str, int]:
        """How many runs there are in each state."""
        query = sa.select(schema.run.c.state, sa.func.count()).group_by(schema.run.c.state)
        return {state: count for state, count in self._rows(query)}

    def is_at_rest(self) -> bool:
        """Whether all that was taken is read, and every run done."""
        unread = sa.select(schema.delivery.c.id).where(schema.delivery.c.state == "new").limit(1)
        return not self._rows(unread) and set(self.run_states()) == {"done"}

    def _rows(self, query: sa.Select[Any]) -> Sequence[Any]:
        """Read beside the running hub."""
        engine = sa.create_engine(f"sqlite:///{self.home / 'hub.db'}")
        try:
            with engine.connect() as connection:
                return connection.execute(query).all()
        finally:
            engine.dispose()


def _account(connector: str) -> Callable[[], dict[str, str]]:
    from hub.practice.server import services

    return lambda: services()[connector].account


ACCOUNTS = {name: _account(name) for name in ("shopify", "hubspot", "mailchimp", "twilio")}


def books(practice_url: str, connector: str) -> dict[str, Any]:
    found: dict[str, Any] = requests.get(f"{practice_url}/_books/{connector}", timeout=30).json()
    return found


def calls(practice_url: str, connector: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = requests.get(f"{practice_url}/_calls?connector={connector}", timeout=30).json()
    return found


def post_all(url: Callable[[], str], posted: list[Order], threads: int, *, patient: bool = False) -> list[int]:
    """Posts all, in a mixed order, and gives the answers' statuses. `patient`: again until there is an answer, as a
    provider would."""
    mixed = list(enumerate(posted))
    random.Random(1).shuffle(mixed)
    local = threading.local()

    def post(item: tuple[int, Order]) -> tuple[int, int]:
        number, order = item
        session = getattr(local, "session", None)
        if session is None:
            session = local.session = requests.Session()
            session.trust_env = False
        for _ in range(600 if patient else 1):
            try:
                status = session.post(url(), data=order.body, headers=order.headers, timeout=30).status_code
            except requests.RequestException:
                threading.Event().wait(0.05)
                continue
            if status < 500:
                return number, status
        return number, 0

    with ThreadPoolExecutor(threads) as pool:
        return [status for _, status in sorted(pool.map(post, mixed))]
