"""What texts cost."""

from __future__ import annotations

import pytest

from connectors.twilio import Segments, segments
from connectors.twilio.segments import BASIC, EXTENDED
from hub import Rejected

TABLE = [
    ("", 1, "GSM-7", 0),
    ("Hello", 1, "GSM-7", 5),
    ("a" * 160, 1, "GSM-7", 160),
    ("a" * 161, 2, "GSM-7", 161),  # 153 + 8
    ("a" * 306, 2, "GSM-7", 306),  # 153 + 153
    ("a" * 307, 3, "GSM-7", 307),
    ("€" * 80, 1, "GSM-7", 160),  # two units each
    ("€" * 81, 2, "GSM-7", 162),
    ("€" * 153, 3, "GSM-7", 306),  # 76 in a segment, as the 77th does not fit whole: 76 + 76 + 1
    ("a" * 152 + "€" + "a" * 152, 3, "GSM-7", 306),  # the € goes to the second, which has room for 151: 152 | 153 | 1
    ("Größe £5 ñ Ω", 1, "GSM-7", 12),
    ("ç", 1, "UCS-2", 1),  # only the capital Ç is in the alphabet
    ("‘quoted’", 1, "UCS-2", 8),
    ("я" * 70, 1, "UCS-2", 70),
    ("я" * 71, 2, "UCS-2", 71),  # 67 + 4
    ("я" * 134, 2, "UCS-2", 134),
    ("я" * 135, 3, "UCS-2", 135),
    ("🙏" * 35, 1, "UCS-2", 70),  # two units each
    ("🙏" * 36, 2, "UCS-2", 72),
    ("🙏" * 67, 3, "UCS-2", 134),  # 33 in a segment, as half a character does not go: 33 + 33 + 1
    ("a" * 1600, 11, "GSM-7", 1600),  # 10 × 153 = 1530, 70 left
    ("я" * 1600, 24, "UCS-2", 1600),  # 23 × 67 = 1541, 59 left
]


@pytest.mark.parametrize(("text", "count", "encoding", "units"), TABLE)
def test_a_text_costs_as_many_segments_as_its_alphabet_needs(text, count, encoding, units):
    assert segments(text) == Segments(count, encoding, units)


def test_a_text_longer_than_twilio_sends_is_refused_before_it_leaves():
    with pytest.raises(Rejected, match="1601 characters"):
        segments("a" * 1601)


def test_the_alphabet_is_that_of_the_standard():
    # GSM 03.38 has 128 places, one of them the escape; its extension table ten characters, form feed among them.
    assert (len(BASIC), len(EXTENDED), BASIC & EXTENDED) == (127, 10, frozenset())
