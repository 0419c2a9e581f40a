"""What can be done in a shop. Ids may be given as numbers, as digits, or as Shopify's global ids."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from hub import addresses
from hub.action import Item, Page
from hub.addresses import email as normalised
from hub.errors import Rejected
from hub.event import Channel, Person, Place

from . import documents, records
from .client import Client, understood
from .documents import Document

CLOCKS_DIFFER = timedelta(seconds=5)
"""How far Shopify's clock, which tells whole seconds, may be behind ours."""


def get_customer(client: Client, customer_id: int | str) -> dict[str, Any]:
    """A customer as the shop knows them now: id (digits), first_name, last_name, email, phone, country ("US"),
    locale, tags, orders_count, total_spent ("84.90") and currency, created_at, updated_at, and email_consent and
    sms_consent: None without an address, else given (yes or no), state ("subscribed", "pending", …) and at.

    Raises Rejected if there is no such customer.
    """
    found = client.ask(documents.GET_CUSTOMER, id=records.gid("Customer", customer_id))
    with understood():
        return records.customer(_existing(found["customer"], "customer"))


def find_customer(client: Client, email: str) -> dict[str, Any] | None:
    """The customer with this e-mail address, as `get_customer` gives them, or None if the shop knows nobody by it."""
    address = normalised(email)
    if address is None:
        raise Rejected("This is no e-mail address, so nobody was looked for.")
    found = client.ask(documents.FIND_CUSTOMER, email=address)
    with understood():
        customer = found["customerByIdentifier"]
        return records.customer(customer) if customer else None


def customers(client: Client, *, cursor: str | None = None) -> Page:
    """Every customer, as `get_customer` gives them, with last_order_at: None if they never ordered, or if the last one
    is one of those that the app may not see (read_all_orders)."""
    found = client.ask(documents.LIST_CUSTOMERS, after=cursor)
    with understood():
        nodes, info = found["customers"]["nodes"], found["customers"]["pageInfo"]
        items = [_item(node) for node in nodes]
        return Page(items, str(info["endCursor"]) if info["hasNextPage"] else None)


def _item(node: Mapping[str, Any]) -> Item:
    told = records.customer(node) | {"last_order_at": (node["lastOrder"] or {}).get("createdAt")}
    place = Place(country=told["country"]) if told["country"] else None
    return Item(told["id"], told, customer_in({}, told), place)


def find_customer_by_phone(client: Client, phone: str) -> dict[str, Any] | None:
    """The customer with this number in E.164, as `get_customer` gives them, or None if the shop knows nobody by it."""
    number = addresses.phone(phone)
    if number is None:
        raise Rejected("This is no number with its country code, so nobody was looked for.")
    found = client.ask(documents.FIND_CUSTOMER_BY_PHONE, phone=number)
    with understood():
        customer = found["customerByIdentifier"]
        return records.customer(customer) if customer else None


def get_order(client: Client, order_id: int | str) -> dict[str, Any]:
    """An order as it is now: id (digits), name ("#1001"), email, phone, customer_id, total ("84.90") and currency, kept
    (what was paid less what was refunded), paid and cancelled (yes or no; what was refunded was paid too),
    cancelled_at, cancel_reason ("customer"), financial_status ("refunded"), fulfillment_status ("unfulfilled"),
    checkout_token, note, tags, created_at, updated_at, and customer, as `get_customer` gives it, or None.

    Raises Rejected if there is no such order.
    """
    found = client.ask(documents.GET_ORDER, id=records.gid("Order", order_id))
    with understood():
        order = _existing(found["order"], "order")
        return records.order(order) | {"customer": records.customer(order["customer"]) if order["customer"] else None}


