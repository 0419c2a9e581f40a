"""Events as the connectors read them from deliveries, for tests of recipes. All are about Ada, who lives in London, on
22 November 2026."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from connectors import mailchimp, shopify
from connectors.mailchimp import practice as newsletter
from connectors.shopify import practice as shop
from connectors.shopify.practice.people import consent_payload
from hub import Delivery, Event

ADA = "ada@example.com"
PHONE = "+14155550123"
NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
AUDIENCE = "practice"
CUSTOMER = 706405506930370084

Sent = tuple[Mapping[str, str], bytes]
"""A delivery as it is posted: its headers and its body."""


def after(**span: float) -> datetime:
    return NOON + timedelta(**span)


def cart(at: datetime = NOON, topic: str = "checkouts/create", token: str = "c0ffee", **changes: Any) -> Sent:
    made = shop.checkout_payload(token, email=ADA, phone=PHONE, customer_id=CUSTOMER, at=at.isoformat())
    return _from_shop(topic, made | changes, at)


def order(at: datetime, **changes: Any) -> Sent:
    made = shop.order_payload(1001, email=ADA, phone=PHONE, customer_id=CUSTOMER, at=at.isoformat())
    return _from_shop("orders/create", made | changes, at)


def customer(at: datetime = NOON, topic: str = "customers/create", **changes: Any) -> Sent:
    return _from_shop(topic, shop.customer_payload(CUSTOMER, email=ADA, phone=PHONE) | changes, at)


def said_in_shop(state: str, at: datetime = NOON) -> Sent:
    told = {"state": state, "level": None, "at": at.isoformat()}
    payload = consent_payload({"id": CUSTOMER, "email_address": ADA, "email": told}, "email")
    return _from_shop("customers_email_marketing_consent/update", payload, at)


def in_newsletter(kind: str, at: datetime = NOON, *, audience: str = AUDIENCE, **data: str) -> Sent:
    """`kind` in Mailchimp's words: subscribe, unsubscribe, cleaned."""
    told = {"id": "8a25ff1d98", "list_id": audience, "email": ADA} | data
    form = {"type": kind, "fired_at": f"{at:%Y-%m-%d %H:%M:%S}"}
    return newsletter.signed(form | {f"data[{name}]": text for name, text in told.items()}, "", "secret", at)


def _from_shop(topic: str, payload: Mapping[str, Any], at: datetime) -> Sent:
    customer = payload if "default_address" in payload else payload.get("customer") or {}
    for address in (payload.get("billing_address"), customer.get("default_address")):
        if address:
            address |= {"country_code": "GB", "province_code": "ENG"}
    return shop.signed(topic, payload, "secret", triggered_at=at.isoformat())


def read(sent: Sent) -> Event:
    """The event in a delivery."""
    headers = {name.lower(): value for name, value in sent[0].items()}
    connector = shopify.connector if "x-shopify-topic" in headers else mailchimp.connector
    url = f"https://hub.example/webhooks/{connector.name}/1"
    return next(connector.read(Delivery("POST", url, headers, sent[1], NOON)))
