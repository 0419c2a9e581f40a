"""What the practice shop's webhooks tell of customers and of the shop, in the shapes of Shopify's own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

SHOP = "practice-shop.myshopify.com"
SHOP_ID = 548380009

FIRST_CUSTOMER = 706405506930370000
"""Ids count up from a number that does not fit 53 bits, as Shopify's do not."""


def customer_payload(
    customer_id: int,
    *,
    email: str | None,
    phone: str | None = None,
    first_name: str = "Ada",
    last_name: str = "Miller",
    created_at: str = "2026-11-20T10:00:00+00:00",
    updated_at: str = "2026-11-20T10:00:00+00:00",
) -> dict[str, Any]:
    """A customer as customers/create tells it."""
    brief = brief_customer(
        customer_id, email=email, phone=phone, first_name=first_name, last_name=last_name, at=created_at
    )
    return brief | {"addresses": [], "note": "", "updated_at": updated_at}


def consent_payload(customer: Mapping[str, Any], channel: str) -> dict[str, Any]:
    """What the two consent topics tell of a customer in the shop's books."""
    consent = customer[channel]
    told = {
        "state": consent["state"].lower(),
        "opt_in_level": (consent["level"] or "").lower() or None,
        "consent_updated_at": consent["at"],
    }
    if channel == "email":
        return {
            "customer_id": customer["id"],
            "email_address": customer["email_address"],
            "email_marketing_consent": told,
        }
    return {
        "id": customer["id"],
        "phone": customer["phone"],
        "sms_marketing_consent": told | {"consent_collected_from": "OTHER"},
    }


def privacy_payload(customer: Mapping[str, Any], orders: list[int], *, request: int | None = None) -> dict[str, Any]:
    """What customers/redact tells, or with a request's number customers/data_request."""
    about = {"id": customer["id"], "email": customer["email_address"], "phone": customer["phone"]}
    payload: dict[str, Any] = {"shop_id": SHOP_ID, "shop_domain": SHOP, "customer": about}
    if request is None:
        return payload | {"orders_to_redact": orders}
    return payload | {"orders_requested": orders, "data_request": {"id": request}}


def shop_payload(name: str) -> dict[str, Any]:
    """What app/uninstalled tells: the shop, with its own e-mail address and phone."""
    return _SHOP | {"name": name}


def brief_customer(
    customer_id: int, *, email: str | None, phone: str | None, first_name: str, last_name: str, at: str
) -> dict[str, Any]:
    """A customer as orders and checkouts hold them."""
    return {
        "id": customer_id,
        "created_at": at,
        "updated_at": at,
        "first_name": first_name,
        "last_name": last_name,
        "state": "disabled",
        "note": None,
        "verified_email": True,
        "multipass_identifier": None,
        "tax_exempt": False,
        "email": email,
        "phone": phone,
        "currency": "USD",
        "tax_exemptions": [],
        "admin_graphql_api_id": f"gid://shopify/Customer/{customer_id}",
        "default_address": {
            "id": customer_id + 1,
            "customer_id": customer_id,
            "first_name": first_name,
            "last_name": last_name,
            "company": None,
            "address1": "1 Example Street",
            "address2": None,
            "city": "San Francisco",
            "province": "California",
            "country": "United States",
            "zip": "94103",
            "phone": phone,
            "name": f"{first_name} {last_name}",
            "province_code": "CA",
            "country_code": "US",
            "country_name": "United States",
            "default": True,
        },
    }


def address(first_name: str, last_name: str, phone: str | None) -> dict[str, Any]:
    """A billing or delivery address."""
    return {
        "first_name": first_name,
        "address1": "1 Example Street",
        "phone": phone,
        "city": "San Francisco",
        "zip": "94103",
        "province": "California",
        "country": "United States",
        "last_name": last_name,
        "address2": None,
        "company": None,
        "latitude": None,
        "longitude": None,
        "name": f"{first_name} {last_name}",
        "country_code": "US",
        "province_code": "CA",
    }


_SHOP: dict[str, Any] = {
    "id": SHOP_ID,
    "name": "Practice Mill",
    "email": "owner@example.com",
    "domain": None,
    "province": "California",
    "country": "US",
    "address1": "1 Example Street",
    "zip": "94103",
    "city": "San Francisco",
    "source": None,
    "phone": "+14155550100",
    "latitude": None,
    "longitude": None,
    "primary_locale": "en",
    "address2": None,
    "created_at": None,
    "updated_at": None,
    "country_code": "US",
    "country_name": "United States",
    "currency": "USD",
    "customer_email": "owner@example.com",
    "timezone": "(GMT-08:00) America/Los_Angeles",
    "iana_timezone": None,
    "shop_owner": "Kim Owner",
    "money_format": "${{amount}}",
    "money_with_currency_format": "${{amount}} USD",
    "weight_unit": "kg",
    "province_code": "CA",
    "taxes_included": None,
    "auto_configure_tax_inclusivity": None,
    "tax_shipping": None,
    "county_taxes": None,
    "plan_display_name": "Basic",
    "plan_name": "basic",
    "has_discounts": False,
    "has_gift_cards": True,
    "myshopify_domain": SHOP,
    "google_apps_domain": None,
    "google_apps_login_enabled": None,
    "money_in_emails_format": "${{amount}}",
    "money_with_currency_in_emails_format": "${{amount}} USD",
    "eligible_for_payments": True,
    "requires_extra_payments_agreement": False,
    "password_enabled": None,
    "has_storefront": True,
    "finances": True,
    "primary_location_id": 655441491,
    "checkout_api_supported": True,
    "multi_location_enabled": True,
    "setup_required": False,
    "pre_launch_enabled": False,
    "enabled_presentment_currencies": ["USD"],
    "marketing_sms_consent_enabled_at_checkout": False,
    "transactional_sms_disabled": False,
}
