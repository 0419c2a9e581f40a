"""Placeholders in message texts."""

from __future__ import annotations

from decimal import Decimal

import pytest

from hub.texts import filled_in, placeholders


@pytest.mark.parametrize(
    ("text", "values", "filled"),
    [
        ("Thank you, {first_name}!", {"first_name": "Ada"}, "Thank you, Ada!"),
        ("{order}: {total}", {"order": "#1001", "total": Decimal("84.90")}, "#1001: 84.90"),
        ("{count} left", {"count": 0}, "0 left"),
        ("{a}{b}{a}", {"a": 1, "b": 2}, "121"),
        ("Hello {first_name|dear customer}!", {"first_name": "Ada"}, "Hello Ada!"),
        ("Hello {first_name|dear customer}!", {"first_name": None}, "Hello dear customer!"),
        ("Hello {first_name|dear customer}!", {"first_name": ""}, "Hello dear customer!"),
        ("", {"first_name": "Ada"}, ""),
    ],
)
def test_a_placeholder_gives_its_value_or_what_stands_after_the_bar(text, values, filled):
    assert filled_in(text, **values) == filled


@pytest.mark.parametrize("text", ["Thank you {first_name}!", "Thank you {first_name|}!", " Thank you {first_name} !"])
def test_a_missing_value_leaves_no_gap_before_the_mark(text):
    assert filled_in(text, first_name=None) == "Thank you!"


def test_a_gap_between_words_and_a_comma_closes_too():
    assert filled_in("Hello {first_name}, your order {order}; bye.", first_name="", order="") == (
        "Hello, your order; bye."
    )


def test_a_name_that_is_not_offered_stays_to_be_seen_in_the_preview():
    assert filled_in("Hello {frist_name|you}", first_name="Ada") == "Hello {frist_name|you}"


@pytest.mark.parametrize("value", ["{total}", "{0}", "%s", "\\1", "{first_name|x}"])
def test_what_a_value_says_is_never_read_as_a_placeholder(value):
    assert filled_in("{first_name}", first_name=value, total="84.90") == value


def test_other_braces_are_left_alone():
    assert filled_in("{} {a b} {{order}} {", order="1") == "{} {a b} {1} {"


@pytest.mark.parametrize(
    "text",
    [
        "{first_name.__class__}",
        "{first_name.upper}",
        "{first_name[0]}",
        "{first_name!r}",
        "{first_name:>1000000000}",
        "{0.__class__.__mro__}",
        "{{ first_name }}",
        "{% for x in y %}",
        "%(first_name)s",
        "${first_name.x}",
    ],
)
def test_a_template_reaches_nothing_and_formats_nothing(text):
    assert filled_in(text, first_name="Ada") == text


@pytest.mark.parametrize("gap", [" " * 500_000, "{" * 500_000, "{a|" * 200_000, "{" + "a" * 500_000])
def test_a_text_that_is_made_to_take_long_is_through_at_once(gap):
    # With time squared each of these would take hours.
    assert filled_in("x{first_name}x", first_name=gap) == f"x{gap}x"
    assert filled_in(f"x{gap}x", first_name="Ada").startswith("x")


def test_the_placeholders_of_a_text_are_named_once_each():
    assert placeholders("{a} {b|x} {a|y} {} {c d}") == ["a", "b"]
