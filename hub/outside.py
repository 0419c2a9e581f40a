"""Posting to an address that somebody typed in: to public ones, as nobody may reach what stands beside us."""

from __future__ import annotations

import ipaddress
import json
import socket
import threading
from collections.abc import Mapping
from contextlib import suppress
from http.client import HTTPException
from typing import Any
from urllib.parse import SplitResult, urlsplit

import certifi
import urllib3
from urllib3.connection import HTTPSConnection

from .errors import OutcomeUnknown, Rejected, ServiceDown, SettingInvalid
from .http import Answer, answered_inside

CONNECT_SECONDS, READ_SECONDS, LONGEST_SECONDS = 5.0, 10.0, 20.0
"""The longest is less than what a connection's holder counts on for a call: see `http.LONGEST_CALL_SECONDS`."""


def check_address(url: str) -> SplitResult:
    """The parts of an address that may be posted to. Raises SettingInvalid for one that may never be."""
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        raise SettingInvalid("This is no address. Write one such as: https://example.com/hook") from None
    if parts.scheme != "https" or not parts.hostname or parts.username or parts.password:
        raise SettingInvalid(
            "The address should begin with https:// and name a host, such as: https://example.com/hook"
        )
    return parts


def post(url: str, document: Mapping[str, Any]) -> None:
    """Posts JSON to a public address. Raises SettingInvalid, Rejected, ServiceDown or OutcomeUnknown."""
    host = check_address(url).hostname
    answer = send(url, json.dumps(document).encode(), {"Content-Type": "application/json"})
    if answer.status_code >= 500:
        raise ServiceDown(f"{host} answered {answer.status_code}.", status=answer.status_code)
    if not 200 <= answer.status_code < 300:
        raise Rejected(f"{host} answered {answer.status_code}.", status=answer.status_code)


def send(url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
    """Posts to a public address, and follows no redirect. What is answered is not read but for its status and headers,
    which must be there within some seconds: whoever answers slowly, or without an end, holds up nobody.

    The host's address is looked up once and called as it was found: a name that leads elsewhere a moment later leads
    nobody else. Raises SettingInvalid, ServiceDown or OutcomeUnknown.
    """
    parts = check_address(url)
    assert parts.hostname is not None
    answered_inside("POST", url, headers, body)  # which refuses it in a rehearsal
    address = _public(parts.hostname, parts.port or 443)
    route = HTTPSConnection(
        address,
        parts.port or 443,
        server_hostname=parts.hostname,
        assert_hostname=parts.hostname,
        ca_certs=certifi.where(),
        cert_reqs="CERT_REQUIRED",
        timeout=CONNECT_SECONDS,
    )
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    late = threading.Event()
    latest = threading.Timer(LONGEST_SECONDS, _hang_up, [route, late])
    latest.daemon = True
    latest.start()
    try:
        _reach(route, parts.hostname)
        route.sock.settimeout(READ_SECONDS)
        own = {"Host": parts.netloc, "User-Agent": "Regulars", **headers}
        route.request("POST", path, body, own, preload_content=False)
        answer = route.getresponse()
        if late.is_set():  # headers that end too soon look whole
            raise OutcomeUnknown(f"{parts.hostname} took too long to answer.")
        return Answer(answer.status, dict(answer.headers), b"")
    except (urllib3.exceptions.HTTPError, HTTPException, OSError) as error:
        raise OutcomeUnknown(f"{parts.hostname} gave no whole answer ({type(error).__name__}).") from None
    finally:
        latest.cancel()
        route.close()


def _reach(route: HTTPSConnection, host: str) -> None:
    """Raises ServiceDown if nobody is there, or somebody else: nothing has left then."""
    try:
        route.connect()
    except (urllib3.exceptions.NewConnectionError, urllib3.exceptions.ConnectTimeoutError):
        raise ServiceDown(f"{host} does not answer.") from None
    except (urllib3.exceptions.HTTPError, OSError, ValueError):  # a certificate of another host is a ValueError
        raise ServiceDown(f"{host} does not prove by a certificate that it is the one.") from None


def _hang_up(route: HTTPSConnection, late: threading.Event) -> None:
    late.set()
    with suppress(OSError, AttributeError):
        route.sock.shutdown(socket.SHUT_RDWR)


def _public(host: str, port: int) -> str:
    """The host's first address, if all that it has are public."""
    try:
        found = [entry[4][0] for entry in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    except (OSError, UnicodeError):
        raise ServiceDown(f"There is no host {host}, or nobody knows it just now.") from None
    if not all(_is_public(str(address)) for address in found):
        raise SettingInvalid(f"{host} is not a public address, so nothing is sent there.")
    return str(found[0])


def _is_public(address: str) -> bool:
    found = ipaddress.ip_address(address.partition("%")[0])
    return found.is_global and not found.is_multicast
