"""Whoever stopped ordering is asked back by e-mail: what is new, what suits them, a discount, and a last call."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from connectors import mailchimp, shopify
from hub import Event, Setting, Steps, recipe, sleep, together
from recipes.newsletter import UNWANTED, Audience, coupon, has_email, mail

CODE_LASTS = timedelta(days=21)
"""A week longer than the last call is after the discount."""

PAUSES = (7, 7, 14, 7)
"""Days after each e-mail; after the last one they are left in peace."""


def reason_against(event: Event, audience: str) -> Steps:
    """Why no e-mail may leave now, asked where it is known; None if it may."""
    email, since = event.person.email or "", event.at + timedelta(seconds=1)
    orders, member = yield together(
        shopify.orders_of(customer_id=event.person.ids.get("shopify.customer"), email=email, since=since),
        mailchimp.get_member(audience, email),
    )
    if orders:
        return "They ordered."
    return None if member["status"] == "subscribed" else UNWANTED


@recipe(
    on=shopify.order_created,
    title="Win back people who stopped ordering",
    filters=[has_email],
    once_per="id",
    stop_when=shopify.order_created,
)
def win_back(
    event: Event,
    *,
    audience: Audience,
    wait: Annotated[timedelta, Setting("Wait", "Twice as long as most wait between two orders.")] = timedelta(days=60),
    event_name: Annotated[str, Setting("Name of the events", "Each gets _1 to _4 behind it.")] = "win_back",
    discount_percent: Annotated[float, Setting("Discount in the third e-mail", "In percent; 0 for none.")] = 10.0,
    tag: Annotated[str, Setting("Tag", "For whoever did not come back.", chooses="mailchimp.tag")] = "sunset",
) -> Steps:
    """Whoever does not order for 60 days gets up to four e-mails: then, and 7, 14 and 28 days later, from the third on
    with a discount code of their own. Their next order ends it. Right before each e-mail the shop is asked whether they
    ordered, and Mailchimp whether they get newsletters. Who does not come back is tagged, so that you can leave them in
    peace. An e-mail leaves as an event on the member in Mailchimp, win_back_1 to win_back_4: let an automation start
    from each. The last two have the property code."""
    yield sleep(seconds=wait.total_seconds())
    told: dict[str, str] = {}
    for number, days in enumerate(PAUSES, start=1):
        if reason := (yield from reason_against(event, audience)):
            return reason
        if number == 3 and discount_percent > 0:
            told["code"] = yield from coupon(event, "MISSYOU", discount_percent, CODE_LASTS)
        yield mail(audience, event, f"{event_name}_{number}", told)
        yield sleep(days=days)
    if reason := (yield from reason_against(event, audience)):
        return reason
    yield mailchimp.add_tags(audience, event.person.email or "", [tag])
    return "They did not come back."