def orders_of(
    client: Client, *, customer_id: int | str | None = None, email: str | None = None, since: datetime
) -> list[dict[str, Any]]:
    """A person's orders that were made at or after `since`, newest first, as `get_order` gives them but without the
    customer: by customer, by e-mail, or by either of both.

    Shopify searches an index that may be a few seconds behind, and shows orders of the last 60 days only, unless the
    app has the scope read_all_orders.
    """
    number = records.number(records.gid("Customer", customer_id)) if customer_id is not None else None
    address = normalised(email)
    whose = [f"customer_id:{number}"] if number else []
    whose += [f"email:{_quoted(address)}"] if address else []
    if not whose:
        raise Rejected("Whose orders? Pass a customer's id or an e-mail address.")
    search = f"({' OR '.join(whose)}) AND created_at:>={_quoted(_instant(since))}"
    return [
        order
        for order in _search(client, search)
        if datetime.fromisoformat(order["created_at"]) >= since.replace(microsecond=0)
        and ((number and order["customer_id"] == number) or (address and normalised(order["email"]) == address))
    ]


def add_customer_tags(client: Client, customer_id: int | str, tags: str | Sequence[str]) -> dict[str, Any]:
    """Adds one or several tags to a customer, and gives id and all tags there are now."""
    return _change_tags(client, documents.ADD_TAGS, customer_id, tags)


def remove_customer_tags(client: Client, customer_id: int | str, tags: str | Sequence[str]) -> dict[str, Any]:
    """Takes one or several tags from a customer, and gives id and all tags that are left."""
    return _change_tags(client, documents.REMOVE_TAGS, customer_id, tags)


def update_marketing_consent(
    client: Client, customer_id: int | str, channel: Channel, given: bool, at: datetime
) -> dict[str, Any]:
    """Writes down that a customer said yes (`given`) or no to marketing by "email" or "sms" at a time, and gives the
    customer. The customer must have an address for the channel, and `at` must not be in the future.

    A yes is not written if the shop knows of a later word: it may be done again after hours, and the customer may have
    said no since. A no is always written.
    """
    if channel not in _CONSENT:
        raise Rejected('Consent to what? Pass the channel "email" or "sms".')
    consent = {"marketingState": "SUBSCRIBED" if given else "UNSUBSCRIBED", "consentUpdatedAt": _instant(at)}
    if given:
        consent["marketingOptInLevel"] = "SINGLE_OPT_IN"
        known = get_customer(client, customer_id)
        with understood():
            said = (known[f"{channel}_consent"] or {}).get("at")
            if said and datetime.fromisoformat(said) > at:
                return known
    document, field = _CONSENT[channel]
    made = client.change(document, input={"customerId": records.gid("Customer", customer_id), field: consent})
    with understood():
        return records.customer(made["customer"])


_CONSENT: dict[Channel, tuple[Document, str]] = {
    "email": (documents.UPDATE_EMAIL_CONSENT, "emailMarketingConsent"),
    "sms": (documents.UPDATE_SMS_CONSENT, "smsMarketingConsent"),
}


def create_discount_code(
    client: Client,
    code: str,
    percentage: float,
    *,
    starts_at: datetime,
    ends_at: datetime | None = None,
    title: str | None = None,
    usage_limit: int | None = None,
    once_per_customer: bool = True,
    customer_id: int | str | None = None,
) -> dict[str, Any]:
    """Makes a discount code that takes `percentage` (15 is 15 %) off an order: for everyone or for one customer, at
    most `usage_limit` times. Gives id, code, title, percentage, status, usage_limit, starts_at, ends_at.

    The code is the caller's. Raises Rejected with the code "TAKEN" if the shop has it already.
    """
    customers = None if customer_id is None else {"add": [records.gid("Customer", customer_id)]}
    discount: dict[str, Any] = {
        "title": title or code,
        "code": code,
        "startsAt": _instant(starts_at),
        "appliesOncePerCustomer": once_per_customer,
        "context": {"customers": customers} if customers else {"all": "ALL"},
        "customerGets": {"value": {"percentage": percentage / 100}, "items": {"all": True}},
    }
    if ends_at is not None:
        discount["endsAt"] = _instant(ends_at)
    if usage_limit is not None:
        discount["usageLimit"] = usage_limit
    made = client.change(documents.CREATE_DISCOUNT, discount=discount)
    with understood():
        return records.discount(made["codeDiscountNode"])


