"""Answers to a survey: a person calls who is unhappy, who is happy is thanked, and all are asked for a review."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime, timedelta
from typing import Annotated

from connectors import hubspot, shopify, webhook
from hub import Event, Setting, Steps, ask_person, complaint_closed, complaint_opened, now, recipe, sleep
from recipes.newsletter import Audience, has_email, mailed
from recipes.reaching import tasked

LOOKS_BACK = timedelta(days=60)
"""How far the shop shows orders."""

SOLVED, OPEN = "It is solved", "Nobody reached them yet"
QUESTION = "Somebody is unhappy: their ticket in HubSpot tells the story. Did you reach them?"
PATIENCE = timedelta(days=30)


def score_of(event: Event) -> float | None:
    with suppress(KeyError, TypeError, ValueError):
        return float(event.data["data"]["score"])
    return None


def has_score(event: Event) -> bool:
    """The answer has a score."""
    return score_of(event) is not None


def next_working_day(at: datetime) -> datetime:
    """The same time on the next day from Monday to Friday."""
    return at + timedelta(days={4: 3, 5: 2}.get(at.weekday(), 1))


def settled(event: Event) -> Steps:
    """Opens a ticket with the story so far, and waits until a person says that it is solved; marketing to them rests
    until then. Why it is not solved, or None."""
    yield complaint_opened()
    orders = yield shopify.orders_of(email=event.person.email, since=event.at - LOOKS_BACK)
    lines = [f"They gave {score_of(event):g}: {event.data['data'].get('text') or 'without a word'}", "Bought lately:"]
    lines += [f"{order['name']}, {order['created_at'][:10]}: {order['total']} {order['currency']}" for order in orders]
    contact = yield hubspot.upsert_contact(event.person.email or "")
    yield hubspot.create_ticket("An unhappy customer", "\n".join(lines), contact["id"], priority="HIGH")
    at = yield now()
    said = yield ask_person(QUESTION, choices=[SOLVED, OPEN], timeout=next_working_day(at) - at, default=OPEN)
    if said == OPEN:
        yield from tasked(event, "Overdue: call them today, they are unhappy")
        said = yield ask_person(QUESTION, choices=[SOLVED], timeout=PATIENCE)
    if said != SOLVED:
        return "Nobody reached them. Marketing to them rests until somebody closes their complaint."
    yield complaint_closed()
    return None


@recipe(
    on=webhook.survey_answered,
    title="Follow up on surveys",
    filters=[has_email, has_score],
    once_per="person",
    cool_down=timedelta(days=1),
)
def survey_follow_up(
    event: Event,
    *,
    audience: Audience,
    event_name: Annotated[str, Setting("Name of the events", "Each gets the name of the e-mail behind it.")] = "survey",
    unhappy: Annotated[int, Setting("Unhappy up to", "Such a score, as 6 of 10, or 2 of 5.")] = 6,
    happy: Annotated[int, Setting("Happy from", "Such a score, as 9 of 10, or 5 of 5.")] = 9,
) -> Steps:
    """Whoever gives a low score gets a ticket in HubSpot with what they said and bought, and a call within a working
    day: a colleague is asked, and reminded by a task. Until it is solved no marketing reaches them, from any recipe;
    two weeks later they are asked how it is. Whoever is in between is asked what would be better, whoever is happy is
    thanked. Two days later all are asked for a review, happy or not, as review sites demand. An e-mail leaves as an
    event on the member in Mailchimp: survey_check_back, survey_better, survey_thanks, survey_review."""
    score = score_of(event) or 0.0
    name = "thanks" if score >= happy else "better"
    if score <= unhappy:
        name = "check_back"
        if trouble := (yield from settled(event)):
            return trouble
        yield sleep(days=14)
    if reason := (yield from mailed(audience, event, f"{event_name}_{name}")):
        return reason
    yield sleep(days=2)
    return (yield from mailed(audience, event, f"{event_name}_review")) or "They were asked for a review."
