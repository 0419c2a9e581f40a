"""What the practice shop's webhooks tell of orders and refunds, in the shapes of Shopify's own.

Quick to make, as load tests need thousands: parts that never differ are shared, so treat payloads as read-only.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from .people import FIRST_CUSTOMER, SHOP, SHOP_ID, address, brief_customer

FIRST_ORDER = 820982911946150000
"""Ids count up from a number that does not fit 53 bits, as Shopify's do not."""


def _money(amount: str) -> dict[str, Any]:
    money = {"amount": amount, "currency_code": "USD"}
    return {"shop_money": money, "presentment_money": money}


_ZERO = _money("0.00")


def order_payload(
    number: int,
    *,
    email: str | None,
    phone: str | None = None,
    first_name: str = "Ada",
    last_name: str = "Miller",
    total: str = "84.90",
    customer_id: int | None = None,
    checkout_token: str | None = None,
    at: str = "2026-11-20T10:00:00+00:00",
    paid: bool = True,
    accepts_marketing: bool = False,
) -> dict[str, Any]:
    """An order as orders/create tells it, about 7 KB. `number` makes its name and its id."""
    order_id = FIRST_ORDER + number
    price, lines = _money(total), _order_lines(order_id, total)
    place = address(first_name, last_name, phone)
    token = hashlib.md5(str(order_id).encode(), usedforsecurity=False).hexdigest()
    return {
        "id": order_id,
        "admin_graphql_api_id": f"gid://shopify/Order/{order_id}",
        "app_id": 580111,
        "browser_ip": "203.0.113.7",
        "buyer_accepts_marketing": accepts_marketing,
        "cancel_reason": None,
        "cancelled_at": None,
        "cart_token": None,
        "checkout_token": checkout_token or token,
        "client_details": None,
        "closed_at": None,
        "confirmation_number": f"PR{number:07d}",
        "confirmed": True,
        "contact_email": email,
        "created_at": at,
        "currency": "USD",
        "current_shipping_price_set": _ZERO,
        "current_subtotal_price": total,
        "current_subtotal_price_set": price,
        "current_total_additional_fees_set": None,
        "current_total_discounts": "0.00",
        "current_total_discounts_set": _ZERO,
        "current_total_duties_set": None,
        "current_total_price": total,
        "current_total_price_set": price,
        "current_total_tax": "0.00",
        "current_total_tax_set": _ZERO,
        "customer_locale": "en",
        "device_id": None,
        "discount_codes": [],
        "duties_included": False,
        "email": email,
        "estimated_taxes": False,
        "financial_status": "paid" if paid else "pending",
        "fulfillment_status": None,
        "landing_site": None,
        "landing_site_ref": None,
        "location_id": None,
        "merchant_business_entity_id": "MTU0ODM4MDAwOQ",
        "merchant_of_record_app_id": None,
        "name": f"#{number}",
        "note": None,
        "note_attributes": [],
        "number": number - 1000,
        "order_number": number,
        "order_status_url": f"https://{SHOP}/{SHOP_ID}/orders/{token}/authenticate?key={token[:12]}",
        "original_total_additional_fees_set": None,
        "original_total_duties_set": None,
        "payment_gateway_names": ["bogus"],
        "phone": phone,
        "po_number": None,
        "presentment_currency": "USD",
        "processed_at": at,
        "reference": None,
        "referring_site": None,
        "source_identifier": None,
        "source_name": "web",
        "source_url": None,
        "subtotal_price": total,
        "subtotal_price_set": price,
        "tags": "",
        "tax_exempt": False,
        "tax_lines": [],
        "taxes_included": False,
        "test": False,
        "token": token,
        "total_cash_rounding_payment_adjustment_set": _ZERO,
        "total_cash_rounding_refund_adjustment_set": _ZERO,
        "total_discounts": "0.00",
        "total_discounts_set": _ZERO,
        "total_line_items_price": total,
        "total_line_items_price_set": price,
        "total_outstanding": "0.00" if paid else total,
        "total_price": total,
        "total_price_set": price,
        "total_shipping_price_set": _ZERO,
        "total_tax": "0.00",
        "total_tax_set": _ZERO,
        "total_tip_received": "0.00",
        "total_weight": 350,
        "updated_at": at,
        "user_id": None,
        "billing_address": place,
        "customer": brief_customer(
            customer_id or FIRST_CUSTOMER + number,
            email=email,
            phone=phone,
            first_name=first_name,
            last_name=last_name,
            at=at,
        ),
        "discount_applications": [],
        "fulfillments": [],
        "line_items": lines,
        "payment_terms": None,
        "refunds": [],
        "shipping_address": place,
        "shipping_lines": [_SHIPPING],
        "returns": [],
        "line_item_groups": [],
    }


def refund_payload(order: Mapping[str, Any], *, at: str, note: str = "Sent back") -> dict[str, Any]:
    """The refund of a whole order as refunds/create tells it."""
    refund_id = order["id"] + 70_000_000_000_000
    return {
        "id": refund_id,
        "order_id": order["id"],
        "created_at": at,
        "note": note,
        "user_id": SHOP_ID,
        "processed_at": at,
        "duties": [],
        "total_duties_set": _ZERO,
        "return": None,
        "restock": False,
        "refund_shipping_lines": [],
        "admin_graphql_api_id": f"gid://shopify/Refund/{refund_id}",
        "order_adjustments": [],
        "refund_line_items": [_refund_line(line) for line in order["line_items"]],
        "transactions": [],
    }


def _order_lines(order_id: int, total: str) -> list[dict[str, Any]]:
    """A line that costs the total, and a free sample."""
    wares = (("Merino scarf", "SCARF-GREY", total), ("Sample of wool soap", "SOAP-SAMPLE", "0.00"))
    return [
        {
            "id": order_id + 1_000_000_000 + position,
            "admin_graphql_api_id": f"gid://shopify/LineItem/{order_id + 1_000_000_000 + position}",
            "attributed_staffs": [],
            "current_quantity": 1,
            "fulfillable_quantity": 1,
            "fulfillment_service": "manual",
            "fulfillment_status": None,
            "gift_card": False,
            "grams": 175,
            "name": title,
            "price": price,
            "price_set": _money(price),
            "product_exists": True,
            "product_id": 788032119674292900 + position,
            "properties": [],
            "quantity": 1,
            "requires_shipping": True,
            "sales_line_item_group_id": None,
            "sku": sku,
            "taxable": True,
            "title": title,
            "total_discount": "0.00",
            "total_discount_set": _ZERO,
            "variant_id": None,
            "variant_inventory_management": None,
            "variant_title": None,
            "vendor": None,
            "tax_lines": [],
            "duties": [],
            "discount_allocations": [],
        }
        for position, (title, sku, price) in enumerate(wares, start=1)
    ]


def _refund_line(line: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": line["id"] + 1_000_000,
        "quantity": 1,
        "line_item_id": line["id"],
        "location_id": None,
        "restock_type": "no_restock",
        "subtotal": float(line["price"]),
        "total_tax": 0,
        "subtotal_set": line["price_set"],
        "total_tax_set": _ZERO,
        "line_item": line,
    }


_SHIPPING: dict[str, Any] = {
    "id": 271878346596884000,
    "carrier_identifier": None,
    "code": "Standard",
    "current_discounted_price_set": _ZERO,
    "discounted_price": "0.00",
    "discounted_price_set": _ZERO,
    "is_removed": False,
    "phone": None,
    "price": "0.00",
    "price_set": _ZERO,
    "requested_fulfillment_service_id": None,
    "source": "shopify",
    "title": "Standard",
    "tax_lines": [],
    "discount_allocations": [],
}
