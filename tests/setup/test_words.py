"""Sentences for people."""

from __future__ import annotations

from contextvars import copy_context
from decimal import Decimal

import pytest

from hub.setup import language, measures, words
from hub.setup.words import DAY, HOUR, MINUTE, SECOND


@pytest.mark.parametrize(
    ("milliseconds", "says"),
    [
        (0, "a moment"),
        (SECOND, "1 second"),
        (90 * SECOND, "1 minute 30 seconds"),
        (HOUR - 3, "1 hour"),  # what the engine measures is a little less than what was set
        (90 * MINUTE, "1 hour 30 minutes"),
        (3 * DAY, "3 days"),
        (14 * DAY, "14 days"),
        (28 * DAY, "4 weeks"),
        (30 * DAY, "30 days"),
    ],
)
def test_a_span_reads_as_people_set_it(milliseconds: int, says: str) -> None:
    assert words.span(milliseconds) == says


@pytest.mark.parametrize(
    ("passed", "says"),
    [
        (0, "just now"),
        (59 * SECOND, "just now"),
        (MINUTE, "1 minute ago"),
        (3 * HOUR, "3 hours ago"),
        (9 * DAY, "1 week ago"),
    ],
)
def test_how_long_ago_is_told_roughly(passed: int, says: str) -> None:
    assert words.ago(1_000_000_000_000, 1_000_000_000_000 + passed) == says


def test_times_of_another_day_have_their_date() -> None:
    now = 1_795_348_800_000  # 22 November 2026, 12:00 UTC
    assert words.moment(now - HOUR, now).short == "11:00 UTC"
    assert words.moment(now - 2 * DAY, now).short == "20 Nov, 12:00 UTC"


def test_days_spans_and_sums_are_written_as_the_readers_language_writes_them() -> None:
    now = 1_795_348_800_000
    with_language = copy_context()
    with_language.run(language.choose, "de")
    said = with_language.run(
        lambda: (words.moment(now - 2 * DAY, now), words.span(90 * MINUTE), words.ago(now - DAY, now))
    )
    assert (said[0].short, said[0].full) == ("20. Nov., 12:00 UTC", "20. November 2026, 12:00:00 UTC")
    assert said[1:] == ("1 Stunde 30 Minuten", "vor 1 Tag")
    assert with_language.run(measures.number, 1234567) == "1.234.567"
    assert with_language.run(measures.money, Decimal("1012.4"), "EUR") == "1.012,40\xa0€"
    assert words.span(90 * MINUTE) == "1 hour 30 minutes", "another page's language is its own"


def test_what_is_not_installed_any_more_keeps_its_name() -> None:
    assert words.tool("pigeon_post").title == "Pigeon Post"
    assert words.action("pigeon.send_letter") == "Send letter"
    assert words.recipe("old_recipe") == "Old recipe"
    assert words.happening("pigeon.letter.sent") == "pigeon: letter sent"
    assert words.happening("unknown") == "something happens"


def test_a_reason_with_an_events_type_is_put_in_words() -> None:
    assert words.reason("Ended by shopify.order.cancelled.") == "Ended because an order is cancelled."
    assert words.reason("Cancelled.") == "Cancelled."
