"""How often one person hears from a business: the playbook's numbers."""

from __future__ import annotations

import pytest

from hub.guards.caps import DAY, HOUR, Left, free_at

NOW = 100 * DAY


def left(*told: tuple[str, float]) -> list[Left]:
    """Messages that left so many hours ago."""
    return [Left(channel, NOW - round(hours * HOUR)) for channel, hours in told]


@pytest.mark.parametrize(
    ("channel", "before", "hours"),
    [
        ("email", left(), 0),
        ("email", left(("email", 16)), 0),
        ("email", left(("email", 15)), 1),  # 16 - 15
        ("email", left(("email", 1), ("email", 30)), 15),  # the last one counts
        ("sms", left(("email", 1)), 0),  # each channel for itself
        ("sms", left(("sms", 23)), 1),  # 24 - 23
        ("sms", left(("sms", 24)), 0),
        # Four within seven days, on all channels: the oldest of the last four must be seven days old, 168 - 150.
        ("sms", left(("email", 150), ("email", 100), ("email", 80), ("email", 40)), 18),
        ("sms", left(("email", 168), ("email", 100), ("email", 80), ("email", 40)), 0),
        ("email", left(("sms", 150), ("sms", 100), ("sms", 80), ("email", 1)), 18),  # 18 h is later than 15 h
        ("email", left(("sms", 167), ("sms", 100), ("sms", 80), ("email", 1)), 15),  # 15 h is later than 1 h
        ("email", left(("sms", 166), ("sms", 165), ("sms", 80), ("sms", 70), ("sms", 60)), 3),  # 168 - 165
    ],
)
def test_one_more_may_leave_once_the_caps_allow(channel: str, before: list[Left], hours: float) -> None:
    free, why = free_at(NOW, channel, before)
    assert free == NOW + hours * HOUR
    assert bool(why) == bool(hours)


def test_why_not_is_said() -> None:
    assert free_at(NOW, "sms", left(("sms", 1)))[1] == "they got a marketing text message less than 24 hours before"
    four = left(("sms", 100), ("sms", 75), ("sms", 50), ("sms", 25))
    assert free_at(NOW, "sms", four)[1] == "they got 4 marketing messages within seven days"
