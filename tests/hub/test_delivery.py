"""A delivery is read from its raw bytes, or refused as unreadable."""

from datetime import UTC, datetime

import pytest

from hub.delivery import Delivery, read_json
from hub.errors import PayloadUnreadable


def delivery(body=b"", url="https://hub.example/webhooks/acme/1"):
    return Delivery("POST", url, {}, body, datetime(2026, 11, 22, tzinfo=UTC))


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'{"id": 706405506930370084123}', {"id": 706405506930370084123}),
        ('{"name": "Ada ✓"}'.encode(), {"name": "Ada ✓"}),
        (b" [1.50] ", [1.5]),
        (b"null", None),
    ],
)
def test_json_is_read_exactly(body, expected):
    assert delivery(body).json == expected


UNREADABLE = [b"", b"{", b"{} {}", b"NaN", b"[Infinity]", b'"\xff"', b'{"a": 1}\x80', b"[" * 100_000, b"9" * 5000]


@pytest.mark.parametrize("body", UNREADABLE, ids=lambda body: repr(body[:9]))
def test_a_body_that_is_no_json_is_refused_without_repeating_it(body):
    with pytest.raises(PayloadUnreadable, match=r"^The body is not JSON that can be read\.$") as caught:
        read_json(body)
    assert caught.value.__suppress_context__


def test_a_form_keeps_order_repeats_and_empty_fields():
    pairs = delivery(b"b=2&a=1&b=&c=Ada+%E2%9C%93%26").form_pairs
    assert pairs == [("b", "2"), ("a", "1"), ("b", ""), ("c", "Ada ✓&")]


def test_of_a_repeated_field_the_last_counts():
    assert delivery(b"a=1&a=2").form == {"a": "2"}


def test_an_empty_form_has_no_fields():
    assert delivery(b"").form == {}


@pytest.mark.parametrize("body", [b"nothing", b"a=%FF", b"a=\xff", b"a=1&&b=2", b"a=1&" * 2001 + b"a=1"])
def test_a_body_that_is_no_form_is_refused(body):
    with pytest.raises(PayloadUnreadable, match="form"):
        _ = delivery(body).form


def test_the_query_keeps_repeats_and_empty_values():
    assert delivery(url="https://hub.example/?key=a&key=b&empty=").query == {"key": ["a", "b"], "empty": [""]}


def test_a_delivery_shows_its_size_and_not_its_content():
    assert repr(delivery(b"ada@example.com", "https://hub.example/?key=secret")) == "Delivery(POST, 15 bytes)"
