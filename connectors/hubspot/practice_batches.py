"""The practice account's records in batches and by search."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from datetime import datetime
from itertools import takewhile
from typing import Any

from hub import addresses
from hub.practice import Request, Response, json_answer, moment

from .practice_account import HubSpotPractice, Refused, body_of, refused, stamp
from .practice_objects import Happened, Record, checked, create, invalid, look_up, shown, table, update
from .practice_webhooks import announce

LIMIT = 100

Failed = list[tuple[dict[str, Any], Refused]]
"""Inputs of a batch, and what HubSpot refuses them with."""

Check = Callable[[dict[str, Any]], Any]
Each = Callable[[dict[str, Any]], dict[str, Any]]


def _batch(service: HubSpotPractice, request: Request, kind: str, check: Check, each: Each) -> Response:
    """Does each input that stands the check. Those that do not are errors beside the results if they have a trace
    id, else one of them refuses the whole batch. Results come in an order of their own."""
    started, results = stamp(), []
    failed: Failed = []
    for place, item in enumerate(_passing(_inputs(service, request, kind), check, failed)):
        try:
            if request.environ.get("practice.partial") and place % 2:
                raise refused(400, "practice fault: this member failed")
            results.append(each(item))
        except Refused as refusal:
            failed.append((item, refusal))
    answer = {"status": "COMPLETE", "results": results[::-1], "startedAt": started, "completedAt": stamp()}
    if failed:
        errors = _errors(failed)
        return json_answer(answer | {"numErrors": len(errors), "errors": errors}, 207)
    return json_answer(answer)


def _inputs(service: HubSpotPractice, request: Request, kind: str) -> list[dict[str, Any]]:
    """A batch's inputs. Too many, or one that comes twice, refuses the whole batch."""
    table(service, kind)
    inputs: list[dict[str, Any]] = body_of(request, "inputs")["inputs"]
    if len(inputs) > LIMIT:
        raise refused(400, f"The maximum number of inputs supported in a batch request is {LIMIT}")
    if repeated := sorted(id for id, times in Counter(item["id"] for item in inputs).items() if times > 1):
        message = f"Duplicate IDs found in batch input: [{', '.join(repeated)}]. IDs must be unique"
        raise refused(400, message, context={"ids": repeated})
    return inputs


def _passing(inputs: list[dict[str, Any]], check: Check, failed: Failed) -> list[dict[str, Any]]:
    passing = []
    for item in inputs:
        try:
            check(item)
            passing.append(item)
        except Refused as refusal:
            if "objectWriteTraceId" not in item:
                raise
            failed.append((item, refusal))
    return passing


def _errors(failed: Failed) -> list[dict[str, Any]]:
    """One error for each input that failed, but one for all that are not there."""
    errors: list[dict[str, Any]] = []
    missing: dict[str, Any] | None = None
    for item, refusal in failed:
        told = refusal.answer.get_json()
        context = {"ids": [item["id"]]}
        if "objectWriteTraceId" in item:
            context["objectWriteTraceId"] = [item["objectWriteTraceId"]]
        if missing and told["category"] == missing["category"]:
            for name, values in context.items():
                missing["context"].setdefault(name, []).extend(values)
            continue
        kept = {name: told[name] for name in ("status", "category", "message")}
        errors.append(kept | {"errors": told.get("errors", []), "context": context, "links": {}})
        missing = errors[-1] if told["category"] == "OBJECT_NOT_FOUND" else missing
    return errors


def _traced(item: Mapping[str, Any], told: dict[str, Any]) -> dict[str, Any]:
    trace = item.get("objectWriteTraceId")
    return told if trace is None else told | {"objectWriteTraceId": trace}


def _not_unique(kind: str, name: object) -> Refused:
    number = {"contacts": "0-1", "deals": "0-3", "tickets": "0-5"}.get(kind, kind)
    return refused(400, f"Unable to perform update/upsert by non-unique {number} property {name}")


