"""Webhooks that practice services send: posted in the background, and again where they were not taken."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from hub.practice import sending
from tests.servers import until


class Hub:
    """Takes webhooks: answers with the next of `answers`, then with 200, and keeps what came."""

    def __init__(self) -> None:
        self.came: list[tuple[str, str, bytes]] = []
        self.connections: set[Any] = set()
        self.answers: list[int] = []
        self.closes = False
        hub = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                hub.connections.add(self.client_address)
                body = self.rfile.read(int(self.headers["Content-Length"]))
                hub.came.append((self.path, self.headers["X-Sign"], body))
                self.send_response(hub.answers.pop(0) if hub.answers else 200)
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"ok")
                self.close_connection = hub.closes

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()


@pytest.fixture
def hub() -> Iterator[Hub]:
    made = Hub()
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture(autouse=True)
def soon(monkeypatch) -> None:
    monkeypatch.setattr(sending, "PAUSE", 0.02)


def settled(courier, sent: dict[str, int]) -> None:
    """Waits until so many were sent, by the status of their answer, and none waits."""
    wanted = {"sent": sent, "waiting": 0}
    until(lambda: courier.counts() == wanted, says=f"{wanted}, and not {courier.counts()}")


def test_a_webhook_arrives_as_it_was_made(hub, acme):
    acme.send(f"{hub.url}/webhooks/acme/1?key=a%26b", {"X-Sign": "s"}, b"body")
    settled(acme.courier, {"200": 1})
    assert hub.came == [("/webhooks/acme/1?key=a%26b", "s", b"body")]


def test_connections_stay_open_between_webhooks(hub, acme):
    for number in range(40):
        acme.send(hub.url, {"X-Sign": "s"}, str(number).encode())
    settled(acme.courier, {"200": 40})
    assert {body for _, _, body in hub.came} == {str(number).encode() for number in range(40)}
    assert len(hub.connections) <= sending.THREADS


def test_a_connection_that_the_hub_closed_costs_no_webhook(hub, acme):
    hub.closes = True
    for number in range(1, 13):
        acme.send(hub.url, {"X-Sign": "s"}, b"x", tries=1)
        settled(acme.courier, {"200": number})


def test_what_was_not_taken_comes_again_as_it_was(hub, acme):
    hub.answers = [503, 401, 302]
    acme.send(hub.url, {"X-Sign": "s"}, b"x")
    settled(acme.courier, {"503": 1, "401": 1, "302": 1, "200": 1})
    assert len(set(hub.came)) == 1


def test_after_the_last_try_it_is_given_up(hub, acme):
    hub.answers = [500] * 3
    acme.send(hub.url, {"X-Sign": "s"}, b"x", tries=3)
    settled(acme.courier, {"500": 3})


def test_while_one_waits_to_be_sent_again_others_are_sent(hub, acme, monkeypatch):
    monkeypatch.setattr(sending, "PAUSE", 60)
    hub.answers = [500]
    acme.send(hub.url, {"X-Sign": "s"}, b"first")
    until(lambda: acme.courier.counts()["sent"] == {"500": 1}, says="The first try")
    acme.send(hub.url, {"X-Sign": "s"}, b"second")
    until(lambda: acme.courier.counts() == {"sent": {"500": 1, "200": 1}, "waiting": 1}, says="The second webhook")


@pytest.mark.parametrize("url", ["http://127.0.0.1:9", "http://[", "http://127.0.0.1:x", "nowhere", ""])
def test_an_address_where_nobody_answers_stops_no_other_webhook(hub, acme, url):
    for _ in range(2 * sending.THREADS):
        acme.send(url, {}, b"x", tries=1)
    acme.send(hub.url, {"X-Sign": "s"}, b"x")
    settled(acme.courier, {"none": 2 * sending.THREADS, "200": 1})


def test_a_reset_forgets_what_would_be_sent_again(hub, acme, monkeypatch):
    monkeypatch.setattr(sending, "PAUSE", 60)
    hub.answers = [500]
    acme.send(hub.url, {"X-Sign": "s"}, b"x")
    until(lambda: acme.courier.counts() == {"sent": {"500": 1}, "waiting": 1}, says="The first try")
    acme.reset()
    assert acme.courier.counts() == {"sent": {}, "waiting": 0}
