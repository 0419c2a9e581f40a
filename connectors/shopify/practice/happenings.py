"""What customers and the owner do in the practice shop. Each changes the books and sends the webhooks it should."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any

from .books import CONSENT_TOPICS, find_customer, keep_order, new_customer, remember, set_consent
from .checkouts import checkout_payload
from .orders import order_payload, refund_payload
from .people import SHOP, SHOP_ID, customer_payload, privacy_payload, shop_payload
from .shop import service
from .webhook import now

Details = dict[str, Any]


@service.happening("order")
def order(details: Details) -> dict[str, Any]:
    """Someone orders: email, phone, name, total ("84.90"), paid (True), email_consent and sms_consent (True or
    False; said at the checkout), customer_id, checkout_token (of a cart that becomes the order), at."""
    at, cart = details.get("at") or now(), service.books["checkouts"].get(details.get("checkout_token"))
    customer = _customer(_whose(cart) | details if cart else details)
    service.books["last_order"] += 1
    made = order_payload(
        service.books["last_order"],
        email=customer["email_address"],
        phone=customer["phone"],
        first_name=customer["first_name"],
        last_name=customer["last_name"],
        total=details.get("total") or (cart["total_price"] if cart else "84.90"),
        customer_id=customer["id"],
        checkout_token=details.get("checkout_token"),
        at=at,
        paid=details.get("paid", True),
        accepts_marketing=bool(details.get("email_consent")),
    )
    keep_order(service.books, customer, made)
    if cart:
        service.books["checkouts"][cart["token"]] = cart | {"completed_at": at, "updated_at": at}
        service.tell("checkouts/update", service.books["checkouts"][cart["token"]])
    service.tell("orders/create", made)
    if made["financial_status"] == "paid":
        service.tell("orders/paid", made)
    return made


@service.happening("cart")
def cart(details: Details) -> dict[str, Any]:
    """Someone begins a checkout, or goes on with one (checkout_token): email, phone, name, total, email_consent,
    sms_consent, at. A customer is known by e-mail address or phone."""
    at, before = details.get("at") or now(), service.books["checkouts"].get(details.get("checkout_token"))
    person = _filled(_whose(before) | details if before else details)
    first, _, last = person["name"].partition(" ")
    known = find_customer(service.books, person)
    made = checkout_payload(
        before["token"] if before else secrets.token_hex(16),
        email=person["email"],
        phone=person["phone"],
        first_name=first,
        last_name=last,
        total=details.get("total") or (before["total_price"] if before else "84.90"),
        customer_id=known["id"] if known else None,
        at=before["created_at"] if before else at,
        accepts_marketing=bool(details.get("email_consent")),
        accepts_sms=bool(details.get("sms_consent")),
    ) | {"updated_at": at}
    service.books["checkouts"][made["token"]] = made
    service.tell("checkouts/update" if before else "checkouts/create", made)
    return made


@service.happening("signup")
def signup(details: Details) -> dict[str, Any]:
    """Someone opens an account: email, phone, name, email_consent, sms_consent, at."""
    return _customer(details)


@service.happening("cancel")
def cancel(details: Details) -> dict[str, Any]:
    """An order is cancelled, and refunded if it was paid: order_id (else the latest), reason ("customer")."""
    at, reason, found = now(), details.get("reason", "customer"), _order(details)
    ended = {"pending": "voided", "paid": "refunded"}.get(found["financial_status"], found["financial_status"])
    changes = {"cancelled_at": at, "closed_at": at, "cancel_reason": reason, "financial_status": ended}
    made = _changed(found, changes)
    if found["financial_status"] == "paid":
        service.tell("refunds/create", refund_payload(made, at=at, note="Cancelled"))
    service.tell("orders/cancelled", made)
    return made


@service.happening("fulfil")
def fulfil(details: Details) -> dict[str, Any]:
    """An order is sent: order_id (else the latest)."""
    made = _changed(_order(details), {"fulfillment_status": "fulfilled"})
    service.tell("orders/fulfilled", made)
    return made


@service.happening("pay")
def pay(details: Details) -> dict[str, Any]:
    """An order is paid: order_id (else the latest)."""
    made = _changed(_order(details), {"financial_status": "paid", "total_outstanding": "0.00"})
    service.tell("orders/paid", made)
    return made


@service.happening("refund")
def refund(details: Details) -> dict[str, Any]:
    """An order is refunded: order_id (else the latest), note."""
    found = _changed(_order(details), {"financial_status": "refunded"})
    made = refund_payload(found, at=now(), note=details.get("note", "Sent back"))
    service.tell("refunds/create", made)
    return made


@service.happening("consent")
def consent(details: Details) -> dict[str, Any]:
    """A customer says yes or no to marketing: channel ("email" or "sms"), given (True), at, and who: customer_id,
    email or phone, else the latest."""
    customer = _known(details)
    _say(customer, details.get("channel", "email"), bool(details.get("given", True)), details.get("at"))
    return customer


@service.happening("uninstall")
def uninstall(details: Details) -> dict[str, Any]:
    """The owner removes the app: its token is dead at once, and only the privacy topics are sent
    from then on."""
    shop = shop_payload(service.books["shop_name"])
    service.tell("app/uninstalled", shop)
    service.books["installed"] = False
    return shop


@service.happening("data_request")
def data_request(details: Details) -> dict[str, Any]:
    """A customer asks for their data: customer_id, email or phone, else the latest."""
    customer = _known(details)
    made = privacy_payload(customer, _orders_of(customer), request=9999)
    service.tell("customers/data_request", made)
    return made


@service.happening("redact")
def redact(details: Details) -> dict[str, Any]:
    """A customer is to be erased: customer_id, email or phone, else the latest."""
    customer = _known(details)
    made = privacy_payload(customer, _orders_of(customer))
    service.tell("customers/redact", made)
    return made


@service.happening("redact_shop")
def redact_shop(details: Details) -> dict[str, Any]:
    """Everything of the shop is to be erased, as is told two days after the app was removed."""
    made = {"shop_id": SHOP_ID, "shop_domain": SHOP}
    service.tell("shop/redact", made)
    return made


def _filled(details: Mapping[str, Any]) -> Details:
    """The details with all that a person needs: one who is not named is Ada Miller."""
    given = {name: value for name, value in details.items() if value is not None}
    if not given.keys() & {"email", "phone", "customer_id"}:
        given |= {"email": "ada.miller@example.com", "phone": "+14155550123"}
    return {"email": None, "phone": None, "name": "Ada Miller"} | given


def _whose(checkout: Mapping[str, Any]) -> Details:
    place = checkout["billing_address"]
    return {"email": checkout["email"], "phone": checkout["phone"], "name": place["name"]}


def _customer(details: Mapping[str, Any]) -> dict[str, Any]:
    """The customer that the details name, made if new, with what they say about marketing."""
    details = _filled(details)
    customer = find_customer(service.books, details)
    if customer is None:
        customer = new_customer(service.books, details)
        service.tell("customers/create", _told(customer))
    elif details["phone"] and not customer["phone"]:
        customer |= {"phone": details["phone"], "updated_at": now()}
        remember(service.books, customer)
        service.tell("customers/update", _told(customer))
    for channel in CONSENT_TOPICS:
        if (given := details.get(f"{channel}_consent")) is not None:
            _say(customer, channel, bool(given), details.get("at"))
    return customer


def _told(customer: Mapping[str, Any]) -> dict[str, Any]:
    return customer_payload(
        customer["id"],
        email=customer["email_address"],
        phone=customer["phone"],
        first_name=customer["first_name"],
        last_name=customer["last_name"],
        created_at=customer["created_at"],
        updated_at=customer["updated_at"],
    )


def _say(customer: dict[str, Any], channel: str, given: bool, at: str | None) -> None:
    state, level = ("SUBSCRIBED", "SINGLE_OPT_IN") if given else ("UNSUBSCRIBED", None)
    if set_consent(customer, channel, state, level, at or now()):
        service.tell(CONSENT_TOPICS[channel], customer)


def _known(details: Details) -> dict[str, Any]:
    """The customer that the details name, else the latest; made if there is none."""
    customers = service.books["customers"]
    if not details.keys() & {"customer_id", "email", "phone"} and customers:
        details = {"customer_id": next(reversed(customers))}
    return _customer({name: details[name] for name in ("customer_id", "email", "phone") if name in details})


def _orders_of(customer: Mapping[str, Any]) -> list[int]:
    return [order_id for _, order_id in customer["orders"]]


def _order(details: Details) -> dict[str, Any]:
    """The order that the details name, else the latest; ordered first if there is none."""
    orders = service.books["orders"]
    order_id = int(details.get("order_id") or next(reversed(orders), 0))
    found: dict[str, Any] = orders[order_id] if order_id in orders else order({})
    return found


def _changed(found: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    made = {**found, **changes, "updated_at": now()}
    service.books["orders"][found["id"]] = made
    return made
