"""What the practice shop's API answers about customers: themselves, their tags, their consent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .books import (
    CONSENT_TOPICS,
    Books,
    Tell,
    Variables,
    find_customer,
    is_future,
    number,
    page_info,
    set_consent,
    user_error,
    zulu,
)
from .people import SHOP
from .webhook import now

TAG_LENGTH = 255


def check(books: Books, _: Variables, tell: Tell) -> dict[str, Any]:
    scopes = [{"handle": scope} for scope in books["scopes"]]
    return {
        "shop": {"name": books["shop_name"], "myshopifyDomain": SHOP},
        "currentAppInstallation": {"accessScopes": scopes},
    }


def get_customer(books: Books, variables: Variables, tell: Tell) -> dict[str, Any]:
    found = books["customers"].get(number(variables["id"]))
    return {"customer": found and customer_fields(found)}


def customer_by_email(books: Books, variables: Variables, tell: Tell) -> dict[str, Any]:
    found = find_customer(books, {"email": variables["email"]})
    return {"customerByIdentifier": found and customer_fields(found)}


def list_customers(books: Books, variables: Variables, tell: Tell) -> dict[str, Any]:
    found = [books["customers"][key] for key in sorted(books["customers"])]
    start = int(variables.get("after") or 0)
    page = [_listed(customer) for customer in found[start : start + 50]]
    return {"customers": {"nodes": page, "pageInfo": page_info(start, page, found)}}


def _listed(customer: Mapping[str, Any]) -> dict[str, Any]:
    last = max((at for at, _ in customer["orders"]), default=None)
    return customer_fields(customer) | {"lastOrder": {"createdAt": last} if last else None}


def customer_by_phone(books: Books, variables: Variables, tell: Tell) -> dict[str, Any]:
    found = find_customer(books, {"phone": variables["phone"]})
    return {"customerByIdentifier": found and customer_fields(found)}


def customer_fields(customer: Mapping[str, Any]) -> dict[str, Any]:
    """A customer as the fragment CustomerFields asks for them."""
    return {
        "id": f"gid://shopify/Customer/{customer['id']}",
        "firstName": customer["first_name"],
        "lastName": customer["last_name"],
        "locale": "en",
        "tags": customer["tags"],
        "numberOfOrders": str(len(customer["orders"])),
        "createdAt": zulu(customer["created_at"]),
        "updatedAt": zulu(customer["updated_at"]),
        "amountSpent": {"amount": f"{customer['spent_cents'] / 100:.2f}", "currencyCode": "USD"},
        "defaultAddress": {"countryCodeV2": "US"},
        "defaultEmailAddress": _address("emailAddress", customer["email_address"], customer["email"]),
        "defaultPhoneNumber": _address("phoneNumber", customer["phone"], customer["sms"]),
    }


def _address(name: str, address: str | None, consent: Mapping[str, Any]) -> dict[str, Any] | None:
    if address is None:
        return None
    return {name: address, "marketingState": consent["state"], "marketingUpdatedAt": zulu(consent["at"])}


def add_tags(books: Books, variables: Variables, tell: Tell) -> dict[str, Any]:
    return {"tagsAdd": _change_tags(books, variables, adding=True)}


def remove_tags(books: Books, variables: Variables, tell: Tell) -> dict[str, Any]:
    return {"tagsRemove": _change_tags(books, variables, adding=False)}


def _change_tags(books: Books, variables: Variables, *, adding: bool) -> dict[str, Any]:
    customer, tags = books["customers"].get(number(variables["id"])), list(variables["tags"])
    if customer is None:
        return {"node": None, "userErrors": [user_error(["id"], "Customer does not exist")]}
    if any(not tag.strip() or len(tag) > TAG_LENGTH for tag in tags):
        return {"node": None, "userErrors": [user_error(["tags"], f"A tag has 1 to {TAG_LENGTH} characters")]}
    there, named = {tag.lower() for tag in customer["tags"]}, {tag.lower() for tag in tags}
    if adding:
        customer["tags"] = sorted([*customer["tags"], *(tag for tag in tags if tag.lower() not in there)])
    else:
        customer["tags"] = [tag for tag in customer["tags"] if tag.lower() not in named]
    customer["updated_at"] = now()
    return {"node": {"id": variables["id"], "tags": customer["tags"]}, "userErrors": []}


def update_email_consent(books: Books, variables: Variables, tell: Tell) -> dict[str, Any]:
    return {"customerEmailMarketingConsentUpdate": _update_consent(books, variables, tell, "email")}


def update_sms_consent(books: Books, variables: Variables, tell: Tell) -> dict[str, Any]:
    return {"customerSmsMarketingConsentUpdate": _update_consent(books, variables, tell, "sms")}


def _update_consent(books: Books, variables: Variables, tell: Tell, channel: str) -> dict[str, Any]:
    asked = variables["input"]
    customer, consent = books["customers"].get(number(asked["customerId"])), asked[f"{channel}MarketingConsent"]
    if error := _consent_error(customer, consent, channel):
        return {"customer": None, "userErrors": [error]}
    at = consent.get("consentUpdatedAt") or now()
    if set_consent(customer, channel, consent["marketingState"], consent.get("marketingOptInLevel"), at):
        tell(CONSENT_TOPICS[channel], customer)
    return {"customer": customer_fields(customer), "userErrors": []}


def _consent_error(
    customer: Mapping[str, Any] | None, consent: Mapping[str, Any], channel: str
) -> dict[str, Any] | None:
    field = ["input", f"{channel}MarketingConsent"]
    if customer is None:
        return user_error(["input", "customerId"], "Customer not found", code="INVALID")
    if not customer["email_address" if channel == "email" else "phone"]:
        needed = "An email address" if channel == "email" else "A phone number"
        return user_error(field, f"{needed} is required to set the {channel} consent state.", code="INVALID")
    if consent["marketingState"] not in ("SUBSCRIBED", "UNSUBSCRIBED", "PENDING"):
        return user_error([*field, "marketingState"], "Marketing state cannot be set to this", code="INCLUSION")
    if is_future(consent.get("consentUpdatedAt")):
        return user_error([*field, "consentUpdatedAt"], "Consent cannot be given in the future", code="INVALID")
    return None
