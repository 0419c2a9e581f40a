"""What an answer, or none, means: certainly not done, perhaps done, refused, or login lost. Over real sockets."""

import contextlib
import socket
import threading
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
import requests
import urllib3

from hub import http
from hub.errors import NotAuthorized, OutcomeUnknown, RateLimited, Rejected, ServiceDown
from hub.http import Session, no_answer, refusal, retry_after
from hub.practice import Fault, Practice, json_answer
from hub.practice.server import PracticeServer


@pytest.fixture(scope="module")
def practice():
    service = Practice("acme", account={})
    service.route("GET", "/thing")(lambda request: json_answer({"method": request.method}))
    service.route("GET", "/moved")(lambda request: json_answer({}, 302, {"Location": "/acme/thing"}))
    server = PracticeServer({"acme": service})
    yield service, server.start()
    server.stop()


@pytest.fixture
def service(practice):
    practice[0].reset()
    return practice[0]


@pytest.fixture
def session(practice, service):
    with Session(f"{practice[1]}/acme/") as session:
        yield session


@pytest.fixture
def closed_port():
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]


@pytest.fixture
def silent_port():
    """A server that takes the connection and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_a_path_goes_after_the_base_address(session):
    assert session.get("/thing").json() == {"method": "GET"}
    assert session.get(session.base_url + "/thing").status_code == 200


def test_no_redirect_is_followed(session, service):
    assert session.get("/moved").status_code == 302
    assert [call["path"] for call in service.calls] == ["/moved"]


def test_one_session_keeps_its_connection_and_serves_several_threads(session, service):
    threads = [threading.Thread(target=session.get, args=("/thing",)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [call["status"] for call in service.calls] == [200] * 8


@pytest.mark.parametrize("kind", ["drop_before", "drop_after"])
def test_a_dropped_connection_may_have_been_heard(session, service, kind):
    service.faults.append(Fault(kind))
    with pytest.raises(OutcomeUnknown):
        session.get("/thing")
    assert len(service.calls) == 1


def test_nothing_listening_is_certainly_not_done(closed_port):
    with Session() as session, pytest.raises(ServiceDown):
        session.get(f"http://127.0.0.1:{closed_port}/")
    with urllib3.PoolManager(retries=False) as pool:
        try:
            pool.request("GET", f"http://127.0.0.1:{closed_port}/")
        except urllib3.exceptions.HTTPError as error:
            assert isinstance(no_answer(error), ServiceDown)
        else:
            pytest.fail("the port answered")


def test_silence_may_have_been_heard(silent_port):
    with Session() as session, pytest.raises(OutcomeUnknown):
        session.get(f"http://127.0.0.1:{silent_port}/", timeout=0.05)


def test_a_time_out_while_another_failure_is_handled_is_still_unknown(closed_port, silent_port):
    with Session() as session:
        try:
            session.get(f"http://127.0.0.1:{closed_port}/")
        except ServiceDown:
            with pytest.raises(OutcomeUnknown):
                session.get(f"http://127.0.0.1:{silent_port}/", timeout=0.05)


def test_every_call_has_time_outs(monkeypatch):
    seen = []
    monkeypatch.setattr(requests.Session, "request", lambda self, *args, **given: seen.append(given))
    Session().get("/thing")
    Session().post("/thing", timeout=1)
    assert [given["timeout"] for given in seen] == [(http.CONNECT_TIMEOUT, http.READ_TIMEOUT), 1]


def test_an_error_that_contains_itself_ends():
    error = ValueError()
    error.args = (error,)
    assert isinstance(no_answer(error), OutcomeUnknown)


def test_what_went_wrong_shows_no_address():
    assert "127.0.0.1" not in str(no_answer(requests.ConnectionError("http://127.0.0.1/?key=secret")))


@pytest.mark.parametrize(
    ("status", "after", "expected"),
    [
        (400, None, Rejected),
        (401, None, NotAuthorized),
        (403, None, NotAuthorized),
        (404, None, Rejected),
        (408, None, RateLimited),
        (422, None, Rejected),
        (425, None, RateLimited),
        (429, 3.0, RateLimited),
        (302, None, Rejected),
        (100, None, OutcomeUnknown),
        (500, None, OutcomeUnknown),
        (502, 3.0, OutcomeUnknown),
        (503, None, OutcomeUnknown),
        (503, 3.0, ServiceDown),
        (599, None, OutcomeUnknown),
    ],
)
def test_what_a_status_means(status, after, expected):
    failed = refusal(status, "It says", after=after, code="7")
    assert type(failed) is expected
    assert (failed.status, failed.code, str(failed)) == (status, "7", f"It says (HTTP {status})")
    assert getattr(failed, "after", after) == after or expected is OutcomeUnknown


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0.0),
        ("2", 2.0),
        ("1.5", 1.5),
        ("-3", 0.0),
        ("1e9", 86_400.0),
        ("inf", 86_400.0),
        ("9" * 500, 86_400.0),
        ("nan", None),
        ("", None),
        ("soon", None),
        ("Wed, 32 Foo 2026 99:00:00 GMT", None),
        (format_datetime(datetime(2001, 1, 1, tzinfo=UTC), usegmt=True), 0.0),
        (None, None),
    ],
)
def test_how_long_a_provider_asks_to_wait(value, seconds):
    assert retry_after({} if value is None else {"Retry-After": value}) == seconds


def test_a_date_to_wait_for_becomes_seconds():
    at = datetime.now(UTC) + timedelta(minutes=5)
    assert 298 < retry_after({"Retry-After": format_datetime(at, usegmt=True)}) <= 300


def test_no_headers_ask_for_nothing():
    assert retry_after(None) is None


def test_credentials_of_this_machine_are_not_sent(session, monkeypatch, tmp_path):
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login ada password secret\n")
    monkeypatch.setenv("NETRC", str(netrc))
    answer = session.get("/thing")
    assert "Authorization" not in answer.request.headers
    with contextlib.closing(requests.Session()) as other:
        assert "Authorization" in other.get(session.base_url + "/thing").request.headers
