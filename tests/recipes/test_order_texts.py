"""Texts about an order that is sent or cancelled: which one, once, and with which link."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from connectors import shopify, twilio
from hub import Event
from hub.testing import Rehearsed, Trouble, rehearse
from recipes.order_texts import order_texts
from tests.recipes.events import PHONE, after
from tests.recipes.rehearsing import texts

SENT, CANCELLED = shopify.order_fulfilled.sample, shopify.order_cancelled.sample
LINK = SENT.data["order_status_url"]


def changed(event: Event, **data: Any) -> Event:
    return replace(event, data={**event.data, **data})


def tell(event: Event, **settings: Any) -> Rehearsed:
    return rehearse(order_texts, event, **settings)


@pytest.mark.parametrize(
    ("event", "says"),
    [
        (SENT, f"Your order #1042 is on its way: {LINK}"),
        (CANCELLED, f"Your order #1042 was cancelled. See {CANCELLED.data['order_status_url']}"),
    ],
    ids=["sent", "cancelled"],
)
def test_whoever_ordered_is_told_at_once(event, says):
    run = tell(event)
    assert (run.of(twilio.send_sms), run.says) == (
        [twilio.send_sms(PHONE, says, purpose="transactional")],
        "They know it.",
    )
    assert run.timeline[-1].outcome == "would happen"


def test_the_link_leads_to_the_parcel_that_left_last_if_it_can_be_tracked():
    parcels = [{"tracking_url": "https://post.example/1"}, {"tracking_url": "https://post.example/2"}, {}]
    assert texts(tell(changed(SENT, fulfillments=parcels), sent="{link}"))[0][1] == "https://post.example/2"
    assert texts(tell(changed(SENT, fulfillments=[{"tracking_url": None}]), sent="{link}"))[0][1] == LINK


def test_a_cancelled_order_is_not_said_to_be_on_its_way():
    run = tell(changed(SENT, cancelled_at=after().isoformat()))
    assert (run.says, run.steps) == ("It is cancelled.", [])


@pytest.mark.parametrize(("event", "setting"), [(SENT, "sent"), (CANCELLED, "cancelled")], ids=["sent", "cancelled"])
def test_an_empty_text_is_none(event, setting):
    run = tell(event, **{setting: " "})
    assert (run.says, run.steps) == ("There is no text for it.", [])


def test_a_guest_is_texted_without_a_name():
    run = tell(changed(SENT, customer=None), sent="Hello {first_name|there}, {order} left.")
    assert texts(run)[0][1] == "Hello there, #1042 left."


def test_who_sent_stop_gets_none_and_the_reason_is_kept():
    stop = replace(twilio.opted_out.sample, at=SENT.at)
    twilio_is_away = Trouble("twilio", SENT.at, after(minutes=5) - after())
    run = rehearse(order_texts, SENT, happenings=[stop], troubles=[twilio_is_away])
    assert (run.state, run.says) == ("done", run.timeline[-1].reason)
    assert texts(run) == []


def test_a_text_waits_out_an_hour_without_the_provider():
    run = rehearse(order_texts, SENT, troubles=[Trouble("twilio", SENT.at, after(hours=1) - after())])
    assert (len(texts(run)), texts(run)[0][0] >= SENT.at + (after(hours=1) - after())) == (1, True)


def test_each_is_told_once_per_order_however_often_it_is_reported():
    keys = [order_texts.once_per(event) for event in (SENT, changed(SENT, updated_at="later"), CANCELLED)]
    assert (keys[0] == keys[1], len(set(keys))) == (True, 2)


def test_an_order_without_a_number_tells_nobody():
    run = tell(replace(SENT, person=replace(SENT.person, phone=None)))
    assert (run.state, run.says) == ("skipped", "Not so: The order has a mobile number.")
