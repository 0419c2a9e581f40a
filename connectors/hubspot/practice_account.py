"""The practice account's books: what HubSpot would know, its limits, and its words for errors."""

from __future__ import annotations

import uuid
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from hub.practice import Practice, Request, Response, json_answer, moment
from hub.practice.login import Login

from .login import OAUTH

PORTAL_ID, APP_ID = 62515, 54321
TOKEN = "pat-na1-practice-11111111-2222-4333-8444-555555555555"
DEVELOPER_KEY = "practice-developer-key"
CLIENT_SECRET = OAUTH.practice[1]

CATEGORIES = {
    400: "VALIDATION_ERROR",
    401: "INVALID_AUTHENTICATION",
    403: "MISSING_SCOPES",
    404: "OBJECT_NOT_FOUND",
    409: "CONFLICT",
    429: "RATE_LIMITS",
}
STRINGS = {
    "contacts": "email firstname lastname phone mobilephone company city country address zip lifecyclestage "
    "hs_additional_emails hs_email_optout hs_language hs_lead_status website jobtitle notes hubspot_owner_id",
    "deals": "dealname amount closedate pipeline dealstage hubspot_owner_id",
    "tickets": "subject content hs_pipeline hs_pipeline_stage hs_ticket_priority hs_ticket_category hubspot_owner_id",
    "notes": "hs_note_body hs_timestamp hubspot_owner_id",
    "tasks": "hs_task_subject hs_task_body hs_task_status hs_task_priority hs_task_type hs_timestamp hubspot_owner_id",
}
READ_ONLY = ("hs_object_id", "createdate", "lastmodifieddate", "hs_createdate", "hs_lastmodifieddate")
SUBSCRIBED = (
    *[(f"contact.{what}", None) for what in ("creation", "deletion", "privacyDeletion", "merge")],
    *[("contact.propertyChange", name) for name in ("email", "firstname", "lastname", "phone", "lifecyclestage")],
    ("deal.creation", None),
    *[("deal.propertyChange", name) for name in ("dealstage", "amount")],
    ("ticket.creation", None),
    *[("ticket.propertyChange", name) for name in ("hs_pipeline_stage", "hs_ticket_priority")],
)


class Refused(Exception):
    """A handler's answer that is an error."""

    def __init__(self, answer: Response) -> None:
        super().__init__(answer.status)
        self.answer = answer


def refused(status: int, message: str, **more: Any) -> Refused:
    return Refused(json_answer(error_body(status, message, **more), status))


def error_body(status: int, message: str, **more: Any) -> dict[str, Any]:
    """HubSpot's error body."""
    body = {"status": "error", "message": message, "correlationId": str(uuid.uuid4())}
    return body | {"category": CATEGORIES.get(status, "INTERNAL_ERROR")} | more


def limit_body(policy: str) -> dict[str, Any]:
    message = f"You have reached your {policy.lower()} limit."
    return error_body(429, message, errorType="RATE_LIMIT", policyName=policy)


def stamp() -> str:
    """Now, as HubSpot writes it."""
    return moment.now().isoformat(timespec="milliseconds").replace("+00:00", "Z")


def new_books() -> dict[str, Any]:
    """A new account: HubSpot's own properties, one static list, and an app with its subscriptions."""
    now = stamp()
    return {
        "objects": {kind: {} for kind in STRINGS},
        "emails": {},
        "properties": {
            kind: {name: property_of(name) for name in [*names.split(), *READ_ONLY]} for kind, names in STRINGS.items()
        },
        "lists": {"9": {"name": "Newsletter", "processingType": "MANUAL", "members": {}}},
        "webhooks": {
            "target": None,
            "subscriptions": {
                str(number): {"id": str(number), "eventType": kind, "active": True, "createdAt": now}
                | ({"propertyName": name} if name else {})
                for number, (kind, name) in enumerate(SUBSCRIBED, 2764501)
            },
        },
        "next_id": 1001,
    }


def property_of(name: str, **given: Any) -> dict[str, Any]:
    """The definition of a property as the properties API tells it."""
    standard = {"name": name, "label": name, "type": "string", "fieldType": "text", "groupName": "information"}
    return standard | {"description": "", "options": [], "hidden": False} | given


