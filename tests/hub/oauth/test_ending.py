"""Disconnecting ends the login at the provider, too, where that can be asked for."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from hub import registry
from hub.connections import make_client
from hub.errors import LoginRefused, NotAuthorized
from hub.oauth import apps
from hub.oauth.ending import end_login
from tests.hub.oauth.going import Owner


def is_let_in(connection: Any) -> bool:
    check = connection.connector.function("check")
    try:
        check(make_client(connection.connector, connection.fields))
    except NotAuthorized:
        return False
    return True


@pytest.mark.parametrize("name", ["hubspot", "shopify"])
def test_what_is_kept_of_the_login_opens_nothing_any_more(owner: Owner, name: str) -> None:
    connection = owner.connect(name).connection
    assert is_let_in(connection)
    hub = owner.world.hub
    assert end_login(hub, hub.connections.disconnect(connection.id)) is None
    assert not is_let_in(connection)


def test_where_the_provider_cannot_be_asked_to_nothing_is_said(owner: Owner) -> None:
    hub = owner.world.hub
    assert end_login(hub, hub.connections.disconnect(owner.connect("mailchimp").connection.id)) is None


def test_an_account_that_is_connected_with_keys_has_no_login_to_end(owner: Owner) -> None:
    hub = owner.world.hub
    made = owner.world.connect("hubspot", **owner.server.services["hubspot"].account, base_url=f"{owner.base}/hubspot")
    assert end_login(hub, hub.connections.disconnect(made.id)) is None
    assert is_let_in(made)


def test_what_did_not_work_is_told_with_what_to_do(owner: Owner) -> None:
    connection, hub = owner.connect("hubspot").connection, owner.world.hub
    url = f"{owner.base}/_faults/hubspot"
    requests.post(url, json={"kind": "status", "status": 500, "times": 50}, timeout=5).raise_for_status()
    says = end_login(hub, hub.connections.disconnect(connection.id))
    assert says == "HubSpot could not be told that the login is over. Remove the hub’s app in HubSpot yourself."


def test_the_login_of_an_account_that_another_workspace_uses_stays(owner: Owner) -> None:
    hub, connection = owner.world.hub, owner.connect("hubspot").connection
    other = hub.workspaces.add("Another")
    hub.connections.put(other, connection.connector, connection.label, connection.fields)
    assert end_login(hub, hub.connections.disconnect(connection.id)) is None
    assert is_let_in(connection)


def test_a_permission_that_was_not_given_is_named_at_once(owner: Owner, monkeypatch: pytest.MonkeyPatch) -> None:
    oauth = registry.connector("shopify").oauth
    assert oauth is not None
    assert oauth.not_granted(["write_customers", "write_orders", "write_discounts"]) == []
    assert oauth.not_granted(["write_customers", "read_orders"]) == ["write_orders", "write_discounts"]
    monkeypatch.setattr("hub.oauth.tokens._granted", lambda answer: ("write_customers", "write_orders"))
    with pytest.raises(LoginRefused, match="Shopify did not allow all that the hub needs. Missing: write_discounts."):
        owner.connect("shopify")
    assert owner.world.hub.connections.list(owner.world.workspace) == []
    assert apps.app_at(owner.world.hub.workspaces, registry.connector("shopify")) is None
