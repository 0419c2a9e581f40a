"""The practice tool over real HTTP, and clients of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from connectors import webhook
from connectors.webhook.client import Client
from connectors.webhook.practice import service
from tests.connectors import serving
from tests.connectors.contract import RecordingServer
from tests.connectors.serving import Inbox


@pytest.fixture(scope="session")
def server() -> Iterator[RecordingServer]:
    with serving.recorded("webhook", service) as running:
        yield running


@pytest.fixture(autouse=True)
def books(server: RecordingServer) -> dict[str, Any]:
    """The books of a new practice tool."""
    service.reset()
    server.exchanges.clear()
    return service.books


@pytest.fixture
def connect(server: RecordingServer) -> Iterator[Callable[..., Client]]:
    """Makes clients of the practice tool; a field of another value replaces the account's own."""
    made: list[Client] = []

    def connect(**fields: Any) -> Client:
        given = {**service.account, "signing_secret": [service.account["signing_secret"]], "base_url": server.base_url}
        made.append(webhook.connect(**(given | fields)))
        return made[-1]

    yield connect
    for client in made:
        if client.session is not None:
            client.session.close()


@pytest.fixture
def client(connect: Callable[..., Client]) -> Client:
    return connect()


@pytest.fixture
def inbox() -> Iterator[Inbox]:
    held = Inbox()
    with serving.listening(held) as address:
        held.url = f"{address}/webhooks/webhook/c-1"
        yield held
