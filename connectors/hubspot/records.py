"""Notes, tasks and tickets: making them, and finding out whether they were made.

HubSpot has no idempotency key for them. So after a call of unknown outcome the contact's own records are read:
one that was made since then, reads the same, and belongs to no other step, is ours.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from hub.errors import OutcomeUnknown, Rejected
from hub.timing import to_ms

from .batches import NOT_FOUND, listed
from .wording import as_html, contact_number, given, words_of, words_of_html

if TYPE_CHECKING:
    from .client import Client

CLOCKS = timedelta(seconds=60)
"""How far HubSpot's clock may be behind ours: equal records from the minute before the call are told as well."""

PAGE = 100


@dataclass(frozen=True)
class Kind:
    """`objects` in addresses; `to_contact` the number of HubSpot's own association with a contact; `compared` the
    properties that tell whether two are the same, and how each is read; `created` the one with the time."""

    objects: str
    to_contact: int
    compared: Mapping[str, Callable[[str | None], str]]
    created: str = "hs_createdate"


NOTE = Kind("notes", 202, {"hs_note_body": words_of_html})
TASK = Kind("tasks", 204, {"hs_task_subject": words_of, "hs_task_body": words_of_html})
TICKET = Kind("tickets", 16, {"subject": words_of, "content": words_of}, created="createdate")


def note(text: str) -> dict[str, str]:
    return {"hs_note_body": as_html(text)}


def task(title: str, text: str, *, priority: str = "NONE", owner_id: str | int | None = None) -> dict[str, str]:
    fixed = {"hs_task_subject": title, "hs_task_status": "NOT_STARTED", "hs_task_type": "TODO"}
    body = as_html(text) if text else None
    return fixed | given({"hs_task_body": body, "hs_task_priority": priority, "hubspot_owner_id": owner_id})


def ticket(
    subject: str,
    content: str,
    contact_id: object = None,
    *,
    pipeline: str = "0",
    stage: str = "1",
    priority: str | None = None,
    owner_id: str | int | None = None,
) -> dict[str, str]:
    """`contact_id` is taken and left out, so that an action's inputs fit: it becomes an association."""
    fixed = {"subject": subject, "content": content, "hs_pipeline": pipeline, "hs_pipeline_stage": stage}
    return fixed | given({"hs_ticket_priority": priority, "hubspot_owner_id": owner_id})


def make(client: Client, kind: Kind, properties: Mapping[str, str], contact_id: str | int | None) -> dict[str, Any]:
    """Makes one, gives `{"id": …}`. Raises ActionFailed."""
    category = {"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": kind.to_contact}
    associations = [] if contact_id is None else [{"to": {"id": contact_number(contact_id)}, "types": [category]}]
    path = f"/crm/v3/objects/{kind.objects}"
    answer = client.call("POST", path, {"properties": dict(properties), "associations": associations})
    if not isinstance(answer, dict) or not answer.get("id"):
        raise OutcomeUnknown("HubSpot's answer does not say what was made.")
    return {"id": str(answer["id"])}


def find(
    client: Client, kind: Kind, since: datetime, properties: Mapping[str, str], contact_id: str | int | None
) -> list[dict[str, Any]]:
    """All that were made with these properties at or after `since`, as `{"id": …}`, oldest first. Raises
    ActionFailed."""
    earliest = since - CLOCKS
    found = []
    for record in _recent(client, kind, earliest, contact_id):
        values = record.get("properties") or {}
        made = _time(values.get(kind.created) or record.get("createdAt"))
        if made >= earliest and all(
            read(values.get(name)) == read(properties.get(name)) for name, read in kind.compared.items()
        ):
            found.append((made, str(record["id"])))
    # Records of one millisecond lie in the order of their ids, which HubSpot counts up.
    return [{"id": id} for _, id in sorted(found, key=lambda pair: (pair[0], len(pair[1]), pair[1]))]


def _recent(client: Client, kind: Kind, earliest: datetime, contact_id: str | int | None) -> Iterator[dict[str, Any]]:
    """The contact's records where HubSpot lists them all, which is up to date at once; else those that a search
    finds, which lags some seconds behind."""
    if contact_id is not None:
        listing = _listing(client, kind, contact_id)
        if not (listing.get("paging") or {}).get("next"):
            ids = {str(item["id"]) for item in listing.get("results") or ()}
            newest = sorted(ids, key=lambda id: (len(id), id))[-PAGE:]
            yield from _by_id(client, kind, newest)
            return
    yield from _by_search(client, kind, earliest, contact_id)


def _listing(client: Client, kind: Kind, contact_id: str | int) -> dict[str, Any]:
    """The ids of a contact's records, as far as HubSpot lists them in one answer; none for an unknown contact."""
    path = f"/crm/v3/objects/contacts/{quote(str(contact_id), safe='')}"
    try:
        contact = client.call("GET", path, query={"associations": kind.objects, "properties": "hs_object_id"})
    except Rejected as error:
        if error.status == 404:
            return {}
        raise
    if not isinstance(contact, dict) or not contact.get("id"):
        raise OutcomeUnknown("HubSpot's answer could not be read.")
    return (contact.get("associations") or {}).get(kind.objects) or {}


def _by_id(client: Client, kind: Kind, ids: list[str]) -> list[dict[str, Any]]:
    if not ids:
        return []
    inputs = [{"id": id} for id in ids]
    body = {"inputs": inputs, "properties": [*kind.compared, kind.created], "propertiesWithHistory": []}
    answer = client.call("POST", f"/crm/v3/objects/{kind.objects}/batch/read", body)
    if any(error.get("category") != NOT_FOUND for error in listed(answer, "errors")):
        raise OutcomeUnknown("HubSpot did not show all of the contact's records, so this one may be among the others.")
    return _results(answer)


def _by_search(client: Client, kind: Kind, earliest: datetime, contact_id: str | int | None) -> list[dict[str, Any]]:
    filters = [{"propertyName": kind.created, "operator": "GTE", "value": str(to_ms(earliest))}]
    if contact_id is not None:
        filters.append({"propertyName": "associations.contact", "operator": "EQ", "value": str(contact_id)})
    body = {
        "filterGroups": [{"filters": filters}],
        "properties": [*kind.compared, kind.created],
        "sorts": [kind.created],
        "limit": PAGE,
        "after": "0",
    }
    answer = client.call("POST", f"/crm/v3/objects/{kind.objects}/search", body)
    if isinstance(answer, dict) and (answer.get("paging") or {}).get("next"):
        raise OutcomeUnknown("HubSpot has too many new records to tell whether this one is among them.")
    return _results(answer)


def _results(answer: Any) -> list[dict[str, Any]]:
    if not isinstance(answer, dict) or not isinstance(answer.get("results"), list):
        raise OutcomeUnknown("HubSpot's answer could not be read.")
    return [record for record in answer["results"] if isinstance(record, dict) and record.get("id")]


def _time(text: object) -> datetime:
    """HubSpot's time stamp; one that cannot be read counts as now, so that its record is not overlooked."""
    with suppress(ValueError):
        at = datetime.fromisoformat(str(text))
        if at.tzinfo:
            return at
    return datetime.max.replace(tzinfo=UTC)
