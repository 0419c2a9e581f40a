"""Stored events: how one is written down, and read again."""

from __future__ import annotations

import json
from typing import Any

from .event import Event, Person
from .sealing import Sealer
from .timing import to_datetime


def packed(event: Event) -> bytes:
    """What of an event is sealed: all that may be personal."""
    person = event.person
    return json.dumps(
        {
            "key": event.key,
            "data": event.data,
            "email": person.email,
            "phone": person.phone,
            "ids": dict(person.ids),
        },
        ensure_ascii=False,
        separators=(",", ":"),
    ).encode("utf-8", "surrogatepass")


def opened(row: Any, sealer: Sealer | None) -> Event | None:
    """The event in a row; None if its content is gone, by retention or because its person was erased."""
    if row.content is None or sealer is None:
        return None
    return unpacked(row, sealer.open(row.content, f"event {row.id}"))


def unpacked(row: Any, content: bytes) -> Event:
    """The event of a row with the content that `packed` made."""
    found = json.loads(content)
    person = Person(found["email"], found["phone"], found["ids"])
    return Event(found["key"], row.type, to_datetime(row.at), found["data"], person, id=row.id)
