"""A practice HubSpot behind a real socket, and clients of it."""

import pytest
import requests

from connectors import hubspot
from connectors.hubspot import practice
from tests.connectors.serving import recorded


@pytest.fixture
def service():
    practice.service.reset()
    yield practice.service
    practice.service.reset()


@pytest.fixture(scope="session")
def running_server():
    with recorded("hubspot", practice.service) as running:
        yield running


@pytest.fixture
def server(running_server, service):
    running_server.exchanges.clear()
    return running_server


@pytest.fixture
def client(server):
    return hubspot.connect(access_token=practice.TOKEN, base_url=server.base_url)


@pytest.fixture
def contact_id(client):
    """A contact that is there, ada@example.com."""
    return hubspot.upsert_contact.perform(client, "ada@example.com", first_name="Ada")["id"]


@pytest.fixture
def call(server):
    """Any call to the practice service, logged in as the app, or as the developer for the app's own settings."""

    def made(method, path, body=None):
        headers = {"Authorization": f"Bearer {practice.TOKEN}"}
        query = {"hapikey": practice.DEVELOPER_KEY} if path.startswith("/webhooks/") else None
        return requests.request(method, server.base_url + path, json=body, headers=headers, params=query, timeout=5)

    return made
