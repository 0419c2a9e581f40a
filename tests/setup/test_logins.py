"""Connecting by signing in at the provider, on the pages: there and back again, and the hub's own apps."""

from __future__ import annotations

import re
from html import unescape
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
import requests

from hub.oauth import apps
from hub.setup.access import users
from hub.timing import SystemClock

from .access.conftest import Browser, joined, operator, signed_in
from .conftest import HOME, World
from .reading import text_of

CONNECTIONS = f"{HOME}connections"
ASKED = {"shopify": {"shop": "practice-shop.myshopify.com"}, "hubspot": {}, "mailchimp": {}}


@pytest.fixture
def today(world: World) -> World:
    """The services tell the time by the machine's clock."""
    world.clock.advance((SystemClock().now() - world.clock.now()) / 1000)
    return world


def provider_says(address: str, answer: str) -> str:
    """Where the provider sends the browser back to, once the owner has clicked there: the path with its query."""
    with requests.Session() as elsewhere:
        elsewhere.trust_env = False
        back = elsewhere.post(address, data={"answer": answer}, allow_redirects=False, timeout=10)
    found = urlsplit(back.headers["Location"])
    return f"{found.path}?{found.query}"


def go(mine: Browser, practice: str, name: str, **more: str) -> str:
    """Begins a login on the page; gives the provider's address that the page leads to."""
    page = mine.send(f"{CONNECTIONS}/login/{name}", base_url=f"{practice}/{name}", **ASKED[name], **more)
    found = re.search(r'id="go" href="([^"]+)"', page.text)
    assert found is not None, text_of(page.text)
    return unescape(found[1])


@pytest.mark.parametrize("name", ASKED)
def test_an_owner_signs_in_at_the_provider_and_comes_back_connected(today: World, practice: str, name: str) -> None:
    mine = operator(today)
    back = provider_says(go(mine, practice, name), "allow")
    answer = mine.get(back)
    (made,) = today.hub.connections.list(today.workspace)
    assert answer.headers["Location"] == f"{CONNECTIONS}/{made.id}"
    assert (made.connector.name, made.state) == (name, "ready")
    page = mine.get(answer.headers["Location"]).text
    assert "Connected" in page or "is connected" in page
    for secret in (str(value) for values in made.secrets.values() for value in values):
        assert secret not in page
    assert "connected" in text_of(mine.get(f"{HOME}changes").text)


def test_who_cancels_there_is_told_that_nothing_was_changed(today: World, practice: str) -> None:
    mine = operator(today)
    answer = mine.get(provider_says(go(mine, practice, "hubspot"), "cancel"))
    assert "You cancelled at HubSpot. Nothing was changed." in text_of(mine.get(answer.headers["Location"]).text)
    assert today.hub.connections.list(today.workspace) == []


def test_a_login_that_another_browser_began_is_not_taken(today: World, practice: str) -> None:
    back = provider_says(go(operator(today), practice, "hubspot"), "allow")
    other = operator(today)
    shown = text_of(other.get(other.get(back).headers["Location"]).text)
    assert "was not begun in this browser" in shown
    assert today.hub.connections.list(today.workspace) == []


def test_whoever_lost_the_right_meanwhile_connects_nothing(today: World, practice: str) -> None:
    run_by = operator(today)
    mine = signed_in(today, user := joined(today, "owner"))
    joined(today, "owner", "bob@example.com")
    apps.save_app(today.hub.workspaces, "hubspot", "id", "secret")
    address = run_by.send(f"{CONNECTIONS}/login/hubspot", base_url=f"{practice}/hubspot").text
    assert 'id="go"' in address
    page = mine.send(f"{CONNECTIONS}/login/hubspot").text
    found = re.search(r'id="go" href="([^"]+)"', page)
    assert found is not None
    state = dict(parse_qsl(urlsplit(unescape(found[1])).query))["state"]
    users.change_role(today.hub, user, 1, "staff")
    answer = mine.get(f"/oauth/hubspot/callback?{urlencode({'state': state, 'code': 'x'})}")
    assert "You may not connect accounts there any more." in text_of(mine.get(answer.headers["Location"]).text)


def test_a_lost_login_is_repaired_where_it_is_told(today: World, practice: str) -> None:
    mine = operator(today)
    mine.get(provider_says(go(mine, practice, "hubspot"), "allow"))
    (made,) = today.hub.connections.list(today.workspace)
    today.hub.connections.set_state(made.id, "needs_login", "The login was taken back.")
    page = mine.get(f"{CONNECTIONS}/{made.id}").text
    assert f'id="sign-in-again" href="{CONNECTIONS}/{made.id}/login"' in page
    page = mine.send(f"{CONNECTIONS}/{made.id}/login", base_url=f"{practice}/hubspot").text
    found = re.search(r'id="go" href="([^"]+)"', page)
    assert found is not None
    mine.get(provider_says(unescape(found[1]), "allow"))
    (again,) = today.hub.connections.list(today.workspace)
    assert (again.id, again.state) == (made.id, "ready")


def test_without_an_app_the_page_says_who_has_to_make_one(world: World) -> None:
    owner = signed_in(world, joined(world, "owner"))
    shown = text_of(owner.get(f"{CONNECTIONS}/login/shopify").text)
    assert "Whoever runs this hub has to register it at Shopify first." in shown
    assert "Connect with keys instead" in shown
    assert 'href="/w/1/connections/new/shopify"' in owner.get(CONNECTIONS).text
    assert "Register it there" in text_of(operator(world).get(f"{CONNECTIONS}/login/shopify").text)


def test_an_app_is_registered_once_and_owners_sign_in(world: World) -> None:
    mine = operator(world)
    page = mine.get("/apps/shopify").text
    assert f"{world.hub.settings.public_url}/oauth/shopify/callback" in page
    mine.send("/apps/shopify", client_id="the-id", client_secret="the-secret-of-it")
    assert "Shopify ● Registered" in text_of(mine.get("/apps").text)
    assert "the-secret-of-it" not in mine.get("/apps/shopify").text
    owner = signed_in(world, joined(world, "owner"))
    assert 'href="/w/1/connections/login/shopify"' in owner.get(CONNECTIONS).text
    page = owner.send(f"{CONNECTIONS}/login/shopify", shop="crumb.myshopify.com").text
    found = re.search(r'id="go" href="([^"]+)"', page)
    assert found is not None
    address = urlsplit(unescape(found[1]))
    assert (address.scheme, address.hostname) == ("https", "crumb.myshopify.com")
    assert dict(parse_qsl(address.query))["client_id"] == "the-id"
    mine.send("/apps/shopify/forget")
    assert "Shopify ○ Not yet" in text_of(mine.get("/apps").text)


@pytest.mark.parametrize("shop", ["evil.example", "crumb.myshopify.com.evil.example", "crumb.myshopify.com/@evil"])
def test_nobody_is_sent_to_a_shop_that_is_none(world: World, shop: str) -> None:
    apps.save_app(world.hub.workspaces, "shopify", "the-id", "the-secret-of-it")
    page = operator(world).send(f"{CONNECTIONS}/login/shopify", shop=shop).text
    assert 'id="go"' not in page and "Not connected." in page


def test_a_service_without_oauth_has_no_such_page(world: World) -> None:
    assert operator(world).get(f"{CONNECTIONS}/login/twilio").status_code == 404
    assert operator(world).get("/apps/twilio").status_code == 404
