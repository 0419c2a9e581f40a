"""A rehearsal touches nothing outside: no network, no practice service that others use, no counts, no other thread."""

from __future__ import annotations

import threading

import pytest

from connectors import shopify
from connectors.hubspot.client import Client
from connectors.mailchimp.practice import service as newsletter
from connectors.twilio.practice import service as texts
from hub import ServiceDown
from hub.http import INSIDE, LeanSession, Session, only_inside
from hub.metrics import CALLS, RUNS, STEPS
from hub.rehearsal.memory import MemoryDatabase
from hub.testing import rehearse
from recipes.order_thanks import order_thanks
from tests.recipes.events import AUDIENCE

ORDER = shopify.order_created.sample


def nobody(*_: object) -> tuple[int, dict[str, str], bytes]:
    raise AssertionError("Nobody should have been asked.")


def test_the_practice_services_that_others_use_keep_their_books():
    for service in (newsletter, texts):
        service.reset()
    before = dict(vars(texts))
    assert rehearse(order_thanks, ORDER, audience=AUDIENCE).state == "done"
    assert (texts.books["messages"], list(texts.calls), newsletter.holds()["members"]) == ([], [], 0)
    assert vars(texts).keys() == before.keys()


def test_nothing_of_it_is_counted():
    def counted() -> list[float]:
        return [
            s.value
            for counter in (CALLS, RUNS, STEPS)
            for m in counter.collect()
            for s in m.samples
            if s.name.endswith("total")
        ]

    before = counted()
    rehearse(order_thanks, ORDER, audience=AUDIENCE)
    assert counted() == before


def test_it_makes_no_threads():
    rehearse(order_thanks, ORDER, audience=AUDIENCE)
    before = set(threading.enumerate())
    rehearse(order_thanks, ORDER, audience=AUDIENCE)
    assert set(threading.enumerate()) <= before


@pytest.mark.parametrize(
    "call",
    [
        lambda: Session("http://127.0.0.1:9").get("/"),
        lambda: LeanSession({}).get("http://127.0.0.1:9/"),
        lambda: LeanSession({}).post("https://api.twilio.com/", {}),
        lambda: Client("token", "http://127.0.0.1:9").call("GET", "/"),
    ],
    ids=["requests", "lean", "lean post", "hubspot"],
)
def test_whoever_would_call_somebody_outside_is_refused(call):
    with only_inside(nobody), pytest.raises(ServiceDown, match="calls nobody outside"):
        call()


def test_calls_stay_inside_and_come_back_whole():
    asked: list[object] = []

    def answer(method: str, target: str, headers: object, body: bytes) -> tuple[int, dict[str, str], bytes]:
        asked.append((method, target, body))
        return 201, {"X-Told": "yes"}, b'{"done": true}'

    with only_inside(answer):
        session = Session(f"{INSIDE}/acme").post("/things", params={"a": "b c"}, json={"n": 1})
        lean = LeanSession({}).post(f"{INSIDE}/acme/things", {"n": "1"})
    assert (session.status_code, session.json(), session.headers["X-Told"]) == (201, {"done": True}, "yes")
    assert (lean.status_code, lean.json(), lean.headers["X-Told"]) == (201, {"done": True}, "yes")
    assert asked == [("POST", "/acme/things?a=b+c", b'{"n": 1}'), ("POST", "/acme/things", b"n=1")]


def test_outside_of_a_rehearsal_its_services_are_nowhere():
    with pytest.raises(ServiceDown):
        Session(INSIDE).get("/")


def test_a_transaction_within_another_one_is_a_mistake_as_it_would_wait_for_itself():
    database = MemoryDatabase()
    with pytest.raises(RuntimeError, match="within another one"), database.write(), database.write():
        pass
    with database.write():  # and the first one is over
        pass
    database.close()
