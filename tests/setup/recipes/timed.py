"""Recipes that begin by the clock."""

from __future__ import annotations

from connectors import mailchimp, shopify, webhook
from hub import Event, Steps, daily, recipe, sleep, weekly


def has_birthday(event: Event) -> bool:
    """It is their birthday."""
    return bool(event.data["merge_fields"]["BIRTHDAY"])


@recipe(on=daily("06:00").each(mailchimp.members), title="Birthday", filters=[has_birthday])
def wish_well(event: Event, *, audience: str) -> Steps:
    """Tags whoever has their birthday."""
    yield mailchimp.add_tags(audience, event.data["email_address"], ["birthday"])
    yield sleep(days=1)
    yield mailchimp.remove_tags(audience, event.data["email_address"], ["birthday"])


@recipe(on=[weekly("mon", "08:00", zone="Europe/Berlin"), shopify.order_created], title="Tell the till")
def tell_the_till(event: Event) -> Steps:
    """Tells the till."""
    yield webhook.send({"type": event.type})
