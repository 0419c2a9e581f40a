"""The ground that the other tests stand on."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
import redis
import requests
import sqlalchemy

from tests import servers
from tests.conftest import NetworkForbidden

ROOT = Path(__file__).resolve().parents[1]

HOLD = """
import sys
from tests import servers
with servers.postgres_server() as url:
    print(url.partition("host=")[2], flush=True)
    sys.stdin.read()
"""


def test_every_test_gets_an_empty_database(database_url: str) -> None:
    engine = sqlalchemy.create_engine(database_url)
    with engine.begin() as connection:
        connection.execute(sqlalchemy.text("CREATE TABLE guests (name TEXT)"))
        connection.execute(sqlalchemy.text("INSERT INTO guests VALUES ('Ada')"))
        assert connection.execute(sqlalchemy.text("SELECT name FROM guests")).scalar_one() == "Ada"
    engine.dispose()


def test_a_database_is_a_copy_of_its_template_and_is_dropped_afterwards(postgres_url: str) -> None:
    with servers.database(postgres_url) as template_url:
        with psycopg.connect(template_url.replace("+psycopg", "")) as connection:
            connection.execute("CREATE TABLE guests (name TEXT)")
        template = sqlalchemy.make_url(template_url).database
        assert template is not None
        with servers.database(postgres_url, template) as url:
            copy = url.replace("+psycopg", "")
            with psycopg.connect(copy) as connection:
                assert connection.execute("SELECT count(*) FROM guests").fetchone() == (0,)
    with pytest.raises(psycopg.OperationalError, match="does not exist"):
        psycopg.connect(copy)


@pytest.mark.parametrize("turn", ["first", "second"])
def test_every_test_gets_an_empty_redis(redis_url: str, turn: str) -> None:
    with redis.Redis.from_url(redis_url) as client:
        assert client.dbsize() == 0
        client.set(turn, "here")


def test_a_server_and_its_files_are_gone_after_the_test_process_was_killed() -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout is not None
    folder = Path(holder.stdout.readline().strip())
    server = int((folder / "data" / "postmaster.pid").read_text().split()[0])
    holder.send_signal(signal.SIGKILL)
    holder.communicate()
    servers.until(lambda: not folder.exists(), says="The removal of the server's files")
    with pytest.raises(ProcessLookupError):
        os.kill(server, 0)


@pytest.mark.parametrize("end", ["stop", "kill"])
def test_a_postgres_that_comes_back_has_its_address_and_its_data(end: str) -> None:
    with servers.own_postgres() as server:
        url = server.url.replace("+psycopg", "")
        with psycopg.connect(url) as connection:
            connection.execute("CREATE TABLE guests AS SELECT 'Ada' AS name")
        getattr(server, end)()
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(url)
        server.start()
        with psycopg.connect(url) as connection:
            assert connection.execute("SELECT name FROM guests").fetchall() == [("Ada",)]


def test_a_redis_that_comes_back_has_its_address_and_is_empty() -> None:
    with servers.own_redis() as server, redis.Redis.from_url(server.url) as client:
        client.set("guest", "Ada")
        server.kill()
        with pytest.raises(redis.ConnectionError):
            client.ping()
        server.start()
        assert client.dbsize() == 0


def test_a_machine_without_redis_is_told_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(servers, "_package", lambda name: None)
    monkeypatch.setattr(servers.shutil, "which", lambda name: None)
    with pytest.raises(servers.ServerMissing, match="Install redis-server"), servers.redis_server():
        pytest.fail("A Redis seemed to run.")


def test_a_server_that_cannot_start_says_why(tmp_path: Path) -> None:
    folder = tmp_path / "server"
    folder.mkdir()
    plan = {
        "folder": folder,
        "url": "never",
        "prepare": [[sys.executable, "-c", "import sys; sys.exit('the disk is full')"]],
        "serve": ["never"],
        "ready": lambda: False,
    }
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(servers, "USER", None)
        with pytest.raises(RuntimeError, match="the disk is full"), servers._guarded(**plan):
            pytest.fail("The server seemed to run.")


@pytest.mark.parametrize("url", ["http://example.com/", "http://192.0.2.1/"])
def test_a_test_that_reaches_for_the_network_is_told_so(url: str) -> None:
    with pytest.raises(NetworkForbidden, match="practice service"):
        requests.get(url, timeout=1)


def test_addresses_of_this_machine_can_be_reached() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        socket.create_connection(server.getsockname()).close()
        socket.create_connection(("localhost", server.getsockname()[1])).close()


def test_waiting_for_what_never_comes_ends_with_a_sentence() -> None:
    with pytest.raises(TimeoutError, match="The tide did not come true within 0.01 seconds"):
        servers.until(lambda: False, 0.01, "The tide")
