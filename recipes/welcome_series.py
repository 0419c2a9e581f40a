"""Whoever newly agrees to newsletters, and never bought anything, is welcomed with three e-mails and a coupon."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from connectors import mailchimp, shopify
from hub import Event, Setting, Steps, recipe, sleep, together, wait_for
from recipes.newsletter import Audience, coupon, has_email, mail

agreed_in_shop = shopify.email_consent_changed.matching(where={"email_marketing_consent.state": "subscribed"})
left_the_audience = mailchimp.member_unsubscribed.matching(same="data.list_id")
"""From the audience that they joined. A run that began in the shop asks before each e-mail."""

PATIENCE = timedelta(days=30)
"""How long somebody may take to agree or confirm, and the coupon's life."""


def joined(event: Event, audience: str, status: mailchimp.StatusIfNew) -> Steps:
    """Sees to it that whoever agreed is in the audience; why they are not, if they are not."""
    email = event.person.email or ""
    # Whoever subscribes to another audience did not agree to this one.
    subscribed = mailchimp.member_subscribed.matching(where={"data.list_id": audience})
    if event.type == mailchimp.member_subscribed.type:
        return None if event.data["data"]["list_id"] == audience else "It is about another audience."
    customer = yield shopify.find_customer(email)
    agreed = customer and customer["email_consent"]["given"]
    if not agreed and not (yield wait_for(agreed_in_shop, subscribed, timeout=PATIENCE)):
        return "They did not agree to newsletters."
    member = yield mailchimp.set_consent(audience, email, True, status_if_new=status)
    if member["status"] == "pending" and not (yield wait_for(subscribed, timeout=PATIENCE)):
        return "They did not confirm that they want newsletters."
    return None


def reason_against(event: Event, audience: str) -> Steps:
    """Why no e-mail may leave now, asked where it is known; None if it may."""
    email = event.person.email or ""
    customer, member = yield together(shopify.find_customer(email), mailchimp.get_member(audience, email))
    if customer and customer["orders_count"]:
        return "They bought something."
    if member["status"] != "subscribed" or (customer and customer["email_consent"]["state"] == "unsubscribed"):
        return "They do not get newsletters any more."
    return None


@recipe(
    on=[shopify.customer_created, agreed_in_shop, mailchimp.member_subscribed],
    title="Welcome newcomers",
    filters=[has_email],
    once_per="person",
    stop_when=[shopify.order_created, left_the_audience],
    goal=shopify.order_created,
    within=timedelta(days=30),
)
def welcome_series(
    event: Event,
    *,
    audience: Audience,
    confirm: Annotated[bool, Setting("Ask to confirm", "Whether Mailchimp asks by e-mail first.")] = False,
    event_name: Annotated[str, Setting("Name of the events", "Each gets _1, _2 or _3 behind it.")] = "welcome",
    discount_percent: Annotated[float, Setting("Coupon", "In percent; 0 for none.")] = 10.0,
) -> Steps:
    """Whoever agrees to newsletters, in the shop or in Mailchimp, gets three e-mails: at once, with a coupon of their
    own, after two days and after four. It ends with their first order or when they unsubscribe, and happens once. An
    e-mail leaves as an event on the member in Mailchimp, welcome_1 to welcome_3: let an automation start from each.
    The events have the property code."""
    if reason := (yield from joined(event, audience, "pending" if confirm else "subscribed")):
        return reason
    told = {}
    for number, days in ((1, 0), (2, 2), (3, 2)):
        if days:
            yield sleep(days=days)
        if reason := (yield from reason_against(event, audience)):
            return reason
        if number == 1 and discount_percent > 0:
            told["code"] = yield from coupon(event, "HELLO", discount_percent, PATIENCE)
        yield mail(audience, event, f"{event_name}_{number}", told)
    return "They were welcomed."
