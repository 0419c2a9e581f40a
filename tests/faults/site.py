"""One hub for one run: its processes, its servers, its providers, each at a place of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import requests
from sqlalchemy.exc import DBAPIError

from hub.core import Hub
from hub.errors import HubError
from hub.oauth.connecting import begin, finish
from hub.practice.server import services
from hub.settings import Settings
from hub.workspaces import Workspace
from tests import servers
from tests.faults import providers
from tests.faults.disk import Disk
from tests.faults.leash import Leash
from tests.faults.load import TEXT
from tests.faults.parts import Keeper, Part, compiled
from tests.faults.ports import free_port
from tests.faults.schedule import CLOCKS, DATABASE, EMBEDDED, PARTS, SMALL_DISK
from tests.faults.times import Times, sweep

ROOT = Path(__file__).resolve().parents[2]
KEY = "a secret key for tests that is long enough to be one"
AUDIENCE, TAG = "practice", "customer"
START_SECONDS = 60.0
BY_OAUTH = {"hubspot"}
"""Accounts that are logged in to by OAuth; the others with keys."""
WORDS = {"hub": ["up"], "worker-1": ["worker"], "worker-2": ["worker"], "clock": ["clock"]}


@dataclass
class Site:
    """A hub that runs, with the practice accounts connected and the recipe on."""

    kind: str
    folder: Path
    times: Times
    disk: Disk
    providers: providers.Providers
    keeper: Keeper
    settings: Settings
    environment: Mapping[str, str]
    postgres: servers.Server | None = None
    redis: servers.Server | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.settings.port}"

    @property
    def machines(self) -> list[str]:
        return [*PARTS[self.kind], *([DATABASE] if self.postgres else [])]

    def lacking(self) -> set[str]:
        """What this machine cannot do, so that the faults that need it are left out."""
        lacks = set() if self.times.library else {CLOCKS}
        return lacks | (set() if self.disk.is_small or self.kind != EMBEDDED else {SMALL_DISK})

    def answers(self, path: str) -> bool:
        try:
            return requests.get(self.url + path, timeout=5).status_code == 200
        except requests.RequestException:
            return False

    def command(self, *words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """`hub …` on the machine of the person who looks after this hub, whose clock is right. Raises RuntimeError with
        what it said, if it is to be checked."""
        done = subprocess.run(
            [sys.executable, "-m", "hub.cli", *words],
            cwd=ROOT,
            env={**os.environ, **self.environment, **self.times.environment("desk")},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        if check and done.returncode != 0:
            raise RuntimeError(f"hub {' '.join(words)} ended with {done.returncode}: {done.stdout}{done.stderr}")
        return done

    def json(self, *words: str) -> Any:
        return json.loads(self.command(*words, "--json").stdout)

    def connect(self, connector: str) -> bool:
        """Connects an account, again if it was connected before; says whether that was possible."""
        if connector in BY_OAUTH:
            return self._log_in(connector)
        fields = {**services()[connector].account, "base_url": f"{self.providers.address}/{connector}"}
        words = [f"{name}={value}" for name, value in fields.items()]
        return self.command("connect", connector, *words, check=False).returncode == 0

    def _log_in(self, connector: str) -> bool:
        try:
            with self.hub() as (hub, workspace):
                log_in(hub, workspace, connector, self.providers.address)
        except (HubError, DBAPIError, requests.RequestException):
            return False
        return True

    def log(self) -> str:
        return "".join(part.log.read_text(errors="replace") for part in self.keeper.parts.values())

    @contextmanager
    def hub(self) -> Iterator[tuple[Hub, Workspace]]:
        """The hub's own eyes, in this process."""
        hub = Hub(self.settings)
        try:
            yield hub, hub.workspaces.named(None)
        finally:
            hub.close()

    def door(self) -> dict[str, str]:
        """Where each connector's events are delivered to."""
        with self.hub() as (hub, workspace):
            found = hub.connections.list(workspace)
            return {connection.connector.name: hub.connections.webhook_url(connection) for connection in found}


