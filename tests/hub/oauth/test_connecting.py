"""Connecting by OAuth: there and back again, and everything that must not pass."""

from __future__ import annotations

import logging
from datetime import timedelta

import pytest

from hub import registry, schema
from hub.connections import NEEDS_LOGIN, READY
from hub.errors import LoginRefused, SettingInvalid
from hub.oauth.connecting import begin
from hub.practice import Response, json_answer
from tests.hub.oauth.going import SESSION, Owner, changed, without

# How wake-ups travel has nothing to do with it.
pytestmark = pytest.mark.parametrize("carrier", ["threads"], indirect=True)

NAMES = ["shopify", "hubspot", "mailchimp"]
LABELS = {"shopify": "Practice Mill", "hubspot": "HubSpot account 62515", "mailchimp": "Practice account"}


def nothing_saved(owner: Owner) -> bool:
    return owner.world.rows(schema.connection) == []


@pytest.mark.parametrize("name", NAMES)
def test_an_owner_goes_to_the_provider_and_comes_back_with_an_account(owner: Owner, name: str) -> None:
    connection, trouble, back = owner.connect(name)
    assert (connection.state, back) == (READY, "/accounts")
    assert connection.label == LABELS[name]
    assert connection.login is not None
    assert (connection.login.refresh_token is not None) == (name != "mailchimp")
    check = connection.connector.function("check")
    assert check is not None
    assert check(owner.hub.connections.client(connection)) == connection.label
    assert owner.world.rows(schema.oauth_attempt) == []


@pytest.mark.parametrize("name", ["shopify", "hubspot"])
def test_webhooks_are_checked_with_the_apps_secret_where_the_account_has_none(owner: Owner, name: str) -> None:
    connection = owner.connect(name).connection
    oauth = connection.connector.oauth
    assert oauth is not None and oauth.signs is not None
    assert oauth.signs not in connection.fields
    assert connection.secrets[oauth.signs] == [oauth.practice[1]]


@pytest.mark.parametrize("name", NAMES)
def test_the_same_account_keeps_its_connection_and_goes_on(owner: Owner, name: str) -> None:
    first = owner.connect(name).connection
    owner.hub.connections.set_state(first.id, NEEDS_LOGIN, "The login is over.")
    again = owner.connect(name).connection
    assert (again.id, again.state, again.reason) == (first.id, READY, None)
    assert again.changed_at > first.changed_at
    assert again.fields["access_token"] != first.fields["access_token"]


@pytest.mark.parametrize("name", NAMES)
def test_an_account_goes_from_keys_to_a_login_and_back(owner: Owner, name: str) -> None:
    keys = dict(owner.server.services[name].account) | {"base_url": f"{owner.base}/{name}"}
    first, _ = owner.hub.connections.connect(owner.world.workspace, name, keys)
    assert first.login is None
    logged_in = owner.connect(name).connection
    assert (logged_in.id, logged_in.login is None) == (first.id, False)
    again, _ = owner.hub.connections.connect(owner.world.workspace, name, keys)
    assert (again.id, again.login) == (first.id, None)
    (row,) = owner.world.rows(schema.connection)
    assert row.renew_at is None, "Keys are not renewed."
    key = "api_key" if name == "mailchimp" else "access_token"
    assert again.fields[key] == keys[key]
    assert name != "mailchimp" or "access_token" not in again.fields


# ---- what must not pass


@pytest.mark.parametrize("name", NAMES)
def test_whoever_cancels_is_told_so_and_nothing_is_changed(owner: Owner, name: str) -> None:
    query = owner.answer(owner.begin(name), "cancel")
    title = registry.connector(name).title
    with pytest.raises(LoginRefused, match=f"You cancelled at {title}. Nothing was changed. Connect again"):
        owner.finish(name, query)
    assert nothing_saved(owner)
    with pytest.raises(LoginRefused, match="used before"):
        owner.finish(name, query)


@pytest.mark.parametrize("name", NAMES)
def test_a_login_counts_once(owner: Owner, name: str) -> None:
    query = owner.answer(owner.begin(name))
    owner.finish(name, query)
    with pytest.raises(LoginRefused, match="was used before"):
        owner.finish(name, query)
    assert len(owner.world.rows(schema.connection)) == 1


def test_a_login_that_another_browser_began_is_refused_and_left_to_that_one(owner: Owner) -> None:
    query = owner.answer(owner.begin("hubspot"))
    with pytest.raises(LoginRefused, match="not begun in this browser"):
        owner.finish("hubspot", query, "another browser's word")
    assert nothing_saved(owner)
    assert owner.finish("hubspot", query).connection.state == READY


@pytest.mark.parametrize("change", ["wrong", "missing", "of another connector", "too late"])
def test_a_state_that_is_not_the_one_that_was_given_is_refused(owner: Owner, change: str) -> None:
    query, name = owner.answer(owner.begin("hubspot")), "hubspot"
    if change == "wrong":
        query = changed(query, state="0" * 64)
    elif change == "missing":
        query = without(query, "state")
    elif change == "of another connector":
        name = "mailchimp"
    else:
        owner.world.clock.advance(timedelta(minutes=10))
    with pytest.raises(LoginRefused, match="Nothing was changed. Connect again when you like."):
        owner.finish(name, query)
    assert nothing_saved(owner)
    assert owner.asked("hubspot", "/oauth/v3/token") == 0


def test_what_nobody_finished_is_removed_when_the_next_one_begins(owner: Owner) -> None:
    owner.begin("hubspot")
    owner.world.clock.advance(timedelta(minutes=11))
    owner.begin("hubspot")
    assert len(owner.world.rows(schema.oauth_attempt)) == 1