def find_discount_code(client: Client, since: datetime, code: str, percentage: float, **_: Any) -> list[dict[str, Any]]:
    """The discount of this code, if it was made since then and is worth as much; none if it is not ours."""
    found = client.ask(documents.FIND_DISCOUNT, code=code)
    with understood():
        node = found["codeDiscountNodeByCode"]
        if node is None or node["codeDiscount"]["__typename"] != "DiscountCodeBasic":
            return []
        basic = node["codeDiscount"]
        if datetime.fromisoformat(basic["createdAt"]) < since - CLOCKS_DIFFER:
            return []
        ours = abs(basic["customerGets"]["value"].get("percentage", -1) - percentage / 100) < 1e-9
        return [records.discount(node)] if ours else []


def discount_in_words(*, percentage: float, **_: Any) -> str:
    return f"{percentage:g} % off."


def add_order_note(client: Client, order_id: int | str, line: str) -> dict[str, Any]:
    """Adds a line to an order's note, unless the note has that line already, and gives id and the whole note.

    Shopify can only replace a note as a whole, so someone who edits it in the same moment may be overwritten.
    """
    order = records.gid("Order", order_id)
    wanted = " ".join(line.split())
    if not wanted:
        raise Rejected("The line is empty, so the note stays as it is.")
    with client.changing_note:
        found = client.ask(documents.READ_NOTE, id=order)
        with understood():
            note = _existing(found["order"], "order")["note"] or ""
        if wanted in note.splitlines():
            return {"id": records.number(order), "note": note}
        made = client.change(documents.WRITE_NOTE, input={"id": order, "note": f"{note}\n{wanted}".lstrip("\n")})
    with understood():
        return {"id": records.number(made["order"]["id"]), "note": made["order"]["note"]}


def consent_fingerprint(channel: Channel, customer_id: int | str, given: bool, at: datetime) -> str:
    """What a change of consent and the event about it have in common. The time is part of it, so that the same
    change made later by the customer is not mistaken for ours."""
    number = records.number(records.gid("Customer", customer_id))
    return f"consent:{channel}:{number}:{'yes' if given else 'no'}:{_instant(at)}"


def consent_echo(inputs: Mapping[str, Any]) -> Iterable[str]:
    """The fingerprint of the event that `update_marketing_consent` brings about; none for inputs that it rejects."""
    with suppress(Rejected):
        return [consent_fingerprint(inputs["channel"], inputs["customer_id"], inputs["given"], inputs["at"])]
    return []


def customer_in(_: Mapping[str, Any], answer: Mapping[str, Any]) -> Person:
    """Whom a customer's record is about."""
    return records.person(answer, answer["id"])


def customer_found(_: Mapping[str, Any], answer: Mapping[str, Any] | None) -> Person:
    """Whom a customer's record is about, if there is one."""
    return records.person(answer, answer["id"]) if answer else Person()


def customer_of(_: Mapping[str, Any], answer: Mapping[str, Any]) -> Person:
    """Whom an order's record is about."""
    country = (answer["customer"] or {}).get("country")
    return records.person(dict(answer) | {"country": country}, answer["customer_id"])


def _search(client: Client, search: str) -> Iterable[dict[str, Any]]:
    for order in client.pages(documents.ORDERS_OF, search=search):
        with understood():
            found = records.order(order)
        yield found


def _change_tags(
    client: Client, document: Document, customer_id: int | str, tags: str | Sequence[str]
) -> dict[str, Any]:
    wanted = [tags] if isinstance(tags, str) else list(tags)
    made = client.change(document, id=records.gid("Customer", customer_id), tags=wanted)
    with understood():
        return {"id": records.number(made["node"]["id"]), "tags": list(made["node"]["tags"])}


def _existing(found: Any, what: Literal["customer", "order"]) -> Any:
    if found is None:
        raise Rejected(f"There is no such {what} in the shop.", code="NOT_FOUND")
    return found


def _instant(at: datetime) -> str:
    """As Shopify writes times: UTC, whole seconds, `2026-11-22T12:00:00Z`."""
    if at.tzinfo is None:
        raise Rejected("A time without its zone is not clear. Make it aware, for example with UTC.")
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _quoted(text: str) -> str:
    """A value in Shopify's search syntax: https://shopify.dev/docs/api/usage/search-syntax"""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
