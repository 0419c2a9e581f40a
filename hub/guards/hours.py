"""In which hours marketing may reach somebody, by the clock where they are. Pure: the time is given.

From when to when a business sends, it may say itself; it never widens what the law of the recipient's country allows.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from functools import cache
from zoneinfo import ZoneInfo

from ..errors import SettingInvalid
from ..event import Channel
from ..timing import to_datetime, to_ms
from .messages import WORDS

HOUR = 60
LATEST_DAYS = 15
"""How far ahead an open hour is looked for: no rule closes for so long."""

JITTER_SECONDS = 15 * 60
"""E-mails that waited for the same hour leave within so many seconds after it, not in one heap."""


@dataclass(frozen=True)
class Hours:
    """From when to when, in minutes after midnight; the end itself is closed."""

    opens: int
    closes: int

    def __str__(self) -> str:
        return f"{clock(self.opens)}–{clock(self.closes)}"

    def within(self, other: Hours) -> Hours:
        """What both allow; it may be nothing (`is_empty`)."""
        return Hours(max(self.opens, other.opens), min(self.closes, other.closes))

    @property
    def is_empty(self) -> bool:
        return self.opens >= self.closes


@dataclass(frozen=True)
class Rule:
    """What a country's law says about marketing by text message."""

    hours: Hours
    sundays: bool = True
    is_holiday: Callable[[date], bool] | None = None


