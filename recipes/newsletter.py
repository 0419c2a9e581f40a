"""What recipes share that have Mailchimp write to people: who gets newsletters, the event that an automation starts
from, and a discount code of somebody's own."""

from __future__ import annotations

import hashlib
from collections.abc import Generator, Mapping
from datetime import timedelta
from typing import Annotated, Any, Literal

from connectors import mailchimp, shopify
from hub import Event, Setting, Step, now

Audience = Annotated[
    str,
    Setting("Mailchimp audience", "The id of the audience that customers belong to.", chooses="mailchimp.audience"),
]
Purpose = Literal["transactional", "marketing"]
UNWANTED = "They do not get newsletters, so no e-mail was sent any more."


def has_email(event: Event) -> bool:
    """There is an e-mail address."""
    return event.person.email is not None


def mail(
    audience: str,
    event: Event,
    name: str,
    told: Mapping[str, Any] | None = None,
    purpose: Purpose = "marketing",
    useful_for: timedelta | None = None,
) -> Step:
    """Has Mailchimp write to whom an event is about: notes an event of this name, from which an automation starts. What
    is `told` becomes the event's properties."""
    return mailchimp.add_event(
        audience, event.person.email or "", name, told or {}, purpose=purpose, useful_for=useful_for
    )


def mailed(
    audience: str,
    event: Event,
    name: str,
    told: Mapping[str, Any] | None = None,
    purpose: Purpose = "marketing",
    useful_for: timedelta | None = None,
) -> Generator[Step, Any, str | None]:
    """Has Mailchimp write, if they get newsletters right then; why it did not, or None."""
    member = yield mailchimp.get_member(audience, event.person.email or "")
    if member["status"] != "subscribed":
        return UNWANTED
    yield mail(audience, event, name, told, purpose, useful_for)
    return None


def coupon(event: Event, prefix: str, percent: float, lasts: timedelta) -> Generator[Step, Any, str]:
    """Makes the discount code of this event, good once from now on, and gives it."""
    code = f"{prefix}-{hashlib.sha256(event.key.encode()).hexdigest()[:10].upper()}"
    at = yield now()
    yield shopify.create_discount_code(code, percent, starts_at=at, ends_at=at + lasts, usage_limit=1)
    return code
