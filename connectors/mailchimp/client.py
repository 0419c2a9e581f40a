"""The vendor's client with one session kept open, and what its failures mean."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any

import mailchimp_marketing
import requests
from mailchimp_marketing.api_client import ApiClientError

from hub.errors import ActionFailed, OutcomeUnknown, RateLimited, SetupError
from hub.http import Session, refusal, retry_after

from .login import CENTRE

_KEY = re.compile(r"[^-]+-([a-z]+[0-9]+)")


@dataclass(frozen=True, repr=False)
class Client:
    """The parts of the vendor's client that we use. Their calls raise ActionFailed and return a JSON object, which is
    empty where Mailchimp answers without one.

    webhook_ids   the webhooks that this connection made, and so holds the signing secrets of
    """

    root: Any
    lists: Any
    journeys: Any
    webhook_ids: frozenset[str]


def connected(
    api_key: str | None,
    base_url: str | None,
    webhook_ids: Iterable[str] = (),
    *,
    access_token: str | None = None,
    data_center: str | None = None,
) -> Client:
    """A client of the account of a token or a key; `base_url` stands for `https://us21.api.mailchimp.com`."""
    # The library replaces every "server" in an address by the data centre; with none it leaves addresses alone. Its
    # own login goes no further than its request, which is replaced.
    vendor = mailchimp_marketing.Client({"server": ""})
    session = Session()
    if access_token:
        session.headers["Authorization"] = f"Bearer {access_token}"
    else:
        session.auth = ("regulars", api_key or "")
    api = vendor.api_client
    host = base_url or (_host(data_center) if access_token else _address(api_key or ""))
    api.host = host.rstrip("/") + "/3.0"
    api.request = partial(_request, session)
    api.call_api = partial(_call, api.call_api)
    return Client(vendor.root, vendor.lists, vendor.customerJourneys, frozenset(webhook_ids))


def _address(api_key: str) -> str:
    key = _KEY.fullmatch(api_key)
    if key is None:  # the key goes to this host, so a host is never made from anything but a data centre
        raise SetupError("The API key must end with a dash and its data centre, such as -us21. Copy it again, whole.")
    return f"https://{key[1]}.api.mailchimp.com"


def _host(data_center: str | None) -> str:
    if not data_center or not CENTRE.fullmatch(data_center):
        raise SetupError("It is not known where the account is. Connect it again.")
    return f"https://{data_center}.api.mailchimp.com"


def _request(
    session: Session,
    method: str,
    url: str,
    query_params: Any = None,
    headers: Any = None,
    body: Any = None,
) -> requests.Response:
    """In place of the library's, which opens a connection for each call and loses the headers of a refusal."""
    answer = session.request(method, url, params=query_params, headers=headers, json=body)
    if not 200 <= answer.status_code < 300:
        raise failure(answer)
    return answer


def _call(call_api: Callable[..., Any], *args: Any, **kwargs: Any) -> dict[str, Any]:
    """The library's call with our errors. It gives the response itself where it finds no JSON in the body."""
    try:
        answer = call_api(*args, **kwargs)
    except ApiClientError as error:
        raise (error.text if isinstance(error.text, Exception) else error) from None
    if isinstance(answer, dict):
        return answer
    if isinstance(answer, requests.Response) and answer.status_code == 204:
        return {}
    raise OutcomeUnknown("Mailchimp's answer could not be read, so it may or may not have happened.")


def failure(answer: requests.Response) -> ActionFailed:
    """What an answer that is not 2xx means.

    Under very high load Mailchimp answers 429, or 403 without a problem document; with one, a 403 is about the login.
    https://mailchimp.com/developer/marketing/docs/errors/
    """
    problem = _problem(answer)
    after = retry_after(answer.headers)
    if answer.status_code == 403 and problem is None:
        return RateLimited("Mailchimp is overloaded and asks for fewer calls (HTTP 403).", after=after, status=403)
    problem = problem or {}
    title = str(problem.get("title") or answer.reason or "No reason was given")
    parts = [title, str(problem.get("detail") or ""), *_field_errors(problem)]
    return refusal(answer.status_code, ": ".join(part for part in parts if part), after=after, code=title)


def _problem(answer: requests.Response) -> dict[str, Any] | None:
    try:
        found = answer.json()
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def _field_errors(problem: dict[str, Any]) -> list[str]:
    errors = problem.get("errors")
    if not isinstance(errors, list):
        return []
    return [f"{item.get('field')}: {item.get('message')}" for item in errors if isinstance(item, dict)]
