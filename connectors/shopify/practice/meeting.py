"""What the practice shop must know when it tells an event: whom it is about, what they said, and what they ordered."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hub import Event

from .books import find_customer, keep_order, new_customer, remember, set_consent
from .shop import service


@service.meeting
def meet(event: Event) -> None:
    """The customer of an event is in the books, as they are by then; an order is theirs."""
    number = str(event.person.ids.get("shopify.customer"))
    if not number.isdecimal():
        return
    books, at = service.books, event.at.isoformat()
    customer = find_customer(books, {"customer_id": number})
    if customer is None:
        about: Mapping[str, Any] = event.data.get("customer") or event.data
        names = {name: about.get(name) for name in ("first_name", "last_name")}
        details = {"name": "", "email": None, "phone": None, "at": at} | names
        customer = new_customer(books, details, customer_id=int(number))
    customer["email_address"] = event.person.email or customer["email_address"]
    customer["phone"] = event.person.phone or customer["phone"]
    remember(books, customer)
    for consent in event.consents:
        state = "SUBSCRIBED" if consent.given else "UNSUBSCRIBED"
        set_consent(customer, consent.channel, state, "SINGLE_OPT_IN", consent.at.isoformat())
    if event.type.startswith("shopify.order.") and "customer" in event.data and event.data["id"] not in books["orders"]:
        whose = {"id": customer["id"], "admin_graphql_api_id": f"gid://shopify/Customer/{customer['id']}"}
        keep_order(books, customer, {**event.data, "created_at": at, "customer": whose})
