"""What recipes share that look at the clock of whom they are about."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime, tzinfo
from zoneinfo import ZoneInfo

from hub import Event

MORNING, EVENING = 8, 20
"""Hours between which nobody is woken."""


def zone_of(event: Event) -> tzinfo | None:
    """The time zone that a tool tells of somebody (`person.zone`, as IANA names it); None if it tells none that is."""
    person = event.data.get("person")
    told = person.get("zone") if isinstance(person, dict) else None
    with suppress(ValueError, OSError, KeyError):  # a zone that is unknown is a KeyError
        return ZoneInfo(told) if isinstance(told, str) else None
    return None


def by_day(at: datetime) -> datetime:
    """The same day between morning and evening, by the clock of the time's own zone."""
    if at.hour < MORNING:
        return at.replace(hour=MORNING, minute=0, second=0, microsecond=0)
    return at.replace(hour=EVENING, minute=0, second=0, microsecond=0) if at.hour >= EVENING else at
