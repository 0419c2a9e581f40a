"""Members in the practice account: one by one, in batches, their tags and events, and journeys."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeGuard

from hub import addresses
from hub.practice import Request, Response, json_answer

from . import practice_books as books_of
from .practice_books import Record, Refused
from .practice_service import not_found, problem, read_body, service

BATCH = 500
MEMBER = "/3.0/lists/<list_id>/members/<subscriber>"


# ---- one member


@service.route("GET", MEMBER)
def get_member(request: Request, list_id: str, subscriber: str) -> Response:
    _, member = _found(list_id, subscriber)
    return json_answer(books_of.shown(service.books, list_id, member)) if member else not_found()


@service.route("GET", "/3.0/lists/<list_id>/members")
def list_members(request: Request, list_id: str) -> Response:
    """A page of an audience, without those that are archived, oldest first."""
    held = books_of.audience(service.books, list_id)
    if held is None:
        return not_found()
    start, count = int(request.args.get("offset", 0)), int(request.args.get("count", 10))
    if not 0 < count <= 1000:
        return problem(400, "Invalid Resource", "The count is from 1 to 1000.", "count")
    there = [member for member in held["members"].values() if member["status"] != "archived"]
    page = [books_of.shown(service.books, list_id, member) for member in there[start : start + count]]
    return json_answer({"members": page, "list_id": list_id, "total_items": len(there)})


@service.route("PUT", MEMBER)
def set_member(request: Request, list_id: str, subscriber: str) -> Response:
    held, member = _found(list_id, subscriber)
    body = read_body(request)
    if held is None:
        return not_found()
    if member is None:
        return _added(held, body, body.get("status_if_new"))
    return _changed(held, member, body)


@service.route("POST", "/3.0/lists/<list_id>/members")
def add_member(request: Request, list_id: str) -> Response:
    body, held = read_body(request), books_of.audience(service.books, list_id)
    if held is None:
        return not_found()
    if books_of.find(held, str(body.get("email_address"))):
        said = f"{body['email_address']} is already a list member. Use PUT to insert or update list members."
        return problem(400, "Member Exists", said)
    return _added(held, body, body.get("status"))


@service.route("PATCH", MEMBER)
def change_member(request: Request, list_id: str, subscriber: str) -> Response:
    held, member = _found(list_id, subscriber)
    return _changed(held, member, read_body(request)) if held and member else not_found()


@service.route("DELETE", MEMBER)
def archive_member(request: Request, list_id: str, subscriber: str) -> Response:
    held, member = _found(list_id, subscriber)
    if held is None or member is None:
        return not_found()
    if member["status"] == "archived":
        return problem(405, "Method Not Allowed", "This list member cannot be removed. Please contact support.")
    before, member["status"] = member["status"], "archived"
    tell_change(held, member, before, "api")
    return Response(status=204)


def _found(list_id: str, subscriber: str) -> tuple[Record | None, Record | None]:
    held = books_of.audience(service.books, list_id)
    return held, books_of.find(held, subscriber) if held else None


def _added(held: Record, body: Mapping[str, Any], status: object) -> Response:
    try:
        member = books_of.add(service.books, held, body, status)
    except Refused as refused:
        return _refusal(refused)
    tell_change(held, member, None, "api")
    return json_answer(books_of.shown(service.books, held["id"], member))


def _changed(held: Record, member: Record, body: Mapping[str, Any]) -> Response:
    before = member["status"]
    try:
        books_of.change(service.books, member, body, body.get("status"))
    except Refused as refused:
        return _refusal(refused)
    tell_change(held, member, before, "api")
    return json_answer(books_of.shown(service.books, held["id"], member))


def _refusal(refused: Refused) -> Response:
    return problem(400, refused.title, refused.detail, refused.field)


# ---- many members


@service.route("POST", "/3.0/lists/<list_id>")
def add_many(request: Request, list_id: str) -> Response:
    """Failures of single members come inside a 200. The fault "partial" fails every second member."""
    body, held = read_body(request), books_of.audience(service.books, list_id)
    members = body.get("members")
    if held is None:
        return not_found()
    if not _all_objects(members) or len(members) > BATCH:
        return problem(400, "Invalid Resource", f"Up to {BATCH} members may be sent.", "members")
    answer: dict[str, list[Record]] = {"new_members": [], "updated_members": [], "errors": []}
    seen: set[str] = set()
    for place, item in enumerate(members):
        address = str(item.get("email_address"))
        if request.environ["practice.partial"] and place % 2:
            answer["errors"].append(_error(address, "Something went wrong with this member.", "ERROR_GENERIC"))
        elif address.lower() in seen:
            answer["errors"].append(_error(address, "Duplicate items found for this email address.", "ERROR_GENERIC"))
        else:
            _add_or_update(held, item, body, answer)
        seen.add(address.lower())
    counts = {
        "total_created": len(answer["new_members"]),
        "total_updated": len(answer["updated_members"]),
        "error_count": len(answer["errors"]),
    }
    return json_answer({**answer, **counts})


def _all_objects(found: object) -> TypeGuard[list[Record]]:
    return isinstance(found, list) and all(isinstance(item, dict) for item in found)


def _add_or_update(held: Record, item: Record, body: Record, answer: dict[str, list[Record]]) -> None:
    books, address = service.books, str(item.get("email_address"))
    member = books_of.find(held, address)
    before = member["status"] if member else None
    if member is not None and not body.get("update_existing"):
        said = (
            f"{address} is already a list member, do you want to update? "
            "please provide update_existing:true in the request body"
        )
        answer["errors"].append(_error(address, said, "ERROR_CONTACT_EXISTS"))
        return
    try:
        if member is None:
            member = books_of.add(books, held, item, item.get("status"))
        else:
            replace = bool(body.get("sync_tags"))
            books_of.change(books, member, item, item.get("status"), replace_tags=replace)
    except Refused as refused:
        answer["errors"].append(_error(address, refused.detail, "ERROR_GENERIC", refused.field))
        return
    answer["updated_members" if before else "new_members"].append(books_of.shown_in_batch(books, held["id"], member))
    tell_change(held, member, before, "api")


def _error(address: str, said: str, code: str, field: str = "") -> Record:
    return {
        "email_address": address,
        "error": said,
        "error_code": code,
        "field": field,
        "field_message": said if field else "",
    }


# ---- tags, events, journeys


@service.route("POST", f"{MEMBER}/tags")
def change_tags(request: Request, list_id: str, subscriber: str) -> Response:
    _, member = _found(list_id, subscriber)
    changes = read_body(request).get("tags")
    if member is None:
        return not_found()
    if not _all_objects(changes) or any(
        not isinstance(item.get("name"), str) or item.get("status") not in ("active", "inactive") for item in changes
    ):
        return problem(400, "Invalid Resource", "Each tag needs a name and the status active or inactive.", "tags")
    books_of.tag(service.books, member, [item["name"] for item in changes if item["status"] == "active"])
    gone = {item["name"] for item in changes if item["status"] == "inactive"}
    member["tags"] = [name for name in member["tags"] if name not in gone]
    return Response(status=204)


@service.route("POST", f"{MEMBER}/events")
def add_event(request: Request, list_id: str, subscriber: str) -> Response:
    _, member = _found(list_id, subscriber)
    body = read_body(request)
    if member is None:
        return not_found()
    if not 2 <= len(str(body.get("name", ""))) <= 30:
        return problem(400, "Invalid Resource", "The name of an event has 2 to 30 characters.", "name")
    properties = body.get("properties") or {}
    if not isinstance(properties, dict) or not all(isinstance(value, str) for value in properties.values()):
        return problem(400, "Invalid Resource", "The properties of an event are text.", "properties")
    at = body.get("occurred_at") or books_of.stamp()
    member["events"].append({"occurred_at": at, "name": body["name"], "properties": properties})
    return Response(status=204)


@service.route("GET", f"{MEMBER}/events")
def get_events(request: Request, list_id: str, subscriber: str) -> Response:
    _, member = _found(list_id, subscriber)
    if member is None:
        return not_found()
    offset, count = request.args.get("offset", 0, int), min(request.args.get("count", 10, int), 1000)
    newest_first = member["events"][::-1]
    return json_answer({"events": newest_first[offset : offset + count], "total_items": len(newest_first)})


@service.route("POST", "/3.0/customer-journeys/journeys/<int:journey_id>/steps/<int:step_id>/actions/trigger")
def trigger_journey(request: Request, journey_id: int, step_id: int) -> Response:
    address = addresses.email(str(read_body(request).get("email_address")))
    lists = service.books["lists"].values()
    if address is None or not any(books_of.member_hash(address) in held["members"] for held in lists):
        return problem(400, "Invalid Resource", "This is nobody in the audience of the journey.", "email_address")
    entry = {"journey_id": journey_id, "step_id": step_id, "email_address": address}
    service.books["journeys"].append(entry)
    return Response(status=204)


# ---- what members' changes tell the webhooks


def told(member: Record, list_id: str) -> dict[str, str]:
    """A member as webhooks tell it."""
    merges = {"EMAIL": member["email_address"], **member["merge_fields"]}
    return {
        "id": member["unique_email_id"],
        "list_id": list_id,
        "email": member["email_address"],
        "email_type": "html",
        "ip_opt": "192.0.2.30",
        **{f"[merges][{name}]": str(value) for name, value in merges.items()},
    }


def tell_change(held: Record, member: Record, before: str | None, source: str) -> None:
    """The webhook that follows from what a member was before: a subscription, its end, or a changed profile."""
    status = member["status"]
    kind, more = "profile", {}
    if status == "subscribed" and before != "subscribed":
        kind = "subscribe"
    elif status in ("unsubscribed", "archived") and before in ("subscribed", "pending", "transactional"):
        kind, more = "unsubscribe", {"action": "delete" if status == "archived" else "unsub", "reason": "manual"}
    elif before is None or status != "subscribed":
        return
    service.tell(held, kind, source, lambda: more | told(member, held["id"]))
