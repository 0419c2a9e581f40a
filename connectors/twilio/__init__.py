"""Twilio: text messages to people, their answers, and what became of each message."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from email.utils import parsedate_to_datetime
from typing import Any, Literal

from hub import Connector, Delivery, Event, Field, Limit, NotAuthorized, OutcomeUnknown, Person, Rejected, addresses
from hub.action import Price
from webhooks.signatures import twilio as signed_by_twilio

from . import events as reading
from . import inbound
from .client import CONCURRENT, Client, connect, get, pages, post
from .segments import Segments, segments

__all__ = [
    "Segments",
    "connector",
    "get_message",
    "help_requested",
    "message_received",
    "message_status",
    "opted_in",
    "opted_out",
    "segments",
    "send_sms",
]

connector = Connector(
    "twilio",
    title="Twilio",
    about="Sends text messages, and hears answers, opt-outs and what became of each message.",
    fields=[
        Field("account_sid", "Account SID", help="On the first page of Twilio's console; it begins with AC."),
        Field(
            "auth_token",
            "Auth token",
            help="On the first page of Twilio's console, under the account SID. While you exchange it, keep both.",
            secret=True,
            several=True,
        ),
        Field(
            "from_number",
            "Sender number",
            help="A number of your Twilio account, like +14155550100. Not needed with a messaging service.",
            required=False,
        ),
        Field(
            "messaging_service_sid",
            "Messaging service SID",
            help="Under Messaging → Services; it begins with MG. Not needed with a sender number.",
            required=False,
        ),
        Field(
            "region",
            "Country of numbers without a country code",
            help="Two letters, like US. The country of the sender number, if you leave it empty.",
            required=False,
        ),
        Field(
            "status_url",
            "Address for delivery reports",
            help="The hub's own address; the hub fills it in.",
            secret=True,
            required=False,
            generated=True,
        ),
    ],
    verify=signed_by_twilio("auth_token"),
    body="form",
    answer=('<?xml version="1.0" encoding="UTF-8"?><Response></Response>', "text/xml"),
    # Twilio limits how many calls run at once, does not tell the number, and queues the messages themselves at the
    # sender's pace. Ten keep a call of 100 ms at 100 messages a second, well above what a sender may send.
    limit=Limit(concurrent=CONCURRENT),
)

message_received = connector.trigger(
    "message.received", title="a text message comes in", sample="message_received.json"
)
message_status = connector.trigger(
    "message.status_changed", title="a sent text message is delivered or fails", sample="message_status.json"
)
opted_out = connector.trigger("person.opted_out", title="someone texts STOP", sample="opted_out.json")
opted_in = connector.trigger("person.opted_in", title="someone texts START again", sample="opted_in.json")
help_requested = connector.trigger("help.requested", title="someone texts HELP", sample="help_requested.json")


connector.connect(connect)


@connector.check
def check(client: Client) -> str:
    """The account's name. Raises NotAuthorized if Twilio would send nothing for it."""
    account = get(client, f"{client.account_url}.json")
    if account.get("status") != "active":
        raise NotAuthorized("The Twilio account is suspended or closed. Sort it out in Twilio's console, then connect.")
    return str(account.get("friendly_name") or client.account)


@connector.keys
def keys(delivery: Delivery) -> list[str]:
    return reading.keys(delivery)


@connector.events
def events(delivery: Delivery) -> Iterator[Event]:
    return reading.read(delivery)


@connector.subscribe
def subscribe(client: Client, webhook_url: str) -> dict[str, str]:
    """Has inbound messages sent to the hub, and gives the address for reports where it is another than before.

    A number's own status callback is about calls, so reports cannot be asked for once and for all: each message
    carries the address. Raises SetupError if the account gives its inbound messages to someone else.
    """
    inbound.subscribe(client, webhook_url)
    return {} if client.status_url == webhook_url else {"status_url": webhook_url}


@connector.unsubscribe
def unsubscribe(client: Client, webhook_url: str) -> None:
    """Takes back the addresses that are ours."""
    inbound.unsubscribe(client, webhook_url)


TRIAL = "Sent from your Twilio trial account - "
"""What a trial account puts before each text."""


def _about(inputs: Mapping[str, Any], answer: Mapping[str, Any]) -> Person:
    return Person(phone=answer["to"])


