"""E-mails to new leads: what leaves when, and what ends them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from connectors import hubspot, mailchimp
from hub import Event
from hub.testing import Rehearsed, rehearse
from recipes.nurture_leads import ASKED, nurture_leads
from tests.recipes.events import ADA, AUDIENCE, after
from tests.recipes.rehearsing import mailed_at, mails, one_after_another

CHANGED = hubspot.contact_changed.sample
LEAD = replace(CHANGED, at=after(), data={**CHANGED.data, "propertyValue": "lead"})
NOTHING: dict[str, Any] = dict.fromkeys(ASKED)


def known(email: str | None = ADA, **told: Any) -> dict[str, Any]:
    """A lead as HubSpot knows them."""
    return {"id": "51", "email": email, "properties": NOTHING | {"lifecyclestage": "lead", "firstname": "Ada"} | told}


def nurture(*, first: Event = LEAD, answers: Any = None, **settings: Any) -> Rehearsed:
    usual = {
        hubspot.get_contact: known(),
        mailchimp.get_member: {"status": "subscribed"},
        mailchimp.add_event: {"id": "e"},
    }
    return rehearse(nurture_leads, first, usual | (answers or {}), **{"audience": AUDIENCE} | settings)


def test_five_mails_leave_within_a_month():
    run = nurture()
    days = [timedelta(days=days) for days in (0, 3, 7, 14, 30)]
    assert mailed_at(run) == [(f"lead_{number}", after() + day) for number, day in enumerate(days, start=1)]
    assert run.says == "They heard all of it."
    added = mailchimp.upsert_member(AUDIENCE, ADA, tags=["lead"], merge_fields={"FNAME": "Ada"})
    assert run.of(mailchimp.upsert_member) == [added]


def test_nobody_is_subscribed_unless_hubspot_says_that_they_agreed():
    assert nurture().of(mailchimp.set_consent) == []
    for said, given in (("true", True), ("false", False), (None, False), ("", False)):
        run = nurture(consent_property="newsletter", answers={hubspot.get_contact: known(newsletter=said)})
        yes = [mailchimp.set_consent(AUDIENCE, ADA, True, status_if_new="subscribed")]
        assert run.of(mailchimp.set_consent) == (yes if given else [])
    assert run.of(hubspot.get_contact)[0].inputs["properties"] == [*ASKED, "newsletter"]


@pytest.mark.parametrize("status", ["unsubscribed", "pending", "transactional", "cleaned"])
def test_who_gets_no_newsletters_gets_no_mail(status):
    run = nurture(answers={mailchimp.get_member: {"status": status}})
    assert (run.says, mails(run)) == ("They do not get newsletters, so no e-mail was sent any more.", [])


@pytest.mark.parametrize(
    ("told", "says"),
    [
        ({"lifecyclestage": "customer"}, "They are no lead any more."),
        ({"num_associated_deals": "1"}, "There is a deal with them."),
        ({"hs_sales_email_last_replied": after(days=1).isoformat()}, "They talk to somebody already."),
        ({"engagements_last_meeting_booked": "2026-11-23T09:00:00Z"}, "They talk to somebody already."),
        ({"email": None}, "HubSpot knows no e-mail address."),
    ],
)
def test_what_happened_meanwhile_ends_it_before_the_next_mail(told, says):
    run = nurture(answers={hubspot.get_contact: one_after_another([known(), known(**told)])})
    assert (run.says, mails(run)) == (says, ["lead_1"])


def test_a_contact_that_is_gone_ends_it():
    run = nurture(answers={hubspot.get_contact: None})
    assert (run.says, mails(run)) == ("HubSpot knows no e-mail address.", [])


def test_what_was_long_ago_does_not_count():
    before = known(hs_sales_email_last_replied="2025-01-01T00:00:00Z", num_associated_deals="0")
    assert len(mails(nurture(answers={hubspot.get_contact: before}))) == 5


def test_a_name_that_hubspot_does_not_know_empties_none():
    (added,) = nurture(answers={hubspot.get_contact: known(firstname=None)}).of(mailchimp.upsert_member)
    assert added.inputs["merge_fields"] == {}


def test_one_contact_is_nurtured_once_in_half_a_year():
    assert nurture_leads.once_per is not None
    assert nurture_leads.once_per(LEAD) == nurture_leads.once_per(replace(LEAD, at=after(days=3)))
    assert nurture_leads.cool_down == timedelta(days=180)


def test_another_stage_begins_nothing():
    with pytest.raises(ValueError, match="does not start with"):
        nurture(first=CHANGED)
