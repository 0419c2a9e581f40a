"""Numbers, sums, days, spans and lists, written as the reader's language writes them: by Babel, which is loaded when a
page needs it first. https://babel.pocoo.org/en/latest/numbers.html"""

from __future__ import annotations

from collections.abc import Sequence
from contextvars import ContextVar
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from functools import cache, lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from babel import Locale
    from babel.dates import DateTimePattern

SOURCE = "en"
"""The language that the code is written in."""

LANGUAGE: ContextVar[str] = ContextVar("LANGUAGE", default=SOURCE)

_REGION = {SOURCE: "en_GB"}
"""Whose days a language has, where it has several: "20 Nov, 14:02"."""

LONG = "long"


def number(value: int) -> str:
    """A whole number: "1,234"."""
    if 0 <= value < 1000:
        return str(value)
    from babel.numbers import format_decimal

    return format_decimal(value, locale=LANGUAGE.get())


def money(amount: Decimal, currency: str) -> str:
    """A small or a large sum: "$0.008", "$12.40"."""
    from babel.numbers import format_currency, get_currency_symbol

    digits = 3 if amount < Decimal("0.1") else 2
    rounded = amount.quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP)
    pattern = _locale(LANGUAGE.get()).currency_formats["standard"].pattern.replace("0.00", f"0.{'0' * digits}")
    if get_currency_symbol(currency, LANGUAGE.get())[-1:].isalpha():
        pattern = pattern.replace("¤#", "¤\xa0#")
    return format_currency(rounded, currency, pattern, locale=LANGUAGE.get(), currency_digits=False)


def counted(count: int, unit: str) -> str:
    """So many of a unit of time: "1 hour", "3 days"."""
    return _counted(count, unit, LANGUAGE.get())


@lru_cache(maxsize=1024)
def _counted(count: int, unit: str, language: str) -> str:
    from babel.units import format_unit

    return format_unit(count, f"duration-{unit}", "long", locale=language)


def ago(span: timedelta) -> str:
    """How long ago something was, in its largest unit: "2 minutes ago"."""
    from babel.dates import format_timedelta

    return format_timedelta(-span, threshold=1, add_direction=True, locale=LANGUAGE.get())


def short_day(day: date) -> str:
    """ "20 Nov"."""
    return _pattern(LANGUAGE.get(), "MMMd", "").apply(day, _region(LANGUAGE.get()))


def clock(when: datetime) -> str:
    """ "14:02"."""
    return _pattern(LANGUAGE.get(), "", "Hm").apply(when, _region(LANGUAGE.get()))


def day_and_clock(when: datetime) -> str:
    """ "20 Nov, 14:02"."""
    return _pattern(LANGUAGE.get(), "MMMd", "Hm").apply(when, _region(LANGUAGE.get()))


def in_full(when: datetime) -> str:
    """ "20 November 2026, 14:02:09"."""
    return _pattern(LANGUAGE.get(), LONG, "Hms").apply(when, _region(LANGUAGE.get()))


def weekday(number: int) -> str:
    """A day of the week by its number, Monday 0: "Monday"."""
    return str(_region(LANGUAGE.get()).days["stand-alone"]["wide"][number])


def month(number: int) -> str:
    """A month by its number: "December"."""
    return str(_region(LANGUAGE.get()).months["stand-alone"]["wide"][number])


def listed(items: Sequence[str]) -> str:
    """Several things: "a, b and c"."""
    from babel.lists import format_list

    return format_list([str(item) for item in items], locale=_region(LANGUAGE.get()))


def name_of(language: str) -> str:
    """What a language is called by those who speak it."""
    return (_locale(language).display_name or language).capitalize()


@cache
def _locale(name: str) -> Locale:
    from babel import Locale

    return Locale.parse(name)


def _region(language: str) -> Locale:
    return _locale(_REGION.get(language, language))


@cache
def _pattern(language: str, day: str, clock: str) -> DateTimePattern:
    """How a day and a time are put together: https://www.unicode.org/reports/tr35/tr35-dates.html"""
    from babel.dates import parse_pattern

    locale = _region(language)
    said = [str(locale.date_formats[day] if day == LONG else locale.datetime_skeletons[day])] if day else []
    said += [str(locale.datetime_skeletons[clock])] if clock else []
    together = str(locale.datetime_formats["medium"]) if len(said) == 2 else "{0}"
    return parse_pattern(together.replace("{1}", said[0]).replace("{0}", said[-1]))
