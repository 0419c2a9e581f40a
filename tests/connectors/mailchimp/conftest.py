"""The practice service over real HTTP, a client of it, and an address that keeps what webhooks bring."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from connectors import mailchimp
from connectors.mailchimp.client import Client
from connectors.mailchimp.practice import service
from hub.delivery import Delivery
from tests.connectors import serving
from tests.connectors.contract import RecordingServer


@pytest.fixture(scope="session")
def server() -> Iterator[RecordingServer]:
    with serving.recorded("mailchimp", service) as running:
        yield running


@pytest.fixture(autouse=True)
def books(server: RecordingServer) -> dict[str, Any]:
    """The books of a new practice account."""
    return serving.new_books(service, server)


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


class Inbox(serving.Inbox):
    """A webhook address that Mailchimp visits before it posts."""

    def take(self) -> Delivery:  # type: ignore[override]
        """The next delivery; queue.Empty if none comes."""
        return super().take()[0]


@pytest.fixture
def inbox() -> Iterator[Inbox]:
    with serving.visited(Inbox(), "/webhooks/mailchimp/c-1?key=u-1") as held:
        yield held
