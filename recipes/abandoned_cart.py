"""A cart that was left behind: up to three reminders by e-mail, the last one with a discount if you like."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from connectors import mailchimp, shopify
from hub import Event, Setting, Steps, recipe, sleep, together
from recipes.left_cart import changes, is_left, orders_since, rested
from recipes.newsletter import UNWANTED, Audience, coupon, has_email, mail

CODE_LASTS = timedelta(days=7)
TOLD = {"cart_url": "abandoned_checkout_url", "total": "total_price", "currency": "currency"}
"""Properties of the events, and where in the cart they are from."""


def reason_against(event: Event, audience: str) -> Steps:
    """Why no reminder may leave now, asked where it is known; None if it may."""
    orders, member = yield together(orders_since(event), mailchimp.get_member(audience, event.person.email or ""))
    if orders:
        return "They ordered."
    return None if member["status"] == "subscribed" else UNWANTED


@recipe(
    on=changes,
    title="Remind people of the cart they left",
    filters=[has_email, is_left],
    once_per="person",
    cool_down=timedelta(days=7),
    stop_when=shopify.order_created,
    priority=5,
    goal=shopify.order_created,
    within=timedelta(days=7),
)
def abandoned_cart(
    event: Event,
    *,
    audience: Audience,
    event_name: Annotated[str, Setting("Name of the events", "Each gets _1, _2 or _3 behind it.")] = "cart_left",
    wait: Annotated[timedelta, Setting("Wait", "How long the cart must rest at first.")] = timedelta(hours=1),
    discount_percent: Annotated[float, Setting("Discount in the last e-mail", "In percent; 0 for none.")] = 0.0,
) -> Steps:
    """Whoever leaves a cart is reminded after an hour, a day and three days, once a week at most. Right before each
    e-mail the shop is asked whether they ordered, and Mailchimp whether they get newsletters. An e-mail leaves as an
    event on the member in Mailchimp, cart_left_1 to cart_left_3: let an automation start from each. The events have
    the properties cart_url, total and currency, and the last one code, if you give a discount."""
    cart = event
    for number, hours, rest in ((1, 0, wait), (2, 23, timedelta(0)), (3, 48, timedelta(0))):
        if hours:
            # Counted from the e-mail before, so that two never leave at once, however late this run goes on.
            yield sleep(hours=hours)
        cart = yield from rested(cart, rest)
        if not is_left(cart):
            return "They emptied the cart, or ordered."
        if reason := (yield from reason_against(event, audience)):
            return reason
        told = {name: cart.data[field] for name, field in TOLD.items()}
        if number == 3 and discount_percent > 0:
            told["code"] = yield from coupon(event, "BACK", discount_percent, CODE_LASTS)
        yield mail(audience, event, f"{event_name}_{number}", told)
    return "They were reminded three times."
