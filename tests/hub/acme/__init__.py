"""Acme: a small connector that keeps the contract. Tests of the hub use it, and break it."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from hub import UNKNOWN, Connector, Delivery, Event, Field, Limit, OAuth, Person, addresses
from hub.errors import PayloadUnreadable
from hub.http import Session, refusal
from webhooks.signatures import hmac_header

connector = Connector(
    "acme",
    title="Acme",
    about="Takes orders.",
    fields=[
        Field("token", "Token", help="On the page Keys.", secret=True),
        Field("webhook_secret", "Webhook secret", help="On the page Webhooks.", secret=True, several=True),
        Field("shop", "Shop", required=False),
    ],
    verify=hmac_header("x-acme-signature", fields=["webhook_secret"]),
    limit=Limit(calls=10),
    oauth=OAuth(
        authorize="https://acme.example/oauth/authorize",
        token="https://acme.example/oauth/token",
        practice=("an-app", "its-secret"),
        keeps="token",
        signs="webhook_secret",
    ),
)

order_created = connector.trigger("order.created", title="an order comes in", sample="order_created.json")
order_paid = connector.trigger("order.paid", title="an order is paid", sample="order_paid.json")
TYPES = {"created": order_created.type, "paid": order_paid.type}


class Client:
    """A login at Acme."""

    def __init__(self, token: str, base_url: str | None) -> None:
        self.session = Session(base_url or "https://acme.example")
        self.session.headers["Authorization"] = f"Bearer {token}"


@connector.connect
def connect(*, base_url: str | None, token: str, webhook_secret: Sequence[str] = (), shop: str | None = None) -> Client:
    return Client(token, base_url)


@connector.check
def check(client: Client) -> str:
    answer = client.session.get("/account")
    if answer.status_code != 200:
        raise refusal(answer.status_code, "Acme says no")
    try:
        return str(answer.json()["name"])
    except (ValueError, KeyError, TypeError):
        raise refusal(500, "Acme's answer cannot be read") from None


@connector.keys
def keys(delivery: Delivery) -> list[str]:
    return [delivery.headers["x-acme-id"]]


@connector.events
def events(delivery: Delivery) -> Iterator[Event]:
    data = delivery.json
    if not isinstance(data, dict) or not isinstance(data.get("id"), int) or not isinstance(data.get("email"), str):
        raise PayloadUnreadable("The body is not an order of Acme's.")
    kind = TYPES.get(delivery.headers.get("x-acme-topic", ""), UNKNOWN)
    person = Person(email=addresses.email(data["email"]), ids={"acme.order": str(data["id"])})
    yield Event(f"{kind}:{data['id']}", kind, datetime(2026, 11, 22, tzinfo=UTC), data, person)


@connector.action(repeat="once", title="Send a note", channel="email", recipient="to")
def send_note(client: Client, to: str, text: str, *, purpose: str) -> dict[str, Any]:
    """Sends a note."""
    return {"to": to, "text": text, "purpose": purpose}


@connector.action(repeat="keyed", title="Add a tag")
def add_tag(client: Client, to: str, tag: str = "customer", *, key: str) -> str:
    """Adds a tag."""
    return f"{to} {tag} {key}"


@add_tag.batched(by=["tag"], limit=3)
def add_tags(client: Client, calls: list[dict[str, Any]]) -> list[str]:
    return [f"{call['to']} {call['tag']}" for call in calls]
