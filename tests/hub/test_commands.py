"""Commands as sentences name them: they can be copied into a shell, and do what the sentence says."""

from __future__ import annotations

import shlex
from typing import Any

import pytest

from hub import commands, registry
from hub.connections import Connection
from tests.world import World

HUB = "https://hub.example"


def connection(name: str, **fields: Any) -> Connection:
    return Connection("c1", 1, registry.connector(name), "My account", "needs_login", None, 0, fields)


@pytest.mark.parametrize("name", ["Mill", "Crumb & Co.", "Joe's $hop", "Bäckerei `Süß`"])
def test_a_workspaces_name_reaches_the_command_as_it_is(world: World, name: str) -> None:
    made = world.workspace if name == world.workspace.name else world.hub.workspaces.add(name)
    assert shlex.split(commands.option(made)) == ["-w", name]
    assert commands.option(made, several=False) == ""


def test_the_command_to_connect_again_has_all_that_tells_the_account_apart_and_no_secret() -> None:
    fields = {"account_sid": "AC1", "auth_token": ["canary"], "from_number": "+14155550100", "status_url": "canary"}
    again = commands.connect_again(connection("twilio", **fields), " -w Mill", HUB)
    assert again == "hub connect twilio -w Mill account_sid=AC1 auth_token=… from_number=+14155550100"


def test_an_account_at_an_address_of_its_own_is_connected_again_there() -> None:
    again = commands.connect_again(connection("hubspot", access_token="canary", base_url="http://x/a b"), "", HUB)
    assert again == "hub connect hubspot access_token=… 'base_url=http://x/a b'"


def test_whoever_signed_in_at_the_provider_is_sent_to_the_page_where_that_is_done_again() -> None:
    login = {"client_id": "x", "issued_at": 0, "expires_at": None, "refresh_token": "canary"}
    again = commands.connect_again(connection("hubspot", access_token="canary", oauth=login), " -w Mill", HUB)
    assert again == "https://hub.example/w/1/connections/c1/login"


def test_what_the_command_says_renews_the_account_and_makes_no_other(world: World) -> None:
    server = world.practice()
    for made in world.hub.connections.list(world.workspace):
        service = server.services[made.connector.name]
        words = shlex.split(commands.connect_again(made, "", HUB))[3:]
        given = dict(word.split("=", 1) for word in words)
        filled = {name: service.account[name] if value == "…" else value for name, value in given.items()}
        assert world.connect(made.connector.name, **filled).id == made.id
