"""What the practice shop knows, and how it is found: customers, their consent, their orders.

Plain data throughout: `books["customers"]` and `["orders"]` by number, `["known"]` a customer's number by e-mail
address and by phone, and with each customer when they ordered what, oldest first, and what it came to. So neither
thousands of customers nor thousands of orders of one cost a search.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from hub.practice import moment

from .people import FIRST_CUSTOMER
from .webhook import now

Books = dict[str, Any]
Variables = Mapping[str, Any]
Tell = Callable[[str, Mapping[str, Any]], None]
"""Sends a topic with its payload to whoever subscribed to it; of a consent, the customer it is about."""

CONSENT_TOPICS = {
    "email": "customers_email_marketing_consent/update",
    "sms": "customers_marketing_consent/update",
}

BUCKET, RESTORE = 2000.0, 100.0
"""Points that fit the bucket, and that come back per second, on Shopify's standard plans."""


def new_shop(scopes: list[str]) -> Books:
    """The books of a shop without customers, with the app installed.

    It numbers orders and customers from a place of its own: a hub that knew an earlier practice shop would take an
    order with the same number for a repeat, and a customer for the one who had the number before.
    """
    place = int(moment.seconds()) % 1_000_000
    return {
        "shop_name": "Practice Mill",
        "installed": True,
        "scopes": scopes,
        "customers": {},
        "known": {},
        "orders": {},
        "checkouts": {},
        "discounts": {},
        "subscriptions": {},
        "last_order": 1000 + place,
        "customers_from": FIRST_CUSTOMER + place * 1000,
        "last_subscription": 0,
        "bucket": {"size": BUCKET, "restore": RESTORE, "left": BUCKET, "at": moment.monotonic()},
    }


def new_customer(books: Books, details: Mapping[str, Any], customer_id: int | None = None) -> dict[str, Any]:
    """A customer who is new to the shop: email, phone, name or first_name and last_name, at; of the next id, if none is
    given. Nothing is said about marketing yet."""
    first, _, last = str(details["name"]).partition(" ")
    at = details.get("at") or now()
    customer = {
        "id": customer_id or books["customers_from"] + len(books["customers"]) + 1,
        "email_address": details["email"],
        "phone": details["phone"],
        "first_name": details.get("first_name", first),
        "last_name": details.get("last_name", last),
        "tags": [],
        "orders": [],
        "spent_cents": 0,
        "created_at": at,
        "updated_at": at,
        "email": {"state": "NOT_SUBSCRIBED", "level": None, "at": None},
        "sms": {"state": "NOT_SUBSCRIBED", "level": None, "at": None},
    }
    books["customers"][customer["id"]] = customer
    remember(books, customer)
    return customer


def remember(books: Books, customer: Mapping[str, Any]) -> None:
    """Has a customer found by e-mail address and phone from now on."""
    for address in (customer["email_address"], customer["phone"]):
        if address:
            books["known"].setdefault(address.lower(), customer["id"])


def find_customer(books: Books, details: Mapping[str, Any]) -> dict[str, Any] | None:
    """The customer of this customer_id, else of this email, else of this phone."""
    found = int(details.get("customer_id") or 0)
    for name in ("email", "phone"):
        found = found or books["known"].get(str(details.get(name)).lower(), 0)
    customer: dict[str, Any] | None = books["customers"].get(found)
    return customer


def set_consent(customer: dict[str, Any], channel: str, state: str, level: str | None, at: str) -> bool:
    """Writes a consent down, and says whether that changed anything."""
    before, customer[channel] = customer[channel], {"state": state, "level": level, "at": at}
    return bool(before != customer[channel])


def keep_order(books: Books, customer: dict[str, Any], order: dict[str, Any]) -> None:
    """Writes a customer's new order down."""
    books["orders"][order["id"]] = order
    insort(customer["orders"], (zulu(order["created_at"]), order["id"]))
    customer["spent_cents"] += round(float(order["total_price"]) * 100)


def ordered_since(customer: Mapping[str, Any], since: str) -> list[tuple[str, int]]:
    """When a customer ordered what, (`2026-11-22T12:00:00Z`, number), at or after this time, oldest first."""
    orders: list[tuple[str, int]] = customer["orders"]
    return orders[bisect_left(orders, (since,)) :]


# ---- as GraphQL writes things


def number(global_id: str) -> int:
    return int(global_id.rpartition("/")[2])


def zulu(at: str | None) -> str | None:
    return None if at is None else datetime.fromisoformat(at).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def is_future(at: str | None) -> bool:
    return at is not None and datetime.fromisoformat(at) > datetime.fromisoformat(now())


def user_error(field: list[str], message: str, **code: str) -> dict[str, Any]:
    return {"field": field, "message": message} | code


def page_info(start: int, page: list[Any], found: list[Any]) -> dict[str, Any]:
    end = start + len(page)
    return {"hasNextPage": end < len(found), "endCursor": str(end) if page else None}
