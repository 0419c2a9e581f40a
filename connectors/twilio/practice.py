"""Twilio to practise with: one account with one number and one messaging service, and people who answer."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from email.utils import parsedate_to_datetime
from operator import eq, ge, le
from typing import Any
from urllib.parse import urlencode

from hub import addresses
from hub.practice import Request, Response, json_answer

from . import practice_shapes as shapes
from .keywords import meaning
from .practice_account import ACCOUNT, NUMBER, SERVICE, TOKEN, TwilioPractice, refused, signed
from .segments import LONGEST, segments

__all__ = ["service", "signed"]

PERSON = "+14155550123"
"""Who answers where nobody is named."""

PATH = "/2010-04-01/Accounts/<account>"
FROM_HERE = {"From": NUMBER, "MessagingServiceSid": SERVICE}

# The numbers that Twilio itself keeps for trying out errors: https://www.twilio.com/docs/iam/test-credentials
REFUSED = {
    "+15005550001": (21211, "Invalid 'To' Phone Number"),
    "+15005550002": (21612, "Message cannot be sent with the current combination of 'To' and/or 'From' parameters"),
    "+15005550003": (21408, "Permission to send an SMS has not been enabled for the region"),
    "+15005550004": (21610, "Attempt to send to unsubscribed recipient"),
    "+15005550009": (21614, "'To' number is not a valid mobile number"),
}
UNREACHABLE = "0199"
"""A message to a number that ends like this is sent but not delivered."""


service = TwilioPractice("twilio", account={"account_sid": ACCOUNT, "auth_token": TOKEN, "from_number": NUMBER})


@service.start_with
def new_account() -> dict[str, Any]:
    return {
        "auth_token": TOKEN,
        "delivers": True,
        "messages": [],
        "numbers": [shapes.phone_number(ACCOUNT, NUMBER)],
        "opted_out": [],
        "service": shapes.service(ACCOUNT, SERVICE),
        "status": "active",
    }


# ---- messages


@service.route("POST", f"{PATH}/Messages.json")
def create_message(request: Request, account: str) -> Response:
    form = request.form
    to = _e164(form.get("To", ""))
    if fault := next(_message_faults(form, to), None):
        return refused(400, *fault)
    by_service, cost = "MessagingServiceSid" in form, segments(form["Body"]).count
    message = shapes.message(
        ACCOUNT,
        to=to,
        body=form["Body"],
        sender=form.get("From"),
        service=form.get("MessagingServiceSid"),
        direction="outbound-api",
        status="accepted" if by_service else "queued",
        segments=cost,
    )
    answer = json_answer(message, 201)
    service.keep(message)
    if service.books["delivers"]:
        of_service = service.books["service"]["status_callback"] if by_service else None
        _deliver(message, cost, form.get("StatusCallback") or of_service)
    return answer


def _message_faults(form: Mapping[str, str], to: str) -> Iterator[tuple[int, str]]:
    """What Twilio finds wrong with a message, the first thing first."""
    body, sender = form.get("Body", ""), form.get("From")
    if not to:
        yield 21604, "A 'To' phone number is required."
    if to in REFUSED:
        yield REFUSED[to]
    if not addresses.phone(form.get("To"), "US"):
        yield 21211, f"Invalid 'To' Phone Number: {to[:4]}XXXX"
    if not form.keys() & FROM_HERE.keys():
        yield 21603, "A 'From' phone number is required."
    if sender not in (None, NUMBER):
        if not addresses.phone(sender, "US"):
            yield 21212, "Invalid From Number (caller ID)"
        yield 21606, "The 'From' phone number provided is not a valid message-capable Twilio phone number"
    if form.get("MessagingServiceSid", SERVICE) != SERVICE:
        yield 21701, "The Messaging Service resource does not exist"
    if not body.strip():
        yield 21602, "Message body is required."
    if len(body) > LONGEST:
        yield 21617, "The concatenated message body exceeds the 1600 character limit."
    if to in service.books["opted_out"]:
        yield 21610, "Attempt to send to unsubscribed recipient"


def _e164(number: str) -> str:
    return addresses.phone(number, "US") or number


def _deliver(message: dict[str, Any], cost: int, callback: str | None) -> None:
    """The message reaches the phone, or does not, and each status after the first is reported."""
    steps = ["queued"] if message["status"] == "accepted" else []
    reached = not message["to"].endswith(UNREACHABLE)
    steps += ["sent", "delivered" if reached else "undelivered"]
    message |= {
        "from": message["from"] or NUMBER,
        "num_segments": str(cost),
        "date_sent": shapes.rfc2822(),
        "date_updated": shapes.rfc2822(),
        "price": "-0.00750",
        "status": steps[-1],
        "error_code": None if reached else 30003,
        "error_message": None if reached else "Unreachable destination handset",
    }
    if callback and service.reports:
        for status in steps:
            service.post(callback, shapes.status_form(message, status))


COMPARED: Mapping[str, Callable[[date, date], bool]] = {"DateSent": eq, "DateSent>": ge, "DateSent<": le}


@service.route("GET", f"{PATH}/Messages.json")
def list_messages(request: Request, account: str) -> Response:
    wanted = request.args.to_dict()
    found = service.messages(wanted.get("To"))
    if "From" in wanted:
        found = [message for message in found if message["from"] == wanted["From"]]
    for name, fits in COMPARED.items():
        if name in wanted:
            day = date.fromisoformat(wanted[name][:10])
            sent = [message for message in found if message["date_sent"]]
            found = [item for item in sent if fits(parsedate_to_datetime(item["date_sent"]).date(), day)]
    return _listing(request, "messages", found)


@service.route("GET", f"{PATH}/Messages/<sid>.json")
def fetch_message(request: Request, account: str, sid: str) -> Response:
    found = next((message for message in service.books["messages"] if message["sid"] == sid), None)
    return json_answer(found) if found else service.unknown_route(request, 404)


def _listing(request: Request, name: str, found: Sequence[Mapping[str, Any]]) -> Response:
    """One page, in the 2010 API's shape. The token names the last one of the page before."""
    size = max(1, min(int(request.args.get("PageSize", 50)), 1000))
    page, token = int(request.args.get("Page", 0)), request.args.get("PageToken", "")
    after = next((place + 1 for place, item in enumerate(found) if f"PA{item['sid']}" == token), 0) if token else 0
    shown = found[after : after + size]
    asked = {key: value for key, value in request.args.items() if key not in ("Page", "PageToken", "PageSize")}

    def uri(number: int, **more: str) -> str:
        return f"{request.path}?{urlencode(asked | {'PageSize': size, 'Page': number} | more)}"

    more = after + size < len(found)
    body = {
        name: shown,
        "end": page * size + max(0, len(shown) - 1),
        "first_page_uri": uri(0),
        "next_page_uri": uri(page + 1, PageToken=f"PA{shown[-1]['sid']}") if more else None,
        "page": page,
        "page_size": size,
        "previous_page_uri": uri(page - 1) if page else None,
        "start": page * size,
        "uri": uri(page),
    }
    return json_answer(body)


