"""Tiers of the loyalty programme are counted again each month: whoever lost theirs is told three weeks before."""

from __future__ import annotations

from typing import Annotated

from connectors import shopify
from hub import Event, Rejected, Setting, Steps, monthly, now, recipe, sleep
from recipes.loyalty import PREFIX, UNREADABLE, USUAL, Counts, Tiers, earned, held, spent_by, tagged, tiers_in
from recipes.newsletter import Audience, mailed


def has_tier(event: Event) -> bool:
    """They have a tier, and an e-mail address."""
    return event.person.email is not None and any(tag.startswith(PREFIX) for tag in event.data["tags"])


@recipe(on=monthly(1, "09:00").each(shopify.customers), title="Recount loyalty each month", filters=[has_tier])
def loyalty_recount(
    event: Event,
    *,
    audience: Audience,
    tiers: Tiers = USUAL,
    counts: Counts = "all time",
    event_name: Annotated[str, Setting("Name of the event", "Of the notice.")] = "loyalty_notice",
) -> Steps:
    """On the first of each month whoever has spent too little for their tier, as orders were refunded or are longer ago
    than what counts, is given notice by e-mail. After three weeks they get the tier that they have earned by then. Give
    it the same tiers as “Reward loyalty by tiers”. The notice leaves as the event loyalty_notice on the member in
    Mailchimp, with tier and missing: let an automation start from it."""
    known = tiers_in(tiers)
    if known is None:
        return UNREADABLE
    has, is_told = event.data, False
    while True:
        spent = yield from spent_by(has, (yield now()), counts)
        was, earns = held(known, has["tags"]), earned(known, spent)
        if earns >= was:
            return "They keep their tier."
        if is_told:
            yield from tagged(has, audience, known, earns)
            return "They have a lower tier now." if earns else "They have no tier any more."
        told = {"tier": known[was - 1].name, "missing": str(known[was - 1].limit - spent)}
        yield from mailed(audience, event, event_name, told)
        yield sleep(days=21)
        try:
            has, is_told = (yield shopify.get_customer(event.data["id"])), True
        except Rejected:
            return "The shop does not have this customer any more."
