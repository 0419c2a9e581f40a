"""Whoever texts STOP gets no more marketing by text message, wherever it would come from."""

from __future__ import annotations

from typing import Annotated

from connectors import hubspot, shopify, twilio
from hub import Event, Rejected, Setting, Step, Steps, recipe, together


def has_number(event: Event) -> bool:
    """The number is known."""
    return event.person.phone is not None


@recipe(on=twilio.opted_out, title="Pass STOP on to the shop", filters=[has_number])
def pass_on_stop(
    event: Event,
    *,
    hubspot_property: Annotated[
        str,
        Setting(
            "HubSpot property",
            "The internal name of a yes/no property of contacts to keep it in, or empty.",
            chooses="hubspot.yes_no_property",
        ),
    ] = "",
) -> Steps:
    """Whoever texts STOP is written down in the shop as getting no marketing by text message, so that no other tool
    that asks the shop sends any. A later START is not passed on: it lets texts about orders through again, and is no
    yes to marketing. A property of the contact in HubSpot can show it, for customers whose e-mail the shop knows."""
    customer = yield shopify.find_customer_by_phone(event.person.phone or "")
    if not customer:
        return "The shop does not know the number."
    steps: list[Step] = []
    if (customer["sms_consent"] or {}).get("state") != "unsubscribed":
        steps.append(shopify.update_marketing_consent(customer["id"], "sms", False, event.at))
    if hubspot_property and customer["email"]:
        steps.append(hubspot.set_properties({hubspot_property: False}, email=customer["email"]))
    try:
        yield together(steps)
    except Rejected as refusal:
        return f"Not everything was possible: {refusal}"
    return "It is written down." if steps else "The shop knew it already."
