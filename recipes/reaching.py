"""What recipes share that reach people otherwise than by newsletter: a text message, and a task for a colleague."""

from __future__ import annotations

from datetime import timedelta

from connectors import hubspot, twilio
from hub import Event, Rejected, Steps
from hub.texts import filled_in
from recipes.newsletter import Purpose


def texted(event: Event, text: str, purpose: Purpose, *, useful_for: timedelta | None = None, **told: object) -> Steps:
    """Texts whom an event is about, with what is told filled in; why that did not leave, or None."""
    if not event.person.phone:
        return "There is no mobile number."
    if not text.strip():
        return "There is no text for it."
    try:
        yield twilio.send_sms(event.person.phone, filled_in(text, **told), purpose=purpose, useful_for=useful_for)
    except Rejected as refusal:
        return str(refusal)
    return None


def tasked(event: Event, title: str) -> Steps:
    """Gives a colleague something to do about whom an event is about, in HubSpot."""
    contact = yield hubspot.upsert_contact(event.person.email or "")
    yield hubspot.create_task(contact["id"], title, priority="HIGH")
    return None
