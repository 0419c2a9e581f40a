"""Posting to an address that somebody typed in: to public ones, as nobody may reach what stands beside us."""

from __future__ import annotations

import ipaddress
import json
import socket
from collections.abc import Mapping
from typing import Any
from urllib.parse import SplitResult, urlsplit

import certifi
import urllib3

from .errors import OutcomeUnknown, Rejected, ServiceDown, SettingInvalid

TIMEOUT = urllib3.Timeout(connect=5, read=10)


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
    """Posts JSON to a public address, and follows no redirect.

    The host's address is looked up once and called as it was found: a name that leads elsewhere a moment later leads
    nobody else. Raises SettingInvalid, Rejected, ServiceDown or OutcomeUnknown.
    """
    parts = check_address(url)
    assert parts.hostname is not None
    address = _public(parts.hostname, parts.port or 443)
    pool = urllib3.HTTPSConnectionPool(
        address,
        parts.port or 443,
        server_hostname=parts.hostname,
        assert_hostname=parts.hostname,
        ca_certs=certifi.where(),
        timeout=TIMEOUT,
        retries=False,
    )
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    headers = {"Host": parts.netloc, "Content-Type": "application/json", "User-Agent": "Regulars"}
    try:
        answer = pool.request("POST", path, body=json.dumps(document).encode(), headers=headers, redirect=False)
    except (urllib3.exceptions.NewConnectionError, urllib3.exceptions.ConnectTimeoutError):
        raise ServiceDown(f"{parts.hostname} does not answer.") from None
    except urllib3.exceptions.HTTPError as error:
        raise OutcomeUnknown(f"{parts.hostname} gave no whole answer ({type(error).__name__}).") from None
    finally:
        pool.close()
    if answer.status >= 500:
        raise ServiceDown(f"{parts.hostname} answered {answer.status}.", status=answer.status)
    if not 200 <= answer.status < 300:
        raise Rejected(f"{parts.hostname} answered {answer.status}.", status=answer.status)


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
