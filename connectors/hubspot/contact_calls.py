"""Contacts: what the actions' inputs become for HubSpot, and what its answers become for recipes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeGuard

from hub import Item, Page, Person, addresses
from hub.errors import ActionFailed, OutcomeUnknown, Rejected

from . import batches
from .reading import fingerprints
from .wording import Input, emails_of, named, texts

if TYPE_CHECKING:
    from .client import Client

Calls = Sequence[Mapping[str, Any]]
"""The inputs of several calls of one action, by name."""

Answers = list[dict[str, Any] | ActionFailed]
"""One outcome per call, in order."""

EXAMPLE = {"firstname": "Ada", "lastname": "Miller", "phone": "+14155550142", "lifecyclestage": "lead"}
"""What a contact may have in its properties, for drawing a recipe without asking anybody."""


def upserted_texts(call: Mapping[str, Any]) -> dict[str, str]:
    """The properties that an upsert writes. The address is not among them: HubSpot takes it from the input's id, and
    naming a contact by its second address must not make that its first."""
    standard = {"firstname": call["first_name"], "lastname": call["last_name"], "phone": call["phone"]}
    given = {name: value for name, value in standard.items() if value is not None}
    return texts(given | dict(call["properties"] or {}))


def upsert_fingerprints(call: Mapping[str, Any]) -> list[str]:
    """Those of the changes that an upsert causes: on creating, HubSpot reports the address as well."""
    address = addresses.email(call["email"]) or ""
    return fingerprints("contact", {"email": address} | upserted_texts(call), may_create=True)


def upsert(client: Client, calls: Calls) -> Answers:
    inputs = [_input(None, call["email"], upserted_texts(call)) for call in calls]
    outcomes = batches.write(client, "/crm/v3/objects/contacts/batch/upsert", inputs)
    return [
        outcome
        if isinstance(outcome, ActionFailed)
        else {"id": str(outcome["id"]), "email": addresses.email(call["email"]), "created": outcome.get("new") is True}
        for call, outcome in zip(calls, outcomes, strict=True)
    ]


def update(client: Client, calls: Calls) -> Answers:
    inputs = [_input(call["contact_id"], call["email"], texts(call["properties"])) for call in calls]
    outcomes = batches.write(client, "/crm/v3/objects/contacts/batch/update", _by_id(client, inputs))
    return [outcome if isinstance(outcome, ActionFailed) else {"id": str(outcome["id"])} for outcome in outcomes]


def _by_id(client: Client, inputs: Sequence[Input | ActionFailed]) -> list[Input | ActionFailed]:
    """The same contacts, all named by their ids. HubSpot updates many by id alone: an address is "non-unique" to it.

    https://github.com/HubSpot/hubspot-api-nodejs/issues/548
    """
    found = iter(batches.read(client, [item for item in inputs if _has_address(item)], ()))
    return [_with_id(item, next(found)) if _has_address(item) else item for item in inputs]


def _has_address(item: Input | ActionFailed) -> TypeGuard[Input]:
    return isinstance(item, dict) and "idProperty" in item


def _with_id(item: Input, found: batches.Outcome | None) -> Input | ActionFailed:
    if found is None:
        return Rejected("HubSpot has no contact with this e-mail address.", code=batches.NOT_FOUND)
    return found if isinstance(found, ActionFailed) else {"id": str(found["id"]), "properties": item["properties"]}


def page(client: Client, properties: Sequence[str], cursor: str | None) -> Page:
    """A hundred contacts, as many as HubSpot gives, in the order of their ids."""
    wanted = ["email", "phone", "firstname", "lastname", *properties]
    query = {"limit": "100", "archived": "false", "properties": ",".join(dict.fromkeys(wanted))}
    found = client.call("GET", "/crm/v3/objects/contacts", query=query | ({"after": cursor} if cursor else {}))
    try:
        items = [_item(contact) for contact in found["results"]]
        following = ((found.get("paging") or {}).get("next") or {}).get("after")
    except (KeyError, TypeError, AttributeError):
        raise OutcomeUnknown("HubSpot's list of contacts cannot be read.") from None
    return Page(items, None if following is None else str(following))


def _item(contact: Mapping[str, Any]) -> Item:
    number, values = str(contact["id"]), contact["properties"]
    email = next(iter(emails_of(values)), None)
    person = Person(addresses.email(email), addresses.phone(values.get("phone")), {"hubspot.contact": number})
    return Item(number, {"id": number, "properties": dict(values)}, person)


def get(client: Client, calls: Calls) -> list[dict[str, Any] | ActionFailed | None]:
    """All calls ask for the same properties."""
    wanted: Sequence[str] = calls[0]["properties"]
    inputs = [_input(call["contact_id"], call["email"]) for call in calls]
    outcomes = iter(batches.read(client, [item for item in inputs if not isinstance(item, ActionFailed)], wanted))
    answers: list[dict[str, Any] | ActionFailed | None] = []
    for item in inputs:
        outcome = item if isinstance(item, ActionFailed) else next(outcomes)
        answers.append(_contact(outcome, wanted) if isinstance(outcome, dict) else outcome)
    return answers


def _input(contact_id: Any, email: Any, properties: Mapping[str, str] | None = None) -> Input | ActionFailed:
    try:
        item = named(contact_id, email)
    except Rejected as error:
        return error
    return item if properties is None else item | {"properties": dict(properties)}


def _contact(found: Mapping[str, Any], wanted: Sequence[str]) -> dict[str, Any]:
    values = found.get("properties") or {}
    return {
        "id": str(found["id"]),
        "email": next(iter(emails_of(values)), None),
        "properties": {name: values.get(name) for name in wanted},
    }
