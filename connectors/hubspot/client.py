"""Calling HubSpot: one pool of open connections per account, and what its answers mean."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import urllib3
from hubspot import HubSpot

from hub.errors import ActionFailed, NotAuthorized, OutcomeUnknown, RateLimited, TryLater
from hub.http import CONNECT_TIMEOUT, READ_TIMEOUT, answered_inside, no_answer, refusal, retry_after
from hub.quota import observed

REAL = "https://api.hubapi.com"

PAUSES = {"SECONDLY": 1.0, "TEN_SECONDLY_ROLLING": 10.0, "DAILY": 900.0}
"""Seconds to wait per limit (`policyName`) where HubSpot names no time. The daily limit begins anew at midnight in
the account's own time zone, which a 429 does not tell, so it is asked again every quarter of an hour."""

TIMEOUT = urllib3.Timeout(connect=CONNECT_TIMEOUT, read=READ_TIMEOUT)


class Client:
    """One account. Serves several threads; every call has a time-out, none is repeated.

    Of HubSpot's package it takes the login, the headers and the connection pool. Its typed models are left out:
    a batch of a hundred costs 10 ms through them and 0.6 ms as plain JSON. So is its way of sending, which writes
    whole answers, and so customers' data, to the log.
    """

    def __init__(self, access_token: str, base_url: str | None = None) -> None:
        self._base = (base_url or REAL).rstrip("/")
        package = HubSpot(access_token=access_token, host=self._base, retry=False, connection_pool_maxsize=10)
        api = package.crm.objects.basic_api.api_client
        self._pool: urllib3.PoolManager = api.rest_client.pool_manager
        self._headers = {**api.default_headers, "Accept": "application/json", "Content-Type": "application/json"}
        api.update_params_for_auth(self._headers, [], ["oauth2"])

    def call(self, method: str, path: str, body: object = None, query: Mapping[str, str] | None = None) -> Any:
        """The answer's JSON, None where it has no body. Raises ActionFailed."""
        from urllib.parse import urlencode

        url = f"{self._base}{path}?{urlencode(query)}" if query else self._base + path
        sent = None if body is None else json.dumps(body).encode()  # all ASCII, so even half a character can be sent
        try:
            inside = answered_inside(method, url, self._headers, sent)
            answer = inside or self._pool.request(method, url, body=sent, headers=self._headers, timeout=TIMEOUT)
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise no_answer(error) from None
        _tell_limits(answer.headers)
        if not 200 <= answer.status < 300:
            raise failure(answer.status, answer.headers, answer.data)
        return _read(answer.data, answer.status)


def _read(data: bytes, status: int) -> Any:
    if not data:
        return None
    try:
        return json.loads(data)
    except ValueError:
        raise OutcomeUnknown("HubSpot's answer could not be read.", status=status) from None


def failure(status: int, headers: Mapping[str, str], data: bytes) -> ActionFailed:
    """What an answer that is not 2xx means. Every field of HubSpot's error body may be missing.

    https://developers.hubspot.com/docs/api-reference/error-handling
    """
    try:
        body = json.loads(data)
    except ValueError:
        body = None
    known = isinstance(body, dict)
    error: dict[str, Any] = body if isinstance(body, dict) else {}
    says = str(error.get("message") or "HubSpot did not say why.")
    code = error.get("category") if isinstance(error.get("category"), str) else None
    after = retry_after(headers)
    if status == 429:
        pause = after if after is not None else PAUSES.get(str(error.get("policyName")), PAUSES["TEN_SECONDLY_ROLLING"])
        return RateLimited(f"{says} (HTTP 429)", after=pause, status=status, code=code)
    if status in (423, 477):  # the record is locked, or the account is being moved: neither lasts
        return TryLater(f"{says} (HTTP {status})", after=2.0 if after is None else after, status=status, code=code)
    if status == 401 and not known:  # HubSpot: a 401 by itself does not prove that the login is lost
        return TryLater(f"{says} (HTTP 401)", after=after, status=status)
    if status in (401, 403):
        todo = "Check the token and its scopes in HubSpot, then connect the account again."
        return NotAuthorized(f"{says} (HTTP {status}) {todo}", status=status, code=code)
    return refusal(status, says, after=after, code=code)


def _tell_limits(headers: Mapping[str, str]) -> None:
    """Passes on the limits in the headers, which the answers to searches lack."""
    interval = _number(headers, "X-HubSpot-RateLimit-Interval-Milliseconds")
    observed(
        calls=_number(headers, "X-HubSpot-RateLimit-Max"),
        per=None if interval is None else interval / 1000,
        remaining=_number(headers, "X-HubSpot-RateLimit-Remaining"),
    )


def _number(headers: Mapping[str, str], name: str) -> int | None:
    value = headers.get(name, "")
    return int(value) if value.isascii() and value.isdigit() else None