def test_what_comes_back_twice_is_refused(owner: Owner) -> None:
    query = owner.answer(owner.begin("shopify"))
    with pytest.raises(LoginRefused, match="the same twice"):
        owner.finish("shopify", [*query, ("shop", "another-shop.myshopify.com")])
    assert nothing_saved(owner)


@pytest.mark.parametrize("name", NAMES)
def test_a_provider_that_is_down_at_the_exchange_is_told_as_such(owner: Owner, name: str) -> None:
    query = owner.answer(owner.begin(name))
    owner.server.services[name].add_fault({"kind": "status", "status": 503, "times": 9})
    title = registry.connector(name).title
    with pytest.raises(LoginRefused, match=f"{title} does not answer just now. Nothing was changed."):
        owner.finish(name, query)
    assert nothing_saved(owner)


@pytest.mark.parametrize("kind", ["html", "malformed", "drop_before", "drop_after"])
def test_an_answer_that_makes_no_sense_saves_nothing(owner: Owner, kind: str) -> None:
    query = owner.answer(owner.begin("hubspot"))
    owner.server.services["hubspot"].add_fault({"kind": kind, "path": "/oauth/v3/token"})
    with pytest.raises(LoginRefused, match="HubSpot does not answer just now"):
        owner.finish("hubspot", query)
    assert nothing_saved(owner)


def test_a_code_that_the_provider_does_not_know_is_told_with_what_to_check(owner: Owner) -> None:
    query = changed(owner.answer(owner.begin("hubspot")), code="made-up")
    with pytest.raises(LoginRefused, match=r"its redirect URL, http://127.0.0.1:8000/oauth/hubspot/callback"):
        owner.finish("hubspot", query)
    assert nothing_saved(owner)


def test_only_the_proof_key_that_was_begun_with_gets_tokens(owner: Owner) -> None:
    first, second = owner.begin("hubspot"), owner.begin("hubspot")
    theirs = dict(owner.answer(first))["code"]
    with pytest.raises(LoginRefused, match="The proof key does not fit"):
        owner.finish("hubspot", changed(owner.answer(second), code=theirs))


# ---- beginning


def test_without_an_app_of_its_own_the_hub_says_what_to_do(owner: Owner) -> None:
    with pytest.raises(SettingInvalid, match="The hub has no app at HubSpot yet. Make one there, and save"):
        begin(owner.hub, owner.world.workspace, "hubspot", {}, SESSION)


def test_a_connector_without_oauth_says_so(owner: Owner) -> None:
    with pytest.raises(SettingInvalid, match="Twilio is not logged in to by OAuth"):
        begin(owner.hub, owner.world.workspace, "twilio", {}, SESSION)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({}, "shop is missing"),
        ({"shop": "evil.example.com"}, "looks like my-shop.myshopify.com"),
        ({"shop": "crumb.myshopify.com.evil.example"}, "looks like my-shop.myshopify.com"),
        ({"shop": "crumb.myshopify.com/@evil.example"}, "looks like my-shop.myshopify.com"),
        ({"shop": "crumb.myshopify.com", "access_token": "x"}, "no field 'access_token'"),
        ({"shop": "crumb.myshopify.com", "base_url": "javascript:alert(1)"}, "base_url begins with"),
    ],
)
def test_what_is_filled_in_is_checked_before_anybody_is_sent_away(
    owner: Owner, given: dict[str, str], says: str
) -> None:
    with pytest.raises(Exception, match=says):
        begin(owner.hub, owner.world.workspace, "shopify", given, SESSION)
    assert owner.world.rows(schema.oauth_attempt) == []


@pytest.mark.parametrize("back", ["https://evil.example", "//evil.example", "/\\evil.example", "accounts", "/a\nb"])
def test_nobody_is_led_to_another_site_afterwards(owner: Owner, back: str) -> None:
    with pytest.raises(SettingInvalid, match="leads back to a page of the hub"):
        begin(owner.hub, owner.world.workspace, "hubspot", {"base_url": owner.base}, SESSION, back)


# ---- secrets


@pytest.mark.parametrize("name", NAMES)
def test_no_secret_of_a_login_is_told_anywhere(owner: Owner, name: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    address = owner.begin(name)
    (attempt,) = owner.world.rows(schema.oauth_attempt)
    query = owner.answer(address)
    connection = owner.finish(name, query).connection
    login = connection.login
    assert login is not None
    secrets = [connection.fields["access_token"], dict(query)["code"], dict(query)["state"], *connection.app_secrets]
    secrets += [login.refresh_token] if login.refresh_token else []
    (row,) = owner.world.rows(schema.connection)
    for secret in secrets:
        assert secret not in f"{connection!r} {login!r} {connection.connector.oauth!r} {caplog.text}"
        assert secret.encode() not in row.fields + attempt.content + attempt.hash
    assert set(connection.told_to_nobody) >= set(secrets) - {dict(query)["code"], dict(query)["state"]}


def test_what_a_provider_says_of_a_refused_login_is_told_without_secrets(
    owner: Owner, monkeypatch: pytest.MonkeyPatch
) -> None:
    query = changed(owner.answer(owner.begin("hubspot")), code="a-code-that-is-secret")
    secret = "practice-client-secret-9f1c"

    def echoes(status: int, error: str, says: str) -> Response:
        return json_answer({"message": f"Wrong: a-code-that-is-secret, {secret}"}, status)

    monkeypatch.setattr(owner.server.services["hubspot"].login, "refuse", echoes)
    with pytest.raises(LoginRefused, match="Wrong: …, …") as caught:
        owner.finish("hubspot", query)
    assert "is-secret" not in str(caught.value) and secret not in str(caught.value)
