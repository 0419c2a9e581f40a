"""A hub on many machines: PostgreSQL, Redis, providers and a caller on hosts of their own, and two of each part."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from hub import schema
from hub.database import Database
from tests import servers
from tests.machines.hosts import Host, Network
from tests.servers import until

ROOT = Path(__file__).resolve().parents[2]
KEY = "a secret key for tests that is long enough to be one"
LEASE_SECONDS = 3.0
PARTS = ("web1", "web2", "worker1", "worker2", "clock1", "clock2")


class Caller:
    """A process on a host that calls what it is told to (`caller.py`)."""

    def __init__(self, host: Host) -> None:
        words = [*host.words, sys.executable, "-m", "tests.machines.process", "caller"]
        self._process = subprocess.Popen(
            words, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
        )
        self._lock = threading.Lock()

    def ask(self, do: str, **told: Any) -> Any:
        with self._lock:
            assert self._process.stdin is not None and self._process.stdout is not None
            self._process.stdin.write(json.dumps({"do": do, **told}) + "\n")
            self._process.stdin.flush()
            return json.loads(self._process.stdout.readline())

    def call(self, url: str, body: Any = None, seconds: float = 30.0) -> dict[str, Any]:
        found: dict[str, Any] = self.ask("call", url=url, body=body, seconds=seconds)
        return found

    def close(self) -> None:
        self._process.kill()
        self._process.communicate()


class Place:
    """What every hub of these tests shares: the hosts, the servers, the providers, and who calls."""

    def __init__(self, network: Network, ending: ExitStack) -> None:
        self.postgres, self.redis = network.host("postgres", servers=True), network.host("redis", servers=True)
        self.provider, self.shop = network.host("provider"), network.host("shop")
        self.spare = network.host("spare")
        self.hosts = {name: network.host(name) for name in PARTS}
        self.postgres_url = ending.enter_context(servers.postgres_server(self.postgres.words, self.postgres.address))
        self.redis_url = ending.enter_context(servers.redis_server(self.redis.words, self.redis.address))
        words = [*self.provider.words, sys.executable, "-m", "tests.machines.process", "provider"]
        providing = subprocess.Popen(words, cwd=ROOT, start_new_session=True)
        ending.callback(providing.wait)
        ending.callback(providing.kill)
        self.caller = Caller(self.shop)
        ending.callback(self.caller.close)
        until(lambda: self.ask_provider("/_from") is not None, 120, "The start of the providers")
        self._next = 0

    @property
    def provider_url(self) -> str:
        return f"http://{self.provider.address}:8020"

    def ask_provider(self, path: str, body: Any = None) -> Any:
        """What the providers answer; None if they do not."""
        answer = self.caller.call(self.provider_url + path, body)
        return json.loads(answer["text"]) if answer["status"] == 200 else None

    def numbers(self, count: int = 10_000) -> range:
        """Numbers of orders that no other test uses."""
        self._next += count
        return range(self._next - count, self._next)

    def assert_once(self, numbers: Sequence[int]) -> None:
        """Each order made one contact, one member and one text message, whatever happened on the way."""
        wanted = Counter(f"person{n}@example.com" for n in numbers)
        contacts = self.ask_provider("/_books/hubspot")["objects"]["contacts"].values()
        assert only(wanted, (contact["properties"]["email"] for contact in contacts)) == wanted
        members = self.ask_provider("/_books/mailchimp")["lists"]["practice"]["members"].values()
        assert only(wanted, (member["email_address"] for member in members)) == wanted
        phones = Counter(f"+1415{5_550_000 + n}" for n in numbers)
        texts = self.ask_provider("/_books/twilio")["messages"]
        assert only(phones, (text["to"] for text in texts)) == phones


def only(wanted: Counter[str], found: Iterator[str]) -> Counter[str]:
    return Counter(each for each in found if each in wanted)


class Cluster:
    """One hub: a database, and its processes, each on its host."""

    def __init__(self, place: Place, database_url: str, folder: Path, key: str = KEY) -> None:
        self.place, self.folder, self.key = place, folder, key
        self.database = Database(database_url)
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self.begun: dict[str, float] = {}
        self.paths: dict[str, str] = {}
        folder.mkdir(exist_ok=True)

    @property
    def environment(self) -> dict[str, str]:
        database = f"postgresql://postgres@{self.place.postgres.address}/{self.database.url.database}"
        return {
            "HUB_HOME": str(self.folder),
            "DATABASE_URL": database,
            "REDIS_URL": f"redis://{self.place.redis.address}:6379/0",
            "HUB_SECRET_KEY": self.key,
            "PUBLIC_URL": self.url("web1"),
            "PORT": "8000",
            "PROVIDER": self.place.provider_url,
            "FAR_LEASE_SECONDS": str(LEASE_SECONDS),
        }

    def words(self, name: str, *words: str) -> list[str]:
        host = self.place.spare if name == "spare" else self.place.hosts[name]
        return [*host.words, sys.executable, "-m", *words]

    def prepare(self) -> None:
        """Connects the accounts, from a host."""
        done = self.run("worker1", "tests.machines.process", "prepare")
        self.paths = json.loads(done)

    def run(self, name: str, *words: str, cwd: Path = ROOT, **more: str) -> str:
        """What a command on a host prints. Raises RuntimeError with what it says if it is refused."""
        environment = {**os.environ, **self.environment, **more}
        done = subprocess.run(self.words(name, *words), cwd=cwd, env=environment, capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(done.stderr)
        return done.stdout

    # ---- processes

    def begin(self, name: str, *, cwd: Path = ROOT, **more: str) -> None:
        """Starts a part on its host, and does not wait for it."""
        environment = {**os.environ, **self.environment, **more}
        words = self.words(name, "tests.machines.process", name.rstrip("12"))
        self.begun[name] = time.time()
        with self.log(name).open("ab") as log:
            self.processes[name] = subprocess.Popen(
                words,
                cwd=cwd,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def start(self, *names: str, cwd: Path = ROOT, **more: str) -> None:
        """Starts parts, and waits until they are at work."""
        for name in names:
            self.begin(name, cwd=cwd, **more)
        for name in names:
            self.until_up(name)

    def until_up(self, name: str) -> None:
        until(lambda: self.processes[name].poll() is not None or self.is_up(name), 120, f"The start of {name}")
        assert self.processes[name].poll() is None, self.log(name).read_text()[-2000:]

    def is_up(self, name: str) -> bool:
        if name.startswith("web"):
            return bool(self.place.caller.call(f"{self.url(name)}/healthz", seconds=2)["status"] == 200)
        return self.spoke(name, self.begun[name])

    def signal(self, name: str, number: signal.Signals) -> None:
        self.processes[name].send_signal(number)

    def kill(self, name: str) -> None:
        """As a power cut would: nothing is told, nothing is finished."""
        self.signal(name, signal.SIGKILL)
        self.processes[name].wait()

    def stop(self, name: str) -> None:
        """As an operator stops it. Raises TimeoutExpired."""
        self.signal(name, signal.SIGTERM)
        assert self.processes[name].wait(40) == 0, self.log(name).read_text()[-2000:]

    def close(self) -> None:
        for process in self.processes.values():
            process.kill()
        for process in self.processes.values():
            process.wait()
        self.database.close()

    def log(self, name: str) -> Path:
        return self.folder / f"{name}.log"

    # ---- looking

    def url(self, web: str) -> str:
        return f"http://{self.place.hosts[web].address}:8000"

    def webhooks(self, connector: str = "shopify") -> list[str]:
        """Where a service may post its events: at either web."""
        return [self.url(web) + self.paths[connector] for web in ("web1", "web2")]

    def rows(self, query: sa.Select[Any]) -> Sequence[Any]:
        with self.database.read() as connection:
            return connection.execute(query).all()

    def spoke(self, name: str, since: float) -> bool:
        """Whether the part on this host asked the database something since then."""
        query = (
            "SELECT count(*) FROM pg_stat_activity WHERE client_addr = CAST(:address AS inet) AND datname = :name"
            " AND query_start > to_timestamp(:since)"
        )
        told = {"address": self.place.hosts[name].address, "name": self.database.url.database, "since": since}
        with self.database.read() as connection:
            return bool(connection.execute(sa.text(query), told).scalar())

    def lease(self, name: str) -> Any:
        """The lease of this name: holder, fence, until. None if nobody ever had it."""
        found = self.rows(sa.select(schema.lease).where(schema.lease.c.name == name))
        return found[0] if found else None

    def states(self, recipe: str = "order_thanks") -> dict[str, int]:
        """How many runs there are in each state."""
        run = schema.run
        query = sa.select(run.c.state, sa.func.count()).where(run.c.recipe == recipe).group_by(run.c.state)
        return {state: count for state, count in self.rows(query)}

    def until_settled(self, seconds: float = 60.0) -> None:
        """Waits until nothing is left to read or to do."""
        until(lambda: self.left() == 0, seconds, "The end of everything")
        assert set(self.states()) | set(self.states("each_way")) <= {"done"}

    def left(self, before: float | None = None) -> int:
        """How much of what came in, or came in before this time, is not done yet."""
        event, run, delivery = schema.event, schema.run, schema.delivery
        at = 1 << 62 if before is None else round(before * 1000)
        unread = sa.select(sa.func.count()).where(delivery.c.state == "new", delivery.c.received_at <= at)
        open_runs = (
            sa.select(sa.func.count())
            .select_from(run.join(event, event.c.id == run.c.event_id))
            .where(run.c.ended_at.is_(None), event.c.received_at <= at)
        )
        return int(self.rows(unread)[0][0] + self.rows(open_runs)[0][0])

    def done_since(self, since: float) -> int:
        """How many runs are done of events that came in since this time."""
        event, run = schema.event, schema.run
        query = (
            sa.select(sa.func.count())
            .select_from(run.join(event, event.c.id == run.c.event_id))
            .where(event.c.received_at >= round(since * 1000), run.c.state == "done")
        )
        return int(self.rows(query)[0][0])

    def logged(self, name: str, text: str) -> bool:
        """Whether the part on this host said so."""
        return text in self.log(name).read_text()

    def longest(self, since: float) -> float:
        """Seconds from when an event came in until its run was done, of what came since this time: the longest."""
        event, run = schema.event, schema.run
        query = (
            sa.select(sa.func.max(run.c.ended_at - event.c.received_at))
            .select_from(run.join(event, event.c.id == run.c.event_id))
            .where(event.c.received_at >= round(since * 1000))
        )
        return float(self.rows(query)[0][0] or 0) / 1000

    @contextmanager
    def load(self, rate: float, threads: int = 8) -> Iterator[Taken]:
        """Orders that come in meanwhile, `rate` a second."""
        taken = Taken(self.place.numbers())
        ask = self.place.caller.ask
        ask("start", urls=self.webhooks(), first=taken.numbers.start, rate=rate, threads=threads)
        try:
            yield taken
        finally:
            taken.fill(ask("stop"))


class Taken:
    """Orders that came in: when each was answered 200, and every try that was not."""

    def __init__(self, numbers: range) -> None:
        self.numbers = numbers
        self.at: dict[int, float] = {}
        self.failed: list[tuple[float, int | None, float, str | None]] = []

    def fill(self, told: Mapping[str, Any]) -> None:
        self.at = {int(number): at for number, at in told["taken"].items()}
        self.failed = [tuple(each) for each in told["failed"]]

    def __len__(self) -> int:
        return len(self.at)
