"""How often one person hears from a business, over all its recipes and tools. Pure: what left is given."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..event import Channel
from .messages import WORDS

HOUR, DAY = 3_600_000, 86_400_000

PAUSES: dict[Channel, int] = {"email": 16 * HOUR, "sms": 24 * HOUR}
"""Milliseconds between two marketing messages to one person on a channel."""

MOST, WITHIN = 4, 7 * DAY
"""So many marketing messages to one person on all channels together, within so many milliseconds."""

KEPT = WITHIN
"""How long it is needed when one left."""


@dataclass(frozen=True)
class Left:
    """A marketing message that left, or may have, at `at`."""

    channel: str
    at: int


def free_at(now: int, channel: Channel, left: Sequence[Left]) -> tuple[int, str]:
    """From when on one more may leave on a channel, in milliseconds since 1970, and why not before; `now` if it may."""
    pause = PAUSES[channel]
    last = max((one.at for one in left if one.channel == channel), default=now - pause)
    total = sorted(one.at for one in left)
    full = total[-MOST] + WITHIN if len(total) >= MOST else now
    if full > max(now, last + pause):
        return full, f"they got {MOST} marketing messages within seven days"
    if last + pause > now:
        return last + pause, f"they got a marketing {WORDS[channel]} less than {pause // HOUR} hours before"
    return now, ""
