"""After a delivery: thanks, how to make the most of it, and a question how it was."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from connectors import mailchimp, shopify, webhook
from hub import Event, Rejected, Setting, Steps, recipe, sleep, together, wait_for
from recipes.newsletter import UNWANTED, Audience, has_email, mail

TIPS_AFTER = timedelta(days=3)
TAKEN_BACK = ("refunded", "voided")


def is_kept(event: Event) -> bool:
    """The order was neither cancelled nor refunded."""
    return event.data.get("cancelled_at") is None and event.data.get("financial_status") not in TAKEN_BACK


def reason_against(event: Event, audience: str) -> Steps:
    """Why no e-mail may leave now, asked where it is known; None if it may."""
    try:
        order, member = yield together(
            shopify.get_order(event.data["id"]), mailchimp.get_member(audience, event.person.email or "")
        )
    except Rejected:
        return "The shop does not have this order any more."
    if order["cancelled"] or order["financial_status"] in TAKEN_BACK:
        return "It was cancelled or refunded."
    return None if member["status"] == "subscribed" else UNWANTED


def thanks_for(event: Event) -> Steps:
    """Which thanks they get: "first" or "again"."""
    try:
        customer = yield shopify.get_customer((event.data.get("customer") or {}).get("id") or "")
    except Rejected:
        return "first"  # a guest, or the shop does not know them any more
    return "again" if customer["orders_count"] > 1 else "first"


@recipe(
    on=shopify.order_fulfilled,
    title="Look after people who bought",
    filters=[has_email, is_kept],
    once_per="person",
    cool_down=timedelta(days=30),
    stop_when=shopify.order_cancelled.matching(same="id"),
)
def post_purchase(
    event: Event,
    *,
    audience: Audience,
    event_name: Annotated[str, Setting("Name of the events", "Each gets the name of the e-mail behind it.")] = "bought",
    ask_after: Annotated[timedelta, Setting("Ask how it was after", "Counted from when it is sent.")] = timedelta(10),
    remind_after: Annotated[timedelta, Setting("Ask once more after")] = timedelta(days=5),
) -> Steps:
    """Whoever's order is sent gets thanks, others the first time than later, tips after three days, and after ten days
    a question how it was, which is repeated once unless they answer; once a month at most. It ends when the order is
    cancelled or refunded; that, and whether they get newsletters, is asked right before each e-mail. An e-mail leaves
    as an event on the member in Mailchimp: bought_first or bought_again, bought_tips, bought_survey and
    bought_survey_again. The events have the property order. Answers come from your survey tool, through a Webhook
    connection."""
    told, done = {"order": event.data["name"]}, timedelta(0)
    thanks = yield from thanks_for(event)
    ask_after = max(ask_after, TIPS_AFTER + timedelta(days=1))  # never two at once
    for name, after in ((thanks, done), ("tips", TIPS_AFTER), ("survey", ask_after)):
        if after > done:
            yield sleep(seconds=(after - done).total_seconds())
            done = after
        if reason := (yield from reason_against(event, audience)):
            return reason
        yield mail(audience, event, f"{event_name}_{name}", told)
    if (yield wait_for(webhook.survey_answered, timeout=remind_after)):
        return "They answered."
    if reason := (yield from reason_against(event, audience)):
        return reason
    yield mail(audience, event, f"{event_name}_survey_again", told)
    return "They were asked twice."
