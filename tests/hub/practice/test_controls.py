"""What can be told to the practice services from outside, and what they tell."""

from __future__ import annotations

import threading

import pytest
import requests

from hub.practice.server import PracticeServer
from hub.practice.service import LISTED
from tests.servers import until


def statuses(base, session, count: int) -> list[int | None]:
    """What so many calls are answered, None for nothing."""
    found: list[int | None] = []
    for _ in range(count):
        try:
            found.append(session.get(f"{base}/acme/things/1", timeout=10).status_code)
        except requests.ConnectionError:
            found.append(None)
    return found


# ---- counting


def test_counts_tell_calls_answers_routes_effects_and_webhooks(base, session, acme):
    session.post(f"{base}/acme/things", data={"a": "1"})
    session.get(f"{base}/acme/nowhere")
    acme.add_fault({"kind": "drop_before"})
    statuses(base, session, 2)
    told = session.get(f"{base}/_counts/acme").json()
    assert told == {
        "calls": 4,
        "answers": {"201": 1, "404": 1, "none": 1, "200": 1},
        "routes": {"POST /things": 1, "GET /things/<name>": 1},
        "in_flight": 0,
        "most_at_once": 1,
        "holds": {"things": 1},
        "webhooks": {"sent": {}, "waiting": 0},
    }
    assert session.get(f"{base}/_counts").json() == {"acme": told}


def test_the_most_calls_at_once_and_those_beyond_the_limit_are_counted(base, session, acme):
    acme.latency = 1.0
    calls = [threading.Thread(target=statuses, args=(base, requests, 1)) for _ in range(5)]
    for call in calls:
        call.start()
    until(lambda: acme.in_flight == 5, says="Five calls at once")
    for call in calls:
        call.join()
    told = session.get(f"{base}/_counts/acme").json()
    assert (told["most_at_once"], told["answers"]) == (5, {"200": 3, "429": 2})


def test_the_list_of_calls_stays_short_while_all_are_counted(acme, base, session):
    for number in range(LISTED + 10):
        acme.calls.append({"at": number, "connector": "acme"})
    session.get(f"{base}/acme/things/1")
    listed = session.get(f"{base}/_calls", params={"connector": "acme"}).json()
    assert (len(listed), listed[0]["at"], listed[-1]["path"]) == (LISTED, 11, "/things/1")
    assert session.get(f"{base}/_counts/acme").json()["calls"] == 1


# ---- setting


def test_what_can_be_set_is_told_and_set(base, session, acme):
    assert session.get(f"{base}/_settings/acme").json() == {"latency": 0.0, "concurrent": 3, "polite": True}
    answer = session.post(f"{base}/_settings/acme", json={"concurrent": 0, "polite": False, "latency": 0})
    assert answer.json() == {"latency": 0.0, "concurrent": 0, "polite": False}
    assert statuses(base, session, 1) == [429]


@pytest.mark.parametrize(
    ("wanted", "says"),
    [
        ({"books": 1}, "latency, concurrent, polite"),
        ({"concurrent": True}, "cannot be True"),
        ({"concurrent": "5"}, "cannot be '5'"),
        ({"polite": 1}, "cannot be 1"),
        ([], "JSON object"),
        ("no JSON", "Expecting value"),
    ],
)
def test_what_cannot_be_set_is_refused_with_the_reason_and_changes_nothing(base, session, acme, wanted, says):
    if isinstance(wanted, dict):
        wanted = {"latency": 9.0} | wanted
    sent = {"data": wanted} if isinstance(wanted, str) else {"json": wanted}
    answer = session.post(f"{base}/_settings/acme", **sent)
    assert answer.status_code == 400
    assert says in answer.json()["message"]
    assert (acme.latency, acme.concurrent, acme.polite) == (0.0, 3, True)


def test_a_reset_makes_everything_new(base, session, acme):
    acme.add_fault({"kind": "html", "times": 9})
    acme.adjust({"concurrent": 7, "latency": 0.001})
    statuses(base, session, 2)
    session.post(f"{base}/acme/things", data={"a": "1"})
    session.post(f"{base}/_reset")
    assert session.get(f"{base}/_settings/acme").json() == {"latency": 0.0, "concurrent": 3, "polite": True}
    told = session.get(f"{base}/_counts/acme").json()
    assert (told["calls"], told["answers"], told["routes"], told["holds"]) == (0, {}, {}, {"things": 0})
    assert session.get(f"{base}/_books/acme").json() == {"things": []}
    assert statuses(base, session, 1) == [200]


# ---- faults


def test_faults_by_chance_strike_the_same_calls_of_a_row_each_time(base, session, acme):
    rows = []
    for seed in (7, 7, 8):
        for fault in ({"kind": "status", "status": 429, "chance": 0.3}, {"kind": "drop_after", "chance": 0.2}):
            session.post(f"{base}/_faults/acme", json=fault | {"times": 1000, "seed": seed})
        rows.append(statuses(base, session, 40))
        session.delete(f"{base}/_faults/acme")
    assert rows[0] == rows[1] != rows[2]
    assert set(rows[0]) == {200, 429, None}
    assert statuses(base, session, 20) == [200] * 20


def test_a_fault_counts_the_calls_that_it_strikes(base, session, acme):
    session.post(f"{base}/_faults/acme", json={"kind": "status", "path": "/things", "times": 2, "chance": 0.5})
    found = statuses(base, session, 30)
    assert (found.count(500), found.count(200)) == (2, 28)
    assert acme.faults == []


def test_a_fault_for_another_path_waits_for_it(base, session):
    session.post(f"{base}/_faults/acme", json={"kind": "html", "path": "/elsewhere"})
    assert statuses(base, session, 2) == [200, 200]
    assert session.get(f"{base}/acme/elsewhere").status_code == 502


@pytest.mark.parametrize("fault", [{"kind": "earthquake"}, {"sort": "html"}, {}])
def test_a_fault_that_there_is_not_is_refused(base, session, acme, fault):
    assert session.post(f"{base}/_faults/acme", json=fault).status_code == 400
    assert acme.faults == []


# ---- happening, and what is not there


def test_something_happens_or_the_reason_is_told(base, session):
    assert session.post(f"{base}/_happen/acme/storm", json={"force": 9}).json() == {"force": 9}
    for details in ({"force": "strong"}, {"force": None}, {}):
        assert session.post(f"{base}/_happen/acme/storm", json=details).status_code == 400
    unknown = session.post(f"{base}/_happen/acme/flood")
    assert (unknown.status_code, unknown.json()["message"]) == (404, "What can happen here: storm.")


@pytest.mark.parametrize(
    "path", ["/", "/nobody", "/_counts/nobody", "/_books", "/_nothing/acme", "/_happen/acme/storm"]
)
def test_an_address_that_there_is_not_says_what_there_is(base, session, path):
    answer = session.get(f"{base}{path}")
    assert answer.status_code == 404
    assert answer.json()["message"]


def test_the_limits_of_our_own_practice_services_can_be_set():
    services = PracticeServer().services
    assert {"latency", "max_calls", "interval", "daily"} <= set(services["hubspot"].adjust({}))
    assert {"latency", "concurrent", "reports"} == set(services["twilio"].adjust({}))
    assert {"latency", "concurrent"} == set(services["mailchimp"].adjust({}))
