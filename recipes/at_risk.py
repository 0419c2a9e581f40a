"""Regulars who order less often than they used to are noticed, and asked back by a person and gently."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated

from connectors import shopify
from hub import Event, Setting, Step, Steps, recipe, sleep
from recipes.falling_away import Approve, Text, asked_back, missed_after
from recipes.newsletter import Audience, has_email

LOOKS_BACK = timedelta(days=365)
"""The shop shows 60 days, unless the app may read all orders."""


def orders_since(event: Event, since: datetime) -> Step:
    """Asks the shop for the person's orders."""
    whose = event.person.ids.get("shopify.customer")
    return shopify.orders_of(customer_id=whose, email=event.person.email, since=since)


@recipe(
    on=shopify.order_created,
    title="Notice regulars who order less often",
    filters=[has_email],
    once_per="id",
    stop_when=shopify.order_created,
)
def at_risk(
    event: Event,
    *,
    audience: Audience,
    approve: Approve = True,
    text: Text = "Hello {first_name|there}, it has been a while! Is all well? Reply STOP to get no more texts.",
    event_name: Annotated[str, Setting("Name of the event", "For the offer by e-mail.")] = "order_missed",
) -> Steps:
    """With each order the shop is asked how often somebody orders. Whoever then does not order for twice their usual
    gap, and ten days at least, is missed: a colleague decides whether they are written to, gets a task in HubSpot, and
    they get a text; after four days an offer by e-mail, and after eleven a colleague is asked to call. Their next order
    ends it. Who ordered fewer than three times has no usual gap. The offer leaves as the event order_missed on the
    member in Mailchimp: let an automation start from it."""
    made = datetime.fromisoformat(event.data["created_at"])
    orders = yield orders_since(event, made - LOOKS_BACK)
    # The shop's search may not know yet the order that this is about.
    times = [made, *(datetime.fromisoformat(order["created_at"]) for order in orders if not order["cancelled"])]
    missed = missed_after(times)
    if missed is None:
        return "They have no usual gap between orders yet."

    def rest(span: timedelta) -> Steps:
        if span:
            yield sleep(seconds=span.total_seconds())
        later = yield orders_since(event, made + timedelta(seconds=1))
        return "They ordered." if later else None

    if over := (yield from rest(missed)):
        return over
    name = (event.data.get("customer") or {}).get("first_name")
    return (
        yield from asked_back(
            event, audience, approve=approve, text=text, first_name=name, event_name=event_name, rest=rest
        )
    )
