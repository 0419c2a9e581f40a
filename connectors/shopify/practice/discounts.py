"""The practice shop's discount codes, by the code in lower case."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from .books import Books, Tell, Variables, is_future, number, user_error, zulu
from .webhook import now


def _discount(discount: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": discount["id"],
        "codeDiscount": {
            "__typename": "DiscountCodeBasic",
            "title": discount["title"],
            "status": "SCHEDULED" if is_future(discount["startsAt"]) else "ACTIVE",
            "createdAt": discount["createdAt"],
            "startsAt": discount["startsAt"],
            "endsAt": discount["endsAt"],
            "usageLimit": discount["usageLimit"],
            "codes": {"nodes": [{"code": discount["code"]}]},
            "customerGets": {"value": {"__typename": "DiscountPercentage", "percentage": discount["percentage"]}},
        },
    }


def create_discount(books: Books, variables: Variables, tell: Tell) -> dict[str, Any]:
    asked = variables["discount"]
    percentage, ends = asked["customerGets"]["value"]["percentage"], asked.get("endsAt")
    error = None
    if not asked.get("code"):
        error = _discount_error("code", "Code can't be blank", "BLANK")
    elif asked["code"].lower() in books["discounts"]:
        error = _discount_error("code", "Code must be unique. Please try a different code.", "TAKEN")
    elif not 0 < percentage <= 1:
        error = _discount_error("customerGets", "Value must be between 0.0 and 1.0", "VALUE_OUTSIDE_RANGE")
    elif any(number(customer) not in books["customers"] for customer in _for_whom(asked)):
        error = _discount_error("context", "Customer does not exist", "INVALID")
    elif ends and datetime.fromisoformat(ends) <= datetime.fromisoformat(asked["startsAt"]):
        error = _discount_error("endsAt", "Ends at needs to be after starts_at", "END_DATE_BEFORE_START_DATE")
    if error:
        return {"discountCodeBasicCreate": {"codeDiscountNode": None, "userErrors": [error]}}
    made = {
        "id": f"gid://shopify/DiscountCodeNode/{1057856000 + len(books['discounts'])}",
        "code": asked["code"],
        "title": asked["title"],
        "percentage": percentage,
        "startsAt": zulu(asked["startsAt"]),
        "endsAt": zulu(ends),
        "usageLimit": asked.get("usageLimit"),
        "createdAt": zulu(now()),
    }
    books["discounts"][asked["code"].lower()] = made
    return {"discountCodeBasicCreate": {"codeDiscountNode": _discount(made), "userErrors": []}}


def _for_whom(asked: Mapping[str, Any]) -> list[str]:
    """The customers alone who may use it; none if all may."""
    customers: list[str] = (asked["context"].get("customers") or {}).get("add") or []
    return customers


def _discount_error(field: str, message: str, code: str) -> dict[str, Any]:
    return user_error(["basicCodeDiscount", field], message, code=code)


def find_discount(books: Books, variables: Variables, tell: Tell) -> dict[str, Any]:
    found = books["discounts"].get(variables["code"].lower())
    return {"codeDiscountNodeByCode": found and _discount(found)}
