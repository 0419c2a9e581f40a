"""An order makes its customer known, and says thank you."""

from __future__ import annotations

from typing import Any

import pytest

from connectors import hubspot, mailchimp, shopify, twilio
from hub import Event, Rejected
from hub.testing import Rehearsed, rehearse
from recipes.order_thanks import order_thanks
from tests.recipes.events import ADA, AUDIENCE, NOON, PHONE, order, read

CUSTOMER = read(order(NOON)).data["customer"]


def thank(event: Event | None = None, answers: dict[Any, Any] | None = None, **settings: Any) -> Rehearsed:
    usual = {
        hubspot.upsert_contact: {"id": "51"},
        mailchimp.upsert_member: {"id": "m"},
        twilio.send_sms: {"sid": "SM1"},
    }
    settings = {"audience": AUDIENCE} | settings
    return rehearse(order_thanks, event or read(order(NOON)), usual | (answers or {}), **settings)


def test_an_order_becomes_a_contact_a_tag_and_a_text():
    run = thank(text="Thank you, {first_name}! {order}")
    name = read(order(NOON)).data["name"]
    assert run.steps == [
        hubspot.upsert_contact(ADA, first_name="Ada", last_name="Miller", phone=PHONE),
        mailchimp.upsert_member(
            AUDIENCE,
            ADA,
            tags=["customer"],
            merge_fields={"FNAME": "Ada", "LNAME": "Miller"},
            status_if_new="transactional",
        ),
        twilio.send_sms(PHONE, f"Thank you, Ada! {name}", purpose="transactional"),
    ]
    assert (run.state, run.says) == ("done", None)


@pytest.mark.parametrize(("agreed", "status"), [(True, "subscribed"), (False, "transactional")])
def test_only_who_agreed_to_newsletters_is_subscribed(agreed, status):
    (member,) = thank(read(order(NOON, buyer_accepts_marketing=agreed))).of(mailchimp.upsert_member)
    assert member.inputs["status_if_new"] == status


def test_the_usual_text_names_the_order_links_to_it_and_tells_how_to_stop():
    order_told = read(order(NOON)).data
    (sent,) = thank().of(twilio.send_sms)
    says = f"Thank you for your order {order_told['name']}, Ada! {order_told['order_status_url']} "
    assert sent.inputs["text"] == says + "Reply STOP to get no more texts."


def test_a_name_that_the_order_does_not_tell_stays_as_mailchimp_knows_it():
    nameless = read(order(NOON, customer=CUSTOMER | {"first_name": None, "last_name": ""}))
    (member,) = thank(nameless).of(mailchimp.upsert_member)
    assert member.inputs["merge_fields"] == {}


def test_without_a_number_there_is_no_text():
    run = thank(read(order(NOON, phone=None, billing_address=None, customer=CUSTOMER | {"phone": None})))
    assert [step.action for step in run.steps] == ["hubspot.upsert_contact", "mailchimp.upsert_member"]


def test_without_an_address_there_is_only_the_text():
    run = thank(read(order(NOON, email=None, contact_email=None, customer=CUSTOMER | {"email": None})))
    assert [step.action for step in run.steps] == ["twilio.send_sms"]


def test_who_cannot_be_reached_starts_nothing():
    run = thank(read(order(NOON, email=None, contact_email=None, phone=None, billing_address=None, customer=None)))
    assert (run.state, run.says) == ("skipped", "Not so: The order has an e-mail address or a mobile number.")


def test_a_refused_text_is_told_and_the_rest_is_done():
    run = thank(answers={twilio.send_sms: Rejected("They opted out (STOP).")})
    assert run.state == "done"
    assert run.says == "Not everything was possible: They opted out (STOP)."
    assert len(run.steps) == 3


def test_an_order_counts_once_whether_it_is_placed_or_paid_first():
    placed, paid = read(order(NOON)), shopify.order_paid.sample
    assert order_thanks.once_per is not None
    assert order_thanks.once_per(placed) == f"id={placed.data['id']}"
    assert order_thanks.once_per(paid) == f"id={paid.data['id']}"
    assert {match.type for match in order_thanks.on} == {shopify.order_created.type, shopify.order_paid.type}
