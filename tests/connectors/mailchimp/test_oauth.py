"""Mailchimp with a login by OAuth: where its account is, and which of both logins a client uses."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
import requests
from werkzeug.wrappers import Request, Response

from connectors import mailchimp
from connectors.mailchimp.login import look_up
from hub.errors import NotAuthorized, OutcomeUnknown, SetupError
from hub.http import Session
from tests.connectors import serving
from tests.connectors.mailchimp.conftest import base


@pytest.fixture
def answering() -> Iterator[Callable[[str, int], str]]:
    """Serves one body to every call: gives the address."""
    with ExitStack() as ending:

        def serve(body: str, status: int = 200) -> str:
            answer = Response(body, status, mimetype="application/json")
            return ending.enter_context(serving.listening(Request.application(lambda request: answer)))

        yield serve


def test_the_account_is_called_at_its_data_centre_with_the_token() -> None:
    assert base(mailchimp.connect(access_token="t", data_center="us21")) == "https://us21.api.mailchimp.com"


@pytest.mark.parametrize("centre", [None, "", "us21.evil.example/", "evil.example#", "us-21", "US21"])
def test_a_token_goes_to_no_host_that_is_not_made_of_a_data_centre(centre: str | None) -> None:
    with pytest.raises(SetupError, match="Connect it again"):
        mailchimp.connect(access_token="t", data_center=centre)


def test_a_token_that_is_not_known_is_a_lost_login(server: Any) -> None:
    with pytest.raises(NotAuthorized):
        mailchimp.check(mailchimp.connect(access_token="unknown", base_url=server.base_url))


def test_a_client_with_a_token_sends_that_and_no_key() -> None:
    sent: list[str | None] = []

    def note(request: Request) -> Response:
        sent.append(request.headers.get("Authorization"))
        return Response('{"account_name": "Practice account"}', mimetype="application/json")

    with serving.listening(Request.application(note)) as address:
        mailchimp.check(mailchimp.connect(access_token="a-token", api_key="key-us1", base_url=address))
        mailchimp.check(mailchimp.connect(api_key="key-us1", base_url=address))
    assert sent == ["Bearer a-token", "Basic cmVndWxhcnM6a2V5LXVzMQ=="]


@pytest.mark.parametrize(
    "body", ["{}", "[]", "not json", '{"dc": 21}', '{"dc": "us21.evil.example"}', '{"dc": "us21/../x"}', '{"dc": ""}']
)
def test_an_answer_that_names_no_data_centre_is_no_login(answering: Callable[..., str], body: str) -> None:
    with Session() as session, pytest.raises(OutcomeUnknown):
        look_up(session, answering(body), "t")


def test_the_question_where_the_account_is_needs_the_token(server: Any) -> None:
    with Session() as session, pytest.raises(NotAuthorized) as caught:
        look_up(session, server.base_url, "a-secret-token")
    assert "a-secret-token" not in str(caught.value)
    assert requests.get(f"{server.base_url}/oauth2/metadata", timeout=5).status_code == 401
