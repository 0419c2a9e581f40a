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
    return serving.new_books(service, server)


@pytest.fixture
def connect(server: RecordingServer) -> Iterator[Callable[..., Client]]:
    """Makes clients of the practice tool."""
    given = {**service.account, "signing_secret": [service.account["signing_secret"]], "base_url": server.base_url}
    with serving.clients(webhook.connect, given) as made:
        yield made


@pytest.fixture
def client(connect: Callable[..., Client]) -> Client:
    return connect()


@pytest.fixture
def inbox() -> Iterator[Inbox]:
    with serving.visited(Inbox(), "/webhooks/webhook/c-1") as held:
        yield held
