"""Reading what Twilio posts: messages that came in, and what became of those that went out."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256

from hub import UNKNOWN, Consent, Delivery, Event, Person, addresses
from hub.errors import PayloadUnreadable

from .keywords import meaning

RECEIVED, STATUS = "twilio.message.received", "twilio.message.status_changed"
OPTED_OUT, OPTED_IN, HELP = "twilio.person.opted_out", "twilio.person.opted_in", "twilio.help.requested"

TOKEN = "i-twilio-idempotency-token"
"""The header that is the same when Twilio delivers again."""


def keys(delivery: Delivery) -> list[str]:
    """Twilio's own id of the delivery, where it sends one."""
    token = delivery.headers.get(TOKEN)
    return [token] if token else []


def read(delivery: Delivery) -> Iterator[Event]:
    """The events in a delivery. Twilio tells no times, so each is at the time it was received.

    Raises PayloadUnreadable if a field is missing without which there is no event.
    """
    form = delivery.form
    if "MessageStatus" in form:
        yield _status(delivery)
    elif form.get("SmsStatus") == "received" or ("MessageSid" in form and "Body" in form):
        yield from _inbound(delivery)
    elif form:
        yield Event(keys(delivery)[0] if keys(delivery) else _digest(delivery), UNKNOWN, delivery.received_at, form)
    else:
        raise PayloadUnreadable("The body is not a form that can be read.")


def _digest(delivery: Delivery) -> str:
    return sha256(delivery.body).hexdigest()


def _needed(delivery: Delivery, name: str) -> str:
    value = delivery.form.get(name)
    if not value:
        raise PayloadUnreadable(f"Twilio's form has no {name}, so it cannot be read.")
    return value


def _status(delivery: Delivery) -> Event:
    sid, status = _needed(delivery, "MessageSid"), _needed(delivery, "MessageStatus")
    person = Person(phone=_phone(_needed(delivery, "To")))
    return Event(f"{sid}:{status}", STATUS, delivery.received_at, delivery.form, person)


def _inbound(delivery: Delivery) -> Iterator[Event]:
    """The message, and after it what the sender asks for with it."""
    sid, sender = _needed(delivery, "MessageSid"), _needed(delivery, "From")
    at, form, person = delivery.received_at, delivery.form, Person(phone=_phone(sender))
    yield Event(sid, RECEIVED, at, form, person)
    asked = meaning(form.get("Body", ""), form.get("OptOutType", ""))
    if asked == "help":
        yield Event(f"{sid}:help", HELP, at, form, person)
    # Stopping on any channel stops text messages too; starting counts only where it was said in a text message.
    if asked == "stop":
        yield Event(f"{sid}:stop", OPTED_OUT, at, form, person, _consent(person, False, delivery))
    if asked == "start" and ":" not in sender:
        yield Event(f"{sid}:start", OPTED_IN, at, form, person, _consent(person, True, delivery))


def _consent(person: Person, given: bool, delivery: Delivery) -> tuple[Consent, ...]:
    if person.phone is None:
        return ()
    return (Consent("sms", person.phone, given, delivery.received_at),)


def _phone(address: str) -> str | None:
    """The number in an address, which has its channel before it unless it is a text message: `whatsapp:+1…`."""
    return addresses.phone(address.rpartition(":")[2])
