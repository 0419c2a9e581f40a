"""The past played again: what a draft would have done with what happened, and how that differs from what is on."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from connectors import mailchimp, shopify, twilio
from hub import Event, Steps, recipe, sleep
from hub.event import Consent
from hub.people import Word
from hub.rehearsal.past import Past, past
from hub.timing import to_datetime, to_ms
from tests.hub.outbox.desk import ON_SQLITE
from tests.recipes.events import AUDIENCE, after, customer, order
from tests.world import World

pytestmark = ON_SQLITE
NUMBERS = ("+14155550101", "+14155550102", "+14155550103")


def is_named(event: Event) -> bool:
    """They have a name."""
    return bool(event.data.get("first_name"))


@recipe(on=shopify.customer_created, title="Greet", filters=[is_named], stop_when=shopify.order_created)
def greet(event: Event, *, text: str, days: int = 2) -> Steps:
    """Greets newcomers."""
    yield mailchimp.upsert_member(AUDIENCE, event.person.email or "")
    yield sleep(days=days)
    yield twilio.send_sms(event.person.phone or "", text, purpose="marketing")
    return "greeted"


@pytest.fixture
def shop(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """Three people came on one day; the second one ordered a day later, and the third has no name."""
    world.practice()
    world.use(monkeypatch, greet)
    account = next(c for c in world.hub.connections.list(world.workspace) if c.connector.name == "shopify")
    for number, phone in enumerate(NUMBERS):
        about = {"id": 500 + number, "email": f"p{number}@example.com", "phone": phone}
        nameless = {"first_name": None} if number == 2 else {}
        sent = customer(after(minutes=number), **about, **nameless)
        world.deliver(account, sent[1], {name.lower(): value for name, value in sent[0].items()})
    world.settle()
    world.clock.advance(timedelta(days=1))
    whose = {"email": "p1@example.com", "contact_email": "p1@example.com", "phone": NUMBERS[1], "customer": {"id": 501}}
    bought = order(after(days=1), **whose)
    world.deliver(account, bought[1], {name.lower(): value for name, value in bought[0].items()})
    world.settle()
    world.clock.advance(timedelta(days=9))
    return world


def agree(world: World, phone: str) -> None:
    at = to_datetime(world.clock.now())
    with world.hub.database.write() as database:
        word = Word(Consent("sms", phone, True, at), "shopify.sms_consent.changed", to_ms(at), False)
        world.hub.people.record_consents(database, world.workspace, [word])


def played(world: World, last: int = 30, **settings: Any) -> Past:
    return past(world.hub, world.workspace, greet, {"text": "Hello"} | settings, timedelta(days=last))


def told(found: Past) -> list[tuple[str, list[tuple[str, str]]]]:
    return [
        (each.draft.state, [(entry.action, entry.outcome) for entry in each.draft.timeline]) for each in found.instances
    ]


def test_a_recipe_that_is_not_on_is_tried_with_what_happened(shop):
    agree(shop, NUMBERS[0])
    found = played(shop)
    assert (found.events, found.is_on, found.is_cut) == (4, False, False)
    member, rest = ("mailchimp.upsert_member", "would happen"), ("sleep", "waits")
    assert told(found) == [
        ("done", [member, rest, ("twilio.send_sms", "would happen")]),
        ("stopped", [member, rest]),
    ]
    assert [each.differs for each in found.instances] == [None, None]


def test_who_did_not_agree_by_now_gets_no_message(shop):
    (first, _) = played(shop).instances
    assert first.draft.timeline[-1].reason == "Not sent: nothing says that they agreed to marketing on this channel."


def test_nothing_is_done_and_nothing_is_written(shop):
    services = shop.practice().services
    before = (shop.runs, services["mailchimp"].counts()["calls"], services["twilio"].counts()["calls"])
    played(shop)
    assert (shop.runs, services["mailchimp"].counts()["calls"], services["twilio"].counts()["calls"]) == before


def test_what_was_longer_ago_is_left_alone(shop):
    assert played(shop, last=9).events == 1


def test_events_that_are_not_kept_any_more_are_left_out(shop):
    with shop.hub.database.write() as database:
        database.exec_driver_sql("UPDATE event SET content = NULL")
    assert played(shop).events == 0


def test_it_is_compared_with_the_recipe_as_it_is_on(shop):
    agree(shop, NUMBERS[0])
    shop.enable("greet", text="Hello", days="2")
    assert [each.differs for each in played(shop).instances] == [None, None]
    assert [each.differs for each in played(shop, text="Good day").instances] == [
        "It does the same, with other words or values.",
        None,
    ]
    assert [each.differs for each in played(shop, days="5").instances] == [
        "Wait 5 days, 22 Nov, 04:00, instead of: Wait 2 days, 22 Nov, 04:00.",
        "Wait 5 days, 22 Nov, 04:00, instead of: Wait 2 days, 22 Nov, 04:00.",
    ]


def test_who_would_start_now_and_did_not_before_is_told_and_the_other_way_round(shop, monkeypatch):
    shop.enable("greet", text="Hello")

    @recipe(on=shopify.customer_created, title="Greet", stop_when=shopify.order_created)
    def everybody(event: Event, *, text: str, days: int = 2) -> Steps:
        """Greets all newcomers."""
        yield sleep(days=2)
        return None

    object.__setattr__(everybody, "name", "greet")
    found = past(shop.hub, shop.workspace, everybody, {"text": "Hello"}, timedelta(days=30))
    assert found.instances[2].differs == "It would start, and does not as it is on."
