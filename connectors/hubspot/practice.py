"""A practice HubSpot: records, lists, properties, search, limits, and webhooks that are really signed."""

from __future__ import annotations

from typing import Any

from hub import Event

from . import practice_batches, practice_lists, practice_objects, practice_webhooks
from .practice_account import (
    APP_ID,
    CLIENT_SECRET,
    DEVELOPER_KEY,
    PORTAL_ID,
    TOKEN,
    HubSpotPractice,
    Refused,
    refused,
)
from .practice_objects import Record, create, look_up, record_as_person, remove, shown
from .practice_webhooks import BY_PERSON, announce, change, creations, signed

__all__ = [
    "APP_ID",
    "CLIENT_SECRET",
    "DEVELOPER_KEY",
    "PORTAL_ID",
    "TOKEN",
    "HubSpotPractice",
    "Refused",
    "change",
    "creations",
    "service",
    "signed",
]

service = HubSpotPractice()
for module in (practice_objects, practice_batches, practice_lists, practice_webhooks):
    service.add_routes(module.ROUTES)

# What can happen: each takes the record's properties, and `url` and `secret` where the webhooks shall go elsewhere
# than to the app's own address.


def _target(details: dict[str, Any]) -> dict[str, str | None]:
    return {"url": details.pop("url", None), "secret": details.pop("secret", None)}


def _contact(details: dict[str, Any]) -> Record:
    """The contact that the details name by `id` or `email`."""
    id, email = details.pop("id", None), details.get("email")
    found = look_up(service, "contacts", str(id or email), None if id else "email")
    if found is None:
        raise refused(404, "resource not found")
    return found


@service.meeting
def meet(event: Event) -> None:
    """The record of an event is in the books, and a contact has the address that is known."""
    kind, number = f"{event.type.split('.')[1]}s", str(event.data.get("objectId") or event.data.get("newObjectId"))
    email = event.person.email if kind == "contacts" else None
    is_known = email in service.books["emails"] or number in service.books["objects"].get(kind, ())
    if kind in service.books["objects"] and number.isdecimal() and not is_known:
        create(service, kind, {"email": email} if email else {}, [], given_id=number)


@service.happening("contact")
def contact(details: dict[str, Any]) -> Record:
    """A person adds a contact; without details a new one each time."""
    to = _target(details)
    number = service.new_id()
    made = {"email": f"customer{number}@example.com", "firstname": "Ada", "lastname": f"Example {number}"}
    return record_as_person(service, "contacts", made | details, None, **to)


@service.happening("change")
def change_contact(details: dict[str, Any]) -> Record:
    """A person changes properties of the contact named by `id` or `email`."""
    to = _target(details)
    found = _contact(details)
    return record_as_person(service, "contacts", details, found, **to)


@service.happening("delete")
def delete(details: dict[str, Any]) -> Record:
    """A person deletes the contact named by `id` or `email`."""
    return _gone("contact.deletion", details)


@service.happening("forget")
def forget(details: dict[str, Any]) -> Record:
    """Someone asks to be deleted for good: the contact named by `id` or `email`."""
    return _gone("contact.privacyDeletion", details)


def _gone(kind: str, details: dict[str, Any]) -> Record:
    to = _target(details)
    found = _contact(details)
    remove(service, "contacts", found)
    announce(service, [(kind, found["id"], {})], BY_PERSON, **to)
    return shown("contacts", found)


@service.happening("deal")
def deal(details: dict[str, Any]) -> Record:
    """A person adds a deal."""
    to = _target(details)
    made = {"dealname": "A new deal", "pipeline": "default", "dealstage": "appointmentscheduled", "amount": "100"}
    return record_as_person(service, "deals", made | details, None, **to)


@service.happening("ticket")
def ticket(details: dict[str, Any]) -> Record:
    """A person opens a ticket."""
    to = _target(details)
    made = {"subject": "A question", "content": "Where is my order?", "hs_pipeline": "0", "hs_pipeline_stage": "1"}
    return record_as_person(service, "tickets", made | details, None, **to)
