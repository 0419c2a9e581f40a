"""Calling Twilio: one client for several threads, and what its answers mean."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from hub import ActionFailed, NotAuthorized, OutcomeUnknown, RateLimited, Rejected, addresses
from hub.errors import SetupError

if TYPE_CHECKING:
    from hub.http import Answer, LeanSession

API, MESSAGING = "https://api.twilio.com", "https://messaging.twilio.com"
VERSION = "/2010-04-01"
CONCURRENT = 10

SENTENCES = {
    20404: "Twilio knows no such thing in this account.",
    21211: "Twilio says that the recipient's number is not a valid phone number.",
    21212: "Twilio says that the sender is not valid. Check the connection's sender number.",
    21408: "The Twilio account may not send to this country. Allow it in the console under Geo permissions.",
    21602: "There is no text to send.",
    21606: "The sender is no number of this Twilio account that can send texts. Check the connection's sender number.",
    21608: "A Twilio trial account sends only to numbers verified in its console. Verify the number or upgrade.",
    21610: "The recipient has opted out (STOP), so Twilio does not send to them.",
    21612: "Twilio cannot send from this sender to this recipient.",
    21614: "The recipient's number is not a mobile number, so it cannot receive texts.",
    21617: "The text is longer than the 1600 characters that Twilio sends.",
}
"""Refusals for good, by Twilio's error code (https://www.twilio.com/docs/api/errors), in words for the owner."""

LOST_LOGIN = {
    10001: "The Twilio account is not active. Sort it out in Twilio's console; what waits goes on then.",
    20003: "Twilio does not accept this account SID and auth token, or the account is suspended. Connect it again.",
    20403: "The Twilio account is suspended or closed. Sort it out in Twilio's console; what waits goes on then.",
    90010: "The Twilio account is not active. Sort it out in Twilio's console; what waits goes on then.",
}


@dataclass(frozen=True)
class Client:
    """One Twilio account.

    api, messaging   the two hosts, without a slash at the end
    sender           what a new message is sent from: `From`, `MessagingServiceSid` or both
    region           of numbers without a country code, "US"
    status_url       where Twilio reports what became of a message, None for nowhere
    """

    session: LeanSession = field(repr=False)
    account: str
    api: str
    messaging: str
    sender: Mapping[str, str] = field(repr=False)
    region: str | None = None
    status_url: str | None = field(default=None, repr=False)

    @property
    def account_url(self) -> str:
        return f"{self.api}{VERSION}/Accounts/{self.account}"


def connect(
    *,
    base_url: str | None,
    account_sid: str,
    auth_token: Sequence[str],
    from_number: str | None = None,
    messaging_service_sid: str | None = None,
    region: str | None = None,
    status_url: str | None = None,
) -> Client:
    """A client for this account. The newest auth token is the one that calls. Raises SetupError for a field that
    cannot be right."""
    from hub.http import LeanSession

    _need(account_sid, "AC", "The account SID")
    if not auth_token:
        raise SetupError("The auth token is missing. It is on the first page of Twilio's console.")
    if region and not addresses.is_region(region):
        raise SetupError(f"{region!r} is no country. Give its two letters, like US, or GB for the United Kingdom.")
    sender = {}
    if messaging_service_sid:
        sender["MessagingServiceSid"] = _need(messaging_service_sid, "MG", "The messaging service SID")
    if from_number:
        sender["From"] = _sender(from_number, region)
    if not sender:
        raise SetupError("Give a sender: either a number of your Twilio account or a messaging service SID.")
    login = b64encode(f"{account_sid}:{auth_token[0]}".encode()).decode()
    session = LeanSession({"Authorization": f"Basic {login}", "Accept": "application/json"}, connections=CONCURRENT)
    base = base_url.rstrip("/") if base_url else None
    return Client(
        session,
        account_sid,
        api=base or API,
        messaging=base or MESSAGING,
        sender=sender,
        region=(region or addresses.region_of(sender.get("From", "")) or "").upper() or None,
        status_url=status_url if status_url and status_url.startswith(("http://", "https://")) else None,
    )


def _need(sid: str, prefix: str, what: str) -> str:
    if not re.fullmatch(prefix + "[0-9a-fA-F]{32}", sid):
        raise SetupError(f"{what} does not look right: it is {prefix} and 32 digits or letters from a to f.")
    return sid


def _sender(text: str, region: str | None) -> str:
    """A phone number in E.164; a short code or a sender's name as it is. Raises SetupError."""
    if number := addresses.phone(text, region):
        return number
    short_code, name = r"[0-9]{3,8}", r"(?=.*[A-Za-z])[A-Za-z0-9 +&_-]{1,11}"
    if re.fullmatch(f"{short_code}|{name}", text):
        return text
    raise SetupError("The sender number is not a phone number. Write it with its country code, like +14155550100.")


def get(client: Client, url: str, params: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """What Twilio has there. Raises ActionFailed."""
    return _answer(client.session.get(url, params=params))


def post(client: Client, url: str, form: Mapping[str, str]) -> dict[str, Any]:
    """What Twilio answers to this form. Raises ActionFailed."""
    return _answer(client.session.post(url, data=form))


def pages(client: Client, url: str, params: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Every page of a list, as Twilio links them. Raises ActionFailed."""
    page = get(client, url, params)
    yield page
    while following := page.get("next_page_uri"):
        page = get(client, f"{client.api}{following}")
        yield page


def _answer(response: Answer) -> dict[str, Any]:
    if not 200 <= response.status_code < 300:
        raise failure(response)
    found = _body(response)
    if found is None:
        raise OutcomeUnknown("Twilio's answer cannot be read, so it may or may not have happened.")
    return found


def _body(response: Answer) -> dict[str, Any] | None:
    """The body if it is a JSON object, else None."""
    try:
        found = response.json()
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def failure(response: Answer) -> ActionFailed:
    """What an answer that is not 2xx means.

    Its error code counts before its status, as one status stands for many things. A 5xx says nothing about
    whether the message was made: Twilio keeps no idempotency keys, so it is read back before anything is repeated.
    A 429 was never processed (https://www.twilio.com/docs/api/errors/20429).
    """
    from hub.http import refusal, retry_after

    status, body = response.status_code, _body(response) or {}
    number = body.get("code") if isinstance(body.get("code"), int) else None
    code = None if number is None else str(number)
    if status >= 500:
        return OutcomeUnknown(
            f"Twilio had a fault, so it may or may not have happened (HTTP {status})", status=status, code=code
        )
    if status == 429 or number == 20429:
        says = "Twilio asks for fewer calls at once. It is tried again."
        return RateLimited(says, after=retry_after(response.headers), status=status, code=code)
    if number in LOST_LOGIN:
        return NotAuthorized(LOST_LOGIN[number], status=status, code=code)
    if number in SENTENCES:
        return Rejected(f"{SENTENCES[number]} (Twilio error {number})", status=status, code=code)
    says = str(body.get("message") or "Twilio refused it without saying why")
    return refusal(status, says if number is None else f"{says} (Twilio error {number})", code=code)
