"""What the practice shop's API answers about orders."""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import chain
from typing import Any

from .books import Books, Tell, Variables, find_customer, number, ordered_since, page_info, user_error, zulu
from .customers import customer_fields
from .webhook import now

PAGE = 50
NOTE_LENGTH = 5000


def get_order(books: Books, variables: Variables, tell: Tell) -> dict[str, Any]:
    found = books["orders"].get(number(variables["id"]))
    if found is None:
        return {"order": None}
    customer = books["customers"].get(found["customer"]["id"])
    return {"order": _order_fields(found) | {"customer": customer and customer_fields(customer)}}


def _order_fields(order: Mapping[str, Any]) -> dict[str, Any]:
    reason = order["cancel_reason"]
    kept = order["total_price"] if order["financial_status"] == "paid" else "0.00"
    return {
        "id": order["admin_graphql_api_id"],
        "name": order["name"],
        "createdAt": zulu(order["created_at"]),
        "updatedAt": zulu(order["updated_at"]),
        "cancelledAt": zulu(order["cancelled_at"]),
        "cancelReason": reason and reason.upper(),
        "fullyPaid": order["financial_status"] in ("paid", "refunded"),  # what was received counts, not what was kept
        "displayFinancialStatus": order["financial_status"].upper(),
        "displayFulfillmentStatus": (order["fulfillment_status"] or "unfulfilled").upper(),
        "email": order["email"],
        "phone": order["phone"],
        "note": order["note"],
        "tags": [tag for tag in order["tags"].split(", ") if tag],
        "checkoutToken": order["checkout_token"],
        "totalPriceSet": {"shopMoney": {"amount": order["total_price"], "currencyCode": "USD"}},
        "netPaymentSet": {"shopMoney": {"amount": kept, "currencyCode": "USD"}},
        "customer": {"id": order["customer"]["admin_graphql_api_id"]},
    }


_SEARCH = re.compile(
    r"\((?:customer_id:(?P<customer>\d+))?(?: OR )?(?:email:'(?P<email>(?:\\.|[^'])*)')?\)"
    r" AND created_at:>='(?P<since>[^']+)'"
)
"""The one search that the connector makes."""


def search_orders(books: Books, variables: Variables, tell: Tell) -> dict[str, Any]:
    wanted = _SEARCH.fullmatch(variables["search"])
    if wanted is None:
        raise ValueError("the practice shop does not understand this search")
    email, since = re.sub(r"\\(.)", r"\1", wanted["email"] or ""), zulu(wanted["since"]) or ""
    found = [find_customer(books, {"customer_id": wanted["customer"]}), find_customer(books, {"email": email})]
    people = {person["id"]: person for person in found if person}
    ordered = [ordered_since(person, since) for person in people.values()]
    oldest = ordered[0] if len(ordered) == 1 else sorted(chain(*ordered))
    start = int(variables.get("after") or 0)
    page = [books["orders"][order_id] for _, order_id in oldest[::-1][start : start + PAGE]]
    return {"orders": {"nodes": [_order_fields(order) for order in page], "pageInfo": page_info(start, page, oldest)}}


def read_note(books: Books, variables: Variables, tell: Tell) -> dict[str, Any]:
    found = books["orders"].get(number(variables["id"]))
    return {"order": found and {"id": variables["id"], "note": found["note"]}}


def write_note(books: Books, variables: Variables, tell: Tell) -> dict[str, Any]:
    order_id, note = number(variables["input"]["id"]), variables["input"]["note"]
    if order_id not in books["orders"]:
        return {"orderUpdate": {"order": None, "userErrors": [user_error(["id"], "Order does not exist")]}}
    if len(note) > NOTE_LENGTH:
        error = user_error(["note"], f"Note is too long (maximum is {NOTE_LENGTH} characters)")
        return {"orderUpdate": {"order": None, "userErrors": [error]}}
    books["orders"][order_id] = books["orders"][order_id] | {"note": note, "updated_at": now()}
    return {"orderUpdate": {"order": {"id": variables["input"]["id"], "note": note}, "userErrors": []}}
