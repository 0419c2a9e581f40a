"""What recipes share that are about an appointment: when it begins, when to remind of it, and a text about it."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime, timedelta

from hub import Event, Steps, now
from recipes.local_time import EVENING, MORNING, zone_of
from recipes.reaching import texted

FILLS = {"first_name": "Ada", "day": "24 November", "time": "17:00", "service": "haircut"}
"""What can be told in a text, as a made-up person has it."""


def start_of(event: Event) -> datetime | None:
    """When it begins, by the clock of whom it is about, else as it is told; None if no time with its zone is told."""
    with suppress(KeyError, TypeError, ValueError):
        start = datetime.fromisoformat(event.data["data"]["start"])
        return start.astimezone(zone_of(event) or start.tzinfo) if start.tzinfo else None
    return None


def is_to_come(event: Event) -> bool:
    """The appointment is told with its number and its time, and is still to come."""
    start, told = start_of(event), event.data.get("data") or {}
    return start is not None and start > event.at and bool(told.get("appointment"))


def last_call(start: datetime) -> datetime:
    """When to remind for the last time: two hours before, or in the evening where that would wake them."""
    at = start - timedelta(hours=2)
    evening = start.replace(hour=EVENING, minute=0, second=0) - timedelta(days=1)
    return at if at.hour >= MORNING and at.date() == start.date() else evening


def told(event: Event, start: datetime, text: str) -> Steps:
    """Sends a text about the appointment; why it did not leave, or None."""
    if (yield now()) >= start:
        return "The appointment was over before the text could leave."
    name = (event.data["person"].get("name") or "").partition(" ")[0]
    when = {"day": f"{start.day} {start:%B}", "time": f"{start:%H:%M}"}
    values = {"first_name": name, "service": event.data["data"].get("service"), **when}
    return (yield from texted(event, text, "transactional", **values))
