"""Birthdays: a present by e-mail a week before, good wishes on the day, and a word before the present ends."""

from __future__ import annotations

from calendar import isleap
from datetime import timedelta
from typing import Annotated

from connectors import mailchimp, shopify
from hub import Event, Setting, Steps, daily, recipe, sleep
from recipes.newsletter import Audience, coupon, has_email, mailed

FIELD = "BIRTHDAY"
"""The merge tag that Mailchimp gives its own field for it; its values are 11/22, the month first."""

BEFORE = 7
"""Days before it that the present leaves; fewer for whom the hub hears of later."""

LAST_WORD = timedelta(days=3)
THE_DAY = timedelta(hours=14)
"""From 9:00 on: good wishes that come later are none."""


def gets_newsletters(event: Event) -> bool:
    """They get newsletters."""
    return bool(event.data["status"] == "subscribed")


def days_left(event: Event) -> int | None:
    """Days until their birthday, if it is within a week."""
    # 9:00 on the wall, four hours on, is the same day in UTC, from Hawaii to New Zealand.
    today, born = event.at + timedelta(hours=4), (event.data.get("merge_fields") or {}).get(FIELD)
    for days in range(BEFORE + 1):
        day = today + timedelta(days=days)
        if born == f"{day:%m/%d}" or (born == "02/29" and f"{day:%m/%d}" == "02/28" and not isleap(day.year)):
            return days
    return None


def is_near(event: Event) -> bool:
    """Their birthday is today, or within a week."""
    return days_left(event) is not None


@recipe(
    on=daily("09:00").each(mailchimp.members),
    title="Congratulate on birthdays",
    filters=[has_email, gets_newsletters, is_near],
    once_per="person",
    cool_down=timedelta(days=300),
    priority=4,
)
def birthday(
    event: Event,
    *,
    audience: Audience,
    event_name: Annotated[
        str, Setting("Name of the events", "Each gets the name of the e-mail behind it.")
    ] = "birthday",
    discount_percent: Annotated[float, Setting("Present", "A discount in percent; 0 for none.")] = 15.0,
    lasts: Annotated[timedelta, Setting("Good for", "How long after the birthday.")] = timedelta(days=21),
) -> Steps:
    """Whoever has told their birthday and gets newsletters gets a present a week before, good wishes on the day, and a
    word three days before the present ends, unless they ordered since; once a year, even if they change the date. Those
    born on 29 February have it on the 28th in other years. The birthday is Mailchimp's own field, BIRTHDAY. An e-mail
    leaves as an event on the member, birthday_present, birthday_today and birthday_last: let an automation start from
    each. The events have the property code."""
    told: dict[str, str] = {}
    rest = timedelta(days=days_left(event) or 0)
    if discount_percent > 0:
        told["code"] = yield from coupon(event, "BIRTHDAY", discount_percent, rest + lasts)
    if told and rest and (reason := (yield from mailed(audience, event, f"{event_name}_present", told))):
        return reason
    if rest:
        yield sleep(days=rest.days)
    if reason := (yield from mailed(audience, event, f"{event_name}_today", told, useful_for=THE_DAY)):
        return reason
    if not told or lasts <= LAST_WORD:
        return "They were congratulated."
    yield sleep(seconds=(lasts - LAST_WORD).total_seconds())
    if (yield shopify.orders_of(email=event.person.email, since=event.at)):
        return "They ordered."
    return (yield from mailed(audience, event, f"{event_name}_last", told)) or "They were congratulated."
