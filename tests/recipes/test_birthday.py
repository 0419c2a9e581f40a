"""Birthdays: whose it is in a week, what leaves when, and that it is once a year."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from connectors import mailchimp, shopify
from hub import Event
from hub.testing import Rehearsed, rehearse
from recipes.birthday import birthday, days_left
from tests.recipes.events import AUDIENCE
from tests.recipes.rehearsing import mailed_at, mails, one_after_another

SAMPLE = birthday.on[0].sample
DUE = datetime(2026, 11, 15, 9, 0, tzinfo=UTC)
DAY = timedelta(days=1)


def member(born: Any = "11/22", at: datetime = DUE, status: str = "subscribed") -> Event:
    told = {**SAMPLE.data, "status": status, "merge_fields": {"BIRTHDAY": born} if born else {}}
    return replace(SAMPLE, at=at, data=told)


def congratulate(event: Event | None = None, *, answers: Any = None, **settings: Any) -> Rehearsed:
    usual = {
        shopify.orders_of: [],
        mailchimp.get_member: {"status": "subscribed"},
        mailchimp.add_event: {"id": "e"},
    }
    return rehearse(birthday, event or member(), usual | (answers or {}), **{"audience": AUDIENCE} | settings)


def test_a_present_good_wishes_and_a_last_word_leave():
    run = congratulate()
    assert mailed_at(run) == [
        ("birthday_present", DUE),
        ("birthday_today", DUE + 7 * DAY),
        ("birthday_last", DUE + (7 + 21 - 3) * DAY),
    ]
    (made,) = run.of(shopify.create_discount_code)
    assert (made.inputs["percentage"], made.inputs["usage_limit"]) == (15.0, 1)
    assert (made.inputs["starts_at"], made.inputs["ends_at"]) == (DUE, DUE + 28 * DAY)
    code = {"code": made.inputs["code"]}
    assert [step.inputs["properties"] for step in run.of(mailchimp.add_event)] == [code] * 3
    assert run.says == "They were congratulated."
    # good wishes leave on the day or not at all
    assert [step.inputs.get("useful_for") for step in run.of(mailchimp.add_event)] == [None, timedelta(hours=14), None]


def test_without_a_present_there_are_good_wishes_alone():
    run = congratulate(discount_percent=0)
    assert (mails(run), run.of(shopify.create_discount_code)) == (["birthday_today"], [])


def test_a_present_that_ends_soon_has_no_last_word():
    assert mails(congratulate(lasts="3 days")) == ["birthday_present", "birthday_today"]


def test_who_ordered_is_not_pressed():
    run = congratulate(answers={shopify.orders_of: [{"id": "1"}]})
    assert (run.says, mails(run)) == ("They ordered.", ["birthday_present", "birthday_today"])


def test_who_unsubscribes_meanwhile_gets_no_more():
    statuses = one_after_another([{"status": "subscribed"}, {"status": "unsubscribed"}])
    run = congratulate(answers={mailchimp.get_member: statuses})
    assert mails(run) == ["birthday_present"]


def test_of_whom_the_hub_hears_later_the_present_comes_later_or_with_the_wishes():
    late = congratulate(member("11/18"))
    assert mailed_at(late)[:2] == [("birthday_present", DUE), ("birthday_today", DUE + 3 * DAY)]
    today = congratulate(member("11/15"))
    assert mailed_at(today) == [("birthday_today", DUE), ("birthday_last", DUE + 18 * DAY)]
    assert today.of(mailchimp.add_event)[0].inputs["properties"].keys() == {"code"}


@pytest.mark.parametrize(
    ("born", "on", "is_it"),
    [
        ("11/22", "2026-11-15", True),
        ("11/22", "2026-11-14", False),
        ("11/22", "2026-11-22", True),
        ("11/22", "2026-11-23", False),
        ("01/03", "2026-12-27", True),  # over the new year
        ("02/29", "2028-02-22", True),
        ("02/29", "2028-02-21", False),
        ("02/29", "2027-02-21", True),  # no leap year: on the 28th
        ("02/29", "2027-03-01", False),
        ("02/28", "2028-02-21", True),
        ("02/28", "2027-02-21", True),
        ("03/01", "2027-02-22", True),
        (None, "2026-11-15", False),
        ("", "2026-11-15", False),
        ("22.11.", "2026-11-15", False),
    ],
)
def test_it_begins_within_the_week_before(born, on, is_it):
    run = congratulate(member(born, datetime.fromisoformat(f"{on}T09:00:00+00:00")))
    assert (run.state == "done") is is_it


ZONES = ["Pacific/Honolulu", "America/Los_Angeles", "Europe/Berlin", "Asia/Tokyo", "Pacific/Auckland"]


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("day", ["2026-11-15", "2026-07-15", "2026-10-31"])
def test_the_day_is_that_of_the_business_wherever_it_is(zone, day):
    nine = datetime.fromisoformat(f"{day}T09:00:00").replace(tzinfo=ZoneInfo(zone))
    left = [days_left(member(f"{nine + days * DAY:%m/%d}", nine.astimezone(UTC))) for days in range(-1, 9)]
    assert left == [None, 0, 1, 2, 3, 4, 5, 6, 7, None]


def test_who_gets_no_newsletters_is_not_begun_with():
    run = congratulate(member(status="unsubscribed"))
    assert (run.state, run.says) == ("skipped", "Not so: They get newsletters.")


def test_it_is_once_in_300_days_even_if_the_date_is_changed():
    assert birthday.once_per is not None
    assert birthday.once_per(member()) == birthday.once_per(member("03/01", DUE + 99 * DAY))
    assert birthday.cool_down == 300 * DAY
