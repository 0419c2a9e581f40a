"""Where a buyer lives, as events of the shop tell it."""

from __future__ import annotations

import pytest

from connectors import shopify
from hub import Place
from tests.recipes.events import NOON, cart, customer, order, read, said_in_shop


def lives(country: str, province: str | None = None) -> dict[str, str | None]:
    return {"country_code": country, "province_code": province}


def test_an_order_tells_where_its_buyer_lives_by_the_bill_not_by_where_it_goes() -> None:
    sent = order(NOON, billing_address=lives("FR"), shipping_address=lives("DE"))
    assert read(sent).place == Place(country="GB", province="ENG")  # as every address of these events
    payload = shopify.order_created.sample.data
    assert payload["billing_address"]["country_code"]
    assert shopify.order_created.sample.place == Place(
        country=payload["billing_address"]["country_code"], province=payload["billing_address"]["province_code"]
    )


@pytest.mark.parametrize("sent", [cart(billing_address=None), customer(), customer(topic="customers/update")])
def test_where_there_is_no_bill_the_customers_own_address_counts(sent) -> None:
    assert read(sent).place == Place(country="GB", province="ENG")


def test_what_tells_no_address_tells_no_place() -> None:
    assert read(said_in_shop("subscribed")).place is None
    assert read(cart(billing_address=None, customer=None)).place is None
