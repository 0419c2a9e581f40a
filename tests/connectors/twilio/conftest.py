"""The practice service over real HTTP, clients of it, and a hub that only keeps what it is sent."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from werkzeug.serving import make_server
from werkzeug.wrappers import Request, Response

from connectors import twilio
from connectors.twilio.client import Client
from connectors.twilio.practice import service
from hub import Delivery
from tests.connectors.contract import RecordingServer


@pytest.fixture(scope="session")
def server() -> Iterator[RecordingServer]:
    running = RecordingServer({"twilio": service})
    running.base_url = running.start() + "/twilio"
    yield running
    running.stop()


@pytest.fixture(autouse=True)
def books(server: RecordingServer) -> dict[str, Any]:
    """The books of a new practice account."""
    service.reset()
    server.exchanges.clear()
    return service.books


@pytest.fixture
def connect(server: RecordingServer) -> Iterator[Callable[..., Client]]:
    """Makes clients of the practice account; a field of another value replaces the account's own."""
    made: list[Client] = []

    def connect(**fields: Any) -> Client:
        given = {**service.account, "auth_token": [service.account["auth_token"]], "base_url": server.base_url}
        made.append(twilio.connect(**(given | fields)))
        return made[-1]

    yield connect
    for client in made:
        client.session.close()


@pytest.fixture
def client(connect: Callable[..., Client]) -> Client:
    return connect()


class Inbox:
    """A webhook address that answers 204 and keeps what came, or answers what it is told to."""

    def __init__(self) -> None:
        self.url = ""
        self.came: queue.Queue[Delivery] = queue.Queue()
        self.answers: list[int] = []

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
        request = Request(environ)
        headers = {name.lower(): value for name, value in request.headers.items()}
        body = request.get_data()
        self.came.put(Delivery(request.method, request.url, headers, body, datetime.now(UTC)))
        return Response(status=self.answers.pop(0) if self.answers else 204)(environ, start_response)

    def take(self, count: int = 1) -> list[Delivery]:
        """The next deliveries; queue.Empty if they do not come."""
        return [self.came.get(timeout=10) for _ in range(count)]


@pytest.fixture
def inbox() -> Iterator[Inbox]:
    held = Inbox()
    running = make_server("127.0.0.1", 0, held, threaded=True)
    held.url = f"http://127.0.0.1:{running.server_port}/webhooks/twilio/c-1"
    thread = threading.Thread(target=running.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield held
    running.shutdown()
    thread.join()
    running.server_close()
