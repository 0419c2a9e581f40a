"""A yes or no to newsletters, said in one place, holds in all of them; a no wins."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated

from connectors import hubspot, mailchimp, shopify
from hub import Event, Rejected, Setting, Step, Steps, recipe, together, wait_for
from recipes.newsletter import Audience

said_in_shop = shopify.email_consent_changed
WORDS = {"subscribed": True, "unsubscribed": False, "redacted": False}


def answer(event: Event) -> bool | None:
    """Yes, no, or None for neither."""
    if event.type == said_in_shop.type:
        state: str = event.data["email_marketing_consent"]["state"]
        return WORDS.get(state)
    if event.data["data"].get("action") == "delete":
        return None
    return event.type == mailchimp.member_subscribed.type


def is_answer(event: Event) -> bool:
    """Somebody said yes or no, or cannot be reached; being asked to confirm, or deleted by the owner, is neither."""
    return event.person.email is not None and answer(event) is not None


@recipe(
    on=[said_in_shop, mailchimp.member_subscribed, mailchimp.member_unsubscribed, mailchimp.member_cleaned],
    title="Keep consent the same everywhere",
    filters=[is_answer],
)
def sync_consent(
    event: Event,
    *,
    audience: Audience,
    confirm: Annotated[
        bool, Setting("Ask to confirm", "Whether Mailchimp asks by e-mail to confirm a yes that was said in the shop.")
    ] = False,
    hubspot_property: Annotated[
        str,
        Setting(
            "HubSpot property",
            "The internal name of a yes/no property of contacts to keep it in, or empty.",
            chooses="hubspot.yes_no_property",
        ),
    ] = "",
) -> Steps:
    """Whoever says no to newsletters in the shop or below a newsletter, or cannot be reached by e-mail, gets none
    from either. A yes is passed on as well, unless a no was said since; whoever once left Mailchimp's audience is
    asked by e-mail to confirm it. A property of the contact in HubSpot can show how it stands."""
    agreed, email, at_shop = bool(answer(event)), event.person.email or "", event.type == said_in_shop.type
    if not at_shop and event.data["data"]["list_id"] != audience:
        return "It is about another audience."
    if agreed:
        # Events come out of order: a no that was said just after this yes may be told a moment later, or already was.
        no = yield wait_for(
            said_in_shop.matching(where={"email_marketing_consent.state": "unsubscribed"}),
            mailchimp.member_unsubscribed.matching(where={"data.list_id": audience}),
            mailchimp.member_cleaned.matching(where={"data.list_id": audience}),
            timeout=timedelta(minutes=1),
        )
        if no and no.at >= event.at:
            return "They said no since."
    steps: list[Step] = []
    if at_shop:
        newcomer: mailchimp.StatusIfNew = "pending" if confirm else "subscribed"
        steps.append(mailchimp.set_consent(audience, email, agreed, status_if_new=newcomer))
    elif customer := (yield shopify.find_customer(email)):
        known, since = WORDS.get(customer["email_consent"]["state"]), customer["email_consent"]["at"]
        # The shop does not always know when; then the no may be the later one.
        if agreed and known is False and (since is None or datetime.fromisoformat(since) >= event.at):
            return "They said no since."
        if known is not agreed:
            steps.append(shopify.update_marketing_consent(customer["id"], "email", agreed, event.at))
    if hubspot_property:
        steps.append(hubspot.set_properties({hubspot_property: agreed}, email=email))
    try:
        yield together(steps)
    except Rejected as refusal:
        return f"Not everything was possible: {refusal}"
    return "They said yes." if agreed else "They said no, or cannot be reached."
