"""Reading deliveries: whom a payload is about, when it happened, and what it says about consent.

Payload shapes: https://shopify.dev/docs/api/webhooks · ids have 64 bits, and Python keeps them exact.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from hub import addresses
from hub.delivery import Delivery
from hub.errors import PayloadUnreadable
from hub.event import UNKNOWN, Channel, Consent, Event, Person, Place

from .actions import consent_fingerprint

Payload = Mapping[str, Any]


@dataclass(frozen=True)
class Reading:
    """What a payload tells besides its data."""

    person: Person = Person()
    consents: tuple[Consent, ...] = ()
    echo: str | None = None
    place: Place | None = None


def header(delivery: Delivery, name: str) -> str | None:
    """A header of Shopify's, of the older family `X-Shopify-…` or of the newer one `Shopify-…`."""
    return delivery.headers.get(f"x-shopify-{name}") or delivery.headers.get(f"shopify-{name}")


def keys(delivery: Delivery) -> list[str]:
    """Shopify's own ids of a delivery: its event's, which several topics share, and its own."""
    event, webhook = header(delivery, "event-id"), header(delivery, "webhook-id")
    found = [f"event:{header(delivery, 'topic')}:{event}"] if event else []
    return found + ([f"webhook:{webhook}"] if webhook else [])


def event(delivery: Delivery, types: Mapping[str, str]) -> Event:
    """The event in a delivery; `types` maps topics, "orders/create", to our types. Raises PayloadUnreadable."""
    topic, payload = header(delivery, "topic"), delivery.json
    if not topic:
        raise PayloadUnreadable("The delivery does not say what it is about: the header X-Shopify-Topic is missing.")
    if not isinstance(payload, dict):
        raise PayloadUnreadable("The body is not a JSON object, as all of Shopify's are.")
    at = _triggered(delivery, payload)
    reading = _READERS[topic](payload, at) if topic in types else Reading()
    return Event(
        key=next(iter(keys(delivery)), None) or _digest(topic, delivery.body),
        type=types.get(topic, UNKNOWN),
        at=at,
        data=payload,
        person=reading.person,
        consents=reading.consents,
        echo=reading.echo,
        place=reading.place,
    )


def _digest(topic: str, body: bytes) -> str:
    return "body:" + hashlib.sha256(topic.encode() + b"\n" + body).hexdigest()


def _triggered(delivery: Delivery, payload: Payload) -> datetime:
    told = (header(delivery, "triggered-at"), payload.get("updated_at"), payload.get("created_at"))
    return next((at for at in map(_time, told) if at), delivery.received_at)


def _time(value: object) -> datetime | None:
    with suppress(ValueError, TypeError, OverflowError):
        at = datetime.fromisoformat(value)  # type: ignore[arg-type]
        return at.astimezone(UTC) if at.tzinfo else None
    return None


# ---- one value of a payload: of the right kind, absent, or a PayloadUnreadable


def _text(record: Payload, name: str) -> str | None:
    value = record.get(name)
    if value is None or isinstance(value, str):
        return value
    raise PayloadUnreadable(f"{name} in the payload is not a text.")


def _part(record: Payload, name: str) -> Payload:
    value = record.get(name)
    if value is None:
        return {}
    if isinstance(value, dict):
        return value
    raise PayloadUnreadable(f"{name} in the payload is not an object.")


def _id(record: Payload, name: str = "id") -> str:
    value = record.get(name)
    if isinstance(value, int) and not isinstance(value, bool) and value > 0:
        return str(value)
    raise PayloadUnreadable(f"{name} in the payload is not the number of anything.")


def _needed(value: object, name: str) -> None:
    if not value:
        raise PayloadUnreadable(f"{name} is missing in the payload.")


# ---- readers, one per kind of payload


def _order(payload: Payload, at: datetime) -> Reading:
    _id(payload)
    made = _time(_text(payload, "created_at"))
    _needed(made, "created_at")
    person = _buyer(payload)
    said = (*_ticked(payload, person, made or at), *_customer_consents(_part(payload, "customer")))
    return Reading(person, said, place=_place(payload))


def _checkout(payload: Payload, at: datetime) -> Reading:
    _needed(_text(payload, "token"), "token")
    person = _buyer(payload)
    made = _time(_text(payload, "created_at")) or at
    said = (*_ticked(payload, person, made), *_customer_consents(_part(payload, "customer")))
    return Reading(person, said, place=_place(payload))


def _refund(payload: Payload, at: datetime) -> Reading:
    _id(payload)
    _id(payload, "order_id")
    return Reading()  # it names the order only; `get_order` tells whose it is


def _customer(payload: Payload, at: datetime) -> Reading:
    person = Person(
        email=addresses.email(_text(payload, "email")),
        phone=addresses.phone(_text(payload, "phone"), _region({"customer": payload})),
        ids={"shopify.customer": _id(payload)},
    )
    return Reading(person, tuple(_customer_consents(payload)), place=_place({"customer": payload}))


def _email_consent(payload: Payload, at: datetime) -> Reading:
    person = Person(
        email=addresses.email(_text(payload, "email_address")),
        ids={"shopify.customer": _id(payload, "customer_id")},
    )
    return _consent_change(payload, "email", person, at)


