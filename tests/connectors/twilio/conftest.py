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
    return serving.new_books(service, server)


@pytest.fixture
def connect(server: RecordingServer) -> Iterator[Callable[..., Client]]:
    """Makes clients of the practice account."""
    given = {**service.account, "auth_token": [service.account["auth_token"]], "base_url": server.base_url}
    with serving.clients(twilio.connect, given) as made:
        yield made


@pytest.fixture
def client(connect: Callable[..., Client]) -> Client:
    return connect()


@pytest.fixture
def inbox() -> Iterator[Inbox]:
    with serving.visited(Inbox(204), "/webhooks/twilio/c-1") as held:
        yield held
