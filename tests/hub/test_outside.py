"""Addresses that somebody typed in: public ones are posted to, and nothing that stands beside the hub."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from hub import outside
from hub.errors import OutcomeUnknown, ServiceDown, SettingInvalid


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


HOST = "tool.example"


@pytest.fixture
def certificate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A key and a certificate of `tool.example`, which is trusted here."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, HOST)])
    now = datetime.now(UTC)
    made = x509.CertificateBuilder(name, name, key.public_key(), 1, now - timedelta(days=1), now + timedelta(days=1))
    made = made.add_extension(x509.SubjectAlternativeName([x509.DNSName(HOST)]), critical=False)
    made = made.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    file = tmp_path / "tool.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file.write_bytes(private + made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
    monkeypatch.setattr("certifi.where", lambda: str(file))
    monkeypatch.setattr(outside, "_is_public", lambda address: True)

    def found(host: object, port: int, *_: object, **__: object) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]

    monkeypatch.setattr("socket.getaddrinfo", found)
    return file


@contextmanager
def served(certificate: Path, answer: Callable[[ssl.SSLSocket], None]) -> Iterator[int]:
    """A server for one call, at a port of its own; `answer` gets its open socket."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(10)

        def serve() -> None:
            try:
                with context.wrap_socket(listening.accept()[0], server_side=True) as route:
                    answer(route)
            except OSError:
                return  # whoever called hung up, or did not trust us

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield listening.getsockname()[1]
        thread.join(20)
        assert not thread.is_alive()


def request(route: ssl.SSLSocket) -> bytes:
    """A whole request whose body is `{}`."""
    came = b""
    while not came.endswith(b"{}"):
        came += route.recv(65536)
    return came


def test_it_is_the_host_that_was_named_which_answers_under_its_own_certificate(certificate: Path) -> None:
    came: list[bytes] = []

    def answer(route: ssl.SSLSocket) -> None:
        came.append(request(route))
        route.sendall(b"HTTP/1.1 302 Found\r\nLocation: http://10.0.0.1/\r\nContent-Length: 9999\r\n\r\n")

    with served(certificate, answer) as port:
        found = outside.send(f"https://{HOST}:{port}/in?x=1", b"{}", {"X-Signature": "s"})
    assert (found.status_code, found.headers["Location"]) == (302, "http://10.0.0.1/"), "which is not followed"
    assert came[0].startswith(b"POST /in?x=1 HTTP/1.1\r\n")
    assert f"Host: {HOST}:{port}\r\n".encode() in came[0] and b"X-Signature: s\r\n" in came[0]


def test_a_certificate_of_another_host_is_not_trusted(certificate: Path) -> None:
    came: list[bytes] = []
    with (
        served(certificate, lambda route: came.append(route.recv(9))) as port,
        pytest.raises(ServiceDown, match="does not prove by a certificate"),
    ):
        outside.send(f"https://other.example:{port}/", b"secret", {})
    assert b"".join(came) == b"", "nothing was sent there"


def test_who_answers_a_little_at_a_time_holds_nobody_up(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outside, "LONGEST_SECONDS", 0.3)

    def drip(route: ssl.SSLSocket) -> None:
        request(route)
        route.sendall(b"HTTP/1.1 200 OK\r\n")
        for _ in range(1000):
            route.sendall(b"X-More: x\r\n")
            if threading.Event().wait(0.05):
                return

    with served(certificate, drip) as port, pytest.raises(OutcomeUnknown, match="too long|no whole"):
        outside.send(f"https://{HOST}:{port}/", b"{}", {})
