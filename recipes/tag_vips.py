"""The best customers are marked in every tool, and somebody of the business says hello."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

from connectors import hubspot, mailchimp, shopify
from hub import Event, Rejected, Setting, Steps, recipe, sleep, together
from recipes.newsletter import Audience

KEEPS = Decimal("0.8")
"""Of the limits: whoever is a VIP stays one down to here, so that nobody changes with each refund."""

Spent = Annotated[Decimal, Setting("Spent", "Or so much, in the shop's currency. 0: orders alone count.")]


def told_elsewhere(email: str, is_vip: bool, audience: str, tag: str) -> Steps:
    """Marks somebody, or no longer, in HubSpot and Mailchimp; a new VIP is somebody's task."""
    yield hubspot.ensure_property("vip", "VIP", holds="yes_no")
    contact = yield hubspot.upsert_contact(email, {"vip": is_vip})
    if is_vip:
        hello = hubspot.create_task(contact["id"], "Say hello to a new VIP", priority="HIGH")
        yield together(hello, mailchimp.upsert_member(audience, email, tags=[tag]))
    else:
        yield mailchimp.remove_tags(audience, email, [tag])
    return None


@recipe(on=[shopify.order_paid, shopify.order_refunded], title="Mark the best customers")
def tag_vips(
    event: Event,
    *,
    audience: Audience,
    orders: Annotated[int, Setting("Orders", "So many make somebody a VIP.")] = 5,
    spent: Spent = Decimal(500),
    tag: Annotated[str, Setting("Tag", "In the shop and in Mailchimp.", chooses="mailchimp.tag")] = "vip",
) -> Steps:
    """After each payment and refund the shop is asked how often and for how much somebody bought. Whoever reaches a
    limit is tagged in the shop and in Mailchimp and marked in HubSpot, where a task asks for a personal hello. Whoever
    falls below four fifths of both limits is no VIP any more. Nobody is subscribed to newsletters by it."""
    yield sleep(minutes=1)  # the shop adds up a moment after it tells
    try:
        bought = event.data
        if event.type == shopify.order_refunded.type:
            bought = yield shopify.get_order(event.data["order_id"])
        if not (bought.get("customer") or {}).get("id"):
            return "The order is nobody's in particular."
        customer = yield shopify.get_customer(bought["customer"]["id"])
    except Rejected:
        return "The shop does not have this order or customer any more."
    email, was_vip = customer["email"], tag in customer["tags"]
    part = KEEPS if was_vip else Decimal(1)
    is_vip = customer["orders_count"] >= orders * part or 0 < spent * part <= Decimal(customer["total_spent"])
    if is_vip == was_vip:
        return "Nothing changed."
    mark = shopify.add_customer_tags if is_vip else shopify.remove_customer_tags
    yield mark(customer["id"], [tag])
    try:
        if email:
            yield from told_elsewhere(email, is_vip, audience, tag)
    except Rejected as refusal:
        return f"Not everything was possible: {refusal}"
    return "They are a VIP now." if is_vip else "They are no VIP any more."
