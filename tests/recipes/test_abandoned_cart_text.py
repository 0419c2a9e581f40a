"""The one text message about a cart."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from connectors import shopify, twilio
from hub.testing import Rehearsed, rehearse
from recipes.abandoned_cart_text import abandoned_cart_text
from tests.recipes.events import PHONE, after, cart, order, read


def remind(*happenings: Any, first: Any = None, answers: Any = None, **settings: Any) -> Rehearsed:
    usual = {shopify.orders_of: [], twilio.send_sms: {"sid": "SM1"}}
    later = [read(sent) for sent in happenings]
    return rehearse(abandoned_cart_text, read(first or cart()), usual | (answers or {}), later, **settings)


def waits(run: Rehearsed) -> list[timedelta]:
    return [step.inputs["timeout"] for step in run.steps if "timeout" in step.inputs]


def test_one_text_leaves_the_day_after():
    run = remind(text="{first_name}: {total} {currency} {link}")
    assert waits(run) == [timedelta(hours=26)]
    link = read(cart()).data["abandoned_checkout_url"]
    assert run.of(twilio.send_sms) == [
        twilio.send_sms(PHONE, f"Ada: 84.90 USD {link}", purpose="marketing", useful_for=timedelta(hours=22))
    ]
    assert run.says == "They were reminded."


def test_the_number_with_which_they_agreed_comes_first():
    (sent,) = remind(first=cart(sms_marketing_phone="+14155550199")).of(twilio.send_sms)
    assert sent.inputs["to"] == "+14155550199"


def test_a_guest_is_greeted_without_a_name():
    (sent,) = remind(first=cart(customer=None)).of(twilio.send_sms)
    assert sent.inputs["text"].startswith("Hello there, ")


def test_who_did_not_agree_gets_none_and_the_reason_is_kept():
    run = remind(agreed=False)
    says = "Not sent: nothing says that they agreed to marketing on this channel."
    assert (run.state, run.says, run.timeline[-1].outcome) == ("done", says, "skipped")


def test_who_ordered_gets_none():
    assert remind(order(after(hours=20))).state == "stopped"
    run = remind(answers={shopify.orders_of: [{"id": "1"}]})
    assert (run.says, run.of(twilio.send_sms)) == ("They ordered.", [])


def test_the_text_shows_the_cart_as_it_was_left_last_and_waits_from_then_on():
    run = remind(cart(after(hours=20), "checkouts/update", total_price="99.00"), text="{total}")
    assert run.of(twilio.send_sms) == [
        twilio.send_sms(PHONE, "99.00", purpose="marketing", useful_for=timedelta(hours=22))
    ]
    assert waits(run) == [timedelta(hours=26)] * 2


@pytest.mark.parametrize("changes", [{"total_price": "0.00"}, {"completed_at": "2026-11-23T08:00:00Z"}])
def test_a_cart_that_was_emptied_or_became_an_order_is_let_go(changes):
    run = remind(cart(after(hours=20), "checkouts/update", **changes))
    assert (run.says, run.of(twilio.send_sms)) == ("They emptied the cart, or ordered.", [])


def test_none_is_sent_after_two_days():
    run = remind(wait=timedelta(hours=49))
    assert (run.says, run.of(twilio.send_sms)) == ("It was too late for a text message.", [])


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"phone": None, "customer": None, "billing_address": None}, "a mobile number"),
        ({"email": None, "customer": None}, "so that the shop can be asked"),
        ({"total_price": "0.00"}, "something in it"),
    ],
)
def test_without_a_number_a_person_or_a_cart_it_does_not_start(changes, reason):
    run = remind(first=cart(**changes))
    assert run.state == "skipped"
    assert reason in run.says
