"""STOP by text message, and what becomes of it in the shop."""

from __future__ import annotations

from typing import Any

import pytest

from connectors import hubspot, shopify, twilio
from hub import Rejected
from hub.testing import Rehearsed, rehearse
from recipes.pass_on_stop import pass_on_stop

STOP = twilio.opted_out.sample
NUMBER = STOP.person.phone


def record(state: str, email: str | None = "ada@example.com") -> dict[str, Any]:
    return {"id": "70", "email": email, "sms_consent": {"given": state == "subscribed", "state": state, "at": None}}


def pass_on(customer: Any, answers: Any = None, **settings: Any) -> Rehearsed:
    usual = {
        shopify.find_customer_by_phone: customer,
        shopify.update_marketing_consent: {"id": "70"},
        hubspot.set_properties: {"id": "51"},
    }
    return rehearse(pass_on_stop, STOP, usual | (answers or {}), **settings)


@pytest.mark.parametrize("state", ["subscribed", "not_subscribed", "pending"])
def test_a_stop_reaches_the_shop_whatever_stood_there(state):
    run = pass_on(record(state))
    assert run.steps == [
        shopify.find_customer_by_phone(NUMBER),
        shopify.update_marketing_consent("70", "sms", False, STOP.at),
    ]
    assert run.says == "It is written down."


def test_what_the_shop_knows_already_is_not_written_again():
    run = pass_on(record("unsubscribed"))
    assert (run.says, run.of(shopify.update_marketing_consent)) == ("The shop knew it already.", [])


def test_somebody_whom_the_shop_does_not_know_is_fine():
    assert pass_on(None).says == "The shop does not know the number."


def test_it_is_kept_in_hubspot_if_the_owner_wants_it():
    run = pass_on(record("subscribed"), hubspot_property="texts")
    assert run.of(hubspot.set_properties) == [hubspot.set_properties({"texts": False}, email="ada@example.com")]
    assert pass_on(record("subscribed", email=None), hubspot_property="texts").of(hubspot.set_properties) == []


def test_a_refusal_is_no_failure():
    run = pass_on(record("subscribed"), {shopify.update_marketing_consent: Rejected("No.")})
    assert (run.state, run.says) == ("done", "Not everything was possible: No.")


def test_a_later_start_starts_nothing():
    assert [match.type for match in pass_on_stop.on] == [twilio.opted_out.type]
