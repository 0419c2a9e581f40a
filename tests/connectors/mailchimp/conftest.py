"""The practice service over real HTTP, a client of it, and an address that keeps what webhooks bring."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from werkzeug.serving import make_server
from werkzeug.wrappers import Request, Response

from connectors import mailchimp
from connectors.mailchimp.client import Client
from connectors.mailchimp.practice import service
from hub.delivery import Delivery
from tests.connectors.contract import RecordingServer


@pytest.fixture(scope="session")
def server() -> Iterator[RecordingServer]:
    running = RecordingServer({"mailchimp": service})
    running.base_url = running.start() + "/mailchimp"
    yield running
    running.stop()


@pytest.fixture(autouse=True)
def books(server: RecordingServer) -> dict[str, Any]:
    """The books of a new practice account."""
    service.reset()
    server.exchanges.clear()
    return service.books


@pytest.fixture
def client(server: RecordingServer) -> Client:
    return mailchimp.connect(base_url=server.base_url, **service.account)


def base(client: Client) -> str:
    """The address of the service that a client calls."""
    return str(client.lists.api_client.host).removesuffix("/3.0")


def members(books: dict[str, Any], list_id: str = "practice") -> dict[str, Any]:
    """The members of an audience by their addresses."""
    return {member["email_address"]: member for member in books["lists"][list_id]["members"].values()}


def paths() -> list[tuple[str, str]]:
    """The calls that the practice service received, oldest first."""
    return [(call["method"], call["path"]) for call in service.calls]


class Inbox:
    """A webhook address: answers a visit with `status`, and keeps every delivery."""

    def __init__(self) -> None:
        self.url = ""
        self.status = 200
        self.came: queue.Queue[Delivery] = queue.Queue()

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        request = Request(environ)
        headers = {name.lower(): value for name, value in request.headers.items()}
        body = request.get_data()
        if request.method == "POST":
            self.came.put(Delivery(request.method, request.url, headers, body, datetime.now(UTC)))
        return Response(status=self.status)(environ, start_response)

    def take(self) -> Delivery:
        """The next delivery; queue.Empty if none comes."""
        return self.came.get(timeout=10)


@pytest.fixture
def inbox() -> Iterator[Inbox]:
    held = Inbox()
    running = make_server("127.0.0.1", 0, held, threaded=True)
    held.url = f"http://127.0.0.1:{running.server_port}/webhooks/mailchimp/c-1?key=u-1"
    thread = threading.Thread(target=running.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield held
    running.shutdown()
    thread.join()
    running.server_close()