def clock(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"


USUAL: Mapping[Channel, Hours] = {"sms": Hours(9 * HOUR, 20 * HOUR), "email": Hours(8 * HOUR, 21 * HOUR)}
"""When marketing leaves, if a business says nothing else."""

WIDEST: Mapping[Channel, Hours] = {"sms": Hours(8 * HOUR, 21 * HOUR), "email": Hours(8 * HOUR, 21 * HOUR)}
"""What a business may widen it to at most; a country's own rule holds besides."""


@cache
def _holidays(year: int) -> frozenset[date]:
    """France's public holidays: eight fixed ones, and three that follow Easter.

    The package `holidays` would hold back the version of a library that the providers' clients use, for eleven days.
    """
    fixed = [(1, 1), (5, 1), (5, 8), (7, 14), (8, 15), (11, 1), (11, 11), (12, 25)]
    movable = [_easter(year) + timedelta(days) for days in (1, 39, 50)]
    return frozenset([date(year, month, day) for month, day in fixed] + movable)


def _easter(year: int) -> date:
    """Easter Sunday of the Gregorian calendar, by the rule of Meeus, Jones and Butcher."""
    golden, (century, rest) = year % 19, divmod(year, 100)
    corrected = century - century // 4 - (century - (century + 8) // 25 + 1) // 3
    moon = (19 * golden + corrected + 15) % 30
    week = (32 + 2 * (century % 4) + 2 * (rest // 4) - moon - rest % 4) % 7
    late = (golden + 11 * moon + 22 * week) // 451
    month, day = divmod(moon + week - 7 * late + 114, 31)
    return date(year, month, day + 1)


def _is_holiday_in_france(day: date) -> bool:
    return day in _holidays(day.year)


_FRANCE = Rule(Hours(8 * HOUR, 22 * HOUR), sundays=False, is_holiday=_is_holiday_in_france)
_ANYWHERE = Rule(Hours(8 * HOUR, 21 * HOUR))
RULES: Mapping[str, Rule] = {
    # Some states end at 20:00 and begin at 9:00. Whose number is from another state lives by a law that the number does
    # not tell, so this holds in all of them.
    "US": Rule(Hours(9 * HOUR, 20 * HOUR)),
    **dict.fromkeys(("FR", "GP", "GF", "MQ", "RE", "YT"), _FRANCE),
}
"""By country; `rules_for` has the one for all others."""


def read_hours(text: str | None) -> dict[Channel, Hours]:
    """When a business sends marketing, by channel, as it is kept with its workspace: JSON with minutes of the day."""
    told = json.loads(text) if text else {}
    return {channel: Hours(*told.get(channel, (usual.opens, usual.closes))) for channel, usual in USUAL.items()}


def write_hours(hours: Mapping[Channel, Hours]) -> str:
    """What `read_hours` reads."""
    return json.dumps({channel: [mine.opens, mine.closes] for channel, mine in sorted(hours.items())})


def checked(channel: Channel, opens: str, closes: str) -> Hours:
    """Hours as somebody typed them, "9:00" and "20:00". Raises SettingInvalid where they are none, or wider than any
    message may be sent in."""
    found = Hours(_minutes(opens), _minutes(closes))
    if found.is_empty:
        raise SettingInvalid("The end must be later than the beginning.")
    if found.within(widest := WIDEST[channel]) != found:
        raise SettingInvalid(f"They must lie within {widest}: nobody wants marketing by {WORDS[channel]} outside.")
    return found


def _minutes(text: str) -> int:
    found = re.fullmatch(r"(\d{1,2})(?::(\d{2}))?", text.strip())
    hour, minute = (int(found[1]), int(found[2] or 0)) if found else (99, 0)
    if hour > 24 or minute > 59 or hour * 60 + minute > 24 * 60:
        raise SettingInvalid("Write a time of day such as 9:00 or 20:30.")
    return hour * 60 + minute


def rules_for(channel: Channel, countries: Sequence[str]) -> list[Rule]:
    """The rules that hold for somebody who may be in any of these countries. Only text messages have any."""
    if channel != "sms":
        return []
    return [RULES.get(country, _ANYWHERE) for country in countries] or [_ANYWHERE]


def opening(at: int, zones: Sequence[str], hours: Hours, rules: Sequence[Rule]) -> int | None:
    """The first instant from `at` on, in milliseconds since 1970, at which it is open in all the zones where somebody
    may be; `at` itself if it is open already; None if it never is."""
    for rule in rules:
        hours = hours.within(rule.hours)
    if hours.is_empty:
        return None
    latest = at + LATEST_DAYS * 86_400_000
    places = [ZoneInfo(zone) for zone in zones]
    while at <= latest:
        following = max(_opening(at, place, hours, rules) for place in places)
        if following == at:
            return at
        at = following
    return None


def _opening(at: int, zone: tzinfo, hours: Hours, rules: Sequence[Rule]) -> int:
    """`opening` in one zone. By what its clocks show: in an hour that comes twice, twice; where the hour of opening is
    left out, as soon as it would have come."""
    local = to_datetime(at).astimezone(zone)
    day = local.date()
    if _is_open_on(day, rules) and hours.opens <= local.hour * 60 + local.minute < hours.closes:
        return at
    for days in range(LATEST_DAYS + 1):
        following = day + timedelta(days)
        opens = to_ms(datetime(following.year, following.month, following.day, tzinfo=zone) + _span(hours.opens))
        if opens > at and _is_open_on(following, rules):
            return opens
    return at + (LATEST_DAYS + 1) * 86_400_000


def _span(minutes: int) -> timedelta:
    return timedelta(minutes=minutes)  # added to a local time, it moves the hands of the clock


def _is_open_on(day: date, rules: Sequence[Rule]) -> bool:
    return all(
        (rule.sundays or day.weekday() != 6) and not (rule.is_holiday and rule.is_holiday(day)) for rule in rules
    )


def told(until: int, now: int, zone: str) -> str:
    """An instant by the clock of whom it concerns: "9:00 their time", "Monday, 9:00 their time"."""
    local, today = to_datetime(until).astimezone(ZoneInfo(zone)), to_datetime(now).astimezone(ZoneInfo(zone))
    at = f"{local.hour}:{local.minute:02} their time"
    if until - now < 86_400_000:
        return at
    day = f"{local:%A}" if (local.date() - today.date()).days < 7 else f"{local.day} {local:%B}"
    return f"{day}, {at}"
