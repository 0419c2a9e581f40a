"""The practice account of Twilio: its login, its limits, its errors, and how it signs what it posts."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import uuid
from collections import defaultdict
from collections.abc import Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from hub.practice import Practice, Request, Response, json_answer

from . import practice_shapes as shapes

ACCOUNT = "AC" + "5ca1ab1e" * 4
TOKEN = "practice-twilio-auth-token"
NUMBER = "+14155550100"
SERVICE = "MG" + "5ca1ab1e" * 4

_ELSEWHERE = re.compile(f"/Accounts/(?!{ACCOUNT})")
CODES = {401: 20003, 403: 20403, 404: 20404, 429: 20429, 500: 20500, 503: 20503}


def signed(params: Mapping[str, str], url: str, auth_token: str) -> tuple[dict[str, str], bytes]:
    """One delivery as Twilio posts it to this address, as headers and body. What follows a # is not signed."""
    text = url.partition("#")[0] + "".join(name + params[name] for name in sorted(params))
    mac = hmac.new(auth_token.encode(), text.encode(), hashlib.sha1)
    headers = {
        "Content-Type": "application/x-www-form-urlencoded; charset=utf-8",
        "I-Twilio-Idempotency-Token": str(uuid.uuid4()),
        "X-Twilio-Signature": base64.b64encode(mac.digest()).decode(),
    }
    return headers, urlencode(params).encode()


@lru_cache(maxsize=8)
def basic(user: str, password: str) -> str:
    """The header of a login."""
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def refused(status: int, code: int, message: str, headers: Mapping[str, str] | None = None) -> Response:
    return json_answer(shapes.error(status, code, message), status, headers)


class TwilioPractice(Practice):
    """Checks the login, and refuses calls beyond what may run at once.

    In the books, `status` is the account's, and `delivers` tells whether messages leave at once.

    concurrent   calls at once; Twilio does not tell its own limit
    reports      whether each status of a message is told to the address that it asked for
    """

    adjustable = (*Practice.adjustable, "concurrent", "reports")
    concurrent: int = 50
    reports: bool = True

    def __init__(self, name: str, *, account: Mapping[str, str]) -> None:
        super().__init__(name, account=account)
        self._to: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)

    def reset(self) -> None:
        with self.lock:
            super().reset()
            self._to.clear()

    def keep(self, message: dict[str, Any]) -> None:
        """Writes a message into the books."""
        self.books["messages"].append(message)
        self._to[message["to"]].append(message)

    def messages(self, to: str | None) -> list[dict[str, Any]]:
        """The messages to a number, or all, newest first."""
        return (self.books["messages"] if to is None else self._to.get(to, []))[::-1]

    def guard(self, request: Request) -> Response | None:
        if request.headers.get("Authorization") != basic(ACCOUNT, self.books["auth_token"]):
            return refused(401, 20003, "Authenticate", {"WWW-Authenticate": 'Basic realm="Twilio API"'})
        if self.in_flight > self.concurrent:
            return refused(429, 20429, "Too Many Requests")
        if _ELSEWHERE.search(request.path):
            return self.unknown_route(request, 404)
        return None

    def holds(self) -> dict[str, int]:
        return {name: len(self.books[name]) for name in ("messages", "opted_out")}

    def unknown_route(self, request: Request, status: int) -> Response:
        return refused(status, CODES.get(status, 20004), f"The requested resource {request.path} was not found")

    def failure(self, status: int, headers: Mapping[str, str]) -> Response:
        return refused(status, CODES.get(status, 20001), "Practice fault", headers)

    def post(self, url: str | None, form: Mapping[str, str]) -> None:
        """Posts a webhook, unless there is nowhere to post it to. The address says how often it is tried again."""
        if not url or urlsplit(url).hostname == "demo.twilio.com":
            return
        target, _, overrides = url.partition("#")
        headers, body = signed(form, target, self.books["auth_token"])
        self.send(target, headers, body, tries=1 + int(parse_qs(overrides).get("rc", ["1"])[0]))
