"""A text when an order is on its way, and one when it is cancelled."""

from __future__ import annotations

from typing import Annotated

from connectors import shopify
from hub import Event, Setting, Steps, recipe
from recipes.reaching import texted

FILLS = {"first_name": "Ada", "order": "#1042", "link": "https://your-shop.myshopify.com/track/75ed0e73a982940976a92"}


def has_number(event: Event) -> bool:
    """The order has a mobile number."""
    return event.person.phone is not None


def once_each(event: Event) -> str:
    """An order is sent once, and cancelled once, however often that is told."""
    return f"{event.type}={event.data['id']}"


def link(event: Event) -> str | None:
    """Where the parcel is, or the order's page."""
    tracked = [sent["tracking_url"] for sent in event.data.get("fulfillments") or () if sent.get("tracking_url")]
    return tracked[-1] if tracked else event.data.get("order_status_url")


@recipe(
    on=[shopify.order_fulfilled, shopify.order_cancelled],
    title="Text people when their order is on its way",
    filters=[has_number],
    once_per=once_each,
)
def order_texts(
    event: Event,
    *,
    sent: Annotated[str, Setting("When it is sent", "Empty for none.", message="sms", fills=FILLS)] = (
        "Your order {order} is on its way: {link}"
    ),
    cancelled: Annotated[str, Setting("When it is cancelled", "Empty for none.", message="sms", fills=FILLS)] = (
        "Your order {order} was cancelled. See {link}"
    ),
) -> Steps:
    """Whoever ordered gets a text when all of it is sent, with a link to the parcel, and one when it is cancelled. Each
    leaves once per order, at any hour, as people wait for it. That an order is there, “Thank people for their order”
    tells them already. Switch off the shop's own texts, or people get both."""
    if event.type == shopify.order_cancelled.type:
        text = cancelled
    elif event.data.get("cancelled_at"):
        return "It is cancelled."
    else:
        text = sent
    name = (event.data.get("customer") or {}).get("first_name")
    values = {"first_name": name, "order": event.data["name"], "link": link(event)}
    return (yield from texted(event, text, "transactional", **values)) or "They know it."
