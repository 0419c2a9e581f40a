"""The practice account's records: contacts, deals, tickets, notes and tasks, one by one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from hub import addresses
from hub.practice import Request, Response, json_answer, moment

from .practice_account import READ_ONLY, HubSpotPractice, Refused, body_of, refused, stamp, values_of
from .practice_webhooks import BY_PERSON, SINGULAR, announce

Record = dict[str, Any]
Happened = list[tuple[str, str, Mapping[str, Any]]]

SHOWN = {
    "contacts": ("email", "firstname", "lastname"),
    "deals": ("dealname", "amount", "dealstage", "pipeline"),
    "tickets": ("subject", "content", "hs_pipeline", "hs_pipeline_stage", "hs_ticket_priority"),
}
"""What is told without being asked for."""

TO_CONTACT = {202: "notes", 204: "tasks", 16: "tickets", 3: "deals"}
FIRST_NEEDED = {"notes": "hs_timestamp", "tasks": "hs_timestamp", "tickets": "hs_pipeline_stage"}


# ---- the books: a contact keeps the ids of its notes, tasks and tickets as `records`, and each of these its `contact`


def table(service: HubSpotPractice, kind: str) -> dict[str, Record]:
    found: dict[str, Record] | None = service.books["objects"].get(kind)
    if found is None:
        raise refused(400, f"Unable to infer object type from: {kind}")
    return found


def checked(service: HubSpotPractice, kind: str, properties: Any) -> dict[str, str]:
    """The properties, or HubSpot's refusal of the first that is wrong."""
    known = service.books["properties"][kind]
    if not isinstance(properties, dict):
        raise refused(400, "Invalid input JSON: properties must be an object")
    for name, value in properties.items():
        if name not in known:
            raise invalid(name, "PROPERTY_DOESNT_EXIST", f'Property "{name}" does not exist')
        if name in READ_ONLY:
            raise invalid(name, "READ_ONLY_VALUE", f'"{name}" is a read only property; its value cannot be set.')
        if not isinstance(value, str) or value.encode("utf-8", "replace").decode() != value:
            raise invalid(name, "INVALID_STRING", f"{value!r} was not a valid string")
    if properties.get("email") and addresses.email(properties["email"]) is None:
        raise invalid("email", "INVALID_EMAIL", f"Email address {properties['email']} is invalid")
    return properties


def invalid(name: str, code: str, message: str) -> Refused:
    detail = {"message": message, "code": code, "context": {"propertyName": [name]}}
    return refused(400, f"Property values were not valid: {message}", errors=[detail])


def create(
    service: HubSpotPractice, kind: str, properties: Mapping[str, str], happened: Happened, given_id: str | None = None
) -> Record:
    email = addresses.email(properties.get("email")) if kind == "contacts" else None
    if email in service.books["emails"]:
        raise refused(409, f"Contact already exists. Existing ID: {service.books['emails'][email]}")
    id, now = given_id or service.new_id(), stamp()
    record: Record = {"id": id, "createdAt": now, "updatedAt": now, "archived": False}
    record["properties"] = {"hs_object_id": id, "createdate": now, "hs_createdate": now, "lastmodifieddate": now}
    record |= {"made": moment.monotonic(), "contact": None, "records": {}}
    table(service, kind)[id] = record
    if kind in SINGULAR:
        happened.append((f"{SINGULAR[kind]}.creation", id, {}))
    return update(service, kind, record, {**properties, **({"email": email} if email else {})}, happened)


def update(
    service: HubSpotPractice, kind: str, record: Record, properties: Mapping[str, str], happened: Happened
) -> Record:
    held, emails = record["properties"], service.books["emails"]
    if kind == "contacts" and "email" in properties:
        address = properties["email"].lower()
        if emails.get(address, record["id"]) != record["id"]:
            raise refused(409, f"Contact already exists. Existing ID: {emails[address]}")
        emails.pop(held.get("email"), None)
        if address:
            emails[address] = record["id"]
        properties = {**properties, "email": address}
    for name, value in properties.items():
        if held.get(name, "") != value:
            held[name] = value
            if kind in SINGULAR:
                what = {"propertyName": name, "propertyValue": value}
                happened.append((f"{SINGULAR[kind]}.propertyChange", record["id"], what))
    record["updatedAt"] = held["lastmodifieddate"] = stamp()
    return record


def remove(service: HubSpotPractice, kind: str, record: Record) -> None:
    del table(service, kind)[record["id"]]
    if kind == "contacts":
        service.books["emails"].pop(record["properties"].get("email"), None)
        for found in service.books["lists"].values():
            found["members"].pop(record["id"], None)
    elif (contact := table(service, "contacts").get(record["contact"])) is not None:
        contact["records"][kind].remove(record["id"])


def look_up(service: HubSpotPractice, kind: str, id: str, id_property: str | None) -> Record | None:
    if id_property == "email" and kind == "contacts":
        id = service.books["emails"].get(id.lower(), "")
    elif id_property not in (None, "hs_object_id"):
        raise refused(400, f"{id_property} is not a unique property")
    return table(service, kind).get(id)


