"""What the reminders of a left cart share: when a cart is one, how it stands by now, and whether they ordered."""

from __future__ import annotations

from collections.abc import Generator
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from connectors import shopify
from hub import Event, Step, now, wait_for

changes = [shopify.checkout_created, shopify.checkout_updated]
"""What tells of a cart."""


def is_left(event: Event) -> bool:
    """The cart has something in it, and is no order yet."""
    return Decimal(event.data["total_price"] or 0) > 0 and event.data.get("completed_at") is None


def rested(cart: Event, rest: timedelta) -> Generator[Step, Any, Event]:
    """The cart as it was left last, once nobody touched it for so long."""
    while True:
        pause = cart.at + rest - (yield now())
        touched = yield wait_for(*changes, timeout=max(pause, timedelta(0)))
        if touched is None:
            return cart
        cart = max(cart, touched, key=lambda event: event.at)  # they come out of order


def orders_since(cart: Event) -> Step:
    """Asks the shop, which knows first, for the person's orders since the cart was begun."""
    return shopify.orders_of(
        customer_id=cart.person.ids.get("shopify.customer"),
        email=cart.person.email,
        since=datetime.fromisoformat(cart.data["created_at"]),
    )
