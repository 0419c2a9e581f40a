"""Whoever buys much gets a tier of the loyalty programme at once, with a reward."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Annotated

from connectors import shopify
from hub import Event, Rejected, Setting, Steps, recipe, sleep
from recipes.loyalty import UNREADABLE, USUAL, Counts, Tiers, earned, held, spent_by, tagged, tiers_in
from recipes.newsletter import Audience, coupon, mailed

REWARD_LASTS = timedelta(days=90)
NEAR = Decimal("0.2")
"""Of the next tier's sum: whoever lacks no more is told."""


def is_somebodys(event: Event) -> bool:
    """The order is of a customer with an e-mail address."""
    return bool(event.person.email and event.person.ids.get("shopify.customer"))


@recipe(on=shopify.order_paid, title="Reward loyalty by tiers", filters=[is_somebodys], once_per="id")
def loyalty_tiers(
    event: Event,
    *,
    audience: Audience,
    tiers: Tiers = USUAL,
    counts: Counts = "all time",
    event_name: Annotated[
        str, Setting("Name of the events", "Each gets the name of the e-mail behind it.")
    ] = "loyalty",
) -> Steps:
    """Whoever has spent enough gets a tier as they pay, a discount code and an e-mail; what was refunded does not
    count. Whoever lacks a fifth or less of the next tier is told how much. Nobody loses a tier here: see “Recount
    loyalty each month”. Tiers are tags in the shop and in Mailchimp, such as tier-gold. An e-mail leaves as an event on
    the member in Mailchimp: loyalty_up with tier and code, loyalty_near with tier and missing."""
    known = tiers_in(tiers)
    if known is None:
        return UNREADABLE
    yield sleep(minutes=1)  # the shop adds up a moment after it tells
    try:
        customer = yield shopify.get_customer(event.person.ids["shopify.customer"])
    except Rejected:
        return "The shop does not have this customer any more."
    spent = yield from spent_by(customer, event.at, counts)
    was, now = held(known, customer["tags"]), earned(known, spent)
    if now > was:
        yield from tagged(customer, audience, known, now)
        code = yield from coupon(event, "LOYAL", known[now - 1].percent, REWARD_LASTS)
        yield from mailed(audience, event, f"{event_name}_up", {"tier": known[now - 1].name, "code": code})
        return f"They are {known[now - 1].name} now."
    upper = next(iter(known[was:]), None)
    if upper is None or upper.limit - spent > NEAR * upper.limit:
        return "Nothing changed."
    told = {"tier": upper.name, "missing": str(upper.limit - spent)}
    return (yield from mailed(audience, event, f"{event_name}_near", told)) or "They were told how little is missing."
