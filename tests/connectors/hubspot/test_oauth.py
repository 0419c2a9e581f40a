"""HubSpot's tokens at its practice service: what they open, and how one that has ended is answered."""

from __future__ import annotations

import base64
import hashlib
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import requests

from connectors import hubspot
from connectors.hubspot.login import OAUTH
from hub.errors import NotAuthorized

BACK = "http://hub.example/oauth/hubspot/callback"
VERIFIER = "a proof key that nobody else has, as long as one should be"
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
ASKED = {
    "client_id": OAUTH.practice[0],
    "redirect_uri": BACK,
    "response_type": "code",
    "state": "s",
    "code_challenge": CHALLENGE,
    "code_challenge_method": "S256",
}


def exchanged(server: Any, **form: str) -> requests.Response:
    app = {"client_id": OAUTH.practice[0], "client_secret": OAUTH.practice[1]}
    return requests.post(f"{server.base_url}/oauth/v3/token", data=app | form, timeout=5)


@pytest.fixture
def form(server: Any) -> dict[str, str]:
    """What gets tokens for a code."""
    answer = requests.post(
        f"{server.base_url}/oauth/authorize", params=ASKED, data={"answer": "allow"}, allow_redirects=False, timeout=5
    )
    code = dict(parse_qsl(urlsplit(answer.headers["Location"]).query))["code"]
    return {"grant_type": "authorization_code", "code": code, "redirect_uri": BACK, "code_verifier": VERIFIER}


def test_a_token_opens_the_account_until_it_ends_and_can_be_renewed(server: Any, service: Any, form: Any) -> None:
    tokens = exchanged(server, **form).json()
    client = hubspot.connect(access_token=tokens["access_token"], base_url=server.base_url)
    assert hubspot.check(client) == "HubSpot account 62515"
    service.happen("expire_tokens", {})
    with pytest.raises(NotAuthorized) as ended:
        hubspot.check(client)
    assert (ended.value.status, ended.value.code) == (401, "EXPIRED_AUTHENTICATION")
    fresh = exchanged(server, grant_type="refresh_token", refresh_token=tokens["refresh_token"]).json()
    assert fresh["refresh_token"] == tokens["refresh_token"], "At HubSpot it stays."
    assert hubspot.check(hubspot.connect(access_token=fresh["access_token"], base_url=server.base_url))


def test_once_the_owner_takes_it_back_nothing_is_good_any_more(server: Any, service: Any, form: Any) -> None:
    tokens = exchanged(server, **form).json()
    service.happen("revoke_login", {})
    with pytest.raises(NotAuthorized):
        hubspot.check(hubspot.connect(access_token=tokens["access_token"], base_url=server.base_url))
    assert exchanged(server, grant_type="refresh_token", refresh_token=tokens["refresh_token"]).status_code == 400


@pytest.mark.parametrize("verifier", ["", "another"])
def test_a_code_is_worth_nothing_without_its_proof_key(server: Any, form: Any, verifier: str) -> None:
    assert exchanged(server, **form | {"code_verifier": verifier}).status_code == 400


@pytest.mark.parametrize("change", [{"code_challenge": ""}, {"code_challenge_method": "plain"}, {"client_id": "x"}])
def test_the_page_asks_for_nobody_without_a_proof_key_or_whom_it_does_not_know(
    server: Any, change: dict[str, str]
) -> None:
    assert requests.get(f"{server.base_url}/oauth/authorize", params=ASKED | change, timeout=5).status_code == 400


def test_tokens_last_as_long_as_is_set(server: Any, service: Any, form: Any) -> None:
    service.adjust({"token_seconds": 60})
    assert exchanged(server, **form).json()["expires_in"] == 60
