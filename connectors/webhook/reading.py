"""Reading what a tool posts: one JSON object, which tells one event."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from hub import UNKNOWN, Delivery, Event, PayloadUnreadable, Person, Place, addresses
from hub.timing import known_zones

RECEIVED = "webhook.anything.received"
KIND = re.compile(r"[a-z][a-z0-9_]*(\.[a-z0-9_]+)*")
"""How a type is written that is not one of ours."""


def keys(delivery: Delivery) -> list[str]:
    """The tool's id of the delivery, where it is signed with it."""
    signed = "webhook-signature" in delivery.headers and delivery.headers.get("webhook-id")
    return [signed] if signed else []


def event(delivery: Delivery, known: Collection[str]) -> Event:
    """The event. Raises PayloadUnreadable if it is no JSON object, or tells a time that is none."""
    told = delivery.json
    if not isinstance(told, dict):
        raise PayloadUnreadable("The body is no JSON object, so it tells no event.")
    kind = told.get("type")
    named = kind if isinstance(kind, str) and KIND.fullmatch(kind) else None
    ours = f"webhook.{named}"
    name = UNKNOWN if named is None else ours if ours in known else RECEIVED
    at = min(_at(told.get("at")) or delivery.received_at, delivery.received_at)
    who = told.get("person")
    return Event(_key(delivery, named, told), name, at, told, _person(who), place=_place(who))


def _key(delivery: Delivery, kind: str | None, told: Mapping[str, Any]) -> str:
    """What tells this event from others: the id of the delivery if that is signed, else the id that it tells of itself,
    else all that it says."""
    if signed := keys(delivery):
        return signed[0]
    own = told.get("id")
    if isinstance(own, str | int) and not isinstance(own, bool) and own != "":
        return f"{kind}:{own}"
    return sha256(delivery.body).hexdigest()


def _person(told: Any) -> Person:
    if not isinstance(told, Mapping):
        return Person()
    email, phone = told.get("email"), told.get("phone")
    return Person(
        email=addresses.email(email) if isinstance(email, str) else None,
        phone=addresses.phone(phone) if isinstance(phone, str) else None,
    )


def _place(told: Any) -> Place | None:
    zone = told.get("zone") if isinstance(told, Mapping) else None
    return Place(time_zone=zone) if isinstance(zone, str) and zone in known_zones() else None


def _at(told: Any) -> datetime | None:
    """A time in UTC, told as ISO 8601 with its offset, or as seconds or milliseconds since 1970. Raises
    PayloadUnreadable."""
    if told is None or told == "":
        return None
    try:
        if isinstance(told, str):
            at = datetime.fromisoformat(told)
            if at.tzinfo is not None:
                return at.astimezone(UTC)
        elif isinstance(told, int | float) and not isinstance(told, bool) and told > 0:
            return datetime.fromtimestamp(told / 1000 if told > 1e11 else told, UTC)
    except (ValueError, OverflowError, OSError):
        pass
    raise PayloadUnreadable("The field at is no time. Write it with its offset, such as 2026-11-22T15:00:00+01:00.")
