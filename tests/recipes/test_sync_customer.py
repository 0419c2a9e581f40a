"""Customers of the shop in HubSpot and Mailchimp."""

from __future__ import annotations

from typing import Any

import pytest

from connectors import hubspot, mailchimp, shopify
from hub import Rejected
from hub.testing import Rehearsed, rehearse
from recipes.sync_customer import sync_customer
from tests.recipes.events import ADA, AUDIENCE, PHONE, customer, read


def record(given: bool = False, **changes: Any) -> dict[str, Any]:
    """A customer as the shop knows them now."""
    known = {"first_name": "Ada", "last_name": "Miller", "email": ADA, "phone": PHONE}
    return known | {"email_consent": {"given": given, "state": "subscribed" if given else "not_subscribed"}} | changes


def sync(now: Any = None, *, first: Any = None, answers: Any = None, **settings: Any) -> Rehearsed:
    usual = {
        shopify.get_customer: now or record(),
        hubspot.upsert_contact: {"id": "51"},
        mailchimp.upsert_member: {"id": "m"},
    }
    return rehearse(
        sync_customer, read(first or customer()), usual | (answers or {}), **{"audience": AUDIENCE} | settings
    )


@pytest.mark.parametrize("topic", ["customers/create", "customers/update"])
def test_a_customer_becomes_a_contact_and_a_member(topic):
    run = sync(first=customer(topic=topic))
    assert run.steps[1:] == [
        hubspot.upsert_contact(ADA, first_name="Ada", last_name="Miller", phone=PHONE),
        mailchimp.upsert_member(AUDIENCE, ADA, merge_fields={"FNAME": "Ada", "LNAME": "Miller"}),
    ]
    assert (run.state, run.says) == ("done", None)


@pytest.mark.parametrize(
    ("given", "confirm", "status"),
    [
        (True, False, "subscribed"),
        (True, True, "pending"),
        (False, False, "transactional"),
        (False, True, "transactional"),
    ],
)
def test_only_who_agreed_is_subscribed(given, confirm, status):
    (member,) = sync(record(given), confirm=confirm).of(mailchimp.upsert_member)
    assert member.inputs["status_if_new"] == status


def test_the_customer_as_they_are_now_counts_and_not_a_late_event():
    late = customer(first_name="Adda", email="old@example.com")
    (contact,) = sync(record(first_name="Ada"), first=late).of(hubspot.upsert_contact)
    assert (contact.inputs["email"], contact.inputs["first_name"]) == (ADA, "Ada")


def test_what_the_shop_does_not_know_wipes_nothing_out():
    run = sync(record(last_name=None, phone=None), phone_field="PHONE")
    assert run.of(mailchimp.upsert_member)[0].inputs["merge_fields"] == {"FNAME": "Ada"}
    assert run.of(hubspot.upsert_contact)[0].inputs["last_name"] is None


def test_the_phone_number_goes_where_the_owner_wants_it():
    (member,) = sync(phone_field="PHONE").of(mailchimp.upsert_member)
    assert member.inputs["merge_fields"]["PHONE"] == PHONE


def test_a_customer_who_is_gone_is_no_failure():
    run = sync(answers={shopify.get_customer: Rejected("There is no such customer in the shop.")})
    assert (run.state, run.says) == ("done", "The shop does not have this customer any more.")


def test_a_customer_without_an_address_is_left_alone():
    assert sync(first=customer(email=None)).state == "skipped"
    run = sync(record(email=None, email_consent=None))
    assert (run.says, len(run.steps)) == ("The customer has no e-mail address any more.", 1)


def test_if_one_refuses_the_other_is_still_done_and_the_reason_is_kept():
    run = sync(answers={mailchimp.upsert_member: Rejected("This address looks fake.")})
    assert run.says == "Not everything was possible: This address looks fake."
    assert len(run.of(hubspot.upsert_contact)) == 1
