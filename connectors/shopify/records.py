"""Shopify's customers and orders as the plain records that actions answer with."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from hub.addresses import email, phone
from hub.errors import Rejected
from hub.event import Person

_GID = re.compile(r"gid://shopify/([A-Za-z]+)/(\d+)")


def gid(kind: str, given: int | str) -> str:
    """The global id, `gid://shopify/Order/123`, from a number, its digits, or the global id itself.

    Raises Rejected if it is none, or one of another kind of thing.
    """
    text = str(given).strip()
    found = _GID.fullmatch(text)
    if found and found[1] == kind:
        return text
    if text.isascii() and text.isdecimal():
        return f"gid://shopify/{kind}/{text}"
    raise Rejected(f"This is not the id of a Shopify {kind.lower()}. Pass its number, as it comes in the events.")


def number(global_id: str) -> str:
    """The digits of a global id: 64 bits do not fit everyone's numbers, so they stay text."""
    found = _GID.match(global_id)
    if found is None:
        raise ValueError("no global id")
    return found[2]


def customer(found: Mapping[str, Any]) -> dict[str, Any]:
    """A customer's record: see `get_customer`."""
    mail, mobile = found["defaultEmailAddress"] or {}, found["defaultPhoneNumber"] or {}
    return {
        "id": number(found["id"]),
        "first_name": found["firstName"],
        "last_name": found["lastName"],
        "email": mail.get("emailAddress"),
        "phone": mobile.get("phoneNumber"),
        "country": (found["defaultAddress"] or {}).get("countryCodeV2"),
        "locale": found["locale"],
        "tags": list(found["tags"]),
        "orders_count": int(found["numberOfOrders"]),
        "total_spent": found["amountSpent"]["amount"],
        "currency": found["amountSpent"]["currencyCode"],
        "created_at": found["createdAt"],
        "updated_at": found["updatedAt"],
        "email_consent": _consent(mail),
        "sms_consent": _consent(mobile),
    }


def _consent(address: Mapping[str, Any]) -> dict[str, Any] | None:
    if not address:
        return None
    state = address["marketingState"].lower()
    return {"given": state == "subscribed", "state": state, "at": address["marketingUpdatedAt"]}


def order(found: Mapping[str, Any]) -> dict[str, Any]:
    """An order's record: see `get_order`, which adds the customer."""
    total = found["totalPriceSet"]["shopMoney"]
    return {
        "id": number(found["id"]),
        "name": found["name"],
        "email": found["email"],
        "phone": found["phone"],
        "customer_id": number(found["customer"]["id"]) if found["customer"] else None,
        "total": total["amount"],
        "currency": total["currencyCode"],
        "kept": found["netPaymentSet"]["shopMoney"]["amount"],
        "paid": bool(found["fullyPaid"]),
        "cancelled": found["cancelledAt"] is not None,
        "cancelled_at": found["cancelledAt"],
        "cancel_reason": _lower(found["cancelReason"]),
        "financial_status": _lower(found["displayFinancialStatus"]),
        "fulfillment_status": _lower(found["displayFulfillmentStatus"]),
        "checkout_token": found["checkoutToken"],
        "note": found["note"],
        "tags": list(found["tags"]),
        "created_at": found["createdAt"],
        "updated_at": found["updatedAt"],
    }


def discount(found: Mapping[str, Any]) -> dict[str, Any]:
    """A discount code's record: see `create_discount_code`."""
    basic = found["codeDiscount"]
    return {
        "id": number(found["id"]),
        "code": basic["codes"]["nodes"][0]["code"],
        "title": basic["title"],
        "percentage": round(basic["customerGets"]["value"]["percentage"] * 100, 4),
        "status": basic["status"].lower(),
        "usage_limit": basic["usageLimit"],
        "starts_at": basic["startsAt"],
        "ends_at": basic["endsAt"],
    }


def person(record: Mapping[str, Any], customer_id: str | None) -> Person:
    """Whom a customer's or an order's record is about."""
    return Person(
        email=email(record["email"]),
        phone=phone(record["phone"], record.get("country")),
        ids={"shopify.customer": customer_id} if customer_id else {},
    )


def _lower(text: str | None) -> str | None:
    return text.lower() if text else None
