"""The practice server speaks HTTP as providers do, on connections that stay open."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
import requests

from tests.servers import until

FORM = "Content-Type: application/x-www-form-urlencoded"


@pytest.fixture
def wire(base) -> Iterator[socket.socket]:
    """An open connection to the server."""
    with socket.create_connection(("127.0.0.1", urlsplit(base).port), timeout=10) as made:
        yield made


def ask(method: str, path: str, *headers: str, body: str = "", version: str = "1.1") -> bytes:
    lines = [f"{method} /acme{path} HTTP/{version}", "Host: acme", *headers, f"Content-Length: {len(body)}", "", body]
    return "\r\n".join(lines).encode()


def read(wire: socket.socket, ending: bytes) -> bytes:
    """What comes until it ends like this."""
    found = b""
    while not found.endswith(ending):
        more = wire.recv(65_536)
        assert more, f"The connection ended after {found!r}"
        found += more
    return found


def test_several_calls_go_over_one_connection(base, session):
    for _ in range(3):
        assert session.get(f"{base}/acme/things/1").status_code == 200
    pools = session.get_adapter("http://").poolmanager.pools
    (pool,) = [pools[key] for key in pools.keys()]  # noqa: SIM118  its container cannot be iterated
    assert (pool.num_connections, pool.num_requests) == (1, 3)


def test_calls_that_come_in_one_piece_are_answered_in_their_order(wire):
    wire.sendall(ask("GET", "/things/1") + ask("GET", "/things/2"))
    found = read(wire, b'{"name": "2", "asked": {}, "user": null}')
    assert found.index(b'"name": "1"') < found.index(b'"name": "2"')


def test_a_call_that_comes_in_pieces_is_read_whole(wire, acme):
    sent = ask("POST", "/things", FORM, body="name=T%C3%A9a&size=1+1&none=")
    for place in range(0, len(sent), 7):
        wire.sendall(sent[place : place + 7])
    read(wire, b'{"polite": true}')
    assert acme.books["things"] == [{"name": "Téa", "size": "1 1", "none": ""}]


def test_paths_questions_and_headers_arrive_as_they_were_meant(wire):
    wire.sendall(ask("GET", "/things/a%20%C3%BC?x=1&y=%26", "x-USER:  Ada "))
    assert b'{"name": "a \xc3\xbc", "asked": {"x": "1", "y": "&"}, "user": "Ada"}' in read(wire, b"}")


@pytest.mark.parametrize(("headers", "version"), [(["Connection: close"], "1.1"), ([], "1.0")])
def test_who_wants_the_connection_closed_is_obeyed(wire, headers, version):
    wire.sendall(ask("GET", "/things/1", *headers, version=version))
    read(wire, b'"user": null}')
    assert wire.recv(1) == b""


def test_who_asks_before_sending_a_body_is_told_to_go_on(wire, acme):
    head, body = ask("POST", "/things", FORM, "Expect: 100-continue", body="a=1").split(b"\r\n\r\n")
    wire.sendall(head + b"\r\n\r\n")
    read(wire, b"HTTP/1.1 100 Continue\r\n\r\n")
    wire.sendall(body)
    read(wire, b'{"polite": true}')
    assert acme.books["things"] == [{"a": "1"}]


def test_a_head_tells_the_length_and_no_more(base, session):
    answer = session.head(f"{base}/acme/things/1")
    assert (answer.status_code, answer.content) == (200, b"")
    assert int(answer.headers["Content-Length"]) == len(session.get(f"{base}/acme/things/1").content)


def test_what_is_no_call_ends_the_connection_and_nothing_else(wire, base, session):
    wire.sendall(b"hello\r\n\r\n")
    assert wire.recv(1) == b""
    assert session.get(f"{base}/acme/things/1").ok


def test_a_dropped_connection_gets_no_answer(wire, acme):
    acme.add_fault({"kind": "drop_after"})
    wire.sendall(ask("POST", "/things", FORM, body="a=1"))
    assert wire.recv(1) == b""
    assert acme.books["things"] == [{"a": "1"}]


def test_a_slow_call_holds_up_no_other_one(base, session, acme):
    acme.add_fault({"kind": "latency", "path": "/slow", "seconds": 1.5})
    slow = threading.Thread(target=requests.get, args=(f"{base}/acme/things/slow",))
    slow.start()
    until(lambda: acme.in_flight == 1, says="The slow call")
    assert session.get(f"{base}/acme/things/quick").ok
    assert slow.is_alive()
    slow.join()


def test_a_server_that_was_stopped_answers_on_no_connection(server, base, session):
    session.get(f"{base}/acme/things/1")
    server.stop()
    for client in (session, requests.Session()):
        with client, pytest.raises(requests.ConnectionError):
            client.get(f"{base}/acme/things/1", timeout=5)


def test_a_handler_that_fails_is_a_fault_of_the_provider_and_the_server_goes_on(base, session, acme, capsys):
    @acme.route("GET", "/broken")
    def broken(request):
        raise KeyError("nothing there")

    assert session.get(f"{base}/acme/broken").status_code == 500
    assert "nothing there" in capsys.readouterr().err
    assert session.get(f"{base}/acme/things/1").ok
