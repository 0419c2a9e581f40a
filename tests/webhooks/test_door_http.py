"""The door over real HTTP, as a process of its own: what is on the wire, what survives its death, and two at once."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from hub import schema
from tests import servers
from tests.servers import until
from tests.webhooks.door import CANARY, Door
from tests.world import KEY, World
from webhooks.receiver import MOST_BYTES

ROOT = Path(__file__).resolve().parents[2]
Answer = tuple[int, bytes, dict[str, str]]


class Web:
    """`hub web` on the database of a world, and calls to it."""

    def __init__(self, world: World, log: Path) -> None:
        self.log = log
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port: int = free.getsockname()[1]
        environment = {name: value for name, value in os.environ.items() if name in ("PATH", "PYTHONPATH", "LANG")}
        environment |= {
            "HUB_HOME": str(world.settings.home),
            "DATABASE_URL": world.settings.database,
            "HUB_SECRET_KEY": KEY,
            "PUBLIC_URL": world.settings.public_url,
            "PORT": str(self.port),
        }
        with log.open("ab") as out:
            command = [sys.executable, "-m", "hub.cli", "web", "--host", "127.0.0.1"]
            self.process = subprocess.Popen(command, env=environment, cwd=ROOT, stdout=out, stderr=out)
        until(self._answers, 30, "An answer of the web part")

    def _answers(self) -> bool:
        assert self.process.poll() is None, self.log.read_text()
        try:
            return self.call("GET", "/healthz")[0] == 200
        except OSError:
            return False

    def call(self, method: str, path: str, body: Any = None, headers: Any = None, **more: Any) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(method, path, body, headers or {}, **more)
            answer = connection.getresponse()
            return answer.status, answer.read(), dict(answer.getheaders())
        finally:
            connection.close()

    def raw(self, text: bytes, *, then_close: bool = False) -> bytes:
        """Whatever comes back for these bytes."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=30) as connection:
            connection.sendall(text)
            if then_close:
                connection.shutdown(socket.SHUT_WR)
            return connection.recv(65536)

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(10)

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(30)


@contextmanager
def web(world: World, tmp_path: Path) -> Iterator[Web]:
    served = Web(world, tmp_path / "web.log")
    try:
        yield served
    finally:
        if served.process.poll() is None:
            served.stop()
        assert CANARY not in served.log.read_text()


@pytest.fixture
def file_world(tmp_path: Path) -> Iterator[World]:
    made = World(f"sqlite:///{tmp_path / 'hub.db'}", tmp_path / "home")
    yield made
    made.close()


def stored(world: World) -> int:
    with world.hub.database.read() as connection:
        return connection.execute(sa.select(sa.func.count()).select_from(schema.delivery)).scalar_one()


def chunked(size: int) -> Iterator[bytes]:
    yield b'"'
    for start in range(0, size - 2, 65536):
        yield b"a" * min(65536, size - 2 - start)
    yield b'"'


def test_the_door_keeps_to_its_answers_on_the_wire(file_world: World, tmp_path: Path) -> None:
    door = Door(file_world)
    headers, body = door.order()
    path = door.path("shopify")
    with web(file_world, tmp_path) as served:
        assert served.call("POST", path, body, headers)[:2] == (200, b"")
        assert served.call("POST", path, iter([body]), headers, encode_chunked=True)[0] == 200  # the same in chunks
        assert stored(file_world) == 1

        text_headers, text_body = door.text()
        status, twiml, answered = served.call("POST", door.path("twilio"), text_body, text_headers)
        assert (status, answered["content-type"]) == (200, "text/xml")
        assert twiml.endswith(b"<Response></Response>")
        member_headers, member_body = door.member()
        assert served.call("POST", door.path("mailchimp"), member_body, member_headers)[0] == 200
        assert stored(file_world) == 3

        assert served.call("POST", path, body.replace(b"1", b"2", 1), headers)[0] == 401
        broken_headers, broken = door.json(b"{")
        assert served.call("POST", path, broken, broken_headers)[0] == 400
        assert served.call("POST", "/webhooks/shopify/0123456789abcdef", body, headers)[0] == 404
        assert served.call("PUT", path, body, headers)[0] == 405
        for name in ("shopify", "mailchimp"):
            assert served.call("GET", door.path(name))[0] == 200
            assert served.call("HEAD", door.path(name))[:2] == (200, b"")
        assert served.call("HEAD", "/webhooks/shopify/0123456789abcdef")[0] == 404
        assert stored(file_world) == 3


