"""Sending to a tool: one client for several threads, and what its answers mean."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from hub import NotAuthorized, OutcomeUnknown, Rejected
from hub.errors import SettingInvalid, SetupError
from hub.timing import SystemClock

from . import mapping as maps
from .signing import check_secret, sign

if TYPE_CHECKING:
    from hub.http import Session

CONCURRENT = 4


@dataclass(frozen=True)
class Client:
    """One tool. `secret` is the newest one, `header` the one for a plain signature, `send_to` where we send to.

    With a `session` it is the practice service: that is reached wherever it is.
    """

    name: str
    secret: str = field(repr=False)
    header: str | None
    send_to: str | None
    session: Session | None = field(default=None, repr=False)

    def headers(self, name: str, body: bytes) -> dict[str, str]:
        signed = sign(self.secret, self.header, name, SystemClock().now() // 1000, body)
        return {"Content-Type": "application/json", **signed}


def connect(
    *,
    base_url: str | None,
    name: str,
    signing_secret: Sequence[str] = (),
    signature_header: str | None = None,
    send_to: str | None = None,
    mapping: str | None = None,
    types: str | None = None,
) -> Client:
    """A client for this tool. Raises SettingInvalid for a field that cannot be right."""
    from hub.http import Session
    from hub.outside import check_address

    for secret in signing_secret:
        if not signature_header:
            check_secret(secret)
    if signature_header and not signature_header.replace("-", "").replace("_", "").isalnum():
        raise SettingInvalid("The header's name is letters, digits and dashes, such as X-Signature.")
    if send_to:
        check_address(send_to)
    maps.check(mapping or "", types or "")
    session = Session(base_url, connections=CONCURRENT) if base_url else None
    return Client(name, next(iter(signing_secret), ""), signature_header or None, send_to or None, session)


def check(client: Client) -> str:
    """The tool's name. Nothing can be asked there, except at the practice service, which knows the secret."""
    if client.session is None:
        return client.name
    answer = client.session.get("/account", headers=client.headers("check", b""))
    _must_be_good(answer.status_code, answer.headers)
    try:
        return str(answer.json()["name"])
    except (ValueError, KeyError, TypeError):
        raise OutcomeUnknown("The practice tool's answer cannot be read.") from None


def send(client: Client, data: Mapping[str, Any], url: str | None, key: str) -> dict[str, Any]:
    """Posts to the tool; gives `{"status"}`. Raises Rejected for an address that is not the tool's own."""
    from hub import outside

    if not client.send_to:
        raise Rejected("The connection has no address to send to. Fill it in, by connecting it again.")
    target = url or client.send_to
    if urlsplit(target)[:2] != urlsplit(client.send_to)[:2]:
        raise Rejected("The address is not at the host that the connection sends to, so nothing was sent.")
    body = json.dumps(data, ensure_ascii=False, default=_written).encode("utf-8", "surrogatepass")
    headers = client.headers(key, body)
    answer: Any
    if client.session is not None:
        answer = client.session.post(urlsplit(target).path, data=body, headers=headers)
    else:
        try:
            answer = outside.send(target, body, headers)
        except SettingInvalid as error:
            raise Rejected(str(error)) from None
    _must_be_good(answer.status_code, answer.headers)
    return {"status": answer.status_code}


def practise(client: Client, method: str, webhook_url: str) -> None:
    """Tells the practice service where its events go to. Raises SetupError if it does not take that."""
    if client.session is None:
        return
    body = json.dumps({"url": webhook_url}).encode()
    answer = client.session.request(method, "/webhook", data=body, headers=client.headers("subscribe", body))
    if not answer.ok:
        raise SetupError("The practice tool does not take the address for its events.")


def _must_be_good(status: int, headers: Mapping[str, str]) -> None:
    from hub.http import refusal, retry_after

    if 200 <= status < 300:
        return
    if 300 <= status < 400:
        raise Rejected("The tool answers with another address. Enter that one at the connection.", status=status)
    if status in (401, 403):
        raise NotAuthorized("The tool does not accept our signature. Give it the secret again.", status=status)
    raise refusal(status, "The tool did not take it.", after=retry_after(headers))


def _written(value: Any) -> Any:
    """What JSON has no word for: times as ISO 8601, durations as seconds, sums of money as text."""
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, Decimal):
        return str(value)
    raise TypeError(f"{type(value).__name__} is no plain data")
