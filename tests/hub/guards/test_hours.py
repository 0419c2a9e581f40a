"""In which hours marketing may leave, in numbers. 22 November 2026 is a Sunday."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.errors import SettingInvalid
from hub.guards import hours
from hub.guards.hours import HOUR, Hours, Rule, opening
from hub.timing import to_datetime, to_ms

SMS, EMAIL = hours.USUAL["sms"], hours.USUAL["email"]


def at(text: str, zone: str) -> int:
    return to_ms(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)))


def opens(text: str, zone: str, mine: Hours = SMS, *countries: str, channel: str = "sms") -> str:
    """When it opens, on the clock of that zone."""
    found = opening(at(text, zone), [zone], mine, hours.rules_for(channel, countries))
    assert found is not None
    return to_datetime(found).astimezone(ZoneInfo(zone)).strftime("%Y-%m-%d %H:%M")


@pytest.mark.parametrize(
    ("now", "zone", "country", "then"),
    [
        # By text message from 9:00 to 20:00, every day.
        ("2026-11-22 08:59", "Europe/Berlin", "DE", "2026-11-22 09:00"),
        ("2026-11-22 09:00", "Europe/Berlin", "DE", "2026-11-22 09:00"),
        ("2026-11-22 19:59", "Europe/Berlin", "DE", "2026-11-22 19:59"),
        ("2026-11-22 20:00", "Europe/Berlin", "DE", "2026-11-23 09:00"),
        ("2026-11-22 23:30", "America/New_York", "US", "2026-11-23 09:00"),
        # In France never on Sundays, nor on public holidays: Christmas is a Friday, Easter Monday 29 March 2027.
        ("2026-11-21 20:00", "Europe/Paris", "FR", "2026-11-23 09:00"),
        ("2026-11-22 12:00", "Europe/Paris", "FR", "2026-11-23 09:00"),
        ("2026-12-24 21:00", "Europe/Paris", "FR", "2026-12-26 09:00"),
        ("2027-03-27 20:00", "Europe/Paris", "FR", "2027-03-30 09:00"),
        ("2027-05-06 12:00", "Europe/Paris", "FR", "2027-05-07 09:00"),  # Ascension Day
        ("2027-05-17 12:00", "Indian/Reunion", "RE", "2027-05-18 09:00"),  # Whit Monday
    ],
)
def test_a_text_message_waits_for_an_hour_of_its_country(now: str, zone: str, country: str, then: str) -> None:
    assert opens(now, zone, SMS, country) == then


@pytest.mark.parametrize(
    ("now", "then"),
    [
        ("2026-11-22 07:59", "2026-11-22 08:00"),
        ("2026-11-22 20:59", "2026-11-22 20:59"),
        ("2026-11-22 21:00", "2026-11-23 08:00"),
    ],
)
def test_an_e_mail_leaves_from_eight_to_nine_in_the_evening_in_france_also_on_a_sunday(now: str, then: str) -> None:
    assert opens(now, "Europe/Paris", EMAIL, "FR", channel="email") == then


def test_a_business_that_sends_from_eight_on_does_so_from_nine_on_in_the_united_states() -> None:
    wide = Hours(8 * HOUR, 21 * HOUR)
    assert opens("2026-11-23 08:00", "Europe/Berlin", wide, "DE").endswith("08:00")
    assert opens("2026-11-23 08:00", "America/Chicago", wide, "US").endswith("09:00")
    assert opens("2026-11-23 20:30", "America/Chicago", wide, "US") == "2026-11-24 09:00"


def test_of_two_countries_the_stricter_rule_holds() -> None:
    assert opens("2026-11-22 12:00", "Europe/Paris", SMS, "DE", "FR") == "2026-11-23 09:00"


@pytest.mark.parametrize(
    ("year", "day"),
    # https://www.assa.org.au/edm — some Easter Sundays, among them the earliest and the latest of two centuries
    [(2008, date(2008, 3, 23)), (2011, date(2011, 4, 24)), (2026, date(2026, 4, 5)), (2038, date(2038, 4, 25))]
    + [(1981, date(1981, 4, 19)), (2049, date(2049, 4, 18)), (2076, date(2076, 4, 19))],
)
def test_easter_is_known_for_years_ahead(year: int, day: date) -> None:
    assert hours._easter(year) == day


def test_france_has_eleven_public_holidays_a_year() -> None:
    assert [len(hours._holidays(year)) for year in (2025, 2026, 2027)] == [11, 11, 11]


# ---- clocks that are changed

EARLY = Hours(2 * HOUR + 30, 20 * HOUR)


def test_an_hour_of_opening_that_is_left_out_is_when_it_would_have_come() -> None:
    # In Berlin, 29 March 2026 has no 2:30: after 1:59 it is 3:00, so what would be 2:30 is 3:30.
    found = opening(at("2026-03-29 01:00", "Europe/Berlin"), ["Europe/Berlin"], EARLY, [])
    assert found == at("2026-03-29 03:30", "Europe/Berlin")


def test_a_day_of_twenty_five_hours_opens_once_for_whoever_waits() -> None:
    # 25 October 2026 has 2:30 twice; the first one counts, and the second one is open too.
    start = at("2026-10-25 00:30", "Europe/Berlin")
    found = opening(start, ["Europe/Berlin"], EARLY, [])
    assert found == to_ms(datetime(2026, 10, 25, 0, 30, tzinfo=UTC))  # 2:30 in summer time
    again = to_ms(datetime(2026, 10, 25, 1, 30, tzinfo=UTC))  # 2:30 once more
    assert opening(again, ["Europe/Berlin"], EARLY, []) == again


def test_nine_in_the_morning_is_nine_before_and_after_the_clocks_change() -> None:
    assert opens("2026-03-28 21:00", "Europe/Berlin") == "2026-03-29 09:00"
    assert opens("2026-10-24 21:00", "Europe/Berlin") == "2026-10-25 09:00"
    assert opens("2026-10-31 21:00", "America/New_York") == "2026-11-01 09:00"


# ---- several zones


def test_where_somebody_may_be_in_several_zones_it_must_be_day_in_all() -> None:
    zones = ["America/New_York", "America/Los_Angeles"]
    found = opening(at("2026-11-23 08:00", "America/New_York"), zones, SMS, [])
    assert found == at("2026-11-23 09:00", "America/Los_Angeles")
    late = opening(at("2026-11-23 20:00", "America/New_York"), zones, SMS, [])
    assert late == at("2026-11-24 09:00", "America/Los_Angeles")


def test_where_no_hour_is_day_everywhere_it_never_opens() -> None:
    assert opening(0, ["Pacific/Honolulu", "Europe/Moscow"], SMS, []) is None


ZONES = ["Europe/Berlin", "Europe/Paris", "America/New_York", "America/Adak", "Australia/Lord_Howe", "Asia/Kolkata"]
INSTANTS = st.integers(to_ms(datetime(2025, 1, 1, tzinfo=UTC)), to_ms(datetime(2031, 1, 1, tzinfo=UTC)))


@given(INSTANTS, st.sampled_from(ZONES), st.integers(0, 22), st.integers(1, 24), st.booleans())
def test_what_opens_is_open_and_was_not_before(now: int, zone: str, first: int, length: int, french: bool) -> None:
    mine = Hours(first * HOUR, min(24, first + length) * HOUR)
    rules = [Rule(Hours(0, 24 * HOUR), sundays=False, is_holiday=hours._is_holiday_in_france)] if french else []

    def is_open(instant: int) -> bool:
        local = to_datetime(instant).astimezone(ZoneInfo(zone))
        day = not french or (local.weekday() != 6 and local.date() not in hours._holidays(local.year))
        return day and mine.opens <= local.hour * 60 + local.minute < mine.closes

    found = opening(now, [zone], mine, rules)
    assert found is not None
    assert found >= now
    assert is_open(found)
    # Each quarter of an hour before was closed, and so was the last minute.
    assert not any(is_open(instant) for instant in range(now, found, 900_000))
    assert found == now or not is_open(found - 1)


# ---- in words, and as somebody types them


@pytest.mark.parametrize(
    ("until", "said"),
    [
        ("2026-11-23 09:00", "9:00 their time"),
        ("2026-11-24 09:00", "Tuesday, 9:00 their time"),
        ("2026-12-01 10:12", "1 December, 10:12 their time"),
    ],
)
def test_an_hour_is_told_by_the_clock_of_whom_it_concerns(until: str, said: str) -> None:
    zone = "America/Chicago"
    assert hours.told(at(until, zone), at("2026-11-22 21:00", zone), zone) == said


@pytest.mark.parametrize(("typed", "means"), [(("9", "20:00"), (540, 1200)), (("8:00", "20:30"), (480, 1230))])
def test_hours_are_understood_as_people_type_them(typed: tuple[str, str], means: tuple[int, int]) -> None:
    assert hours.checked("sms", *typed) == Hours(*means)


@pytest.mark.parametrize(
    ("typed", "trouble"),
    [
        (("7:59", "20:00"), "They must lie within 08:00–21:00: nobody wants marketing by text message outside."),
        (("9:00", "21:01"), "They must lie within 08:00–21:00: nobody wants marketing by text message outside."),
        (("20:00", "9:00"), "The end must be later than the beginning."),
        (("morning", "20:00"), "Write a time of day such as 9:00 or 20:30."),
        (("9:60", "20:00"), "Write a time of day such as 9:00 or 20:30."),
        (("25", "26"), "Write a time of day such as 9:00 or 20:30."),
    ],
)
def test_hours_that_are_none_or_too_wide_are_refused_in_a_sentence(typed: tuple[str, str], trouble: str) -> None:
    with pytest.raises(SettingInvalid, match=trouble):
        hours.checked("sms", *typed)


def test_hours_are_read_as_they_were_written_and_usual_where_nobody_said() -> None:
    said = {"sms": Hours(600, 1080), "email": Hours(480, 1200)}
    assert hours.read_hours(hours.write_hours(said)) == said
    assert hours.read_hours(None) == hours.USUAL
    assert hours.read_hours('{"sms": [600, 1080]}') == {"sms": Hours(600, 1080), "email": EMAIL}
