"""The practice Mailchimp: audiences with members, tags and consent, journeys, events, and signed webhooks.

Its account is `service.account`. Every audience id of 8 to 12 small letters and digits is there; `practice` is listed
from the start. A fault "status" 403 with seconds is the bare 403 of an overload, without them a lost login.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from typing import Any

from hub import Event, Person
from hub.practice import Request, Response, json_answer

from . import practice_books as books_of
from .practice_books import Record
from .practice_members import tell_change, told
from .practice_service import not_found, problem, read_body, service, signed

__all__ = ["service", "signed"]

EVENTS = ("subscribe", "unsubscribe", "profile", "cleaned", "upemail", "campaign")
SOURCES = ("user", "admin", "api")

# ---- the account and its audiences


@service.route("GET", "/3.0/")
def get_root(request: Request) -> Response:
    return json_answer({"account_id": "practice", "account_name": "Practice account", "role": "owner"})


@service.route("GET", "/oauth2/metadata")
def get_metadata(request: Request) -> Response:
    """Where the account of a token is: https://mailchimp.com/developer/marketing/guides/access-user-data-oauth-2/"""
    told = {"dc": "us1", "role": "owner", "accountname": "Practice account", "api_endpoint": request.root_url}
    return json_answer(told | {"login": {"login_name": "practice"}})


@service.route("GET", "/3.0/lists")
def get_lists(request: Request) -> Response:
    offset, count = request.args.get("offset", 0, int), min(request.args.get("count", 10, int), 1000)
    lists = [_shown_audience(held) for held in service.books["lists"].values()]
    return json_answer({"lists": lists[offset : offset + count], "total_items": len(lists)})


@service.route("GET", "/3.0/lists/<list_id>")
def get_list(request: Request, list_id: str) -> Response:
    held = books_of.audience(service.books, list_id)
    return json_answer(_shown_audience(held)) if held else not_found()


def _shown_audience(held: Record) -> Record:
    return {name: held[name] for name in ("id", "web_id", "name", "date_created")}


@service.route("GET", "/3.0/lists/<list_id>/tag-search")
def get_tags(request: Request, list_id: str) -> Response:
    if books_of.audience(service.books, list_id) is None:
        return not_found()
    begins = request.args.get("name", "")
    found = [{"id": key, "name": name} for name, key in service.books["tags"].items() if name.startswith(begins)]
    return json_answer({"tags": found, "total_items": len(found)})


# ---- webhooks


@service.route("GET", "/3.0/lists/<list_id>/webhooks")
def get_webhooks(request: Request, list_id: str) -> Response:
    held = books_of.audience(service.books, list_id)
    if held is None:
        return not_found()
    hooks = [_shown_hook(hook) for hook in held["webhooks"].values()]
    return json_answer({"webhooks": hooks, "list_id": list_id, "total_items": len(hooks)})


@service.route("POST", "/3.0/lists/<list_id>/webhooks")
def add_webhook(request: Request, list_id: str) -> Response:
    held, body = books_of.audience(service.books, list_id), read_body(request)
    if held is None:
        return not_found()
    if refused := _url_refused(request, held, body.get("url"), ""):
        return refused
    hook_id = f"{books_of.number(service.books):010x}"
    secret = secrets.token_hex(32) if body.get("signing_enabled") else None
    hook: Record = {"id": hook_id, "list_id": list_id, "signing_secret": secret, "events": {}, "sources": {}}
    held["webhooks"][hook_id] = hook
    _set_hook(hook, body)
    return json_answer(_shown_hook(hook) | ({"signing_secret": secret} if secret else {}))


@service.route("PATCH", "/3.0/lists/<list_id>/webhooks/<hook_id>")
def change_webhook(request: Request, list_id: str, hook_id: str) -> Response:
    held, body = books_of.audience(service.books, list_id), read_body(request)
    hook = held["webhooks"].get(hook_id) if held else None
    if held is None or hook is None:
        return not_found()
    if "url" in body and (refused := _url_refused(request, held, body["url"], hook_id)):
        return refused
    _set_hook(hook, body)
    return json_answer(_shown_hook(hook))


@service.route("DELETE", "/3.0/lists/<list_id>/webhooks/<hook_id>")
def delete_webhook(request: Request, list_id: str, hook_id: str) -> Response:
    held = books_of.audience(service.books, list_id)
    gone = held["webhooks"].pop(hook_id, None) if held else None
    return Response(status=204) if gone else not_found()


def _url_refused(request: Request, held: Record, url: object, hook_id: str) -> Response | None:
    if not isinstance(url, str) or not url.startswith(("http://", "https://")):
        return problem(400, "Invalid Resource", "Please provide a valid URL.", "url")
    if any(hook["url"] == url and hook["id"] != hook_id for hook in held["webhooks"].values()):
        return problem(400, "Invalid Resource", "Sorry, you can't set up multiple WebHooks for one URL", "url")
    if not request.environ.get("practice.visited"):
        return problem(400, "Invalid Resource", "The URL did not answer a GET request with 200.", "url")
    return None


