"""A practice shop that is started anew is another shop: nothing in it has the number of something earlier."""

from __future__ import annotations

import pytest

from connectors.shopify.practice import books
from hub.practice.service import Practice


def numbers(shop: Practice, names: str) -> set[int]:
    shop.reset()
    orders = [shop.happen("order", {"email": f"{name}@example.com", "name": name}) for name in names]
    return {order["id"] for order in orders} | {order["customer"]["id"] for order in orders}


def test_orders_and_customers_of_a_shop_that_is_started_anew_have_numbers_of_their_own(
    shop: Practice, monkeypatch: pytest.MonkeyPatch
) -> None:
    began = books.time.time()
    first = numbers(shop, "abcdef")
    monkeypatch.setattr(books.time, "time", lambda: began + 60)
    second = numbers(shop, "abcdef")
    assert len(first) == len(second) == 12
    assert first.isdisjoint(second)
