"""Plain data comes back as it was written, the same bytes for equal data, and nothing else is taken."""

from collections import OrderedDict
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from types import MappingProxyType

import pytest

from hub import values
from hub.errors import StepNotData

PLAIN = [
    None,
    True,
    False,
    0,
    -1,
    706405506930370084,
    2**200,
    0.1,
    -0.0,
    1e308,
    "",
    "Ada ✓ \0 \u2028",
    "half an emoji \ud83d",
    [],
    {},
    [[], {}, [None]],
    {"": 1, "a": {"b": [1, {"c": "d"}]}},
    datetime(2026, 11, 22, 12, 0, 0, 123456, tzinfo=UTC),
    datetime(2026, 11, 22, 12, 0, tzinfo=timezone(timedelta(hours=-3, minutes=-30))),
    timedelta(days=3, microseconds=1),
    timedelta(seconds=-1),
    Decimal("10.50"),
    {"at": [datetime(2026, 1, 1, tzinfo=UTC)], "for": {"x": timedelta(1)}},
]


@pytest.mark.parametrize("value", PLAIN, ids=repr)
def test_what_was_written_is_read_back(value):
    back = values.read(values.write(value))
    assert back == value
    assert type(back) is type(value)


def test_a_time_keeps_its_zone_and_a_decimal_its_places():
    at = datetime(2026, 11, 22, 12, 0, tzinfo=timezone(timedelta(hours=2)))
    assert values.read(values.write(at)).utcoffset() == timedelta(hours=2)
    assert str(values.read(values.write(Decimal("10.50")))) == "10.50"


def test_tuples_come_back_as_lists_and_any_mapping_as_a_dict():
    assert values.read(values.write((1, (2,)))) == [1, [2]]
    assert values.read(values.write(MappingProxyType({"a": OrderedDict(b=1)}))) == {"a": {"b": 1}}


def test_a_number_as_a_key_comes_back_as_text():
    assert values.read(values.write({1: "a"})) == {"1": "a"}


def test_equal_data_has_equal_bytes_in_whatever_order_it_was_made():
    assert values.write({"b": 1, "a": [2, 3]}) == values.write({"a": (2, 3), "b": 1}) == b'{"a":[2,3],"b":1}'


LOOP: list[object] = []
LOOP.append(LOOP)
DEEP: list[object] = []
for _ in range(100_000):
    DEEP = [DEEP]


@pytest.mark.parametrize(
    "value",
    [object(), b"bytes", {1, 2}, {"a": print}, float("nan"), float("inf"), {(1, 2): 3}, {1: 2, "a": 3}, LOOP, DEEP],
    ids=lambda value: type(value).__name__,
)
def test_anything_else_is_refused(value):
    with pytest.raises(StepNotData):
        values.write(value)


def test_a_time_without_its_zone_is_refused_with_advice():
    with pytest.raises(StepNotData, match="without its zone"):
        values.write({"at": datetime(2026, 11, 22)})


def test_the_refusal_names_the_kind_of_thing_and_not_its_content():
    with pytest.raises(StepNotData) as caught:
        values.write({"who": b"ada@example.com"})
    assert "bytes" in str(caught.value)
    assert "ada" not in str(caught.value)


@pytest.mark.parametrize(
    "data",
    [{"$at": "soon"}, {"$at": 5}, {"$for": "long"}, {"$for": 1e300}, {"$decimal": "x"}, {"$at": "2026", "more": 1}],
    ids=repr,
)
def test_a_providers_data_that_looks_like_a_tag_stays_as_it_came(data):
    assert values.read(values.write(data)) == data


def test_a_fingerprint_is_of_the_action_and_its_inputs():
    first = values.fingerprint("twilio.send_sms", b"{}")
    assert len(first) == 16
    assert first == values.fingerprint("twilio.send_sms", b"{}")
    assert first != values.fingerprint("twilio.get_message", b"{}")
    assert first != values.fingerprint("twilio.send_sms", b"[]")
