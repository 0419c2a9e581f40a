"""A subscription's payment failed: the customer is told until it is settled, and somebody calls the important ones."""

from __future__ import annotations

from datetime import UTC, timedelta
from decimal import Decimal, InvalidOperation
from typing import Annotated

from connectors import webhook
from hub import Event, Setting, Steps, recipe, wait_for
from recipes.local_time import by_day, zone_of
from recipes.newsletter import Audience, has_email, mail, mailed
from recipes.reaching import tasked, texted

FILLS = {"amount": "29.00", "currency": "USD"}
SUSPECT = ("fraud", "fraudulent", "stolen_card", "lost_card")
SETTLED = [
    webhook.payment_paid.matching(same="data.subscription"),
    webhook.subscription_cancelled.matching(same="data.subscription"),
]
TIMES = ((1, "1"), (3 * 24, "2"), (5 * 24, "text"), (7 * 24, "3"), (12 * 24, "4"), (19 * 24, ""))
"""Hours after the failure, and what leaves then: an e-mail by its number, or the text; at last hope ends. Within the
first hour many settle it, and what settled it may be told before that it failed."""


def is_of_subscription(event: Event) -> bool:
    """The payment is one of a subscription, so that it is known when that is paid."""
    return bool((event.data.get("data") or {}).get("subscription"))


def is_worth(amount: object, limit: Decimal) -> bool:
    """Whether an amount, as a tool tells it, is worth a call."""
    try:
        return 0 < limit <= Decimal(str(amount))
    except InvalidOperation:
        return False


@recipe(
    on=webhook.payment_failed,
    title="Settle failed payments",
    filters=[has_email, is_of_subscription],
    once_per="data.subscription",
    cool_down=timedelta(days=20),
)
def failed_payment(
    event: Event,
    *,
    audience: Audience,
    event_name: Annotated[str, Setting("Name of the events", "Each gets _1 to _4, or _settled.")] = "payment_failed",
    text: Annotated[str, Setting("Text after five days", "Empty for none.", message="sms", fills=FILLS)] = (
        "Your payment of {amount} {currency} did not go through. Please update your card, so that nothing stops."
    ),
    call_from: Annotated[Decimal, Setting("Call from this amount", "0: never.")] = Decimal(100),
) -> Steps:
    """Whoever's payment for a subscription fails is written to after an hour, 3, 7 and 12 days, and gets a text after
    five; above an amount a colleague is asked to call after a week. It ends with thanks when they pay, or when the
    subscription is cancelled. Whoever gets no newsletters, Mailchimp may not write to: a colleague is given a task in
    HubSpot to do it, as for whatever may be fraud. Switch off your payment service's own reminders. An e-mail leaves as
    an event on the member in Mailchimp, payment_failed_1 to _4 and _settled, with its amount and currency."""
    told = {name: event.data["data"].get(name) for name in ("amount", "currency")}
    if event.data["data"].get("reason") in SUSPECT:
        yield from tasked(event, "A payment failed and may be fraud: look at it before anybody writes to them")
        return "It may be fraud, so a colleague looks at it."
    local = (event.at + timedelta(days=5)).astimezone(zone_of(event) or UTC)
    shift = by_day(local) - local if zone_of(event) else timedelta(0)  # a text wakes nobody
    elapsed = timedelta(0)
    for hours, what in TIMES:
        due = timedelta(hours=hours) + (shift if what == "text" else timedelta(0))
        if end := (yield wait_for(*SETTLED, timeout=due - elapsed)):
            if end.type == webhook.subscription_cancelled.type:
                return "The subscription was cancelled."
            if elapsed:
                yield mail(audience, event, f"{event_name}_settled", told, "transactional")
            return "They paid."
        elapsed = due
        if what == "1" and (yield from mailed(audience, event, f"{event_name}_1", told, "transactional")):
            yield from tasked(event, "Write to them: their payment failed, and they get no newsletters")
            return "They get no newsletters, so a colleague writes to them."
        if what == "text":
            yield from texted(event, text, "transactional", **told)
        elif what not in ("1", ""):
            yield mail(audience, event, f"{event_name}_{what}", told, "transactional")
        if what == "3" and is_worth(told["amount"], call_from):
            yield from tasked(event, "Call them: their payment has failed for a week")
    return "They did not pay."
