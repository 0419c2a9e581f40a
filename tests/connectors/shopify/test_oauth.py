"""Shopify's proof on the way back: its signature, its age, and the shop."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import requests

from connectors import shopify
from connectors.shopify.login import OAUTH, signed_text, verify
from connectors.shopify.practice.shop import callback_signature
from hub.errors import LoginRefused

# Shopify's own example, of its API documentation: the test data of github.com/Shopify/shopify_python_api.
VENDORS = {
    "shop": "some-shop.myshopify.com",
    "code": "a94a110d86d2452eb3e2af4cfb8a3828",
    "timestamp": "1337178173",
    "hmac": "2cb1a277650a659f1b11e92a4a64275b128e037f2c3390e3c8fd2d8721dac9e2",
}
AT = 1337178173_000
SECRETS = ["hush"]
FIELDS = {"shop": "some-shop.myshopify.com"}


def signed(query: dict[str, str], secret: str = "hush") -> dict[str, str]:
    return query | {"hmac": callback_signature(query, secret)}


def test_the_vendors_own_example_is_genuine() -> None:
    verify(VENDORS, FIELDS, SECRETS, AT)
    verify(VENDORS, FIELDS, ["a newer one", *SECRETS], AT)


@pytest.mark.parametrize(
    "change",
    [
        {"code": "another"},
        {"shop": "other-shop.myshopify.com"},
        {"timestamp": "1337178174"},
        {"state": "added"},
        {"hmac": ""},
        {"hmac": "ä" * 64},
        {"hmac": VENDORS["hmac"].upper()},
    ],
)
def test_whatever_is_changed_on_the_way_is_refused(change: dict[str, str]) -> None:
    with pytest.raises(LoginRefused, match="not from Shopify, or was changed on its way"):
        verify(VENDORS | change, FIELDS, SECRETS, AT)


@pytest.mark.parametrize("secrets", [[], ["another"], [""]])
def test_without_the_right_secret_nothing_is_genuine(secrets: list[str]) -> None:
    with pytest.raises(LoginRefused):
        verify(VENDORS, FIELDS, secrets, AT)


def test_without_a_signature_nothing_is_genuine() -> None:
    with pytest.raises(LoginRefused):
        verify({name: value for name, value in VENDORS.items() if name != "hmac"}, FIELDS, SECRETS, AT)


@pytest.mark.parametrize("seconds", [-91, 91, 86_400])
def test_what_was_signed_more_than_ninety_seconds_away_is_refused(seconds: int) -> None:
    with pytest.raises(LoginRefused, match="older than 90 seconds, or this machine's clock is wrong"):
        verify(VENDORS, FIELDS, SECRETS, AT + seconds * 1000)


@pytest.mark.parametrize("seconds", [-90, 0, 90])
def test_what_was_signed_within_ninety_seconds_is_taken(seconds: int) -> None:
    verify(VENDORS, FIELDS, SECRETS, AT + seconds * 1000)


@pytest.mark.parametrize("stamp", ["", "soon", "-1337178173", "1337178173.0", "١٣٣٧", "9" * 400])
def test_a_time_that_is_none_is_refused(stamp: str) -> None:
    with pytest.raises(LoginRefused):
        verify(signed({"shop": FIELDS["shop"], "timestamp": stamp}), FIELDS, SECRETS, AT)


@pytest.mark.parametrize("shop", ["other-shop.myshopify.com", "some-shop.myshopify.com.evil.example", ""])
def test_another_shop_than_was_asked_for_is_refused_however_well_signed(shop: str) -> None:
    with pytest.raises(LoginRefused, match="another shop than some-shop.myshopify.com"):
        verify(signed({"shop": shop, "timestamp": "1337178173"}), FIELDS, SECRETS, AT)


def test_a_value_with_a_space_is_signed_with_twenty_and_not_with_a_plus() -> None:
    assert signed_text({"b": "x y+z", "a": "1", "hmac": "no"}, is_quoted=True) == "a=1&b=x%20y%2Bz"


# ---- the practice shop's side


@pytest.fixture
def exchange(shop: Any, server: Any) -> Any:
    def made(**form: str) -> requests.Response:
        app = {"client_id": OAUTH.practice[0], "client_secret": OAUTH.practice[1]}
        return requests.post(f"{server.address}/admin/oauth/access_token", data=app | form, timeout=5)

    return made


@pytest.fixture
def code(shop: Any, server: Any) -> str:
    asked = {"client_id": OAUTH.practice[0], "redirect_uri": "http://hub.example/oauth/shopify/callback", "state": "s"}
    back = requests.post(
        f"{server.address}/admin/oauth/authorize",
        params=asked,
        data={"answer": "allow"},
        allow_redirects=False,
        timeout=5,
    )
    query = dict(parse_qsl(urlsplit(back.headers["Location"]).query))
    verify(query, {"shop": shop.account["shop"]}, [OAUTH.practice[1]], int(query["timestamp"]) * 1000)
    return query["code"]


def granted(exchange: Any, code: str) -> dict[str, Any]:
    answer = exchange(
        grant_type="authorization_code", code=code, redirect_uri="http://hub.example/oauth/shopify/callback"
    )
    assert answer.status_code == 200
    return dict(answer.json())


def test_a_code_counts_once(exchange: Any, code: str) -> None:
    assert granted(exchange, code)["expires_in"] == 3600
    again = exchange(
        grant_type="authorization_code", code=code, redirect_uri="http://hub.example/oauth/shopify/callback"
    )
    assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({"client_secret": "wrong"}, "invalid_client"),
        ({"client_id": "wrong"}, "invalid_client"),
        ({"redirect_uri": "http://hub.example/elsewhere"}, "invalid_grant"),
        ({"code": "made-up"}, "invalid_grant"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
    ],
)
def test_what_does_not_fit_gets_no_token(exchange: Any, code: str, form: dict[str, str], error: str) -> None:
    right = {"grant_type": "authorization_code", "code": code}
    right |= {"redirect_uri": "http://hub.example/oauth/shopify/callback"}
    answer = exchange(**right | form)
    assert (answer.status_code, answer.json()["error"]) == (400, error)


def test_a_refresh_token_is_exchanged_and_the_one_before_is_good_until_its_successor_is_used(
    exchange: Any, code: str, connect: Any
) -> None:
    first = granted(exchange, code)
    lost = exchange(grant_type="refresh_token", refresh_token=first["refresh_token"]).json()
    again = exchange(grant_type="refresh_token", refresh_token=first["refresh_token"]).json()
    assert len({first["refresh_token"], lost["refresh_token"], again["refresh_token"]}) == 3
    dead = exchange(grant_type="refresh_token", refresh_token=lost["refresh_token"])
    assert dead.json()["error"] == "invalid_grant"
    assert shopify.check(connect(access_token=again["access_token"])) == "Practice Mill"
    used = exchange(grant_type="refresh_token", refresh_token=first["refresh_token"])
    assert used.json()["error"] == "invalid_grant"


@pytest.mark.parametrize(
    "redirect", ["http://evil.example/", "javascript:alert(1)", "http://hub.example/oauth/shopify/callback?more=1", ""]
)
def test_the_page_sends_nobody_elsewhere_than_to_a_hub(shop: Any, server: Any, redirect: str) -> None:
    asked = {"client_id": OAUTH.practice[0], "redirect_uri": redirect}
    for call in (requests.get, requests.post):
        answer = call(f"{server.address}/admin/oauth/authorize", params=asked, allow_redirects=False, timeout=5)
        assert answer.status_code == 400


def test_nothing_from_outside_stands_in_the_page_as_it_came(shop: Any, server: Any) -> None:
    asked = {"client_id": OAUTH.practice[0], "redirect_uri": "http://hub.example/oauth/shopify/callback"}
    answer = requests.get(
        f"{server.address}/admin/oauth/authorize",
        params=asked | {"scope": "<script>alert(1)</script>", "state": "<b>"},
        timeout=5,
    )
    assert answer.status_code == 200
    assert "<script" not in answer.text and "<b>" not in answer.text and "&lt;script&gt;" in answer.text
    assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'")
