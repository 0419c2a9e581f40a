"""The hub's own apps: sealed with its key, told to nobody, and sent to nobody but the provider itself."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from hub import registry, schema
from hub.backup import make_backup, restore_backup
from hub.core import Hub
from hub.errors import NotFound, SettingInvalid
from hub.oauth.apps import App, app_at, forget_app, save_app
from hub.oauth.connecting import begin
from hub.sealing import Keyring
from tests.world import KEY, World

# How wake-ups travel has nothing to do with it.
pytestmark = pytest.mark.parametrize("carrier", ["threads"], indirect=True)

SECRET, FRESH = "app-secret-canary", "fresh-app-secret-canary"
NEW_KEY = "a fresh secret key for tests that is as long as it must be"


def known(hub: Hub, base_url: str | None = None) -> App | None:
    return app_at(hub.workspaces, registry.connector("hubspot"), base_url)


def test_an_app_is_kept_sealed_until_it_is_forgotten(world: World) -> None:
    assert known(world.hub) is None
    save_app(world.hub.workspaces, "hubspot", " our-app ", f" {SECRET}\n")
    found = known(world.hub)
    assert found == App("our-app", (SECRET,))
    (row,) = world.rows(schema.oauth_app)
    assert SECRET.encode() not in row.content and b"our-app" not in row.content
    assert SECRET not in repr(found)
    forget_app(world.hub.workspaces, "hubspot")
    assert known(world.hub) is None


def test_while_a_secret_is_exchanged_the_one_before_is_kept_too(world: World) -> None:
    save_app(world.hub.workspaces, "hubspot", "our-app", SECRET)
    save_app(world.hub.workspaces, "hubspot", "our-app", FRESH)
    save_app(world.hub.workspaces, "hubspot", "our-app", FRESH)
    assert known(world.hub) == App("our-app", (FRESH,))
    save_app(world.hub.workspaces, "hubspot", "our-app", SECRET)
    assert known(world.hub) == App("our-app", (SECRET, FRESH))
    save_app(world.hub.workspaces, "hubspot", "another-app", "its secret")
    assert known(world.hub) == App("another-app", ("its secret",))


@pytest.mark.parametrize(("client_id", "secret"), [("", SECRET), ("app", " "), ("app", "a\x00b"), ("app", "x" * 501)])
def test_what_cannot_be_an_app_is_refused_without_being_repeated(world: World, client_id: str, secret: str) -> None:
    with pytest.raises(SettingInvalid, match="is missing, or is none. Copy it again from HubSpot") as caught:
        save_app(world.hub.workspaces, "hubspot", client_id, secret)
    assert secret.strip() == "" or secret not in str(caught.value)
    assert world.rows(schema.oauth_app) == []


def test_only_connectors_that_know_oauth_have_an_app(world: World) -> None:
    with pytest.raises(SettingInvalid, match="Twilio is not logged in to by OAuth"):
        save_app(world.hub.workspaces, "twilio", "app", SECRET)
    with pytest.raises(NotFound):
        save_app(world.hub.workspaces, "nothing", "app", SECRET)


def test_at_another_address_than_the_providers_own_the_secret_of_our_app_is_never_used(world: World) -> None:
    save_app(world.hub.workspaces, "hubspot", "our-app", SECRET)
    found = known(world.hub, "http://127.0.0.1:1/hubspot")
    assert found is not None
    assert (found.client_id, found.secrets) == ("practice-hubspot-app", ("practice-client-secret-9f1c",))


@pytest.mark.parametrize(
    ("name", "given", "address"),
    [
        ("shopify", {"shop": "Crumb.myshopify.com"}, "https://crumb.myshopify.com/admin/oauth/authorize?"),
        ("hubspot", {}, "https://app.hubspot.com/oauth/authorize?"),
        ("mailchimp", {}, "https://login.mailchimp.com/oauth2/authorize?"),
    ],
)
def test_with_an_app_of_its_own_the_hub_leads_to_the_providers_own_page(
    world: World, name: str, given: dict[str, str], address: str
) -> None:
    save_app(world.hub.workspaces, name, "our-app", SECRET)
    url = begin(world.hub, world.workspace, name, given, "a session")
    assert url.startswith(address) and "client_id=our-app&" in url
    assert f"redirect_uri=http%3A%2F%2F127.0.0.1%3A8000%2Foauth%2F{name}%2Fcallback" in url
    assert SECRET not in url


def test_an_app_is_opened_with_the_new_key_after_the_hubs_key_is_exchanged(world: World) -> None:
    save_app(world.hub.workspaces, "hubspot", "our-app", SECRET)
    world.hub.workspaces.rotate(Keyring([NEW_KEY, KEY]))
    with closing(Hub(replace(world.settings, secret_key=NEW_KEY), clock=world.clock)) as later:
        assert known(later) == App("our-app", (SECRET,))


def test_an_app_comes_back_with_a_backup_and_logins_that_were_begun_do_not(world: World, tmp_path: Path) -> None:
    save_app(world.hub.workspaces, "hubspot", "our-app", SECRET)
    begin(world.hub, world.workspace, "hubspot", {}, "a session")
    make_backup(world.hub, tmp_path / "backup")
    forget_app(world.hub.workspaces, "hubspot")
    restore_backup(world.hub, tmp_path / "backup")
    assert known(world.hub) == App("our-app", (SECRET,))
    assert world.rows(schema.oauth_attempt) == []
