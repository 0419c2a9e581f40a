"""What recipes share about people who come less often than they used to: their rhythm, and how they are asked back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from statistics import median
from typing import Annotated

from hub import Event, Rejected, Setting, Steps, ask_person
from recipes.newsletter import mailed
from recipes.reaching import tasked, texted

AT_LEAST = timedelta(days=10)
"""Nobody is missed sooner."""

SAME = timedelta(hours=12)
WRITE, LEAVE = "Write to them", "Leave them alone"
FILLS = {"first_name": "Ada"}

Approve = Annotated[bool, Setting("Ask first", "Whether a colleague decides about each person before anything leaves.")]
Text = Annotated[str, Setting("Text message", "Empty for none.", message="sms", fills=FILLS)]


def missed_after(times: Sequence[datetime]) -> timedelta | None:
    """How long after the last time somebody is missed: twice their usual gap. None with fewer than three times, which
    are no rhythm yet; what is within hours of another is the same time."""
    distinct: list[datetime] = []
    for at in sorted(times):
        if not distinct or at - distinct[-1] > SAME:
            distinct.append(at)
    gaps = [(later - earlier).total_seconds() for earlier, later in pairwise(distinct)]
    return max(AT_LEAST, 2 * timedelta(seconds=median(gaps))) if len(gaps) >= 2 else None


def offered(event: Event, audience: str, event_name: str) -> Steps:
    """Has Mailchimp write. Why it did not, or None: whoever may not be written to is called all the same."""
    try:
        return (yield from mailed(audience, event, event_name))
    except Rejected as refusal:
        return str(refusal)


def asked_back(
    event: Event,
    audience: str,
    *,
    approve: bool,
    text: str,
    first_name: str | None,
    event_name: str,
    rest: Callable[[timedelta], Steps],
) -> Steps:
    """Asks somebody back, gently, if a colleague agrees: a task and a text, an offer by e-mail after four days, a task
    to call after eleven. `rest` lets time pass, and says why all this is over, or None."""
    if approve:
        question = "One of your regulars stays away longer than usual. Write to them?"
        if (yield ask_person(question, choices=[WRITE, LEAVE], timeout=timedelta(days=2), default=LEAVE)) == LEAVE:
            return "They are left alone, as no colleague wanted them to be written to."
        if over := (yield from rest(timedelta(0))):
            return over
    yield from tasked(event, "One of your regulars stays away longer than usual: think of them")
    # Held back for longer, it might reach them after they came.
    yield from texted(event, text, "marketing", useful_for=timedelta(days=1), first_name=first_name)
    if over := (yield from rest(timedelta(days=4))):
        return over
    yield from offered(event, audience, event_name)
    if over := (yield from rest(timedelta(days=7))):
        return over
    yield from tasked(event, "Call them: they still stay away")
    return "They were asked back."
