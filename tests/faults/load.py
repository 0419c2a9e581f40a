"""What happens at the providers during a run, from the seed: orders, and whatever else is delivered to the door."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from connectors.hubspot.practice_webhooks import change
from connectors.hubspot.practice_webhooks import signed as signed_by_hubspot
from connectors.shopify.practice import order_payload
from connectors.shopify.practice import service as shop
from connectors.shopify.practice import signed as signed_by_shopify
from connectors.twilio import practice_shapes
from connectors.twilio.practice import signed as signed_by_twilio
from connectors.twilio.practice_account import ACCOUNT, NUMBER, TOKEN

SECONDS = 4.0
"""From the first delivery to the last."""

TEXT = "Thank you, {first_name}!"
"""What the recipe is to text: so a text tells of which order it is, unless the person's orders are all alike."""

Signed = tuple[dict[str, str], bytes]


@dataclass(frozen=True)
class Who:
    """One buyer. `alike`: each of their orders makes the same text, so that only counting tells them apart."""

    number: int
    alike: bool

    @property
    def email(self) -> str:
        return f"buyer{self.number}@example.com"

    @property
    def phone(self) -> str:
        return f"+1415{5_550_000 + self.number}"


@dataclass(frozen=True)
class Order:
    """One order. `place`: the how manieth of its buyer's it is, by the time at which it was placed."""

    number: int
    who: Who
    place: int
    at: datetime

    @property
    def first_name(self) -> str:
        return f"Quentin{self.who.number}" if self.who.alike else f"Quentin{self.who.number}n{self.place}"

    @property
    def text(self) -> str:
        return TEXT.replace("{first_name}", self.first_name)

    @property
    def payload(self) -> dict[str, Any]:
        return order_payload(
            self.number,
            email=self.who.email,
            phone=self.who.phone,
            first_name=self.first_name,
            last_name=f"Quimby{self.who.number}",
            customer_id=900_000_000 + self.who.number,
            at=self.at.isoformat(),
        )


@dataclass
class Delivery:
    """One event as a provider delivers it: to the door of `connector`, from `at` on, again until it is answered 2xx,
    or once if it is not `patient`. It is made anew for each try: some providers sign the time.

    key      what happened: the same for its repeats
    type     the event's type, as `hub events` tells it; None for a forged one
    order    the order it is about
    """

    at: float
    connector: str
    key: str
    type: str | None
    make: Callable[[str], Signed] = field(repr=False)
    order: Order | None = None
    patient: bool = True
    sent_at: float | None = None
    answered_at: float | None = None
    statuses: list[int] = field(default_factory=list)

    @property
    def acknowledged(self) -> bool:
        return self.answered_at is not None


@dataclass
class Load:
    """All of a seed's deliveries, by time. `stopped` are buyers who text STOP before they order, by their number."""

    orders: list[Order]
    deliveries: list[Delivery]
    stopped: Mapping[int, str]

    def of(self, order: Order) -> list[Delivery]:
        return [delivery for delivery in self.deliveries if delivery.order is order]


def load(seed: int, begins: datetime) -> Load:
    """The load of a seed. Orders are placed from an hour before `begins` on, so that none is in the future."""
    chance = random.Random(f"load {seed}")
    buyers = [Who(number, alike=chance.random() < 0.2) for number in range(chance.randint(18, 26))]
    orders: list[Order] = []
    deliveries: list[Delivery] = []
    for who in buyers:
        placed = [begins - timedelta(hours=1) + timedelta(seconds=60 * n + who.number) for n in range(_count(chance))]
        mine = [Order(1000 + len(orders) + n, who, n, at) for n, at in enumerate(placed)]
        orders += mine
        deliveries += _delivered(chance, mine)
    stopped = {}
    for who in chance.sample(buyers, 2):
        first = min(delivery.at for delivery in deliveries if delivery.order and delivery.order.who is who)
        stopped[who.number] = f"stop {who.number}"
        deliveries.append(_text_in(max(0.0, first - 1.0), stopped[who.number], who, "STOP"))
    deliveries += _others(chance, buyers)
    return Load(orders, sorted(deliveries, key=lambda delivery: delivery.at), stopped)


