"""Two spellings of one address are one person; what is no address is None."""

import pytest

from hub import addresses


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (" Ada@Example.COM ", "ada@example.com"),
        ("a+b@example.com", "a+b@example.com"),
        ("ä@example.com", "ä@example.com"),
        ("", None),
        (None, None),
        ("ada", None),
        ("@example.com", None),
        ("ada@", None),
        ("ada lovelace@example.com", None),
        ("ada@example.com\nbcc:bob@example.com", None),
        ("ada\t@example.com", None),
    ],
)
def test_an_email_address_has_one_spelling(text, expected):
    assert addresses.email(text) == expected


@pytest.mark.parametrize(
    ("text", "region", "expected"),
    [
        ("+1 (415) 555-0100", None, "+14155550100"),
        ("(415) 555-0100", "US", "+14155550100"),
        ("415.555.0100", "us", "+14155550100"),
        ("0151 23456789", "DE", "+4915123456789"),
        ("+4915123456789", "US", "+4915123456789"),
        ("(415) 555-0100", None, None),
        ("(415) 555-0100", "ZZ", None),
        ("(415) 555-0100", "", None),
        ("555-0100", "US", None),  # within a town only: the area is not known
        ("+1415", None, None),
        ("+999999999999999999", None, None),
        ("call me", "US", None),
        ("", "US", None),
        (None, "US", None),
    ],
)
def test_a_phone_number_has_one_spelling(text, region, expected):
    assert addresses.phone(text, region) == expected


def test_a_number_tells_its_region_where_it_can():
    assert addresses.region_of("+4915123456789") == "DE"
    assert addresses.region_of("no number") is None


@pytest.mark.parametrize(("text", "is_one"), [("US", True), ("gb", True), ("UK", False), ("", False), ("001", False)])
def test_a_region_is_known_by_its_two_letters(text, is_one):
    assert addresses.is_region(text) is is_one
