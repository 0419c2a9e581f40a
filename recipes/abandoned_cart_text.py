"""A cart that was left behind: one reminder by text message."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated

from connectors import shopify, twilio
from hub import Event, Rejected, Setting, Steps, now, recipe, sleep_until
from hub.texts import filled_in
from recipes.abandoned_cart import is_left

USEFUL_FOR = timedelta(hours=48)


def number(event: Event) -> str | None:
    """Where to send it: the number with which they agreed comes first."""
    return event.data.get("sms_marketing_phone") or event.person.phone


def has_number(event: Event) -> bool:
    """The cart has a mobile number."""
    return number(event) is not None


@recipe(
    on=[shopify.checkout_created, shopify.checkout_updated],
    title="Remind people of the cart they left, by text message",
    filters=[has_number, is_left],
    once_per="person",
    cool_down=timedelta(days=7),
    stop_when=shopify.order_created,
)
def abandoned_cart_text(
    event: Event,
    *,
    text: Annotated[
        str, Setting("Text message", "You can use {first_name}, {total}, {currency} and {link}.")
    ] = "Hello {first_name|there}, your cart is waiting for you: {link} Reply STOP to get no more messages.",
    wait: Annotated[timedelta, Setting("Wait", "Two days at most.")] = timedelta(hours=26),
) -> Steps:
    """Whoever leaves a cart, and agreed to text messages, gets one the day after, once a week at most. Right before
    it leaves, the shop is asked whether they ordered. After two days none is sent any more."""
    yield sleep_until(event.at + wait)
    at = yield now()
    if at > event.at + USEFUL_FOR:
        return "It was too late for a text message."
    cart, person = event.data, event.person
    orders = yield shopify.orders_of(
        customer_id=person.ids.get("shopify.customer"),
        email=person.email,
        since=datetime.fromisoformat(cart["created_at"]),
    )
    if orders:
        return "They ordered."
    values = {
        "first_name": (cart.get("customer") or {}).get("first_name"),
        "total": cart["total_price"],
        "currency": cart["currency"],
        "link": cart["abandoned_checkout_url"],
    }
    try:
        yield twilio.send_sms(number(event) or "", filled_in(text, **values), purpose="marketing")
    except Rejected as refusal:
        return str(refusal)
    return "They were reminded."
