"""A cart that was left behind: one reminder by text message."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from connectors import shopify, twilio
from hub import Event, Rejected, Setting, Steps, now, recipe
from hub.texts import filled_in
from recipes.left_cart import changes, is_left, orders_since, rested

USEFUL_FOR = timedelta(hours=48)

EXAMPLE_LINK = (
    "https://your-shop.myshopify.com/548380009/checkouts/3f2b9c7e5a1d4e6f8091a2b3c4d5e6f7/recover?key=3f2b9c7e5a1d"
)
"""As long as links to a cart are."""


def number(event: Event) -> str | None:
    """Where to send it: the number with which they agreed comes first."""
    return event.data.get("sms_marketing_phone") or event.person.phone


def has_number(event: Event) -> bool:
    """The cart has a mobile number."""
    return number(event) is not None


def is_somebodys(event: Event) -> bool:
    """The cart has an e-mail address or a customer, so that the shop can be asked whether they ordered."""
    return bool(event.person.email or event.person.ids.get("shopify.customer"))


@recipe(
    on=changes,
    title="Remind people of the cart they left, by text message",
    filters=[has_number, is_somebodys, is_left],
    once_per="person",
    cool_down=timedelta(days=7),
    stop_when=shopify.order_created,
    priority=5,
    goal=shopify.order_created,
    within=timedelta(days=7),
)
def abandoned_cart_text(
    event: Event,
    *,
    text: Annotated[
        str,
        Setting(
            "Text message",
            "You can use {first_name}, {total}, {currency} and {link}.",
            message="sms",
            fills={"first_name": "Ada", "total": "84.90", "currency": "USD", "link": EXAMPLE_LINK},
        ),
    ] = "Hello {first_name|there}, your cart is waiting for you: {link} Reply STOP to get no more messages.",
    wait: Annotated[timedelta, Setting("Wait", "Two days at most.")] = timedelta(hours=26),
) -> Steps:
    """Whoever leaves a cart, and agreed to text messages, gets one the day after, once a week at most. Right before
    it leaves, the shop is asked whether they ordered. After two days none is sent any more."""
    cart = yield from rested(event, wait)
    if not is_left(cart):
        return "They emptied the cart, or ordered."
    useful_for = cart.at + USEFUL_FOR - (yield now())
    if useful_for < timedelta(0):
        return "It was too late for a text message."
    if (yield orders_since(event)):
        return "They ordered."
    values = {
        "first_name": (cart.data.get("customer") or {}).get("first_name"),
        "total": cart.data["total_price"],
        "currency": cart.data["currency"],
        "link": cart.data["abandoned_checkout_url"],
    }
    try:
        to = number(cart) or number(event) or ""
        yield twilio.send_sms(to, filled_in(text, **values), purpose="marketing", useful_for=useful_for)
    except Rejected as refusal:
        return str(refusal)
    return "They were reminded."
