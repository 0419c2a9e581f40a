"""New leads of the CRM get to know you by e-mail, until they talk to somebody."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Annotated, Any

from connectors import hubspot, mailchimp
from hub import Event, Setting, Steps, recipe, sleep
from recipes.newsletter import UNWANTED, Audience

LEAD = "lead"
PAUSES = (0, 3, 4, 7, 16)
"""Days before each e-mail: they leave at once, and 3, 7, 14 and 30 days later."""

TALKED = ("hs_sales_email_last_replied", "engagements_last_meeting_booked")
ASKED = ("lifecyclestage", "firstname", "num_associated_deals", *TALKED)
"""What HubSpot is asked about a lead: https://knowledge.hubspot.com/properties/hubspots-default-contact-properties"""


def reason_against(event: Event, contact: Mapping[str, Any] | None) -> str | None:
    """Why this contact is not written to any more, if so."""
    if contact is None or not contact["email"]:
        return "HubSpot knows no e-mail address."
    told = contact["properties"]
    if told["lifecyclestage"] != LEAD:
        return "They are no lead any more."
    if told["num_associated_deals"] not in (None, "", "0"):
        return "There is a deal with them."
    if any(told[name] and datetime.fromisoformat(told[name]) >= event.at for name in TALKED):
        return "They talk to somebody already."
    return None


@recipe(
    on=hubspot.contact_changed.matching(where={"propertyName": "lifecyclestage", "propertyValue": LEAD}),
    title="Get to know new leads",
    once_per="objectId",
    cool_down=timedelta(days=180),
)
def nurture_leads(
    event: Event,
    *,
    audience: Audience,
    event_name: Annotated[str, Setting("Name of the events", "Each gets _1 to _5 behind it.")] = "lead",
    tag: Annotated[str, Setting("Tag", "Marks leads in Mailchimp.", chooses="mailchimp.tag")] = "lead",
    consent_property: Annotated[
        str,
        Setting(
            "They agreed",
            "The property of contacts in HubSpot that says whether they agreed to newsletters. Empty: only those "
            "are written to who get them already.",
            chooses="hubspot.yes_no_property",
        ),
    ] = "",
) -> Steps:
    """Whoever becomes a lead in HubSpot and agreed to newsletters gets up to five e-mails within a month: what they
    asked for, the problem, an example, an offer, and a good-bye. It ends when they are no lead any more, there is a
    deal with them, they reply or book a meeting, or get no newsletters; all that is asked right before each e-mail. An
    e-mail leaves as an event on the member in Mailchimp, lead_1 to lead_5: let an automation start from each."""
    for number, days in enumerate(PAUSES, start=1):
        if days:
            yield sleep(days=days)
        wanted = [*ASKED, consent_property] if consent_property and number == 1 else list(ASKED)
        contact = yield hubspot.get_contact(event.data["objectId"], properties=wanted)
        if reason := reason_against(event, contact):
            return reason
        email, told = contact["email"], contact["properties"]
        if number == 1:
            names = {"FNAME": told["firstname"]} if told["firstname"] else {}
            yield mailchimp.upsert_member(audience, email, tags=[tag], merge_fields=names)
            if consent_property and told[consent_property] == "true":
                yield mailchimp.set_consent(audience, email, True, status_if_new="subscribed")
        if (yield mailchimp.get_member(audience, email))["status"] != "subscribed":
            return UNWANTED
        yield mailchimp.add_event(audience, email, f"{event_name}_{number}")
    return "They heard all of it."
