"""The practice account's static lists and property definitions."""

from __future__ import annotations

import re
from typing import Any

from hub.practice import Request, Response, json_answer

from .practice_account import PORTAL_ID, HubSpotPractice, body_of, property_of, refused, stamp


def account(service: HubSpotPractice, request: Request) -> Response:
    details = {"portalId": PORTAL_ID, "accountType": "STANDARD", "timeZone": "US/Eastern", "companyCurrency": "USD"}
    more = {"additionalCurrencies": [], "utcOffset": "-05:00", "utcOffsetMilliseconds": -18_000_000}
    return json_answer(details | more | {"uiDomain": "app.hubspot.com", "dataHostingLocation": "na1"})


# ---- lists


def _list(service: HubSpotPractice, number: str) -> dict[str, Any]:
    found: dict[str, Any] | None = service.books["lists"].get(number)
    if found is None:
        raise refused(404, f"List does not exist with ID {number}.")
    return found


def _told(number: str, found: dict[str, Any]) -> Response:
    kind = {"objectTypeId": "0-1", "processingType": found["processingType"], "processingStatus": "COMPLETE"}
    size = len(found["members"])
    return json_answer({"list": {"listId": number, "listVersion": 1, "name": found["name"], "size": size} | kind})


def post_list(service: HubSpotPractice, request: Request) -> Response:
    body = body_of(request, "name", "objectTypeId", "processingType")
    number = service.new_id()
    made = {"name": body["name"], "processingType": body["processingType"], "members": {}}
    service.books["lists"][number] = made
    return _told(number, made)


def search_lists(service: HubSpotPractice, request: Request) -> Response:
    body = body_of(request, "offset", "additionalProperties")
    start, most = int(body["offset"]), min(int(body.get("count", 20)), 500)
    kinds = body.get("processingTypes") or ["MANUAL", "SNAPSHOT", "DYNAMIC"]
    found = [(number, made) for number, made in service.books["lists"].items() if made["processingType"] in kinds]
    page = found[start : start + most]
    told = [_found(number, made) for number, made in page]
    end = start + len(page)
    return json_answer({"lists": told, "offset": end, "hasMore": end < len(found), "total": len(found)})


def _found(number: str, made: dict[str, Any]) -> dict[str, Any]:
    more = {"listVersion": 1, "objectTypeId": "0-1", "processingStatus": "COMPLETE"}
    size = {"additionalProperties": {"hs_list_size": str(len(made["members"]))}}
    return {"listId": number, "name": made["name"], "processingType": made["processingType"]} | more | size


def get_list(service: HubSpotPractice, request: Request, number: str) -> Response:
    return _told(number, _list(service, number))


def get_members(service: HubSpotPractice, request: Request, number: str) -> Response:
    members = _list(service, number)["members"]
    told = [{"recordId": id, "membershipTimestamp": at} for id, at in sorted(members.items())]
    return json_answer({"results": told, "total": len(told)})


def add_members(service: HubSpotPractice, request: Request, number: str) -> Response:
    ids, members = _ids(service, request, number)
    known = service.books["objects"]["contacts"]
    added = [id for id in ids if id in known and id not in members]
    members.update(dict.fromkeys(added, stamp()))
    missing = [id for id in ids if id not in known]
    return json_answer({"recordsIdsAdded": added, "recordIdsRemoved": [], "recordIdsMissing": missing})


def remove_members(service: HubSpotPractice, request: Request, number: str) -> Response:
    ids, members = _ids(service, request, number)
    removed = [id for id in ids if members.pop(id, None) is not None]
    missing = [id for id in ids if id not in service.books["objects"]["contacts"]]
    return json_answer({"recordsIdsAdded": [], "recordIdsRemoved": removed, "recordIdsMissing": missing})


def _ids(service: HubSpotPractice, request: Request, number: str) -> tuple[list[str], dict[str, str]]:
    found = _list(service, number)
    if found["processingType"] == "DYNAMIC":
        raise refused(400, "Memberships of a DYNAMIC list cannot be changed by hand.")
    ids = request.get_json(force=True, silent=True)
    if not isinstance(ids, list):
        raise refused(400, "Invalid input JSON: a list of record ids was expected")
    return [str(id) for id in ids], found["members"]


# ---- properties

_NAME = re.compile(r"[a-z][a-z0-9_]*")


def _definitions(service: HubSpotPractice, kind: str) -> dict[str, Any]:
    found: dict[str, Any] | None = service.books["properties"].get(kind)
    if found is None:
        raise refused(404, f"Unable to infer object type from: {kind}")
    return found


def get_properties(service: HubSpotPractice, request: Request, kind: str) -> Response:
    return json_answer({"results": list(_definitions(service, kind).values())})


def get_property(service: HubSpotPractice, request: Request, kind: str, name: str) -> Response:
    found = _definitions(service, kind).get(name)
    if found is None:
        raise refused(404, f"Property '{name}' does not exist.")
    return json_answer(found)


def post_property(service: HubSpotPractice, request: Request, kind: str) -> Response:
    body = body_of(request, "name", "label", "type", "fieldType", "groupName")
    definitions = _definitions(service, kind)
    if not _NAME.fullmatch(body["name"]):
        raise refused(400, f"Property name '{body['name']}' is not valid: small letters, digits and _, a letter first")
    if body["type"] == "bool" and [option["value"] for option in body.get("options", ())] != ["true", "false"]:
        raise refused(400, "Boolean properties need exactly the options true and false.")
    if body["name"] in definitions:
        raise refused(409, f"A property named '{body['name']}' already exists.")
    definitions[body["name"]] = property_of(**body)
    return json_answer(definitions[body["name"]], 201)


ROUTES = {
    ("GET", "/account-info/v3/details"): account,
    ("POST", "/crm/v3/lists"): post_list,
    ("POST", "/crm/v3/lists/search"): search_lists,
    ("GET", "/crm/v3/lists/<number>"): get_list,
    ("GET", "/crm/v3/lists/<number>/memberships"): get_members,
    ("PUT", "/crm/v3/lists/<number>/memberships/add"): add_members,
    ("PUT", "/crm/v3/lists/<number>/memberships/remove"): remove_members,
    ("GET", "/crm/v3/properties/<kind>"): get_properties,
    ("GET", "/crm/v3/properties/<kind>/<name>"): get_property,
    ("POST", "/crm/v3/properties/<kind>"): post_property,
}