def test_bodies_without_end_are_refused_and_the_largest_allowed_is_kept(file_world: World, tmp_path: Path) -> None:
    door = Door(file_world)
    path = door.path("shopify")
    headers, largest = door.json(b"".join(chunked(MOST_BYTES)))
    with web(file_world, tmp_path) as served:
        assert served.call("POST", path, largest, headers)[0] == 200
        assert served.call("POST", path, chunked(MOST_BYTES), headers, encode_chunked=True)[0] == 200
        assert stored(file_world) == 2
        # Whoever announces too much is told so before sending it.
        announced = f"POST {path} HTTP/1.1\r\nHost: hub\r\nContent-Length: {MOST_BYTES + 1}\r\n\r\n"
        assert served.raw(announced.encode()).startswith(b"HTTP/1.1 413 ")
        # Nine megabytes in chunks, whose end never comes.
        endless = f"POST {path} HTTP/1.1\r\nHost: hub\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
        endless += b"".join(b"100000\r\n" + b"a" * 0x100000 + b"\r\n" for _ in range(9))
        assert served.raw(endless).startswith(b"HTTP/1.1 413 ")
        assert stored(file_world) == 2


def test_of_a_delivery_that_breaks_off_nothing_is_kept(file_world: World, tmp_path: Path) -> None:
    door = Door(file_world)
    headers, body = door.member()
    lines = [f"{name}: {value}" for name, value in {**headers, "Host": "hub", "Content-Length": str(len(body))}.items()]
    start = "\r\n".join([f"POST {door.path('mailchimp')} HTTP/1.1", *lines, "", ""]).encode()
    with web(file_world, tmp_path) as served:
        for cut in (1, len(body) // 2, len(body) - 1):
            answer = served.raw(start + body[:cut], then_close=True)
            assert answer == b"" or answer.startswith(b"HTTP/1.1 400 ")
        assert served.call("POST", door.path("mailchimp"), body, headers)[0] == 200
    assert stored(file_world) == 1


def test_what_was_answered_is_in_the_file_whenever_the_process_is_killed(file_world: World, tmp_path: Path) -> None:
    door = Door(file_world)
    path = door.path("shopify")
    signed = [door.order(number, event_id=f"e-{number}", webhook_id=f"w-{number}") for number in range(3000)]
    acknowledged: list[int] = []
    enough = threading.Event()

    def post_until_it_dies(first: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=30)
        for number in range(first, len(signed), 16):
            headers, body = signed[number]
            try:
                connection.request("POST", path, body, headers)
                answer = connection.getresponse()
                answer.read()
            except (OSError, http.client.HTTPException):
                return
            assert answer.status == 200
            acknowledged.append(number)
            if len(acknowledged) > 200:
                enough.set()

    with web(file_world, tmp_path) as served, ThreadPoolExecutor(16) as pool:
        posting = [pool.submit(post_until_it_dies, first) for first in range(16)]
        assert enough.wait(60)
        served.kill()
        for one in posting:
            one.result(30)
    assert len(acknowledged) < len(signed)  # it was killed while they were posting
    connection = door.connection("shopify")
    with file_world.hub.database.read() as reading:
        kept = {bytes(key) for key in reading.execute(sa.select(schema.seen_key.c.hash)).scalars()}
    keys = [file_world.workspace.hash("delivery", connection.id, f"webhook:w-{number}") for number in acknowledged]
    assert set(keys) <= kept

    before = stored(file_world)
    with web(file_world, tmp_path) as served:
        for number in acknowledged[-5:]:
            assert served.call("POST", path, signed[number][1], signed[number][0])[0] == 200
    assert stored(file_world) == before >= len(acknowledged)


def test_two_processes_on_one_database_keep_each_delivery_once(postgres_url: str, tmp_path: Path) -> None:
    with servers.database(postgres_url) as url:
        world = World(url, tmp_path / "home")
        door = Door(world)
        path, signed = door.path("shopify"), [door.order(number) for number in range(60)]
        with web(world, tmp_path) as one, web(world, tmp_path) as other, ThreadPoolExecutor(8) as pool:

            def post_all(number: int) -> set[int]:
                served, order = (one, other)[number % 2], signed[:: 1 if number % 4 < 2 else -1]
                return {served.call("POST", path, body, headers)[0] for headers, body in order}

            assert set().union(*pool.map(post_all, range(8))) == {200}
        assert stored(world) == 60
        world.close()
