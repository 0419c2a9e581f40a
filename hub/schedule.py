"""Schedules: recipes that begin by the clock, once, or for each of a provider's list.

    @recipe(on=daily("09:00"), …)
    @recipe(on=monthly(1, "09:00").each(shopify.customers), …)

A time is one on the wall, in the schedule's own zone or the workspace's. One that does not exist, as clocks are put
forward, is the next that does; one that comes twice, as they are put back, counts the first time alone.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal
from zoneinfo import ZoneInfo

from .errors import RecipeInvalid
from .event import Event
from .timing import known_zones

if TYPE_CHECKING:
    from .action import Action
    from .step import Steps

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
EACH = "schedule.each"
"""The type of the event about one of those whom a schedule goes through."""

CatchUp = Literal["once", "skip"]
"""What becomes of times that passed while the hub was down: the latest of them counts, whenever that is noticed, or
none that is noticed more than ten minutes later. Never more than one."""

_TIME = re.compile(r"([01]\d|2[0-3]):([0-5]\d)")
_SAMPLE_DAY = date(2026, 11, 22)


@dataclass(frozen=True)
class Schedule:
    """When a recipe begins by itself. Made by `daily`, `weekly`, `monthly` and `yearly`.

    zone      as IANA names it; None: the workspace's, UTC until somebody said that
    listing   what is gone through each time, with `given` inputs; the others are settings of the recipe
    """

    kind: Literal["daily", "weekly", "monthly", "yearly"]
    at: time
    day: int = 0
    month: int = 0
    zone: str | None = None
    catch_up: CatchUp = "once"
    listing: Action[Any, Any] | None = None
    given: Mapping[str, Any] = field(default_factory=dict, hash=False)
    same: tuple[str, ...] = ()
    where: Mapping[str, Any] = field(default_factory=dict, hash=False)

    def each(self, listing: Action[Any, Any], **given: Any) -> Schedule:
        """The recipe begins for each that the provider lists, a page at a time: `event.data` is what it says of one of
        them. Inputs that are not given are the recipe's settings of the same name."""
        return replace(self, listing=listing, given=given)

    @property
    def type(self) -> str:
        """The type of the event that the time has come."""
        return f"schedule.{self.kind}"

    @property
    def name(self) -> str:
        """Tells one schedule of a recipe from its others, and an edited one from what it was."""
        day = DAYS[self.day] if self.kind == "weekly" else self.day
        on = {"weekly": f" {day}", "monthly": f" {day}", "yearly": f" {self.month}-{day}"}
        through = f" each {self.listing.name}" if self.listing else ""
        return f"{self.kind}{on.get(self.kind, '')} {self.at:%H:%M}{f' {self.zone}' if self.zone else ''}{through}"

    @property
    def says(self) -> str:
        """When, in words: "every Monday at 09:00"."""
        on = "every day"
        if self.kind == "weekly":
            on = f"every {calendar.day_name[self.day]}"
        elif self.kind != "daily":
            of = "of each month" if self.kind == "monthly" else f"of {calendar.month_name[self.month]}"
            on = f"on day {self.day} {of}"
        through = f", for each {_one_of(self.listing)}" if self.listing else ""
        return f"{on} at {self.at:%H:%M}{f' ({self.zone})' if self.zone else ''}{through}"

    def as_data(self) -> dict[str, Any]:
        return {"type": EACH if self.listing else self.type, "same": [], "where": {}}

    def fits(self, event: Event) -> bool:
        return event.type == self.type or (self.listing is not None and event.type == EACH)

    @property
    def sample(self) -> Event:
        """An event that begins the recipe: of one whom the listing may tell, or of the time. Raises RecipeInvalid if
        nobody gave an example of the listing."""
        at = datetime.combine(_SAMPLE_DAY, self.at, UTC)
        if self.listing is not None:
            if not self.listing.examples or not (found := self.listing.examples()):
                raise RecipeInvalid(f"{self.listing.name}: has no example of what it lists (answering)")
            item = found[0][1]
            return Event(item.key, EACH, at, item.data, item.person, place=item.place)
        return Event("sample", self.type, at, told(self, at, self.zone or "UTC"))

    # ---- times

    def after(self, now: datetime, zone: str) -> tuple[datetime, str]:
        """The first time after an instant: as an instant, and as it is on the wall, by which it is told from others."""
        start = now.astimezone(_zone(zone)).date() - timedelta(days=1)
        return next(found for found in self._times(start, 1, zone) if found[0] > now)

    def latest(self, now: datetime, zone: str) -> tuple[datetime, str]:
        """The last time up to an instant."""
        start = now.astimezone(_zone(zone)).date() + timedelta(days=1)
        return next(found for found in self._times(start, -1, zone) if found[0] <= now)

    def _times(self, day: date, way: int, zone: str) -> Iterator[tuple[datetime, str]]:
        while True:
            if self._is_on(day):
                wall = datetime.combine(day, self.at)
                yield instant(wall, zone), wall.isoformat(timespec="minutes")
            day += timedelta(days=way)

    def _is_on(self, day: date) -> bool:
        if self.kind == "daily":
            return True
        if self.kind == "weekly":
            return day.weekday() == self.day
        last = calendar.monthrange(day.year, day.month)[1]
        return day.day == min(self.day, last) and (self.kind == "monthly" or day.month == self.month)

    # ---- going through a list

    def walk(self, settings: Mapping[str, Any]) -> Steps:
        """Goes through the listing, a page a step. What a page tells begins the recipe; its answer is the place where
        the next one begins."""
        assert self.listing is not None
        inputs = {name: settings[name] for name in self.listing.signature.parameters if name in settings}
        count, cursor = 0, None
        while True:
            page = yield self.listing.step(**{**inputs, **self.given, "cursor": cursor})
            count += page["count"]
            if page["next"] is None or page["next"] == cursor:
                return f"Went through {count:,}."
            cursor = page["next"]

    def faults(self, settings: Mapping[str, Any]) -> Iterator[str]:
        """What is wrong with how the listing is asked, as sentences."""
        if self.listing is None:
            return
        if not self.listing.lists:
            yield f"{self.listing.name} is no listing, so a schedule cannot go through it"
        known = self.listing.signature.parameters
        yield from (f"{self.listing.name} takes no {name!r}" for name in self.given if name not in known)
        for name, item in known.items():
            if item.default is item.empty and name not in {"cursor", *settings, *self.given}:
                yield f"{self.listing.name} needs {name!r}: give it to each(…), or make it a setting"


