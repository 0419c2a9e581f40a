"""A practice shop on a real socket, a client of it, and a receiver of its webhooks."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from werkzeug.wrappers import Request, Response

from connectors import shopify
from connectors.shopify.client import Client
from connectors.shopify.practice import service
from hub.delivery import Delivery
from tests.connectors import serving
from tests.connectors.contract import RecordingServer


@pytest.fixture(scope="session")
def server() -> Iterator[RecordingServer]:
    with serving.recorded("shopify", service) as running:
        running.address = running.base_url
        yield running


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
        self.url = ""
        self.deliveries: list[Delivery] = []
        self.status = 200
        self._come = threading.Condition()

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
        delivery = serving.received(environ)
        with self._come:
            self.deliveries.append(delivery)
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


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    with serving.listening(made) as address:
        made.url = f"{address}/webhooks/shopify/7f3a"
        yield made


@pytest.fixture
def responses_from() -> Iterator[Callable[[str], str]]:
    """Serves one body with status 200 to every call: gives the address."""
    with ExitStack() as ending:

        def serve(body: str) -> str:
            answer = Response(body, mimetype="application/json")
            return ending.enter_context(serving.listening(Request.application(lambda request: answer)))

        yield serve
