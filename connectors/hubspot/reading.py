"""Reading deliveries: one holds up to a hundred changes, each of them becomes one event.

https://developers.hubspot.com/docs/api/webhooks
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any

from hub import UNKNOWN, Delivery, Event, Person, addresses
from hub.errors import PayloadUnreadable
from hub.timing import to_datetime

OBJECTS = {"0-1": "contact", "0-3": "deal", "0-5": "ticket"}
"""The object types that HubSpot's newer subscriptions (`object.creation`, …) name by number."""

TYPES = {
    "contact.creation": "contact.created",
    "contact.propertyChange": "contact.changed",
    "contact.deletion": "contact.deleted",
    "contact.privacyDeletion": "contact.privacy_deleted",
    "contact.merge": "contact.merged",
    "deal.creation": "deal.created",
    "deal.propertyChange": "deal.changed",
    "ticket.creation": "ticket.created",
    "ticket.propertyChange": "ticket.changed",
}
"""HubSpot's subscription types and our triggers."""

IDENTITY = (
    *("eventId", "subscriptionId", "subscriptionType", "objectTypeId", "objectId", "occurredAt", "propertyName"),
    *("newObjectId", "primaryObjectId", "fromObjectId", "toObjectId", "associationTypeId", "messageId"),
)
"""What tells one change from another. `eventId` alone may repeat; `attemptNumber` differs between deliveries of the
same change, so it is left out."""


OBJECT_IDS = ("newObjectId", "primaryObjectId", "objectId")
"""Where a change names its object: a merge first names the one that remains, which may have a new id."""


def read(delivery: Delivery) -> Iterator[Event]:
    """One event per change. Raises PayloadUnreadable."""
    changes = delivery.json
    if not isinstance(changes, list):
        raise PayloadUnreadable("HubSpot posts a list of changes; this is none. Workflow webhooks cannot be read here.")
    return iter([_event(change) for change in changes])


def _event(change: Any) -> Event:
    if not isinstance(change, dict) or not isinstance(change.get("subscriptionType"), str):
        raise PayloadUnreadable("A change names no subscriptionType, so it cannot be read.")
    theirs = change["subscriptionType"]
    subject, _, what = theirs.partition(".")
    if subject == "object":
        subject = OBJECTS.get(str(change.get("objectTypeId")), "object")
    name = TYPES.get(f"{subject}.{what}")
    if name and not any(_is_id(change.get(field)) for field in OBJECT_IDS):
        raise PayloadUnreadable(f"A change of type {theirs} names no objectId.")
    return Event(
        key="/".join(str(change.get(field, "")) for field in IDENTITY),
        type=f"hubspot.{name}" if name else UNKNOWN,
        at=_when(change.get("occurredAt")),
        data=change,
        person=_person(change) if name and subject == "contact" else Person(),
        echo=_echo(subject, what, change) if name else None,
    )


def _is_id(value: object) -> bool:
    return isinstance(value, int | str) and not isinstance(value, bool) and str(value) != ""


def _when(occurred: object) -> datetime:
    if isinstance(occurred, int) and not isinstance(occurred, bool):
        with suppress(ValueError, OverflowError, OSError):
            return to_datetime(occurred)
    raise PayloadUnreadable("A change does not say when it occurred (occurredAt, in milliseconds).")


def _person(change: Mapping[str, Any]) -> Person:
    """The contact by its id; HubSpot tells an address or number only where that is what changed."""
    contact_id = next(change[field] for field in OBJECT_IDS if _is_id(change.get(field)))
    changed, value = change.get("propertyName"), change.get("propertyValue")
    told = value if isinstance(value, str) else None
    return Person(
        email=addresses.email(told) if changed == "email" else None,
        phone=addresses.phone(told) if changed == "phone" else None,
        ids={"hubspot.contact": str(contact_id)},
    )


def _echo(subject: str, what: str, change: Mapping[str, Any]) -> str | None:
    """The fingerprint of a change that HubSpot says was made by the very app that sends this webhook; else None.

    A change made by a person, by another app, or by nobody named is never taken for our own.
    """
    by_app = change.get("changeSource") == "INTEGRATION" and change.get("appId") is not None
    if not by_app or str(change.get("sourceId")) != str(change["appId"]):
        return None
    if what == "creation":
        return creation_fingerprint(subject)
    if what == "propertyChange":
        return change_fingerprint(subject, str(change.get("propertyName")), str(change.get("propertyValue")))
    return None


def creation_fingerprint(subject: str) -> str:
    """The fingerprint of "our app made a contact": which one is not known before the call."""
    return f"hubspot.{subject}.creation"


def change_fingerprint(subject: str, name: str, value: str) -> str:
    """The fingerprint of "our app set this property to this value", without telling the value."""
    digest = hashlib.blake2b(value.encode(errors="surrogatepass"), digest_size=12, person=b"hubspot").hexdigest()
    return f"hubspot.{subject}.{name}.{digest}"


def fingerprints(subject: str, properties: Mapping[str, str], *, may_create: bool = False) -> list[str]:
    """Those of all events that writing these properties may cause."""
    made = [change_fingerprint(subject, name, value) for name, value in properties.items()]
    return [creation_fingerprint(subject), *made] if may_create else made