def shown(kind: str, record: Record, wanted: Iterable[str] = ()) -> dict[str, Any]:
    """The record as HubSpot tells it, with the properties wanted as far as they have a value."""
    names = {*SHOWN.get(kind, ()), *wanted, "hs_object_id", "createdate", "lastmodifieddate"}
    values = {name: value for name, value in record["properties"].items() if name in names}
    told = {name: record[name] for name in ("id", "createdAt", "updatedAt", "archived")}
    return told | {"properties": values}


# ---- one by one


def post_one(service: HubSpotPractice, request: Request, kind: str) -> Response:
    body = body_of(request, "properties")
    table(service, kind)
    properties = checked(service, kind, body["properties"])
    if (needed := FIRST_NEEDED.get(kind)) and needed not in properties:
        raise refused(400, f"Error creating {kind.upper()}. Some required properties were not set: [{needed}]")
    contact_id = _contact_of(service, kind, body.get("associations") or [])
    happened: Happened = []
    record = create(service, kind, properties, happened)
    if contact_id:
        record["contact"] = contact_id
        table(service, "contacts")[contact_id]["records"].setdefault(kind, []).append(record["id"])
    announce(service, happened)
    return json_answer(shown(kind, record, properties), 201)


def _contact_of(service: HubSpotPractice, kind: str, associations: list[dict[str, Any]]) -> str | None:
    for association in associations:
        to = str(association["to"]["id"])
        types = [item["associationTypeId"] for item in association["types"]]
        if any(TO_CONTACT.get(number) != kind for number in types):
            raise refused(400, f"association type(s) {types} are not valid for {kind}")
        if to not in service.books["objects"]["contacts"]:
            raise refused(400, f"contact id {to} does not exist and cannot be associated")
        return to
    return None


def _one(service: HubSpotPractice, request: Request, kind: str, id: str) -> Record:
    record = look_up(service, kind, id, request.args.get("idProperty"))
    if record is None:
        raise refused(404, "resource not found")
    return record


def get_one(service: HubSpotPractice, request: Request, kind: str, id: str) -> Response:
    record = _one(service, request, kind, id)
    told = shown(kind, record, values_of(request, "properties"))
    found = {}
    for other in values_of(request, "associations"):
        if theirs := record["records"].get(other):
            links = [{"id": number, "type": f"contact_to_{other.removesuffix('s')}"} for number in theirs]
            more = {"paging": {"next": {"after": str(service.page)}}} if len(links) > service.page else {}
            found[other] = {"results": links[: service.page]} | more
    return json_answer(told | ({"associations": found} if found else {}))


def get_all(service: HubSpotPractice, request: Request, kind: str) -> Response:
    """A page of records in the order of their ids."""
    records, limit = table(service, kind), int(request.args.get("limit", 10))
    if not 0 < limit <= 100:
        raise refused(400, "limit must be between 1 and 100")
    after = int(request.args.get("after", 0))
    found = sorted((record for record in records.values() if int(record["id"]) > after), key=lambda r: int(r["id"]))
    results = [shown(kind, record, values_of(request, "properties")) for record in found[:limit]]
    more = {"paging": {"next": {"after": results[-1]["id"]}}} if len(found) > limit else {}
    return json_answer({"results": results} | more)


def patch_one(service: HubSpotPractice, request: Request, kind: str, id: str) -> Response:
    record = _one(service, request, kind, id)
    happened: Happened = []
    properties = checked(service, kind, body_of(request, "properties")["properties"])
    update(service, kind, record, properties, happened)
    announce(service, happened)
    return json_answer(shown(kind, record, properties))


def delete_one(service: HubSpotPractice, request: Request, kind: str, id: str) -> Response:
    record = _one(service, request, kind, id)
    remove(service, kind, record)
    announce(service, [(f"{SINGULAR.get(kind, kind)}.deletion", record["id"], {})])
    return Response(status=204)


def forget(service: HubSpotPractice, request: Request) -> Response:
    """HubSpot's deletion of a contact for privacy."""
    body = body_of(request, "objectId")
    record = look_up(service, "contacts", str(body["objectId"]), body.get("idProperty"))
    if record is not None:
        remove(service, "contacts", record)
        announce(service, [("contact.privacyDeletion", record["id"], {})])
    return Response(status=204)


def record_as_person(
    service: HubSpotPractice, kind: str, properties: Mapping[str, str], record: Record | None, **to: str | None
) -> Record:
    """A record made, or changed if it is given, as if by a person in HubSpot, and its webhooks."""
    happened: Happened = []
    if record is None:
        record = create(service, kind, checked(service, kind, dict(properties)), happened)
    else:
        update(service, kind, record, checked(service, kind, dict(properties)), happened)
    announce(service, happened, BY_PERSON, **to)
    return shown(kind, record, properties)


_OBJECTS = "/crm/v3/objects/<kind>"
ROUTES = {
    ("GET", _OBJECTS): get_all,
    ("POST", _OBJECTS): post_one,
    ("GET", f"{_OBJECTS}/<id>"): get_one,
    ("PATCH", f"{_OBJECTS}/<id>"): patch_one,
    ("DELETE", f"{_OBJECTS}/<id>"): delete_one,
    ("POST", "/crm/v3/objects/contacts/gdpr-delete"): forget,
}
