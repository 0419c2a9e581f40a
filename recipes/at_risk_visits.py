"""Regulars who stay away longer than they used to are noticed, and asked back by a person and gently."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from connectors import webhook
from hub import Event, Setting, Steps, now, recipe, wait_for
from recipes.falling_away import AT_LEAST, Approve, Text, asked_back, missed_after
from recipes.newsletter import Audience, has_email

WATCHED = timedelta(days=90)
"""So long a run looks on, then the next visit begins a new one; and so long it leaves whom it asked back."""


@recipe(
    on=webhook.visit,
    title="Notice regulars who stay away",
    filters=[has_email],
    once_per="person",
    cool_down=WATCHED,
)
def at_risk_visits(
    event: Event,
    *,
    audience: Audience,
    usual: Annotated[timedelta, Setting("Usual gap", "Between two visits, for whom too few are known.")] = timedelta(7),
    approve: Approve = True,
    text: Text = "Hello {first_name|there}, we miss you! Is all well? Reply STOP to get no more texts.",
    event_name: Annotated[str, Setting("Name of the event", "For the offer by e-mail.")] = "visit_missed",
) -> Steps:
    """Whoever checks in is watched for three months. Whoever then does not come for twice their usual gap, and ten days
    at least, is missed: a colleague decides whether they are written to, gets a task in HubSpot, and they get a text;
    after four days an offer to book by e-mail, and after eleven a colleague is asked to call. Their next visit ends it.
    The offer leaves as the event visit_missed on the member in Mailchimp: let an automation start from it."""
    began, times = (yield now()), [event.at]
    while True:
        missed = missed_after(times) or max(AT_LEAST, 2 * usual)
        left = max(times) + missed - (yield now())
        visit = yield wait_for(webhook.visit, timeout=max(left, timedelta(0)))
        if visit is None:
            break
        if (yield now()) >= began + WATCHED:
            return "This visit begins it anew."
        times.append(visit.at)

    def rest(span: timedelta) -> Steps:
        came = yield wait_for(webhook.visit, timeout=span)
        return "They came back." if came else None

    name = (event.data["person"].get("name") or "").partition(" ")[0]
    return (
        yield from asked_back(
            event, audience, approve=approve, text=text, first_name=name, event_name=event_name, rest=rest
        )
    )
