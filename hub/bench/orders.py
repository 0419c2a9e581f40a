"""Orders as the practice shop signs them: each of somebody else, 5 KB long."""

from __future__ import annotations

import importlib
import json
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from .. import registry

BODY_BYTES = 5 * 1024
LEFT_OUT = ("shipping_lines", "client_details", "payment_terms")


@cache
def _shop() -> Any:
    return importlib.import_module(f"{registry.connector('shopify').package}.practice")


def email(number: int) -> str:
    return f"person{number}@example.com"


def phone(number: int) -> str:
    return f"+1415{5_000_000 + number}"


def order(number: int, *, with_phone: bool = True) -> tuple[Mapping[str, str], bytes]:
    """The headers and the body of an order, and nobody else's: its person is `email(number)` and `phone(number)`.

    The shop's full order is larger. This is what Shopify sends to a subscription that leaves out the amounts in both
    currencies, the shipping lines and all but one line item, and a note from the customer fills it up.
    """
    shop = _shop()
    full = shop.order_payload(number, email=email(number), phone=phone(number) if with_phone else None)
    payload = {name: value for name, value in full.items() if not name.endswith("_set") and name not in LEFT_OUT}
    payload["line_items"] = full["line_items"][:1]
    payload["note"] = ""
    length = len(json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode())
    payload["note"] = ("Please leave it with the neighbours. " * 200)[: max(0, BODY_BYTES - length)]
    secret = shop.service.account["webhook_secret"]
    headers, body = shop.signed(
        "orders/create", payload, secret, event_id=f"event-{number}", webhook_id=f"hook-{number}"
    )
    return headers, body


def orders(first: int, count: int) -> Iterator[tuple[Mapping[str, str], bytes]]:
    """The orders from this number on."""
    return (order(number) for number in range(first, first + count))