def _count(chance: random.Random) -> int:
    return chance.choice([1, 1, 1, 2, 3, 4])


def _delivered(chance: random.Random, orders: list[Order]) -> Iterator[Delivery]:
    """One buyer's orders, most of them in the order in which they were placed, each one to three times."""
    firsts = sorted(chance.uniform(0, SECONDS) for _ in orders)
    if chance.random() < 0.25:
        chance.shuffle(firsts)
    for order, first in zip(orders, firsts, strict=True):
        patient = chance.random() < 0.9
        topics = ["orders/create", "orders/paid"] if chance.random() < 0.3 else ["orders/create"]
        for topic in topics:
            for number in range(chance.choice([1, 1, 2, 3])):
                at = first + number * chance.uniform(0, 1.0)
                yield _order_delivery(at, topic, order, f"{topic} {order.number} {number}", patient)


def _order_delivery(at: float, topic: str, order: Order, webhook: str, patient: bool) -> Delivery:
    key = f"{topic} {order.number}"
    happened = topic.replace("orders/create", "order.created").replace("orders/paid", "order.paid")

    def make(url: str) -> Signed:
        secret, at = shop.account["webhook_secret"], order.at.isoformat()
        return signed_by_shopify(topic, order.payload, secret, event_id=key, webhook_id=webhook, triggered_at=at)

    return Delivery(at, "shopify", key, f"shopify.{happened}", make, order, patient)


def _others(chance: random.Random, buyers: list[Who]) -> Iterator[Delivery]:
    """Forged orders, changes in HubSpot, and texts that came in."""
    for number in range(8):
        payload = order_payload(70_000 + number, email=f"forged{number}@example.com", first_name="Mallory")
        make = _forged if chance.random() < 0.5 else _unsigned
        yield Delivery(chance.uniform(0, SECONDS), "shopify", f"forged {number}", None, make(payload), patient=False)
    for number in range(6):
        at = chance.uniform(0, SECONDS)
        for _ in range(chance.choice([1, 2])):
            yield Delivery(at, "hubspot", f"change {number}", "hubspot.contact.created", _change(number))
    for number in range(4):
        who = chance.choice(buyers)
        yield _text_in(chance.uniform(0, SECONDS), f"help {number}", who, "HELP")


def _forged(payload: Mapping[str, Any]) -> Callable[[str], Signed]:
    return lambda url: signed_by_shopify("orders/create", payload, "not the secret")


def _unsigned(payload: Mapping[str, Any]) -> Callable[[str], Signed]:
    def make(url: str) -> Signed:
        headers, body = signed_by_shopify("orders/create", payload, "not the secret")
        return {name: value for name, value in headers.items() if name != "X-Shopify-Hmac-Sha256"}, body

    return make


def _change(number: int) -> Callable[[str], Signed]:
    def make(url: str) -> Signed:
        at = round(datetime.now(UTC).timestamp() * 1000)
        told = change("contact.creation", 500_000 + number, at_ms=1_790_000_000_000, event_id=100 + number)
        return signed_by_hubspot([told], url, at_ms=at)

    return make


TEXT_TYPES = {"STOP": "twilio.person.opted_out", "HELP": "twilio.help.requested"}


def _text_in(at: float, key: str, who: Who, text: str) -> Delivery:
    message = practice_shapes.message(
        ACCOUNT,
        to=NUMBER,
        body=text,
        sender=who.phone,
        service=None,
        direction="inbound",
        status="received",
        segments=1,
    )
    form = practice_shapes.inbound_form(message)
    return Delivery(at, "twilio", key, TEXT_TYPES[text], lambda url: signed_by_twilio(form, url, TOKEN))