def _sms_consent(payload: Payload, at: datetime) -> Reading:
    person = Person(phone=addresses.phone(_text(payload, "phone")), ids={"shopify.customer": _id(payload)})
    return _consent_change(payload, "sms", person, at)


def _privacy_request(payload: Payload, at: datetime) -> Reading:
    customer = _part(payload, "customer")
    _needed(customer, "customer")
    return _customer(customer, at)


def _shop_redact(payload: Payload, at: datetime) -> Reading:
    _needed(_text(payload, "shop_domain"), "shop_domain")
    return Reading()


def _uninstalled(payload: Payload, at: datetime) -> Reading:
    _id(payload)
    return Reading()  # its e-mail and phone are the shop's own


_READERS: Mapping[str, Callable[[Payload, datetime], Reading]] = {
    "orders/create": _order,
    "orders/paid": _order,
    "orders/fulfilled": _order,
    "orders/cancelled": _order,
    "refunds/create": _refund,
    "checkouts/create": _checkout,
    "checkouts/update": _checkout,
    "customers/create": _customer,
    "customers/update": _customer,
    "customers_email_marketing_consent/update": _email_consent,
    "customers_marketing_consent/update": _sms_consent,
    "app/uninstalled": _uninstalled,
    "customers/data_request": _privacy_request,
    "customers/redact": _privacy_request,
    "shop/redact": _shop_redact,
}


# ---- persons


def _buyer(payload: Payload) -> Person:
    """Who placed an order or began a checkout. A delivery address may be someone else's, so its phone never counts."""
    customer, billing = _part(payload, "customer"), _part(payload, "billing_address")
    mails = (_text(payload, "email"), _text(payload, "contact_email"), _text(customer, "email"))
    phones = (_text(payload, "phone"), _text(customer, "phone"), _text(billing, "phone"))
    region = _region(payload)
    return Person(
        email=next(filter(None, map(addresses.email, mails)), None),
        phone=next(filter(None, (addresses.phone(phone, region) for phone in phones)), None),
        ids={"shopify.customer": _id(customer)} if customer else {},
    )


def _region(payload: Payload) -> str | None:
    """The country by which a number without its country code is read."""
    places = (
        _part(payload, "billing_address"),
        _part(payload, "shipping_address"),
        _part(_part(payload, "customer"), "default_address"),
    )
    return next(filter(None, (_text(place, "country_code") for place in places)), None)


def _place(payload: Payload) -> Place | None:
    """Where the buyer lives: not where the order goes, which may be a present's way."""
    customer = _part(_part(payload, "customer"), "default_address")
    for place in (_part(payload, "billing_address"), customer):
        if country := _text(place, "country_code"):
            return Place(country=country, province=_text(place, "province_code"))
    return None


# ---- consent

_STATES = {"subscribed": True, "unsubscribed": False, "redacted": False}
"""States that are a yes or a no. The others ("not_subscribed", "pending", "invalid") are neither: nobody asked, or
the answer is not there yet."""


def _ticked(payload: Payload, person: Person, made: datetime) -> Iterator[Consent]:
    """The boxes ticked in a checkout; one that was not ticked takes nothing back.

    They count from when the order or checkout was made: it is told again, with later times, for other reasons.
    """
    if payload.get("buyer_accepts_marketing") is True and person.email:
        yield Consent("email", person.email, True, made)
    mobile = addresses.phone(_text(payload, "sms_marketing_phone"), _region(payload))
    if payload.get("buyer_accepts_sms_marketing") is True and mobile:
        yield Consent("sms", mobile, True, made)


def _customer_consents(customer: Payload) -> Iterator[Consent]:
    """What a customer's record says. It counts with its own time only: a yes dated by the record's last change
    would outdo a no that was said elsewhere meanwhile."""
    mail = addresses.email(_text(customer, "email"))
    mobile = addresses.phone(_text(customer, "phone"), _region({"customer": customer}))
    told: tuple[tuple[Channel, str | None, str], ...] = (
        ("email", mail, "email_marketing_consent"),
        ("sms", mobile, "sms_marketing_consent"),
    )
    for channel, address, name in told:
        consent = _part(customer, name)
        given, since = _STATES.get(_text(consent, "state") or ""), _time(_text(consent, "consent_updated_at"))
        if address and given is not None and since:
            yield Consent(channel, address, given, since)


def _consent_change(payload: Payload, channel: Channel, person: Person, at: datetime) -> Reading:
    """A change of consent: whatever it changed to but a yes, an earlier yes holds no longer."""
    consent = _part(payload, "email_marketing_consent" if channel == "email" else "sms_marketing_consent")
    state, since = _text(consent, "state"), _time(_text(consent, "consent_updated_at"))
    address = person.email if channel == "email" else person.phone
    if state is None:
        return Reading(person)
    given = state == "subscribed"
    consents = (Consent(channel, address, given, since or at),) if address else ()
    written = since if state in ("subscribed", "unsubscribed") else None  # what `update_marketing_consent` can write
    echo = consent_fingerprint(channel, person.ids["shopify.customer"], given, written) if written else None
    return Reading(person, consents, echo)