class HubSpotPractice(Practice):
    """HubSpot as far as the connector uses it, with its limits, which last until the next `reset`.

    max_calls, interval   so many calls within so many seconds
    daily                 calls in a day, which here is until the next `reset`
    search_lag            seconds until a search finds a new record
    token_seconds         for how long an access token lasts that a login by OAuth gave
    page                  how many of a contact's notes, tasks or tickets are listed at once
    """

    adjustable = (
        *Practice.adjustable,
        *("max_calls", "interval", "daily", "searches_per_second", "search_lag", "page", "token_seconds"),
    )
    token_seconds: int = 1800

    def __init__(self) -> None:
        super().__init__("hubspot", account={"access_token": TOKEN, "client_secret": CLIENT_SECRET})
        self._start_limits()
        self.start_with(new_books)
        self.login = Login(
            self,
            "HubSpot",
            OAUTH,
            account=f"HubSpot account {PORTAL_ID}",
            refuse=_refuse_login,
            more=_told_of_token,
            revoke_path="/oauth/v3/token/revoke",
        )

    def _start_limits(self) -> None:
        self.max_calls, self.interval, self.daily = 100, 10.0, 250_000
        self.searches_per_second = 5
        self.search_lag = 0.0
        self.page = 500
        self._recent: deque[float] = deque()
        self._searches: deque[float] = deque()
        self._today = 0

    def reset(self) -> None:
        with self.lock:
            super().reset()
            self._start_limits()

    def add_routes(self, routes: Mapping[tuple[str, str], Callable[..., Response]]) -> None:
        """Registers handlers `handler(service, request, **path_values)` by method and path."""
        for (method, path), handler in routes.items():
            self.route(method, path)(partial(self._answered, handler))

    def _answered(self, handler: Callable[..., Response], request: Request, **values: str) -> Response:
        try:
            return handler(self, request, **values)
        except Refused as refusal:
            return refusal.answer
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            return json_answer(error_body(400, f"Invalid input JSON: {type(error).__name__} {error}"), 400)

    # ---- what every call must pass

    def guard(self, request: Request) -> Response | None:
        if request.path.startswith("/webhooks/"):
            if request.args.get("hapikey") == DEVELOPER_KEY:
                return None
            return self.failure(401, {})
        if self.login.serves(request):
            return None
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        standing = "good" if token == TOKEN else self.login.standing(token)
        if standing == "ended":
            says = "The OAuth token used to make this call expired."
            return json_answer(error_body(401, says, category="EXPIRED_AUTHENTICATION"), 401)
        return self._over_limit(request) if standing == "good" else self.failure(401, {})

    def _over_limit(self, request: Request) -> Response | None:
        now = moment.monotonic()
        if not self.keeps_limits:
            return None
        if request.path.endswith("/search"):
            if _full(self._searches, now, 1.0, self.searches_per_second):
                return json_answer(limit_body("SECONDLY"), 429)
        else:
            full = _full(self._recent, now, self.interval, self.max_calls)
            request.environ["hubspot.remaining"] = max(0, self.max_calls - len(self._recent))
            if full:
                return json_answer(limit_body("TEN_SECONDLY_ROLLING"), 429)
        self._today += 1
        if self._today > self.daily:
            return json_answer(limit_body("DAILY"), 429)
        return None

    def handle(self, request: Request) -> Response:
        response = super().handle(request)
        if "hubspot.remaining" in request.environ:
            response.headers["X-HubSpot-RateLimit-Daily"] = str(self.daily)
            response.headers["X-HubSpot-RateLimit-Daily-Remaining"] = str(max(0, self.daily - self._today))
            response.headers["X-HubSpot-RateLimit-Interval-Milliseconds"] = str(round(self.interval * 1000))
            response.headers["X-HubSpot-RateLimit-Max"] = str(self.max_calls)
            response.headers["X-HubSpot-RateLimit-Remaining"] = str(request.environ["hubspot.remaining"])
        return response

    def failure(self, status: int, headers: Mapping[str, str]) -> Response:
        messages = {
            401: "Authentication credentials not found. This API supports OAuth 2.0 authentication.",
            403: "This app hasn't been granted all required scopes to make this call.",
        }
        if status == 429:
            return json_answer(limit_body("TEN_SECONDLY_ROLLING"), status, headers)
        return json_answer(error_body(status, messages.get(status, "internal error")), status, headers)

    def unknown_route(self, request: Request, status: int) -> Response:
        return json_answer(error_body(status, "resource not found"), status)

    def holds(self) -> dict[str, int]:
        return {kind: len(records) for kind, records in self.books["objects"].items()}

    def happen(self, name: str, details: dict[str, Any]) -> Any:
        """Makes something happen; where the details do not fit, HubSpot's error body is the answer."""
        try:
            return super().happen(name, details)
        except Refused as refusal:
            return refusal.answer.get_json()

    def new_id(self) -> str:
        self.books["next_id"] += 1
        return str(self.books["next_id"])


def _refuse_login(status: int, error: str, description: str) -> Response:
    """HubSpot's refusal of an exchange: its error body, with the word of the standard besides."""
    return json_answer(error_body(status, description, error=error, error_description=description), status)


def _told_of_token(form: Mapping[str, str]) -> dict[str, Any]:
    return {"token_type": "bearer", "token_use": "access_token", "hub_id": PORTAL_ID, "scopes": list(OAUTH.scopes)}


def _full(recent: deque[float], now: float, window: float, limit: int) -> bool:
    """Counts a call; true if there were too many within the window, and then the call does not count."""
    while recent and recent[0] <= now - window:
        recent.popleft()
    if len(recent) >= limit:
        return True
    recent.append(now)
    return False


def body_of(request: Request, *needed: str) -> dict[str, Any]:
    """The request's JSON object with these fields, else HubSpot's refusal."""
    body = request.get_json(force=True, silent=True)
    missing = [name for name in needed if not isinstance(body, dict) or name not in body]
    if not isinstance(body, dict) or missing:
        raise refused(400, f"Invalid input JSON: some required fields were not set: [{', '.join(missing)}]")
    return body


def values_of(request: Request, name: str) -> Sequence[str]:
    """A query parameter that may be given several times or with commas."""
    return [part for value in request.args.getlist(name) for part in value.split(",") if part]
