"""What starts a recipe, in words: what happens in a service, or the time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ..connector import Match
from ..schedule import Schedule
from . import measures, words
from .language import _
from .retold import told

Starts = Sequence[Match | Schedule]


def begins(on: Starts) -> str:
    """What starts it, as a line of its own: "An order is placed", "Every day at 09:00"."""
    return words.upper_first(words.either(_each(on)))


def when(on: Starts) -> str:
    """When it begins: "When an order is placed", "Every day at 09:00"."""
    if any(isinstance(item, Schedule) for item in on):
        return begins(on)
    return _("When %(event)s", event=words.any_of([item.type for item in on]))


def _each(on: Starts) -> Iterable[str]:
    for item in on:
        yield schedule(item) if isinstance(item, Schedule) else words.happening(item.type, words.CLAUSE)


def schedule(item: Schedule) -> str:
    """A schedule: "every Monday at 09:00", "every day at 09:00, for each customer in Shopify"."""
    at = f"{item.at:%H:%M}" + (f" ({item.zone})" if item.zone else "")
    if item.kind == "daily":
        says = _("every day at %(time)s", time=at)
    elif item.kind == "weekly":
        says = _("every %(day)s at %(time)s", day=measures.weekday(item.day), time=at)
    elif item.kind == "monthly":
        says = _("on day %(day)s of each month at %(time)s", day=item.day, time=at)
    else:
        says = _("on day %(day)s of %(month)s at %(time)s", day=item.day, month=measures.month(item.month), time=at)
    if item.listing is None:
        return says
    connector = item.listing.connector
    thing = told(item.listing.title, connector.package)
    return _("%(when)s, for each %(thing)s in %(service)s", when=says, thing=thing, service=connector.title)
