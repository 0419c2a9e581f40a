"""Names and numbers in HubSpot and Mailchimp: whose word counts, what is written where, and what never is."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from connectors import hubspot, mailchimp
from hub import Rejected
from hub.testing import Rehearsed, rehearse
from recipes.sync_contact import sync_contact
from tests.recipes.events import ADA, AUDIENCE

CHANGED = hubspot.contact_changed.sample
AT_HUBSPOT = replace(CHANGED, data={**CHANGED.data, "propertyName": "firstname", "propertyValue": "Ada"})
PROFILE = mailchimp.member_changed.sample
AT_MAILCHIMP = replace(PROFILE, data={**PROFILE.data, "data": {**PROFILE.data["data"], "list_id": AUDIENCE}})
BOTH = [AT_HUBSPOT, AT_MAILCHIMP]


def sync(
    event: Any,
    here: dict[str, Any],
    there: dict[str, Any],
    *,
    status: str = "subscribed",
    answers: Any = None,
    **more: Any,
) -> Rehearsed:
    """`here` is what HubSpot knows, `there` Mailchimp."""
    usual = {
        hubspot.get_contact: {"id": "51", "email": ADA, "properties": here},
        mailchimp.get_member: {"status": status, "merge_fields": there},
        hubspot.set_properties: {"id": "51"},
        mailchimp.upsert_member: {"status": status},
    }
    return rehearse(sync_contact, event, usual | (answers or {}), **{"audience": AUDIENCE} | more)


def written(run: Rehearsed) -> tuple[list[Any], list[Any]]:
    """What was written to HubSpot, and to Mailchimp."""
    return (
        [step.inputs["properties"] for step in run.of(hubspot.set_properties)],
        [step.inputs["merge_fields"] for step in run.of(mailchimp.upsert_member)],
    )


@pytest.mark.parametrize("event", BOTH, ids=["hubspot", "mailchimp"])
@pytest.mark.parametrize(
    ("owner", "expected"),
    [("HubSpot", ([], [{"FNAME": "Ada"}])), ("Mailchimp", ([{"firstname": "Augusta"}], []))],
)
def test_where_both_know_something_the_owners_word_counts_whoever_tells(event, owner, expected):
    run = sync(event, {"firstname": "Ada", "lastname": "M"}, {"FNAME": "Augusta", "LNAME": "M"}, owner=owner)
    assert written(run) == expected


@pytest.mark.parametrize(
    ("event", "owner", "here", "there", "expected"),
    [
        (AT_MAILCHIMP, "HubSpot", {}, {"FNAME": "Ada"}, ([{"firstname": "Ada"}], [])),
        (AT_HUBSPOT, "Mailchimp", {"firstname": "Ada"}, {"FNAME": ""}, ([], [{"FNAME": "Ada"}])),
        # what its owner has just emptied stays empty
        (AT_HUBSPOT, "HubSpot", {"firstname": ""}, {"FNAME": "Ada"}, ([], [])),
        (AT_MAILCHIMP, "Mailchimp", {"firstname": "Ada"}, {"FNAME": ""}, ([], [])),
    ],
)
def test_what_one_does_not_know_it_learns_from_the_other(event, owner, here, there, expected):
    assert written(sync(event, here, there, owner=owner)) == expected


@pytest.mark.parametrize("event", BOTH, ids=["hubspot", "mailchimp"])
def test_what_is_the_same_is_not_written(event):
    run = sync(event, {"firstname": "Ada", "lastname": None}, {"FNAME": "Ada", "LNAME": ""})
    assert (run.says, written(run)) == ("Both know the same.", ([], []))


def test_numbers_are_told_only_where_the_owner_wants_them():
    here, there = {"phone": "+14155550123"}, {"PHONE": ""}
    assert written(sync(AT_HUBSPOT, here, there)) == ([], [])
    assert written(sync(AT_HUBSPOT, here, there, phone_field="PHONE")) == ([], [{"PHONE": "+14155550123"}])


@pytest.mark.parametrize("status", ["unsubscribed", "cleaned", "pending", "transactional"])
def test_a_no_is_never_touched(status):
    run = sync(AT_HUBSPOT, {"firstname": "Ada"}, {}, status=status)
    (written_to,) = run.of(mailchimp.upsert_member)
    # `status_if_new` counts for newcomers alone, and nobody who is there is one
    assert written_to == mailchimp.upsert_member(AUDIENCE, ADA, merge_fields={"FNAME": "Ada"})
    assert run.of(mailchimp.set_consent) == []


@pytest.mark.parametrize("status", ["absent", "archived"])
def test_nobody_is_added_to_the_audience(status):
    run = sync(AT_HUBSPOT, {"firstname": "Ada"}, {}, status=status)
    assert (run.says, written(run)) == ("They are not in the audience.", ([], []))


@pytest.mark.parametrize("contact", [None, {"id": "51", "email": None, "properties": {}}])
@pytest.mark.parametrize("event", BOTH, ids=["hubspot", "mailchimp"])
def test_nobody_is_added_to_hubspot(event, contact):
    run = sync(event, {}, {"FNAME": "Ada"}, answers={hubspot.get_contact: contact})
    assert (run.says, len(run.steps)) == ("HubSpot does not know them by an e-mail address.", 1)


def test_another_audience_is_none_of_its_business():
    assert sync(PROFILE, {}, {}).says == "It is about another audience."


def test_a_refusal_is_said():
    run = sync(AT_MAILCHIMP, {}, {"FNAME": "Ada"}, answers={hubspot.set_properties: Rejected("No.")})
    assert (run.state, run.says) == ("done", "Not everything was possible: No.")


def test_other_properties_of_contacts_begin_nothing():
    with pytest.raises(ValueError, match="does not start with"):
        sync(CHANGED, {}, {})