@connector.action(
    repeat="readback",
    title="Send a text message",
    channel="sms",
    recipient="to",
    identifies=_about,
    settle=timedelta(seconds=5),
    answer_key="sid",
)
def send_sms(
    client: Client,
    to: str,
    text: str,
    *,
    purpose: Literal["transactional", "marketing"],
    useful_for: timedelta | None = None,
) -> dict[str, Any]:
    """Sends a text to a phone number.

    `to` needs a country code unless it is a number of the connection's own country. `purpose` decides which rules it
    must pass before it leaves; after `useful_for` it does not leave any more. The answer is `{"sid", "status",
    "segments", "to"}`: Twilio's id of the message, how far it is ("queued", "accepted"), how many segments it costs,
    and the number in E.164. Raises Rejected if the number is none, the text is empty or longer than 1600 characters, or
    Twilio refuses, for example after STOP.
    """
    number, text = _number(client, to), _sendable(text)
    cost = segments(text)
    if not text.strip():
        raise Rejected("There is no text to send.")
    form = {"To": number, "Body": text, **client.sender}
    if client.status_url:
        form["StatusCallback"] = client.status_url + inbound.RETRIES
    if "MessagingServiceSid" in client.sender:
        # A service may swap characters for cheaper ones. Then the text would not be the one that was asked for, and
        # reading back would not know it.
        form["SmartEncoded"] = "false"
    return _sent(post(client, f"{client.account_url}/Messages.json", form), cost.count)


@send_sms.measured(Price(Decimal("0.0083"), "USD", "Twilio's list price for the United States, without carriers' fees"))
def parts(text: str) -> int:
    """Segments of a text. The price is of https://www.twilio.com/en-us/sms/pricing/us, in 2026."""
    return segments(_sendable(text)).count


@send_sms.readback
def find_sms(client: Client, since: datetime, to: str, text: str, **_: object) -> list[dict[str, Any]]:
    """Every message like this one that Twilio has had since then, oldest first, each as `send_sms` answers.

    Twilio keeps nothing of ours with a message, so two steps that send the same words to the same number are told
    apart by counting: each takes one of these that no other step has recorded, by its `sid`. All messages to the number
    are read, newest first, because Twilio filters by the day that a message was sent, and one still queued has none;
    a page on which everything is older ends it.
    """
    number, text = _number(client, to), _sendable(text)
    cost = segments(text)
    earliest = since.replace(microsecond=0)  # Twilio's times are in whole seconds
    found: dict[str, tuple[datetime, dict[str, Any]]] = {}
    for page in pages(client, f"{client.account_url}/Messages.json", {"To": number, "PageSize": 1000}):
        recent = [(at, message) for message in _messages(page) if (at := _created(message)) >= earliest]
        for at, message in recent:
            if _is_like(message, client, text):
                found[message["sid"]] = at, _sent(message, cost.count)
        if not recent:
            break
    # Twilio lists newest first, so of those made in one second the last is the oldest.
    return [answer for _, answer in sorted(reversed(found.values()), key=lambda item: item[0])]


@connector.action(repeat="repeatable", title="Look up a text message")
def get_message(client: Client, sid: str) -> dict[str, Any]:
    """What Twilio knows of a message: its Message resource, with `status`, `error_code` and `price` as they are now."""
    if not re.fullmatch("(SM|MM)[0-9a-fA-F]{32}", sid):
        raise Rejected("This is not the id of a message: one is SM or MM and 32 digits or letters from a to f.")
    return get(client, f"{client.account_url}/Messages/{sid}.json")


def _number(client: Client, to: str) -> str:
    number = addresses.phone(to, client.region)
    if number is None:
        raise Rejected("The recipient has no phone number that can be read. Write it with its country code.")
    return number


def _sendable(text: str) -> str:
    """The text with half characters, as a name cut in the middle of an emoji has, replaced: nothing can encode them."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _sent(message: Mapping[str, Any], count: int) -> dict[str, Any]:
    try:
        return {"sid": message["sid"], "status": message["status"], "segments": count, "to": message["to"]}
    except KeyError:
        raise OutcomeUnknown("Twilio's answer names no message, so it may or may not have been sent.") from None


def _messages(page: Mapping[str, Any]) -> Sequence[dict[str, Any]]:
    messages = page.get("messages")
    if not isinstance(messages, list):
        raise OutcomeUnknown("Twilio's list of messages cannot be read.")
    return messages


def _created(message: Mapping[str, Any]) -> datetime:
    try:
        return parsedate_to_datetime(message["date_created"]).astimezone(UTC)
    except (KeyError, TypeError, ValueError):
        raise OutcomeUnknown("Twilio's list of messages cannot be read.") from None


def _is_like(message: Mapping[str, Any], client: Client, text: str) -> bool:
    """Whether a message is from our sender, by the API, with this text."""
    if message.get("direction") != "outbound-api":
        return False
    if "MessagingServiceSid" in client.sender:
        ours = message.get("messaging_service_sid") == client.sender["MessagingServiceSid"]
    else:
        ours = message.get("from") == client.sender["From"]
    return ours and (message.get("body") or "").removeprefix(TRIAL).strip() == text.strip()
