"""Where somebody is: the time zones in which they may be, and the countries whose law may hold.

The best source counts: their own zone, then their address, then their number, then the business's zone. A source may
name several zones, as the number of a mobile phone does in a large country: then some hour must be open in all of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache

from .. import addresses
from ..event import Channel, Place
from ..timing import known_zones

_PROVINCES = {
    "US": {
        "America/New_York": "CT DC DE FL GA IN KY MA MD ME MI NC NH NJ NY OH PA RI SC TN VA VT WV",
        "America/Chicago": "AL AR FL IA IL IN KS KY LA MI MN MO MS ND NE OK SD TN TX WI",
        "America/Denver": "CO ID KS MT ND NE NM OR SD TX UT WY",
        "America/Phoenix": "AZ",
        "America/Los_Angeles": "CA ID NV OR WA",
        "America/Anchorage": "AK",
        "America/Adak": "AK",
        "Pacific/Honolulu": "HI",
    },
    "CA": {
        "America/St_Johns": "NL",
        "America/Halifax": "NB NL NS PE",
        "America/Toronto": "NU ON QC",
        "America/Winnipeg": "MB NU ON",
        "America/Regina": "SK",
        "America/Edmonton": "AB BC NT NU",
        "America/Vancouver": "BC",
        "America/Whitehorse": "YT",
    },
    "AU": {
        "Australia/Sydney": "ACT NSW",
        "Australia/Melbourne": "VIC",
        "Australia/Brisbane": "QLD",
        "Australia/Adelaide": "SA",
        "Australia/Darwin": "NT",
        "Australia/Perth": "WA",
        "Australia/Hobart": "TAS",
    },
}
"""The zones of provinces, where a country has many of either: by their codes in ISO 3166-2. Some lie in two zones."""

_ONE_FOR_SEVERAL = {"1", "7"}
"""Country codes that several large countries share: what belongs to them says nothing about one of these."""


@dataclass(frozen=True)
class Whereabouts:
    """Each entry of `sources` has the zones in which somebody may be by one source, the best source first; the last
    one is always there. `countries` are those whose law may hold, by ISO 3166."""

    sources: tuple[tuple[str, ...], ...]
    countries: tuple[str, ...]


def whereabouts(channel: Channel, place: Place | None, recipient: str, zone: str | None) -> Whereabouts:
    """Where the recipient of a message is, as far as is known. `zone` is the business's own."""
    country = (place.country or "").upper() if place else ""
    number = recipient if channel == "sms" else ""
    countries = dict.fromkeys([country, (addresses.region_of(number) if number else None) or ""])
    sources = dict.fromkeys(_sources(place, country, number))
    own = zone if zone and zone in known_zones() else "UTC"
    return Whereabouts((*sources, (own,)), tuple(name for name in countries if name))


def _sources(place: Place | None, country: str, number: str) -> Iterator[tuple[str, ...]]:
    if place and place.time_zone and place.time_zone in known_zones():
        yield (place.time_zone,)
    if place and country and (zones := _zones_in(country, (place.province or "").upper())):
        yield zones
    if number and (zones := _zones_of(number)):
        yield zones


@cache
def _zones_in(country: str, province: str) -> tuple[str, ...]:
    """The zones of a country, or of its province; none if they cannot be told."""
    if country in _PROVINCES:
        return tuple(zone for zone, provinces in _PROVINCES[country].items() if province in provinces.split())
    import phonenumbers

    code = str(phonenumbers.country_code_for_region(country))
    return () if code in _ONE_FOR_SEVERAL else _zones_behind(code)


def _zones_behind(code: str) -> tuple[str, ...]:
    """The zones of a country's calling code: "49"."""
    from phonenumbers.tzdata import TIMEZONE_DATA

    found: Mapping[str, tuple[str, ...]] = TIMEZONE_DATA
    return tuple(zone for zone in found.get(code, ()) if zone in known_zones())


def _zones_of(number: str) -> tuple[str, ...]:
    """The zones of an E.164 number; none if it is none."""
    import phonenumbers
    from phonenumbers import timezone

    try:
        parsed = phonenumbers.parse(number)
    except phonenumbers.NumberParseException:
        return ()
    zones = tuple(zone for zone in timezone.time_zones_for_number(parsed) if zone in known_zones())
    return zones or _zones_behind(str(parsed.country_code))
