"""Webhook: anything that can post JSON, such as a booking tool, a survey tool, a till or a shop of one's own.

https://www.standardwebhooks.com
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from hub.action import Example
from hub.connector import Connector, Field, Limit
from hub.delivery import Delivery
from hub.event import Event

from . import client as calling
from . import mapping, reading, signing
from .client import CONCURRENT, Client

connector = Connector(
    "webhook",
    title="Webhook",
    about="Anything that can post JSON: booking tools, survey tools, a till, a shop of your own.",
    fields=[
        Field("name", "Name of the tool", help="As you call it, such as Booking tool. One connection per tool."),
        Field(
            "signing_secret",
            "Signing secret",
            help="If the tool shows one beside its webhook address, copy it: it begins with whsec_. Left empty, the "
            "hub makes one and shows it once, for you to enter in the tool.",
            secret=True,
            required=False,
            several=True,
            made=signing.new_secret,
        ),
        Field(
            "signature_header",
            "Header of a plain signature",
            help="Only if the tool signs the plain body (HMAC-SHA256): the header that it names, like X-Signature.",
            required=False,
            adjustable=True,
            verifies=True,
        ),
        Field(
            "send_to",
            "Address to send to",
            help="Only if recipes send something to the tool: the address that takes it, beginning with https://.",
            required=False,
            adjustable=True,
        ),
        Field(
            "mapping",
            "Where things stand",
            help="Only if the tool posts a shape of its own: our field=its field, between commas, such as "
            "type=event, person.email=payload.invitee.email, data.start=payload.start_time",
            required=False,
            adjustable=True,
        ),
        Field(
            "types",
            "What its words mean",
            help="Only if the tool calls things otherwise: its word=ours, such as invitee.created=appointment.booked",
            required=False,
            adjustable=True,
        ),
    ],
    verify=signing.verify,
    limit=Limit(concurrent=CONCURRENT),
    told_by_hand=True,
)

appointment_booked = connector.trigger(
    "appointment.booked", title="someone books an appointment", sample="appointment_booked.json"
)
appointment_moved = connector.trigger(
    "appointment.moved", title="an appointment is moved to another time", sample="appointment_moved.json"
)
appointment_cancelled = connector.trigger(
    "appointment.cancelled", title="an appointment is cancelled", sample="appointment_cancelled.json"
)
appointment_attended = connector.trigger(
    "appointment.attended", title="someone came to their appointment", sample="appointment_attended.json"
)
survey_answered = connector.trigger("survey.answered", title="someone answers a survey", sample="survey_answered.json")
payment_failed = connector.trigger("payment.failed", title="a payment fails", sample="payment_failed.json")
payment_paid = connector.trigger("payment.paid", title="a payment succeeds", sample="payment_paid.json")
subscription_cancelled = connector.trigger(
    "subscription.cancelled", title="a subscription is cancelled", sample="subscription_cancelled.json"
)
visit = connector.trigger("visit.made", title="someone checks in", sample="visit_made.json")
received = connector.trigger(
    "anything.received", title="something else comes from the tool", sample="anything_received.json"
)


@connector.connect
def connect(*, base_url: str | None, name: str, **fields: Any) -> Client:
    """A client for this tool. Raises SettingInvalid for a field that cannot be right."""
    return calling.connect(base_url=base_url, name=name, **fields)


@connector.check
def check(client: Client) -> str:
    """The tool's name."""
    return calling.check(client)


@connector.keys
def keys(delivery: Delivery) -> list[str]:
    return reading.keys(delivery)


@connector.adapt
def adapt(delivery: Delivery, fields: Mapping[str, Any]) -> Delivery:
    """A delivery in our shape, by what the owner said of theirs."""
    return mapping.adapt(delivery, fields)


@connector.events
def events(delivery: Delivery) -> Iterator[Event]:
    """The one event in a delivery. Raises PayloadUnreadable."""
    yield reading.event(delivery, connector.triggers.keys())


@connector.action(repeat="keyed", title="Send data to the tool", starts_messages=True)
def send(client: Client, data: Mapping[str, Any], *, url: str | None = None, key: str = "") -> dict[str, Any]:
    """Posts `data` as JSON to the address that the connection sends to, or to another `url` at the same host.

    It is signed as what comes from the tool is; `webhook-id` stays the same however often it is tried, so the tool can
    tell a repeat. The answer is `{"status": 200}`. Raises Rejected if the tool refuses it, if it answers with another
    address, and if the address is not a public one.
    """
    return calling.send(client, data, url, key)


@send.answering
def taken(**inputs: Any) -> list[Example]:
    return [("the tool takes it", {"status": 200})]


# The practice tool alone can be told where to send its events; the owner tells a real one.
@connector.subscribe
def subscribe(client: Client, webhook_url: str) -> dict[str, str]:
    """Has the practice tool send its events here."""
    calling.practise(client, "PUT", webhook_url)
    return {}


@connector.unsubscribe
def unsubscribe(client: Client, webhook_url: str) -> None:
    """Has the practice tool send no more."""
    calling.practise(client, "DELETE", webhook_url)
