"""The practice service over real HTTP, clients of it, and a hub that only keeps what it is sent."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from connectors import twilio
from connectors.twilio.client import Client
from connectors.twilio.practice import service
from tests.connectors import serving
from tests.connectors.contract import RecordingServer
from tests.connectors.serving import Inbox


@pytest.fixture(scope="session")
def server() -> Iterator[RecordingServer]:
    with serving.recorded("twilio", service) as running:
        yield running


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


@pytest.fixture
def inbox() -> Iterator[Inbox]:
    held = Inbox(204)
    with serving.listening(held) as address:
        held.url = f"{address}/webhooks/twilio/c-1"
        yield held
