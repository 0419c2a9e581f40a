"""A practice shop on a real socket, a client of it, and a receiver of its webhooks."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from werkzeug.serving import WSGIRequestHandler, make_server
from werkzeug.wrappers import Request, Response

from connectors import shopify
from connectors.shopify.client import Client
from connectors.shopify.practice import service
from hub.delivery import Delivery
from tests.connectors.contract import RecordingServer


@pytest.fixture(scope="session")
def server() -> Iterator[RecordingServer]:
    made = RecordingServer({"shopify": service})
    made.address = f"{made.start()}/shopify"
    yield made
    made.stop()


@pytest.fixture
def shop(server: RecordingServer) -> Iterator[Any]:
    """The practice service with the books of a new shop."""
    server.exchanges.clear()
    service.reset()
    yield service
    service.reset()


@pytest.fixture
def connect(shop: Any, server: RecordingServer) -> Callable[..., Client]:
    """Makes a client of the practice shop, with other fields where given."""

    def make(**fields: Any) -> Client:
        known = dict(shop.account) | {"webhook_secret": [shop.account["webhook_secret"]], "base_url": server.address}
        return shopify.connect(**known | fields)

    return make


@pytest.fixture
def client(connect: Callable[..., Client]) -> Client:
    return connect()


class Receiver:
    """Takes webhooks as a hub would, and answers `status`."""

    def __init__(self) -> None:
        self.deliveries: list[Delivery] = []
        self.status = 200
        self._come = threading.Condition()
        self._server = make_server("127.0.0.1", 0, self, threaded=True, request_handler=_Quiet)
        self.url = f"http://127.0.0.1:{self._server.server_port}/webhooks/shopify/7f3a"
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
        request = Request(environ)
        headers = {name.lower(): value for name, value in request.headers.items()}
        with self._come:
            self.deliveries.append(Delivery("POST", request.url, headers, request.get_data(), datetime.now(UTC)))
            status = self.status
            self._come.notify_all()
        return Response(status=status)(environ, start_response)

    def wait_for(self, *topics: str) -> dict[str, Delivery]:
        """The deliveries by topic, once there is one of each."""
        self.wait_until(lambda: set(topics) <= self._by_topic().keys())
        return self._by_topic()

    def wait_until(self, condition: Callable[[], bool], seconds: float = 10) -> None:
        with self._come:
            if not self._come.wait_for(condition, seconds):
                raise AssertionError(f"What should have come did not. These came: {sorted(self._by_topic())}.")

    def _by_topic(self) -> dict[str, Delivery]:
        return {delivery.headers["x-shopify-topic"]: delivery for delivery in self.deliveries}

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Quiet(WSGIRequestHandler):
    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        pass


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.stop()


@pytest.fixture
def responses_from() -> Iterator[Callable[[str], str]]:
    """Serves one body with status 200 to every call: gives the address."""
    servers = []

    def serve(body: str) -> str:
        answer = Response(body, mimetype="application/json")
        made = make_server("127.0.0.1", 0, Request.application(lambda request: answer), request_handler=_Quiet)
        servers.append(made)
        threading.Thread(target=made.serve_forever, args=(0.01,), daemon=True).start()
        return f"http://127.0.0.1:{made.server_port}"

    yield serve
    for made in servers:
        made.shutdown()
        made.server_close()
