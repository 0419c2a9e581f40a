"""What every test may ask for. No test reaches the network: only this machine's own addresses can be called."""

from __future__ import annotations

import ipaddress
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

from hub import registry
from hub.practice.server import PracticeServer
from tests import servers, telling
from tests.carriers import ByRedis, ByThreads, Carrier
from tests.prepared import Prepared
from tests.world import World


class NetworkForbidden(RuntimeError):
    """Not an OSError, so that no code under test takes it for a service that is down."""


def _is_here(host: Any) -> bool:
    name = host.decode() if isinstance(host, bytes) else host
    if name in (None, "", "localhost"):
        return True
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified


def _refuse(host: Any) -> None:
    if not _is_here(host):
        raise NetworkForbidden(f"A test tried to reach {host}. Use a practice service, or an address of this machine.")


@pytest.fixture(scope="session", autouse=True)
def _no_network() -> Iterator[None]:
    look_up, connect, connect_ex = socket.getaddrinfo, socket.socket.connect, socket.socket.connect_ex

    def guarded(call: Any) -> Any:
        def calling(self: socket.socket, address: Any) -> Any:
            if self.family in (socket.AF_INET, socket.AF_INET6):
                _refuse(address[0])
            return call(self, address)

        return calling

    def looking_up(host: Any, *args: Any, **kwargs: Any) -> Any:
        _refuse(host)
        return look_up(host, *args, **kwargs)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket, "getaddrinfo", looking_up)
        patch.setattr(socket.socket, "connect", guarded(connect))
        patch.setattr(socket.socket, "connect_ex", guarded(connect_ex))
        yield


@pytest.fixture(scope="session")
def redis_server() -> Iterator[str]:
    """The URL of a real Redis that lasts for all tests. A test asks for `redis_url`, which is empty."""
    try:
        with servers.redis_server() as url:
            yield url
    except servers.ServerMissing as missing:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip(str(missing))


@pytest.fixture
def redis_url(redis_server: str) -> str:
    """The URL of a real Redis with nothing in it."""
    with redis.Redis.from_url(redis_server) as client:
        client.flushall()
    return redis_server


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """The URL of a real PostgreSQL that lasts for all tests; `servers.database` makes databases in it."""
    with servers.postgres_server() as url:
        yield url


@pytest.fixture(scope="session")
def postgres_database(postgres_url: str) -> Iterator[str]:
    """The URL of the one database on PostgreSQL that tests have after one another. They ask for `database_url`."""
    with servers.database(postgres_url) as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of an empty database, once on SQLite and once on PostgreSQL."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'hub.db'}"
    else:
        url = request.getfixturevalue("postgres_database")
        yield url
        servers.empty(url)


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    """Makes the hub's tables in an empty database, more quickly than migrations do."""
    return Prepared(tmp_path_factory.mktemp("prepared"))


@pytest.fixture(scope="session")
def by_redis(redis_server: str) -> ByRedis:
    """One for all tests, as its sender is a thread that lasts as long as the process."""
    return ByRedis(redis_server)


@pytest.fixture(params=["threads", "rq"])
def carrier(request: pytest.FixtureRequest) -> Iterator[Carrier]:
    """What carries wake-ups: once threads of this process, once RQ on a real Redis."""
    if request.param == "threads":
        yield ByThreads()
    else:
        request.getfixturevalue("redis_url")
        carrying = request.getfixturevalue("by_redis")
        yield carrying
        carrying.take()


@pytest.fixture
def practice() -> Iterator[str]:
    """The address of practice services that begin anew; each is at `/<connector>` there."""
    server = PracticeServer()
    for service in server.services.values():
        service.reset()
    yield server.start()
    server.stop()


@pytest.fixture
def telling_known(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The connector `telling` is known besides ours, and no recipe but what a test makes known."""
    known = registry._modules("regulars.connectors") | {"telling": "tests.telling"}
    monkeypatch.setattr(registry, "_modules", lambda group: known if group.endswith("connectors") else {})
    caches = registry.connector, registry.recipes
    for cache in caches:
        cache.cache_clear()
    telling.provider.__init__()  # type: ignore[misc]
    yield
    for cache in caches:
        cache.cache_clear()


@pytest.fixture
def world(
    database_url: str, carrier: Carrier, prepared: Prepared, tmp_path: Path, telling_known: None
) -> Iterator[World]:
    """A hub with the connector `telling` known: on SQLite and on PostgreSQL, woken by threads and through Redis."""
    prepared.fill(database_url)
    made = World(database_url, tmp_path / "home", carrier)
    yield made
    made.close()
