"""What a text costs: how many segments it is sent as, known before it is sent.

A text whose characters are all in the GSM 03.38 alphabet has 7 bits for each, any other text 16 bits for each; a text
of several segments gives some room of each segment to joining them again (https://www.twilio.com/docs/glossary/what-is-gsm-7-character-encoding).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from hub import Rejected

LONGEST = 1600
"""Characters. Twilio refuses a longer text with error 21617."""

BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
EXTENDED = frozenset("\f^{}\\[~]|€")
"""Characters that take two units: one that says so, and their own."""

ALONE = {"GSM-7": 160, "UCS-2": 70}
JOINED = {"GSM-7": 153, "UCS-2": 67}


@dataclass(frozen=True)
class Segments:
    """How a text is sent.

    count      segments, each paid for
    encoding   the alphabet
    units      septets for GSM-7, 16-bit units for UCS-2
    """

    count: int
    encoding: Literal["GSM-7", "UCS-2"]
    units: int


def segments(text: str) -> Segments:
    """How this text will be sent. Raises Rejected if it is longer than Twilio sends."""
    if len(text) > LONGEST:
        raise Rejected(f"The text has {len(text)} characters; Twilio sends {LONGEST} at most. Shorten it.")
    encoding: Literal["GSM-7", "UCS-2"] = "GSM-7" if set(text) <= BASIC | EXTENDED else "UCS-2"
    widths = [_width(character, encoding) for character in text]
    units = sum(widths)
    count = 1 if units <= ALONE[encoding] else _joined(widths, JOINED[encoding])
    return Segments(count, encoding, units)


def _width(character: str, encoding: str) -> int:
    if encoding == "GSM-7":
        return 2 if character in EXTENDED else 1
    return 2 if ord(character) > 0xFFFF else 1


def _joined(widths: Sequence[int], room: int) -> int:
    """Segments needed; a character of two units goes to the next one rather than being split."""
    count, used = 1, 0
    for width in widths:
        if used + width > room:
            count, used = count + 1, 0
        used += width
    return count
