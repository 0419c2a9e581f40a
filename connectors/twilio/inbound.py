"""Having inbound messages sent to the hub: the addresses that a Twilio account holds for them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from hub.errors import SetupError

from .client import Client, get, pages, post

RETRIES = "#rc=5&rp=ct,rt,5xx"
"""Asks Twilio to deliver again when the hub cannot be reached, does not answer in time, or answers 5xx, as it would
otherwise try a refused connection once more and give up. Twilio spends 15 seconds on it in all, neither sends nor
signs this part of the address (https://www.twilio.com/docs/usage/webhooks/webhooks-connection-overrides)."""


@dataclass(frozen=True)
class Place:
    """Where Twilio keeps one address for inbound messages. `url` is the resource; `field` and `method` are the names of
    the form fields that change it; `now` and `now_method` are their present values."""

    title: str
    url: str
    field: str
    method: str
    now: str
    now_method: str


def places(client: Client) -> Iterator[Place]:
    """Every address that must be ours for the connection's inbound messages to arrive. Raises SetupError."""
    if "MessagingServiceSid" not in client.sender:
        # A sender's name cannot be answered, and the address of a short code is kept elsewhere, for support to set.
        if client.sender["From"].startswith("+"):
            yield _of_number(client, client.sender["From"])
        return
    url = f"{client.messaging}/v1/Services/{client.sender['MessagingServiceSid']}"
    service = get(client, url)
    if not service.get("use_inbound_webhook_on_number"):
        yield Place(
            "the messaging service",
            url,
            "InboundRequestUrl",
            "InboundMethod",
            service.get("inbound_request_url") or "",
            service.get("inbound_method") or "POST",
        )
        return
    # As many as a page holds.
    for number in get(client, f"{url}/PhoneNumbers", {"PageSize": 1000}).get("phone_numbers", []):
        yield _of_number(client, number["phone_number"])


def _of_number(client: Client, number: str) -> Place:
    url = f"{client.account_url}/IncomingPhoneNumbers"
    found = next(iter(_exactly(client, f"{url}.json", number)), None)
    title = f"the number ending in {number[-4:]}"
    if found is None:
        raise SetupError(f"The Twilio account does not have {title}. Check the sender number, or buy it there.")
    if found.get("sms_application_sid"):
        raise SetupError(
            f"In Twilio, {title} gives its messages to a TwiML app. Remove the app from the number, then connect again."
        )
    now, now_method = found.get("sms_url") or "", found.get("sms_method") or "POST"
    return Place(title, f"{url}/{found['sid']}.json", "SmsUrl", "SmsMethod", now, now_method)


def _exactly(client: Client, url: str, number: str) -> Iterator[dict[str, Any]]:
    """Twilio's filter finds parts of numbers too."""
    for page in pages(client, url, {"PhoneNumber": number}):
        for found in page.get("incoming_phone_numbers", []):
            if found.get("phone_number") == number:
                yield found


def subscribe(client: Client, webhook_url: str) -> None:
    """Has inbound messages sent to the hub. Nothing is changed if any address is someone else's: that raises
    SetupError."""
    found = list(places(client))
    for place in found:
        if not (is_free(place.now) or is_ours(place.now, webhook_url)):
            raise SetupError(
                f"In Twilio, {place.title} already gives its messages to {urlsplit(place.now).hostname}. "
                "Remove that address in Twilio's console if the hub should have them, then connect again."
            )
    wanted = webhook_url + RETRIES
    for place in found:
        if (place.now, place.now_method) != (wanted, "POST"):
            post(client, place.url, {place.field: wanted, place.method: "POST"})


def unsubscribe(client: Client, webhook_url: str) -> None:
    """Takes the addresses back that are ours."""
    for place in places(client):
        if place.now and is_ours(place.now, webhook_url):
            post(client, place.url, {place.field: ""})


def is_free(url: str) -> bool:
    """Whether an address is unused: empty, or the demo that a new number comes with."""
    return not url or urlsplit(url).hostname == "demo.twilio.com"


def is_ours(url: str, webhook_url: str) -> bool:
    """Whether an address is this connection's, perhaps from before the hub moved to another host: its path names the
    connection."""
    return urlsplit(url).path == urlsplit(webhook_url).path
