"""How HubSpot wants things written: contacts named, property values as text, notes as HTML."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from hub import addresses
from hub.errors import Rejected
from hub.timing import SystemClock, iso, to_datetime, to_ms

Input = dict[str, Any]


def contact_number(contact_id: str | int) -> str:
    """A contact's id as HubSpot writes it, `"51"`. Raises Rejected for anything else: in a batch, one such id would
    have all others refused with it."""
    text = str(contact_id)
    if not (text.isascii() and text.isdigit()):
        raise Rejected("This is not the id of a HubSpot contact. Pass its number, as it comes in the events.")
    return text


def named(contact_id: str | int | None, email: str | None) -> Input:
    """A contact as a batch names it, by one of the two. Raises Rejected."""
    if (contact_id is None) == (email is None):
        raise Rejected("Name the contact by contact_id or by email, and only by one of them.")
    if contact_id is not None:
        return {"id": contact_number(contact_id)}
    address = addresses.email(email)
    if address is None:
        raise Rejected("This is no e-mail address. Pass one like name@example.com.")
    return {"id": address, "idProperty": "email"}


def text_of(value: object) -> str:
    """A property's value: text. None is empty, which clears it; times are ISO 8601; several are joined by `;`."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return str(iso(to_ms(value)))
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, list | tuple):
        return ";".join(text_of(item) for item in value)
    return str(value)


def texts(properties: Mapping[str, object] | None) -> dict[str, str]:
    return {name: text_of(value) for name, value in (properties or {}).items()}


def given(values: Mapping[str, object]) -> dict[str, str]:
    """The properties that have a value."""
    return texts({name: value for name, value in values.items() if value is not None})


def now() -> str:
    """The time, as a property's value."""
    return text_of(to_datetime(SystemClock().now()))


def emails_of(properties: Mapping[str, Any]) -> list[str]:
    """All addresses of a contact in lower case: the first, then the additional ones."""
    listed = f"{properties.get('email') or ''};{properties.get('hs_additional_emails') or ''}"
    return [address.strip().lower() for address in listed.split(";") if address.strip()]


def as_html(plain: str) -> str:
    """Plain text for a field that HubSpot shows as HTML: a customer's `<` stays a `<`."""
    return html.escape(plain, quote=False).replace("\n", "<br>")


def words_of(text: str | None) -> str:
    """What a plain text reads as: its words."""
    return " ".join((text or "").split())


def words_of_html(markup: str | None) -> str:
    """What a text in HTML reads as: HubSpot tidies the HTML that it is given."""
    return words_of(html.unescape(re.sub(r"<[^>]*>", " ", markup or "")))