def upsert_batch(service: HubSpotPractice, request: Request, kind: str) -> Response:
    happened: Happened = []

    def check(item: dict[str, Any]) -> None:
        if kind != "contacts" or item.get("idProperty") != "email":
            raise _not_unique(kind, item.get("idProperty"))
        if addresses.email(item["id"]) is None:
            raise invalid("email", "INVALID_EMAIL", f"Email address {item['id']} is invalid")
        checked(service, kind, item["properties"])

    def each(item: dict[str, Any]) -> dict[str, Any]:
        record = look_up(service, kind, item["id"], "email")
        if new := record is None:
            record = create(service, kind, {"email": item["id"]} | item["properties"], happened)
        else:
            update(service, kind, record, item["properties"], happened)
        return _traced(item, shown(kind, record, item["properties"]) | {"new": new})

    answer = _batch(service, request, kind, check, each)
    announce(service, happened)
    return answer


def update_batch(service: HubSpotPractice, request: Request, kind: str) -> Response:
    happened: Happened = []

    def check(item: dict[str, Any]) -> None:
        if "idProperty" in item:  # an address as well: https://github.com/HubSpot/hubspot-api-nodejs/issues/548
            raise _not_unique(kind, item["idProperty"])
        checked(service, kind, item["properties"])

    def each(item: dict[str, Any]) -> dict[str, Any]:
        record = _existing(service, kind, item["id"])
        update(service, kind, record, item["properties"], happened)
        return _traced(item, shown(kind, record, item["properties"]))

    answer = _batch(service, request, kind, check, each)
    announce(service, happened)
    return answer


def read_batch(service: HubSpotPractice, request: Request, kind: str) -> Response:
    body = body_of(request, "inputs", "properties", "propertiesWithHistory")
    name = body.get("idProperty")

    def check(item: dict[str, Any]) -> None:
        if name is None and not item["id"].isdigit():
            raise refused(400, f"Invalid object id: {item['id']}")

    def each(item: dict[str, Any]) -> dict[str, Any]:
        return shown(kind, _existing(service, kind, item["id"], name), body["properties"])

    return _batch(service, request, kind, check, each)


def _existing(service: HubSpotPractice, kind: str, id: str, id_property: str | None = None) -> Record:
    record = look_up(service, kind, id, id_property)
    if record is None:
        what = kind.removesuffix("s").upper()
        raise refused(
            404, f"Could not get some {what} objects, they may be deleted or not exist. Check that ids are valid."
        )
    return record


# ---- by search


def search(service: HubSpotPractice, request: Request, kind: str) -> Response:
    body = body_of(request, "filterGroups", "properties", "sorts", "limit", "after")
    visible, matching = moment.monotonic() - service.search_lag, {}
    for rules in [group["filters"] for group in body["filterGroups"]]:
        for record in _candidates(service, kind, rules):
            if record["made"] <= visible and all(_fits(service, kind, record, rule) for rule in rules):
                matching[record["id"]] = record
    found = list(matching.values())
    start, limit = int(body["after"]), int(body["limit"])
    page = [shown(kind, record, body["properties"]) for record in found[start : start + limit]]
    more = {"paging": {"next": {"after": str(start + limit)}}} if len(found) > start + limit else {}
    return json_answer({"total": len(found), "results": page} | more)


CREATED = ("createdate", "hs_createdate")


def _candidates(service: HubSpotPractice, kind: str, rules: list[Mapping[str, Any]]) -> list[Record]:
    """The records that may fit, oldest first: a contact's own, or those made since the time that is asked for."""
    records = table(service, kind)
    asked = {rule["propertyName"]: rule["value"] for rule in rules if rule["operator"] in ("EQ", "GTE", "GT")}
    if "associations.contact" in asked:
        contact = table(service, "contacts").get(str(asked["associations.contact"]))
        return [records[id] for id in contact["records"].get(kind, ())] if contact else []
    since = max((_number(asked[name]) for name in CREATED if name in asked), default=0.0)
    # They lie in the order in which they were made.
    newest_first = takewhile(lambda record: _number(record["createdAt"]) >= since, reversed(records.values()))
    return [*newest_first][::-1] if since else list(records.values())


COMPARED: Mapping[str, Callable[[float, float], bool]] = {
    "GTE": lambda held, asked: held >= asked,
    "GT": lambda held, asked: held > asked,
    "LTE": lambda held, asked: held <= asked,
    "LT": lambda held, asked: held < asked,
}


def _fits(service: HubSpotPractice, kind: str, record: Record, rule: Mapping[str, Any]) -> bool:
    name, operator, value = rule["propertyName"], rule["operator"], str(rule.get("value", ""))
    if name == "associations.contact":
        return bool(record["contact"] == value)
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
