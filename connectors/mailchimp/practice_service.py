"""The practice service itself: login, limits, Mailchimp's problem documents, and its webhooks."""

from __future__ import annotations

import hashlib
import hmac
import json
import uuid
from collections.abc import Callable, Mapping
from datetime import datetime
from urllib.parse import urlencode

import requests

from hub.practice import Practice, Request, Response, json_answer, moment
from hub.practice.login import Login

from . import practice_books as books_of
from .login import OAUTH
from .practice_books import Record, Refused


def signed(form: Mapping[str, str], url: str, signing_secret: str | None, at: datetime) -> tuple[dict[str, str], bytes]:
    """A webhook as Mailchimp posts it at a time (aware): headers and body.

    `form` has the names as sent, `{"type": …, "data[email]": …}`. Without a secret it is not signed, as webhooks are
    that were made before signing; the address, with its secret, is all that vouches for those. It is not signed itself.
    """
    body = urlencode(form).encode()
    headers = {"Content-Type": "application/x-www-form-urlencoded", "User-Agent": "MailChimp"}
    if signing_secret is not None:
        second = str(int(at.timestamp()))
        digest = hmac.new(signing_secret.encode(), f"{second}.".encode() + body, hashlib.sha256).hexdigest()
        headers["X-Mailchimp-Signature"] = f"t={second},v1={digest}"
    return headers, body


class PracticeMailchimp(Practice):
    """Adds Mailchimp's manners: its login, its limit, its problem documents, and its visit to a new webhook.

    concurrent   calls at once
    """

    adjustable = (*Practice.adjustable, "concurrent")
    concurrent: int = 10
    login: Login

    def handle(self, request: Request) -> Response:
        """A webhook's address is visited before the books are locked: it may lead to a hub that calls us meanwhile."""
        if request.method in ("POST", "PATCH") and "/webhooks" in request.path and self._login_fits(request):
            request.environ["practice.visited"] = _answers(read_body(request).get("url"))
        return super().handle(request)

    def guard(self, request: Request) -> Response | None:
        if self.in_flight > self.concurrent:
            said = f"You have exceeded the limit of {self.concurrent} simultaneous connections."
            return problem(429, "Too Many Requests", said)
        if self.login.serves(request):
            return None
        if not self._login_fits(request):
            return problem(401, "API Key Invalid", "Your API key may be invalid, or of another data centre.")
        return None

    def _login_fits(self, request: Request) -> bool:
        given = request.authorization
        if given is None:
            return False
        return self.account["api_key"] in (given.password, given.token) or self.login.accepts(given.token)

    def holds(self) -> dict[str, int]:
        lists = self.books["lists"].values()
        return {"members": sum(len(held["members"]) for held in lists), "journeys": len(self.books["journeys"])}

    def unknown_route(self, request: Request, status: int) -> Response:
        if status == 405:
            return problem(405, "Method Not Allowed", "The requested method is not allowed here.")
        return problem(404, "Resource Not Found", "The requested resource could not be found.")

    def failure(self, status: int, headers: Mapping[str, str]) -> Response:
        if status == 403 and headers:
            return Response("", 403, dict(headers))
        answer = problem(status, "Practice Fault", "This was asked for.")
        answer.headers.update(headers)
        return answer

    def tell(self, held: Record, kind: str, source: str, data: Callable[[], Mapping[str, str]]) -> None:
        """Sends a webhook to all in the audience that want this kind of event from this source."""
        wanted = [hook for hook in held["webhooks"].values() if hook["events"][kind] and hook["sources"][source]]
        if not wanted:
            return
        now = moment.now()
        form = {"type": kind, "fired_at": now.strftime("%Y-%m-%d %H:%M:%S")}
        for name, text in data().items():
            form[f"data{name}" if name.startswith("[") else f"data[{name}]"] = text
        for hook in wanted:
            headers, body = signed(form, hook["url"], hook["signing_secret"], now)
            self.send(hook["url"], headers, body)


service = PracticeMailchimp("mailchimp", account={"api_key": "practice-us1"})
service.start_with(books_of.new_books)


def _refuse(status: int, error: str, description: str) -> Response:
    return json_answer({"error": error, "error_description": description}, status)


service.login = Login(
    service,
    "Mailchimp",
    OAUTH,
    account="Practice account",
    refuse=_refuse,
    more=lambda form: {"expires_in": 0, "scope": None},
)


def problem(status: int, title: str, detail: str, field: str = "") -> Response:
    """Mailchimp's problem document."""
    document: Record = {
        "type": "https://mailchimp.com/developer/marketing/docs/errors/",
        "title": title,
        "status": status,
        "detail": detail,
        "instance": str(uuid.uuid4()),
    }
    if field:
        document["errors"] = [{"field": field, "message": detail}]
    return Response(json.dumps(document), status, mimetype="application/problem+json")


def refusal(refused: Refused) -> Response:
    return problem(400, refused.title, refused.detail, refused.field)


def not_found() -> Response:
    return problem(404, "Resource Not Found", "The requested resource could not be found.")


def read_body(request: Request) -> Record:
    try:
        found = json.loads(request.get_data() or b"{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _answers(url: object) -> bool:
    if not isinstance(url, str):
        return True  # none was given, so none needs a visit
    try:
        with requests.Session() as session:
            session.trust_env = False
            return session.get(url, timeout=5, allow_redirects=False).status_code == 200
    except requests.RequestException:
        return False