def _set_hook(hook: Record, body: Mapping[str, Any]) -> None:
    hook["url"] = body.get("url", hook.get("url"))
    for part, names in (("events", EVENTS), ("sources", SOURCES)):
        wanted = body.get(part) or {}
        hook[part] = {name: bool(wanted.get(name, hook[part].get(name, False))) for name in names}


def _shown_hook(hook: Record) -> Record:
    """What may be seen of a webhook later: that it signs, but not with what."""
    shown = {name: hook[name] for name in ("id", "url", "events", "sources", "list_id")}
    return shown | {"signing_enabled": hook["signing_secret"] is not None}


# ---- what a rehearsal tells


@service.meeting
def meet(event: Event) -> None:
    """Whom an event is about is in its audience, as they are by then."""
    data, email = event.data.get("data"), event.person.email
    held = books_of.audience(service.books, str(data.get("list_id"))) if isinstance(data, dict) else None
    if held is None or email is None:
        return
    told = {"subscribe": "subscribed", "unsubscribe": "unsubscribed", "cleaned": "cleaned"}
    status, member = told.get(str(event.data.get("type"))), books_of.find(held, email)
    if member is None:
        books_of.add(service.books, held, {"email_address": email}, status or "subscribed")
    elif status is not None:
        member.update(status=status, opted_out=status != "subscribed")


@service.welcoming
def welcome(person: Person, chosen: Mapping[str, Any]) -> None:
    """They are subscribed to the audience that was chosen."""
    held = books_of.audience(service.books, str(chosen.get("mailchimp.audience")))
    if held is not None and person.email and books_of.find(held, person.email) is None:
        books_of.add(service.books, held, {"email_address": person.email}, "subscribed")


# ---- what people do. Details: list_id, email, merge_fields, source ("user" or "admin"); all may be left out


@service.happening("subscribe")
def subscribe(details: Record) -> Record:
    """Someone fills in the sign-up form, or confirms: the only way back for those who opted out."""
    return _happens(details, _subscribed)


@service.happening("unsubscribe")
def unsubscribe(details: Record) -> Record:
    """Someone uses the link below a newsletter."""
    return _happens(details, lambda member: member.update(status="unsubscribed", opted_out=True))


@service.happening("profile")
def profile(details: Record) -> Record:
    """Someone changes their merge fields."""
    held, member = _member_of(details)
    _merge(member, details)
    service.tell(held, "profile", details.get("source", "user"), lambda: told(member, held["id"]))
    return books_of.shown(service.books, held["id"], member)


@service.happening("clean")
def clean(details: Record) -> Record:
    """Mail to someone bounces for good."""
    held, member = _member_of(details)
    member.update(status="cleaned", opted_out=True)
    data = {"list_id": held["id"], "campaign_id": "4fjk2ma9xd", "reason": "hard", "email": member["email_address"]}
    service.tell(held, "cleaned", "admin", lambda: data)
    return books_of.shown(service.books, held["id"], member)


@service.happening("upemail")
def upemail(details: Record) -> Record:
    """Someone changes their e-mail address to `new_email`."""
    held, member = _member_of(details)
    old = member["email_address"]
    renamed = books_of.rename(service.books, held, member, details.get("new_email", f"new.{old}"))
    data = {"list_id": held["id"], "new_id": renamed["unique_email_id"]}
    data |= {"new_email": renamed["email_address"], "old_email": old}
    service.tell(held, "upemail", details.get("source", "user"), lambda: data)
    return books_of.shown(service.books, held["id"], renamed)


@service.happening("campaign")
def campaign(details: Record) -> Record:
    """A newsletter goes out, with the details `subject` and `status` ("sent" or "canceled")."""
    held = _audience_of(details)
    made = {
        "id": f"{books_of.number(service.books):010x}",
        "subject": details.get("subject", "What is new this week"),
        "status": details.get("status", "sent"),
        "reason": "",
        "list_id": held["id"],
    }
    service.tell(held, "campaign", "admin", lambda: made)
    return made


def _happens(details: Record, change: Callable[[Record], None]) -> Record:
    held, member = _member_of(details)
    before = member["status"]
    change(member)
    _merge(member, details)
    tell_change(held, member, before, details.get("source", "user"))
    return books_of.shown(service.books, held["id"], member)


def _merge(member: Record, details: Record) -> None:
    member["merge_fields"].update(details.get("merge_fields") or {})
    member["last_changed"] = books_of.stamp()


def _subscribed(member: Record) -> None:
    member.update(status="subscribed", opted_out=False)


def _audience_of(details: Record) -> Record:
    list_id = details.get("list_id", "practice")
    held = books_of.audience(service.books, list_id)
    if held is None:
        raise ValueError(f"There is no audience {list_id!r}.")
    return held


def _member_of(details: Record) -> tuple[Record, Record]:
    """The person meant: someone new who has said nothing yet, where they are not in the audience."""
    held = _audience_of(details)
    address = details.get("email") or f"visitor{books_of.number(service.books)}@example.com"
    found = books_of.find(held, address)
    return held, found or books_of.add(service.books, held, {"email_address": address}, "transactional")
