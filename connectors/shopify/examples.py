"""What a shop may answer, for drawing a recipe without asking one: records as `records` makes them, of nobody real."""

from __future__ import annotations

from typing import Any

from hub.action import Example, Item
from hub.event import Person

_BEFORE = "2026-01-02T10:00:00Z"


def _customer(given: bool) -> dict[str, Any]:
    consent = {"given": given, "state": "subscribed" if given else "unsubscribed", "at": _BEFORE}
    return {
        "id": "706405506930370084",
        "first_name": "Ada",
        "last_name": "Miller",
        "email": "ada@example.com",
        "phone": "+14155550142",
        "country": "US",
        "locale": "en",
        "tags": [],
        "orders_count": 0,
        "total_spent": "0.00",
        "currency": "USD",
        "created_at": _BEFORE,
        "updated_at": _BEFORE,
        "email_consent": consent,
        "sms_consent": consent,
    }


def _order() -> dict[str, Any]:
    return {
        "id": "820982911946154508",
        "name": "#1042",
        "email": "ada@example.com",
        "phone": "+14155550142",
        "customer_id": "706405506930370084",
        "total": "84.90",
        "currency": "USD",
        "kept": "84.90",
        "paid": True,
        "cancelled": False,
        "cancelled_at": None,
        "cancel_reason": None,
        "financial_status": "paid",
        "fulfillment_status": "unfulfilled",
        "checkout_token": None,
        "note": "",
        "tags": [],
        "created_at": _BEFORE,
        "updated_at": _BEFORE,
    }


def listed_customers(**_: object) -> list[Example]:
    told = _customer(True) | {
        "orders_count": 3,
        "total_spent": "184.70",
        "last_order_at": _BEFORE,
        "tags": ["tier-silver"],
    }
    person = Person(told["email"], told["phone"], {"shopify.customer": told["id"]})
    return [("somebody is a customer", Item(told["id"], told, person))]


def customers(**_: object) -> list[Example]:
    often = _customer(True) | {"orders_count": 24, "total_spent": "2037.60"}
    return [*_agreed_or_not(), ("they bought often", often)]


def customers_or_none(**_: object) -> list[Example]:
    bought = _customer(True) | {"orders_count": 1, "total_spent": "84.90"}
    return [*_agreed_or_not(), ("they bought something before", bought), ("the shop does not know them", None)]


def _agreed_or_not() -> list[Example]:
    return [
        ("they agreed to newsletters in the shop", _customer(True)),
        ("they did not agree to newsletters in the shop", _customer(False)),
    ]


def orders(**_: object) -> list[Example]:
    return [
        ("it is paid", _order() | {"customer": _customer(True)}),
        ("it is cancelled", _order() | {"cancelled": True, "cancelled_at": _BEFORE, "customer": _customer(True)}),
    ]


def lists_of_orders(**_: object) -> list[Example]:
    often = [_order() | {"created_at": f"2025-12-{day:02}T10:00:00Z"} for day in (29, 22, 15, 8, 1)]
    return [("they did not order", []), ("they ordered", [_order()]), ("they order each week", often)]