def log_in(hub: Hub, workspace: Workspace, connector: str, address: str) -> str | None:
    """Logs in to a practice account by OAuth, as its owner does who says yes; gives the trouble with its events."""
    url = begin(hub, workspace, connector, {"base_url": f"{address}/{connector}"}, "a session")
    back = requests.post(url, data={"answer": "allow"}, allow_redirects=False, timeout=30)
    back.raise_for_status()
    query = parse_qsl(urlsplit(back.headers["Location"]).query)
    return finish(hub, connector, query, "a session").trouble


@contextmanager
def running(kind: str) -> Iterator[Site]:
    """A hub of a kind. Raises RuntimeError or TimeoutError with its log if it does not start."""
    with ExitStack() as ending:
        leash = Leash()
        ending.callback(leash.close)
        folder, times, disk = Path(tempfile.mkdtemp(prefix="regulars-faults-", dir="/tmp")), Times(), Disk()
        for each in (folder, times.folder, disk.folder):
            leash.folder(each)
        ending.callback(sweep)
        served = ending.enter_context(
            providers.serving({**compiled(), **times.environment("providers")}, folder / "providers.log")
        )
        postgres = redis = None
        if kind != EMBEDDED:
            postgres = ending.enter_context(servers.own_postgres(times.environment(DATABASE)))
            redis = ending.enter_context(servers.own_redis())
        settings = _settings(disk.folder, postgres, redis)
        environment = _environment(settings)
        parts = [
            Part(
                name,
                WORDS.get(name, [name]),
                {**environment, **times.environment(name)},
                folder / f"{name}.log",
                leash.process,
            )
            for name in PARTS[kind]
        ]
        keeper = Keeper(parts)
        ending.callback(keeper.close)
        site = Site(kind, folder, times, disk, served, keeper, settings, environment, postgres, redis)
        _begin(site)
        yield site


def _settings(home: Path, postgres: servers.Server | None, redis: servers.Server | None) -> Settings:
    port = free_port()
    return Settings(
        home=home,
        database_url=postgres.url if postgres else None,
        redis_url=redis.url if redis else None,
        secret_key=KEY,
        public_url=f"http://127.0.0.1:{port}",
        port=port,
    )


def _environment(settings: Settings) -> dict[str, str]:
    # Nothing of the environment of whoever runs this may leak into the hub.
    return {
        "HUB_HOME": str(settings.home),
        "DATABASE_URL": settings.database_url or "",
        "REDIS_URL": settings.redis_url or "",
        "HUB_SECRET_KEY": KEY,
        "PUBLIC_URL": settings.public_url,
        "PORT": str(settings.port),
        **compiled(),
    }


def _begin(site: Site) -> None:
    first, *others = site.keeper.parts.values()
    first.start()  # alone, so that the tables are made once
    providers.wait(site.providers)
    try:
        servers.until(lambda: site.answers("/healthz"), START_SECONDS, "The start of the hub")
    except TimeoutError as error:
        raise TimeoutError(f"{error}\n{site.log()[-2000:]}") from None
    for part in others:
        part.start()
    with_accounts = Hub(site.settings)
    try:
        workspace = with_accounts.workspaces.add("Practice")
        for name, service in services().items():
            fields = {**service.account, "base_url": f"{site.providers.address}/{name}"}
            if name in BY_OAUTH:
                trouble = log_in(with_accounts, workspace, name, site.providers.address)
            else:
                _, trouble = with_accounts.connections.connect(workspace, name, fields)
            assert trouble is None, trouble
        with_accounts.enabled.enable(workspace, "order_thanks", {"audience": AUDIENCE, "tag": TAG, "text": TEXT})
    finally:
        with_accounts.close()
    servers.until(lambda: site.answers("/readyz"), START_SECONDS, "The hub being ready")
