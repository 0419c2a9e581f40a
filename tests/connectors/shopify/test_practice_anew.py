"""A practice shop that is started anew is another shop: nothing in it has the number of something earlier."""

from __future__ import annotations

from hub.practice import moment
from hub.practice.service import Practice
from hub.timing import FrozenClock


def numbers(shop: Practice, names: str) -> set[int]:
    shop.reset()
    orders = [shop.happen("order", {"email": f"{name}@example.com", "name": name}) for name in names]
    return {order["id"] for order in orders} | {order["customer"]["id"] for order in orders}


def test_orders_and_customers_of_a_shop_that_is_started_anew_have_numbers_of_their_own(shop: Practice) -> None:
    clock = FrozenClock()
    with moment.told_by(clock):
        first = numbers(shop, "abcdef")
        clock.advance(60)
        second = numbers(shop, "abcdef")
    assert len(first) == len(second) == 12
    assert first.isdisjoint(second)
