"""A tool to practise with: people book, come, answer, pay, and it takes what it is sent."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from hub.delivery import Delivery
from hub.errors import DeliveryRefused
from hub.practice import Practice, Request, Response, json_answer

from .signing import sign, verify

SECRET = "whsec_cHJhY3RpY2Utd2ViaG9vay1zZWNyZXQ="
PERSON = {"email": "ada@example.com", "phone": "+14155550123", "name": "Ada Miller", "zone": "America/Los_Angeles"}


class ToolPractice(Practice):
    """Checks that each call is signed with its secret."""

    def guard(self, request: Request) -> Response | None:
        headers = {name.lower(): value for name, value in request.headers.items()}
        came = Delivery(request.method, request.url, headers, request.get_data(), datetime.now(UTC))
        try:
            verify(came, {"signing_secret": [self.books["secret"]]})
        except DeliveryRefused as refusal:
            return json_answer({"message": str(refusal)}, 401)
        return None

    def holds(self) -> dict[str, int]:
        return {"inbox": len(self.books["inbox"])}

    def tell(self, kind: str, person: Mapping[str, Any], data: Mapping[str, Any]) -> dict[str, Any]:
        """Posts an event to the hub, if it was told where that is."""
        at = datetime.now(UTC).isoformat(timespec="seconds")
        told = {"type": kind, "id": uuid.uuid4().hex[:12], "at": at, "person": dict(person), "data": dict(data)}
        if self.books["webhook"]:
            headers, body = signed(told, self.books["secret"])
            self.send(self.books["webhook"], headers, body)
        return told


def signed(told: Mapping[str, Any], secret: str = SECRET) -> tuple[dict[str, str], bytes]:
    """One delivery as the tool posts it, as headers and body."""
    body = json.dumps(told).encode()
    headers = sign(secret, None, f"msg_{uuid.uuid4().hex}", int(time.time()), body)
    return {"Content-Type": "application/json", **headers}, body


service = ToolPractice(
    "webhook",
    account={"name": "Bookings", "signing_secret": SECRET, "send_to": "https://tool.example/inbox"},
)


@service.start_with
def new_tool() -> dict[str, Any]:
    return {"secret": SECRET, "webhook": None, "inbox": [], "appointments": 0}


@service.route("GET", "/account")
def account(request: Request) -> Response:
    return json_answer({"name": "Bookings"})


@service.route("PUT", "/webhook")
def subscribe(request: Request) -> Response:
    service.books["webhook"] = request.get_json()["url"]
    return json_answer({})


@service.route("DELETE", "/webhook")
def unsubscribe(request: Request) -> Response:
    service.books["webhook"] = None
    return json_answer({})


@service.route("POST", "/<path:place>")
def take(request: Request, place: str) -> Response:
    """Takes what is sent, and what comes again under the same id only once, as receivers should."""
    name = request.headers["webhook-id"]
    if name not in {kept["id"] for kept in service.books["inbox"]}:
        service.books["inbox"].append({"id": name, "place": f"/{place}", "data": json.loads(request.get_data())})
    return json_answer({})


# ---- what people do


def _who(details: Mapping[str, Any]) -> dict[str, Any]:
    if "email" not in details and "phone" not in details:
        return PERSON | {name: details[name] for name in ("name", "zone") if name in details}
    return {name: details[name] for name in PERSON if name in details}


def _appointment(kind: str, details: Mapping[str, Any], *, is_new: bool = False) -> dict[str, Any]:
    service.books["appointments"] += is_new
    start = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) + timedelta(hours=float(details.get("in", 48)))
    data = {
        "appointment": str(details.get("appointment", f"A{service.books['appointments'] or 1}")),
        "start": str(details.get("start", start.isoformat())),
        "service": str(details.get("service", "Haircut")),
    }
    return service.tell(kind, _who(details), data)


@service.happening("booking")
def booking(details: dict[str, Any]) -> dict[str, Any]:
    """Someone books an appointment: `{"email", "phone", "start", "in" hours, "service", "appointment"}`."""
    return _appointment("appointment.booked", details, is_new=True)


@service.happening("booking_moved")
def booking_moved(details: dict[str, Any]) -> dict[str, Any]:
    """Someone moves an appointment, the last one unless it is named."""
    return _appointment("appointment.moved", {"in": 72, **details})


@service.happening("booking_cancelled")
def booking_cancelled(details: dict[str, Any]) -> dict[str, Any]:
    """Someone cancels an appointment, the last one unless it is named."""
    return _appointment("appointment.cancelled", details)


@service.happening("booking_attended")
def booking_attended(details: dict[str, Any]) -> dict[str, Any]:
    """Someone came to their appointment, the last one unless it is named."""
    return _appointment("appointment.attended", {"in": 0, **details})


@service.happening("survey")
def survey(details: dict[str, Any]) -> dict[str, Any]:
    """Someone answers a survey: `{"score", "text", "survey"}`."""
    said = {"survey": str(details.get("survey", "nps")), "score": int(details.get("score", 9))}
    return service.tell("survey.answered", _who(details), said | {"text": str(details.get("text", "Lovely."))})


def _payment(kind: str, details: Mapping[str, Any]) -> dict[str, Any]:
    usual = {"payment": "P1", "amount": "29.00", "currency": "USD", "subscription": "S1"}
    paid = {name: str(details.get(name, said)) for name, said in usual.items()}
    why = {"reason": str(details["reason"])} if "reason" in details else {}
    return service.tell(kind, _who(details), paid | why)


@service.happening("payment")
def payment(details: dict[str, Any]) -> dict[str, Any]:
    """Someone pays: `{"payment", "amount", "currency", "subscription"}`."""
    return _payment("payment.paid", details)


@service.happening("payment_failed")
def payment_failed(details: dict[str, Any]) -> dict[str, Any]:
    """A payment fails: `{"payment", "amount", "currency", "subscription", "reason"}`."""
    return _payment("payment.failed", details)


@service.happening("subscription_cancelled")
def subscription_cancelled(details: dict[str, Any]) -> dict[str, Any]:
    """Someone cancels their subscription: `{"subscription"}`."""
    return service.tell(
        "subscription.cancelled", _who(details), {"subscription": str(details.get("subscription", "S1"))}
    )


@service.happening("visit")
def visit(details: dict[str, Any]) -> dict[str, Any]:
    """Someone checks in: `{"place"}`."""
    return service.tell("visit.made", _who(details), {"place": str(details.get("place", "Main street"))})


@service.happening("other")
def other(details: dict[str, Any]) -> dict[str, Any]:
    """Something else happens in the tool: `{"type"}`."""
    more = {name: value for name, value in details.items() if name != "type" and name not in PERSON}
    return service.tell(str(details.get("type", "parcel.arrived")), _who(details), more)
