"""The practice account's records in batches and by search."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from hub import addresses
from hub.practice import Request, Response, json_answer

from .practice_account import HubSpotPractice, Refused, body_of, refused, stamp
from .practice_objects import Happened, Record, checked, create, invalid, look_up, shown, table, update
from .practice_webhooks import announce

LIMIT = 100


def _batch(
    service: HubSpotPractice, request: Request, kind: str, each: Callable[[dict[str, Any]], dict[str, Any]]
) -> Response:
    """Does each input; those that fail are errors beside the results, which come in an order of their own."""
    started, results, errors = stamp(), [], []
    for place, item in enumerate(inputs_of(service, request, kind)):
        try:
            if request.environ.get("practice.partial") and place % 2:
                raise refused(400, "practice fault: this member failed")
            results.append(each(item))
        except Refused as refusal:
            errors.append(_member_error(item, refusal))
    answer = {"status": "COMPLETE", "results": results[::-1], "startedAt": started, "completedAt": stamp()}
    if errors:
        return json_answer(answer | {"numErrors": len(errors), "errors": errors}, 207)
    return json_answer(answer)


def inputs_of(service: HubSpotPractice, request: Request, kind: str) -> list[dict[str, Any]]:
    """A batch's inputs. An unknown property in any, too many, or one that comes twice, refuses the whole batch."""
    table(service, kind)
    inputs = body_of(request, "inputs")["inputs"]
    if len(inputs) > LIMIT:
        raise refused(400, f"The maximum number of inputs supported in a batch request is {LIMIT}")
    if repeated := sorted(id for id, times in Counter(item["id"] for item in inputs).items() if times > 1):
        raise refused(400, f"Duplicate IDs found in batch input: {repeated}")
    for item in inputs:
        checked(service, kind, item.get("properties", {}))
    return list(inputs)


def _member_error(item: Mapping[str, Any], refusal: Refused) -> dict[str, Any]:
    told = refusal.answer.get_json()
    context = {"ids": [item["id"]]}
    if "objectWriteTraceId" in item:
        context["objectWriteTraceId"] = [item["objectWriteTraceId"]]
    kept = {name: told[name] for name in ("status", "category", "message")}
    return kept | {"errors": told.get("errors", []), "context": context, "links": {}}


def _traced(item: Mapping[str, Any], told: dict[str, Any]) -> dict[str, Any]:
    trace = item.get("objectWriteTraceId")
    return told if trace is None else told | {"objectWriteTraceId": trace}


def upsert_batch(service: HubSpotPractice, request: Request, kind: str) -> Response:
    happened: Happened = []

    def each(item: dict[str, Any]) -> dict[str, Any]:
        by_email = item.get("idProperty") == "email"
        if by_email and addresses.email(item["id"]) is None:
            raise invalid("email", "INVALID_EMAIL", f"Email address {item['id']} is invalid")
        record = look_up(service, kind, item["id"], item.get("idProperty"))
        if new := record is None:
            own = {"email": item["id"]} if by_email else {}
            record = create(service, kind, own | item["properties"], happened)
        else:
            update(service, kind, record, item["properties"], happened)
        return _traced(item, shown(kind, record, item["properties"]) | {"new": new})

    answer = _batch(service, request, kind, each)
    announce(service, happened)
    return answer


def update_batch(service: HubSpotPractice, request: Request, kind: str) -> Response:
    happened: Happened = []

    def each(item: dict[str, Any]) -> dict[str, Any]:
        record = look_up(service, kind, item["id"], item.get("idProperty"))
        if record is None:
            raise refused(404, "Could not get some objects, they may be deleted or not exist.")
        update(service, kind, record, item["properties"], happened)
        return _traced(item, shown(kind, record, item["properties"]))

    answer = _batch(service, request, kind, each)
    announce(service, happened)
    return answer


def read_batch(service: HubSpotPractice, request: Request, kind: str) -> Response:
    body = body_of(request, "inputs", "properties", "propertiesWithHistory")

    def each(item: dict[str, Any]) -> dict[str, Any]:
        record = look_up(service, kind, item["id"], body.get("idProperty"))
        if record is None:
            raise refused(404, "Could not get some objects, they may be deleted or not exist.")
        return shown(kind, record, body["properties"])

    return _batch(service, request, kind, each)


# ---- by search


def search(service: HubSpotPractice, request: Request, kind: str) -> Response:
    body = body_of(request, "filterGroups", "properties", "sorts", "limit", "after")
    visible = time.monotonic() - service.search_lag
    found = [
        record
        for record in table(service, kind).values()
        if record["made"] <= visible
        and any(all(_fits(service, kind, record, rule) for rule in g["filters"]) for g in body["filterGroups"])
    ]
    start, limit = int(body["after"]), int(body["limit"])
    page = [shown(kind, record, body["properties"]) for record in found[start : start + limit]]
    more = {"paging": {"next": {"after": str(start + limit)}}} if len(found) > start + limit else {}
    return json_answer({"total": len(found), "results": page} | more)


COMPARED: Mapping[str, Callable[[float, float], bool]] = {
    "GTE": lambda held, asked: held >= asked,
    "GT": lambda held, asked: held > asked,
    "LTE": lambda held, asked: held <= asked,
    "LT": lambda held, asked: held < asked,
}


def _fits(service: HubSpotPractice, kind: str, record: Record, rule: Mapping[str, Any]) -> bool:
    name, operator, value = rule["propertyName"], rule["operator"], str(rule.get("value", ""))
    if name == "associations.contact":
        return bool(service.books["contact_of"][kind].get(record["id"]) == value)
    if name not in service.books["properties"][kind]:
        raise invalid(name, "PROPERTY_DOESNT_EXIST", f'Property "{name}" does not exist')
    held = record["properties"].get(name)
    if operator == "EQ":
        return held is not None and held.lower() == value.lower()
    if operator == "HAS_PROPERTY":
        return bool(held)
    if operator in COMPARED:
        return held is not None and COMPARED[operator](_number(held), _number(value))
    raise refused(400, f"The practice service does not know the operator {operator}")


def _number(value: str) -> float:
    """A number, or a time in milliseconds."""
    try:
        return float(value)
    except ValueError:
        return datetime.fromisoformat(value).timestamp() * 1000


_OBJECTS = "/crm/v3/objects/<kind>"
ROUTES = {
    ("POST", f"{_OBJECTS}/batch/upsert"): upsert_batch,
    ("POST", f"{_OBJECTS}/batch/update"): update_batch,
    ("POST", f"{_OBJECTS}/batch/read"): read_batch,
    ("POST", f"{_OBJECTS}/search"): search,
}