# ---- the account, its number and its service


@service.route("GET", f"{PATH}.json")
def fetch_account(request: Request, account: str) -> Response:
    return json_answer(shapes.account(ACCOUNT, service.books["status"]))


@service.route("GET", f"{PATH}/IncomingPhoneNumbers.json")
def list_numbers(request: Request, account: str) -> Response:
    wanted = request.args.get("PhoneNumber", "").lstrip("+")
    return _listing(
        request, "incoming_phone_numbers", [n for n in service.books["numbers"] if wanted in n["phone_number"]]
    )


@service.route("POST", f"{PATH}/IncomingPhoneNumbers/<sid>.json")
def update_number(request: Request, account: str, sid: str) -> Response:
    number = next((number for number in service.books["numbers"] if number["sid"] == sid), None)
    if number is None:
        return service.unknown_route(request, 404)
    number |= _changes(request.form, number) | {"date_updated": shapes.rfc2822()}
    return json_answer(number)


@service.route("GET", f"/v1/Services/{SERVICE}")
def fetch_service(request: Request) -> Response:
    return json_answer(service.books["service"])


@service.route("POST", f"/v1/Services/{SERVICE}")
def update_service(request: Request) -> Response:
    changed = _changes(request.form, service.books["service"])
    service.books["service"] |= changed | {"date_updated": shapes.iso()}
    return json_answer(service.books["service"])


@service.route("GET", f"/v1/Services/{SERVICE}/PhoneNumbers")
def list_service_numbers(request: Request) -> Response:
    """One page, in the newer APIs' shape."""
    url, size = f"https://messaging.twilio.com{request.path}", int(request.args.get("PageSize", 50))
    page, found = int(request.args.get("Page", 0)), service.books["numbers"]

    def at(number: int) -> str | None:
        return f"{url}?PageSize={size}&Page={number}" if 0 <= number * size < len(found) else None

    meta = {"first_page_url": at(0), "key": "phone_numbers", "next_page_url": at(page + 1), "page": page}
    meta |= {"page_size": size, "previous_page_url": at(page - 1), "url": at(page)}
    shown = [shapes.service_number(SERVICE, number) for number in found[page * size : (page + 1) * size]]
    return json_answer({"phone_numbers": shown, "meta": meta})


def _changes(form: Mapping[str, str], resource: Mapping[str, Any]) -> dict[str, Any]:
    """What a form changes in a resource: `SmsUrl` is its `sms_url`. Other fields are ignored, as at Twilio."""
    named = {re.sub("(?<!^)(?=[A-Z])", "_", name).lower(): value for name, value in form.items()}
    truths: dict[str, Any] = {"true": True, "false": False}
    return {
        name: truths.get(value.lower(), value) if isinstance(resource[name], bool) else value
        for name, value in named.items()
        if name in resource and name not in ("sid", "account_sid")
    }


# ---- what people do


@service.happening("reply")
def reply(details: dict[str, Any]) -> dict[str, Any]:
    """Someone texts the account's number: `{"from", "text"}`. The words that stop and start messages do so."""
    return _received(details)


def _received(details: Mapping[str, Any]) -> dict[str, Any]:
    message = shapes.message(
        ACCOUNT,
        to=NUMBER,
        body=str(details.get("text", "Thank you!")),
        sender=_e164(str(details.get("from", PERSON))),
        service=None,
        direction="inbound",
        status="received",
        segments=1,
    )
    message["date_sent"] = message["date_created"]
    service.keep(message)
    _opt(message["from"], meaning(message["body"]))
    held = service.books["service"]
    if held["inbound_request_url"] and not held["use_inbound_webhook_on_number"]:
        service.post(held["inbound_request_url"], shapes.inbound_form(message) | {"MessagingServiceSid": SERVICE})
    else:
        service.post(service.books["numbers"][0]["sms_url"], shapes.inbound_form(message))
    return message


@service.happening("stop")
def stop(details: dict[str, Any]) -> dict[str, Any]:
    """Someone texts STOP: `{"from"}`."""
    return _received({**details, "text": "STOP"})


@service.happening("start")
def start(details: dict[str, Any]) -> dict[str, Any]:
    """Someone texts START: `{"from"}`."""
    return _received({**details, "text": "START"})


def _opt(person: str, asked: str | None) -> None:
    out: list[str] = service.books["opted_out"]
    if asked == "stop" and person not in out:
        out.append(person)
    if asked == "start" and person in out:
        out.remove(person)
