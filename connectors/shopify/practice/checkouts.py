"""What the practice shop's webhooks tell of checkouts, in the shapes of Shopify's own."""

from __future__ import annotations

import zlib
from typing import Any

from .people import SHOP, SHOP_ID, address, brief_customer


def checkout_payload(
    token: str,
    *,
    email: str | None,
    phone: str | None = None,
    first_name: str = "Ada",
    last_name: str = "Miller",
    total: str = "84.90",
    customer_id: int | None = None,
    at: str = "2026-11-20T10:00:00+00:00",
    accepts_marketing: bool = False,
    accepts_sms: bool = False,
) -> dict[str, Any]:
    """A checkout as checkouts/create tells it; without a customer id it is a guest's."""
    place = address(first_name, last_name, phone)
    customer = (
        brief_customer(customer_id, email=email, phone=phone, first_name=first_name, last_name=last_name, at=at)
        if customer_id
        else None
    )
    return {
        "token": token,
        "cart_token": token[::-1],
        "email": email,
        "gateway": None,
        "buyer_accepts_marketing": accepts_marketing,
        "created_at": at,
        "updated_at": at,
        "landing_site": None,
        "note": None,
        "note_attributes": [],
        "referring_site": None,
        "shipping_lines": [],
        "taxes_included": False,
        "total_weight": 350,
        "currency": "USD",
        "completed_at": None,
        "closed_at": None,
        "user_id": None,
        "location_id": None,
        "source_identifier": None,
        "source_url": None,
        "device_id": None,
        "phone": phone,
        "customer_locale": "en",
        "line_items": [_checkout_line(total)],
        "name": f"#{zlib.crc32(token.encode())}",
        "source": None,
        "abandoned_checkout_url": f"https://{SHOP}/{SHOP_ID}/checkouts/{token}/recover?key={token[:12]}",
        "discount_codes": [],
        "tax_lines": [],
        "source_name": "web",
        "presentment_currency": "USD",
        "buyer_accepts_sms_marketing": accepts_sms,
        "sms_marketing_phone": phone if accepts_sms else None,
        "total_discounts": "0.00",
        "total_line_items_price": total,
        "total_price": total,
        "total_tax": "0.00",
        "subtotal_price": total,
        "total_duties": None,
        "reservation_token": None,
        "billing_address": place,
        "shipping_address": place,
        "customer": customer,
    }


def _checkout_line(total: str) -> dict[str, Any]:
    return {
        "applied_discounts": [],
        "discount_allocations": [],
        "key": "139cb5712fb4c8d9957dcfad9a3028da",
        "destination_location_id": 1015975142,
        "fulfillment_service": "manual",
        "gift_card": False,
        "grams": 350,
        "origin_location_id": 1015975141,
        "presentment_title": "Merino scarf",
        "presentment_variant_title": "Grey",
        "product_id": 632910392,
        "properties": [],
        "quantity": 1,
        "requires_shipping": True,
        "sku": "SCARF-GREY",
        "tax_lines": [],
        "taxable": True,
        "title": "Merino scarf",
        "variant_id": 808950810,
        "variant_title": "Grey",
        "variant_price": total,
        "vendor": "Practice Mill",
        "user_id": None,
        "unit_price_measurement": {
            "measured_type": None,
            "quantity_value": None,
            "quantity_unit": None,
            "reference_value": None,
            "reference_unit": None,
        },
        "rank": None,
        "compare_at_price": None,
        "line_price": total,
        "price": total,
    }
