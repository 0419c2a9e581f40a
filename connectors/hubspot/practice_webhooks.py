"""The practice account's webhooks: changes as HubSpot words them, signed as HubSpot signs them."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from hub.practice import Request, Response, json_answer, moment

from .practice_account import APP_ID, CLIENT_SECRET, PORTAL_ID, HubSpotPractice, body_of, refused, stamp

Change = dict[str, Any]
BY_PERSON = {"changeSource": "CRM_UI", "sourceId": "userId:1201"}
BY_APP = {"changeSource": "INTEGRATION", "sourceId": str(APP_ID)}
SINGULAR = {"contacts": "contact", "deals": "deal", "tickets": "ticket"}
FLAGS = {"creation": "CREATED", "deletion": "DELETED", "privacyDeletion": "DELETED", "merge": "MERGED"}
PER_DELIVERY = 100


def change(kind: str, object_id: int, *, at_ms: int, event_id: int, **more: Any) -> Change:
    """One change as it stands in a delivery: `change("contact.creation", 51, at_ms=…, event_id=1)`."""
    flag = FLAGS.get(kind.partition(".")[2])
    return {
        "eventId": event_id,
        "subscriptionId": 2764501,
        "portalId": PORTAL_ID,
        "appId": APP_ID,
        "occurredAt": at_ms,
        "subscriptionType": kind,
        "attemptNumber": 0,
        "objectId": object_id,
        **({"changeFlag": flag} if flag else {}),
        **BY_PERSON,
        **more,
    }


def creations(count: int, *, at_ms: int, first: int = 1) -> list[Change]:
    """That many created contacts, numbered from `first`: a delivery for tests and load; HubSpot sends up to 100."""
    return [
        change("contact.creation", 100_000_000 + number, at_ms=at_ms, event_id=number)
        for number in range(first, first + count)
    ]


def signed(
    changes: Sequence[Mapping[str, Any]], url: str, secret: str = CLIENT_SECRET, at_ms: int | None = None
) -> tuple[dict[str, str], bytes]:
    """The headers and the body of one delivery to this address, signed by version 3 at that time (now)."""
    at = str(round(moment.seconds() * 1000) if at_ms is None else at_ms)
    body = json.dumps(list(changes), ensure_ascii=False, separators=(",", ":")).encode()
    digest = hmac.new(secret.encode(), b"POST" + url.encode() + body + at.encode(), hashlib.sha256).digest()
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "HubSpot Connect 2.0",
        "X-HubSpot-Request-Timestamp": at,
        "X-HubSpot-Signature-v3": base64.b64encode(digest).decode(),
    }
    return headers, body


def announce(
    service: HubSpotPractice,
    happened: Iterable[tuple[str, str, Mapping[str, Any]]],
    by: Mapping[str, str] = BY_APP,
    *,
    url: str | None = None,
    secret: str | None = None,
) -> None:
    """Sends what happened, as (type, object id, more fields), to the app's address, as far as it is subscribed."""
    target = url or service.books["webhooks"]["target"]
    if target is None:
        return
    at_ms = round(moment.seconds() * 1000)
    wanted = {
        (item["eventType"], item.get("propertyName")): int(item["id"])
        for item in service.books["webhooks"]["subscriptions"].values()
        if item["active"]
    }
    changes = [
        change(kind, int(object_id), at_ms=at_ms, event_id=int(service.new_id()), **by, **more)
        | {"subscriptionId": wanted[kind, more.get("propertyName")]}
        for kind, object_id, more in happened
        if (kind, more.get("propertyName")) in wanted
    ]
    for start in range(0, len(changes), PER_DELIVERY):
        headers, body = signed(changes[start : start + PER_DELIVERY], target, secret or CLIENT_SECRET)
        service.send(target, headers, body)


# ---- the app's own settings, with the developer key: https://developers.hubspot.com/docs/api/webhooks


def get_settings(service: HubSpotPractice, request: Request, app: str) -> Response:
    if service.books["webhooks"]["target"] is None:
        raise refused(404, "No webhook settings were found for this app.")
    return json_answer(_settings(service))


def put_settings(service: HubSpotPractice, request: Request, app: str) -> Response:
    body = body_of(request, "targetUrl", "throttling")
    service.books["webhooks"]["target"] = str(body["targetUrl"])
    return json_answer(_settings(service))


def _settings(service: HubSpotPractice) -> dict[str, Any]:
    throttling = {"maxConcurrentRequests": 10}
    return {"targetUrl": service.books["webhooks"]["target"], "throttling": throttling, "createdAt": stamp()}


def get_subscriptions(service: HubSpotPractice, request: Request, app: str) -> Response:
    return json_answer({"results": list(service.books["webhooks"]["subscriptions"].values())})


def post_subscription(service: HubSpotPractice, request: Request, app: str) -> Response:
    body = body_of(request, "eventType")
    made = {"id": service.new_id(), "eventType": body["eventType"], "active": bool(body.get("active", False))}
    made |= {"createdAt": stamp()} | {name: body[name] for name in ("propertyName", "objectTypeId") if name in body}
    service.books["webhooks"]["subscriptions"][made["id"]] = made
    return json_answer(made, 201)


ROUTES = {
    ("GET", "/webhooks/v3/<app>/settings"): get_settings,
    ("PUT", "/webhooks/v3/<app>/settings"): put_settings,
    ("GET", "/webhooks/v3/<app>/subscriptions"): get_subscriptions,
    ("POST", "/webhooks/v3/<app>/subscriptions"): post_subscription,
}
