"""Addresses that somebody typed in: public ones are posted to, and nothing that stands beside the hub."""

from __future__ import annotations

import socket
from typing import Any

import pytest

from hub import outside
from hub.errors import ServiceDown, SettingInvalid


@pytest.mark.parametrize(
    "url",
    ["http://example.com/", "https://", "ftp://example.com", "https://ada:x@example.com/", "", "https://a:b/", "x"],
)
def test_an_address_that_may_never_be_is_refused(url: str) -> None:
    with pytest.raises(SettingInvalid):
        outside.check_address(url)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.1.2.3",
        "192.168.1.1",
        "172.16.0.9",
        "169.254.169.254",
        "100.64.1.1",
        "0.0.0.0",
        "::1",
        "fe80::1%eth0",
    ]
    + ["fd00::1", "::ffff:127.0.0.1", "224.0.0.1", "192.0.2.7"],
)
def test_a_host_beside_the_hub_is_never_called(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    def found(*_: object, **__: object) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("93.184.216.34", 443)), (0, 0, 0, "", (address, 443))]

    monkeypatch.setattr("socket.getaddrinfo", found)
    with pytest.raises(SettingInvalid, match="is not a public address"):
        outside.post("https://rebound.example.com/hook", {})


def test_a_name_is_looked_up_once_so_that_it_leads_nowhere_else_a_moment_later(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[object] = []

    def found(host: object, *_: object, **__: object) -> list[Any]:
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("93.184.216.34", 443))]

    called: list[object] = []

    def connect(address: tuple[str, int], *_: object, **__: object) -> None:
        called.append(address)
        raise OSError("no network here")

    monkeypatch.setattr("socket.getaddrinfo", found)
    monkeypatch.setattr("urllib3.util.connection.create_connection", connect)
    with pytest.raises(ServiceDown, match=r"^example.com does not answer.$"):
        outside.post("https://example.com/hook", {})
    assert asked == ["example.com"] and called == [("93.184.216.34", 443)]


def test_a_host_that_nobody_knows_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror

    monkeypatch.setattr("socket.getaddrinfo", unknown)
    with pytest.raises(ServiceDown, match="nowhere.example"):
        outside.post("https://nowhere.example/", {})
