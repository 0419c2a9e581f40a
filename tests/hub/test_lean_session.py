"""The session for thousands of calls: what it sends, and what silence means. Over real sockets."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import responses

from hub import http
from hub.errors import OutcomeUnknown, ServiceDown
from hub.http import LeanSession, Session
from hub.practice import Fault, Practice, json_answer
from hub.practice.server import PracticeServer


@pytest.fixture(scope="module")
def place() -> Iterator[tuple[Practice, str]]:
    service = Practice("acme", account={})

    def thing(request: Any) -> Any:
        told = {"query": dict(request.args), "form": dict(request.form), "login": request.headers.get("Authorization")}
        return json_answer(told)

    service.route("GET", "/thing")(thing)
    service.route("POST", "/thing")(thing)
    service.route("GET", "/moved")(lambda request: json_answer({}, 302, {"Location": "/acme/thing"}))
    server = PracticeServer({"acme": service})
    yield service, f"{server.start()}/acme"
    server.stop()


@pytest.fixture
def url(place: tuple[Practice, str]) -> str:
    place[0].reset()
    return place[1]


@pytest.fixture
def session() -> Iterator[LeanSession]:
    made = LeanSession({"Authorization": "Basic abc"})
    yield made
    made.close()


def test_it_sends_the_query_the_form_and_the_login(session: LeanSession, url: str) -> None:
    words = "Grüße & Küsse = 100 %"
    assert session.get(f"{url}/thing", {"q": words}).json() == {"query": {"q": words}, "form": {}, "login": "Basic abc"}
    assert session.post(f"{url}/thing", {"text": words}).json()["form"] == {"text": words}


def test_an_answer_of_any_status_is_given_and_no_redirect_is_followed(session: LeanSession, url: str) -> None:
    assert session.get(f"{url}/moved").status_code == 302
    assert session.get(f"{url}/nowhere").status_code == 404


def test_it_serves_several_threads_and_keeps_connections_open(session: LeanSession, url: str) -> None:
    found: list[int] = []
    threads = [
        threading.Thread(target=lambda: found.extend(session.get(f"{url}/thing").status_code for _ in range(5)))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (pool,) = session._pools.values()
    assert found == [200] * 40
    assert pool.num_requests == 40 and pool.num_connections <= 8


@pytest.mark.parametrize("kind", ["drop_before", "drop_after"])
def test_a_dropped_connection_may_have_been_heard_and_nothing_is_repeated(
    session: LeanSession, place: tuple[Practice, str], url: str, kind: str
) -> None:
    session.get(f"{url}/thing")
    place[0].faults.append(Fault(kind))
    with pytest.raises(OutcomeUnknown):
        session.post(f"{url}/thing", {})


def test_nothing_listening_is_certainly_not_done(session: LeanSession) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        closed = probe.getsockname()[1]
    with pytest.raises(ServiceDown):
        session.get(f"http://127.0.0.1:{closed}/")


def test_silence_may_have_been_heard(session: LeanSession, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "READ_TIMEOUT", 0.05)
    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(OutcomeUnknown):
        session.get(f"http://127.0.0.1:{silent.getsockname()[1]}/")


def test_a_certificate_is_checked(session: LeanSession) -> None:
    pool = session._pool("https", "api.example.com")
    assert (pool.cert_reqs, bool(pool.ca_certs)) == ("CERT_REQUIRED", True)


@responses.activate
def test_a_connectors_tests_may_fake_a_provider_behind_the_usual_session() -> None:
    responses.get("https://api.example.com/thing", json={"id": 900719925474099377}, headers={"Retry-After": "3"})
    answer = Session("https://api.example.com").get("/thing")
    assert answer.json() == {"id": 900719925474099377}
    assert http.retry_after(answer.headers) == 3.0
