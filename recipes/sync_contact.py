"""Names and numbers are the same in the CRM and in the newsletter tool, whichever of them is changed."""

from __future__ import annotations

from typing import Annotated, Literal

from connectors import hubspot, mailchimp
from hub import Event, Rejected, Setting, Step, Steps, recipe, together
from recipes.newsletter import Audience

NAMES = {"firstname": "FNAME", "lastname": "LNAME"}
"""HubSpot's properties, and Mailchimp's merge tags."""


@recipe(
    on=[
        *(
            hubspot.contact_changed.matching(where={"propertyName": name})
            for name in ("firstname", "lastname", "phone")
        ),
        mailchimp.member_changed,
    ],
    title="Keep contacts the same everywhere",
)
def sync_contact(
    event: Event,
    *,
    audience: Audience,
    owner: Annotated[
        Literal["HubSpot", "Mailchimp"], Setting("Whose word counts", "Where both know something else.")
    ] = "HubSpot",
    phone_field: Annotated[
        str, Setting("Field for the phone number", "A merge tag such as PHONE. Empty: Mailchimp gets no numbers.")
    ] = "",
) -> Steps:
    """A name or number that changes in HubSpot or in Mailchimp is changed in the other one. One of them owns it: its
    word counts where both know something, and the other's where it knows nothing; so no change goes round and round.
    Nobody is added to either, and whether somebody gets newsletters is never touched: that is the work of “Keep consent
    the same everywhere”. What the shop knows, “Keep customers the same everywhere” passes on."""
    at_hubspot = event.type == hubspot.contact_changed.type
    fields = NAMES | ({"phone": phone_field} if phone_field else {})
    if not at_hubspot and event.data["data"]["list_id"] != audience:
        return "It is about another audience."
    # Events come late and out of order, so what counts is how both are now.
    whose = {"contact_id": event.data["objectId"]} if at_hubspot else {"email": event.person.email}
    contact = yield hubspot.get_contact(properties=list(fields), **whose)
    if contact is None or not contact["email"]:
        return "HubSpot does not know them by an e-mail address."
    member = yield mailchimp.get_member(audience, contact["email"])
    if member["status"] in ("absent", "archived"):
        return "They are not in the audience."
    to_hubspot, to_mailchimp = {}, {}
    for name, tag in fields.items():
        here, there = contact["properties"].get(name) or "", (member.get("merge_fields") or {}).get(tag) or ""
        counts = (here or there) if owner == "HubSpot" else (there or here)
        if counts != here:
            to_hubspot[name] = counts
        if counts != there:
            to_mailchimp[tag] = counts
    steps: list[Step] = []
    # What its owner has just emptied is not filled again by what the other one still knows.
    if to_hubspot and not (at_hubspot and owner == "HubSpot"):
        steps.append(hubspot.set_properties(to_hubspot, contact_id=contact["id"]))
    if to_mailchimp and (at_hubspot or owner == "HubSpot"):
        steps.append(mailchimp.upsert_member(audience, contact["email"], merge_fields=to_mailchimp))
    if not steps:
        return "Both know the same."
    try:
        yield together(steps)
    except Rejected as refusal:
        return f"Not everything was possible: {refusal}"
    return "Both know the same now."