def daily(at: str, *, zone: str | None = None, catch_up: CatchUp = "once") -> Schedule:
    """Every day: `daily("09:00")`."""
    return Schedule("daily", _time(at), zone=_checked(zone), catch_up=catch_up)


def weekly(day: str, at: str, *, zone: str | None = None, catch_up: CatchUp = "once") -> Schedule:
    """Every week: `weekly("mon", "09:00")`."""
    if day not in DAYS:
        raise RecipeInvalid(f"{day!r} is no day of the week. There are: {', '.join(DAYS)}.")
    return Schedule("weekly", _time(at), DAYS.index(day), zone=_checked(zone), catch_up=catch_up)


def monthly(day: int, at: str, *, zone: str | None = None, catch_up: CatchUp = "once") -> Schedule:
    """Every month: `monthly(1, "09:00")`. In a month that has no such day, on its last."""
    if not 1 <= day <= 31:
        raise RecipeInvalid(f"{day} is no day of a month.")
    return Schedule("monthly", _time(at), day, zone=_checked(zone), catch_up=catch_up)


def yearly(month: int, day: int, at: str, *, zone: str | None = None, catch_up: CatchUp = "once") -> Schedule:
    """Every year: `yearly(12, 24, "09:00")`. 29 February is the 28th in other years."""
    if not 1 <= month <= 12 or not 1 <= day <= calendar.monthrange(2024, month)[1]:
        raise RecipeInvalid(f"There is no day {day} in month {month}.")
    return Schedule("yearly", _time(at), day, month, _checked(zone), catch_up)


def progress(pages: Iterable[Any]) -> str | None:
    """How far the answers of a walk's steps have come, in words; None before the first."""
    found = [page for page in pages if isinstance(page, Mapping) and "count" in page]
    if not found:
        return None
    count, of = sum(page["count"] for page in found), found[-1].get("of")
    return f"Went through {count:,} of {of:,} so far." if of else f"Went through {count:,} so far."


def told(schedule: Schedule, at: datetime, zone: str) -> dict[str, Any]:
    """What the event says that a time has come: when it is on the wall, there, and in words."""
    return {"due": at.astimezone(_zone(zone)).isoformat(), "zone": zone, "says": schedule.says}


def instant(wall: datetime, zone: str) -> datetime:
    """When it is this time on the wall, in UTC; the first of two, and if it never is, the next time that there is."""
    place = _zone(zone)
    while True:
        found = wall.replace(tzinfo=place, fold=0).astimezone(UTC)
        if found.astimezone(place).replace(tzinfo=None) == wall:
            return found
        wall += timedelta(minutes=1)


@lru_cache(maxsize=64)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


def _time(text: str) -> time:
    found = _TIME.fullmatch(text)
    if found is None:
        raise RecipeInvalid(f"{text!r} is no time of day. Write it like 09:00.")
    return time(int(found[1]), int(found[2]))


def _checked(zone: str | None) -> str | None:
    if zone is not None and zone not in known_zones():
        raise RecipeInvalid(f"There is no time zone {zone!r}. Write one such as Europe/Berlin.")
    return zone


def _one_of(listing: Action[Any, Any]) -> str:
    return f"{listing.connector.title} {listing.title}"
