"""Stored events: how one is written down, and read again."""

from __future__ import annotations

import json
from collections import OrderedDict
from threading import Lock
from typing import Any

from .event import Event, Person
from .sealing import Sealer
from .timing import to_datetime


def packed(event: Event, data: bytes | None = None) -> bytes:
    """What of an event is sealed, all that may be personal: a line of JSON about it, then its data. `data`: the JSON
    that the data was read from, where it is all of it, as writing it anew would be the larger part of the work."""
    person = event.person
    about = {"key": event.key, "email": person.email, "phone": person.phone, "ids": dict(person.ids)}
    return _written(about) + b"\n" + (_written(event.data) if data is None else data)


def _written(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")


def opened(row: Any, sealer: Sealer | None) -> Event | None:
    """The event in a row; None if its content is gone, by retention or because its person was erased."""
    if row.content is None or sealer is None:
        return None
    return unpacked(row, sealer.open(row.content, f"event {row.id}"))


def unpacked(row: Any, content: bytes) -> Event:
    """The event of a row with the content that `packed` made."""
    about, _, data = content.partition(b"\n")
    found = _read(about)
    person = Person(found["email"], found["phone"], found["ids"])
    return Event(found["key"], row.type, to_datetime(row.at), _read(data), person, id=row.id)


def _read(written: bytes) -> Any:
    return json.loads(written.decode("utf-8", "surrogatepass"))


class AtHand:
    """The latest events of runs that go on, as they were read: a run that is answered soon needs not read its event
    again. Whether somebody was erased meanwhile, the database says first."""

    MOST = 500

    def __init__(self) -> None:
        self._events: OrderedDict[int, Event] = OrderedDict()
        self._lock = Lock()

    def keep(self, event: Event) -> None:
        assert event.id is not None
        with self._lock:
            self._events[event.id] = event
            while len(self._events) > self.MOST:
                self._events.popitem(last=False)

    def get(self, event_id: int) -> Event | None:
        return self._events.get(event_id)

    def drop(self, event_id: int) -> None:
        self._events.pop(event_id, None)

    def clear(self) -> None:
        with self._lock:
            self._events.clear()
