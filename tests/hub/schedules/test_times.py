"""When a schedule is due: on the wall of its zone, whatever clocks there are put forward or back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from hub import Event, Schedule, Steps, daily, monthly, recipe, weekly, yearly
from hub.errors import RecipeInvalid
from tests import telling

BERLIN, SAMOA = "Europe/Berlin", "Pacific/Apia"


def times(schedule: Schedule, start: str, count: int, zone: str = BERLIN) -> list[str]:
    """The next times after an instant, in UTC."""
    found, at = [], datetime.fromisoformat(start).replace(tzinfo=UTC)
    for _ in range(count):
        at, _ = schedule.after(at, zone)
        found.append(f"{at:%Y-%m-%d %H:%M}")
    return found


@pytest.mark.parametrize(
    ("schedule", "start", "due"),
    [
        (daily("09:00"), "2026-11-22T07:59", ["2026-11-22 08:00", "2026-11-23 08:00"]),
        (daily("09:00"), "2026-11-22T08:00", ["2026-11-23 08:00"]),
        # Sunday 29 March 2026: 02:00 is 03:00. The offset is one hour before, two after.
        (daily("09:00"), "2026-03-28T00:00", ["2026-03-28 08:00", "2026-03-29 07:00", "2026-03-30 07:00"]),
        (daily("02:30"), "2026-03-28T00:00", ["2026-03-28 01:30", "2026-03-29 01:00", "2026-03-30 00:30"]),
        # Sunday 25 October 2026: 03:00 is 02:00 again, so 02:30 comes at 00:30 and at 01:30 in UTC.
        (daily("02:30"), "2026-10-24T12:00", ["2026-10-25 00:30", "2026-10-26 01:30"]),
        (weekly("mon", "09:00"), "2026-11-22T12:00", ["2026-11-23 08:00", "2026-11-30 08:00"]),
        (monthly(31, "09:00"), "2026-01-31T12:00", ["2026-02-28 08:00", "2026-03-31 07:00", "2026-04-30 07:00"]),
        (yearly(2, 29, "09:00"), "2026-03-01T00:00", ["2027-02-28 08:00", "2028-02-29 08:00"]),
        (yearly(12, 24, "00:00"), "2026-12-24T00:00", ["2027-12-23 23:00"]),
    ],
)
def test_the_next_times(schedule: Schedule, start: str, due: list[str]) -> None:
    assert times(schedule, start, len(due)) == due


def test_a_day_that_a_country_left_out_is_the_beginning_of_the_next() -> None:
    # Samoa went from 29 to 31 December 2011, from ten hours behind UTC to fourteen ahead.
    assert times(daily("09:00"), "2011-12-29T00:00", 3, SAMOA) == [
        "2011-12-29 19:00",
        "2011-12-30 10:00",
        "2011-12-30 19:00",
    ]


@pytest.mark.parametrize("schedule", [daily("02:30"), weekly("sun", "02:30"), monthly(29, "02:30")])
def test_each_time_comes_once_and_the_latest_is_the_one_before_the_next(schedule: Schedule) -> None:
    at, walls = datetime(2026, 1, 1, tzinfo=UTC), []
    for _ in range(400):
        following, wall = schedule.after(at, BERLIN)
        assert following > at
        assert schedule.latest(following, BERLIN) == (following, wall)
        assert schedule.latest(following + timedelta(minutes=1), BERLIN) == (following, wall)
        at = following
        walls.append(wall)
    assert len(set(walls)) == len(walls)


def test_a_schedule_says_when_in_words_and_each_has_a_name_of_its_own() -> None:
    kinds = [
        daily("09:00"),
        daily("09:00", zone=BERLIN),
        weekly("mon", "09:00"),
        monthly(1, "09:00"),
        yearly(12, 24, "08:30"),
        daily("09:00").each(telling.members),
    ]
    assert [kind.says for kind in kinds] == [
        "every day at 09:00",
        "every day at 09:00 (Europe/Berlin)",
        "every Monday at 09:00",
        "on day 1 of each month at 09:00",
        "on day 24 of December at 08:30",
        "every day at 09:00, for each Telling member",
    ]
    assert len({kind.name for kind in kinds}) == len(kinds)
    assert kinds[0].sample.type == "schedule.daily"
    assert (kinds[-1].sample.type, kinds[-1].sample.data["name"]) == ("schedule.each", "ada")


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: daily("9:00"),
        lambda: daily("24:00"),
        lambda: daily("09:00", zone="Berlin"),
        lambda: weekly("monday", "09:00"),
        lambda: monthly(32, "09:00"),
        lambda: yearly(2, 30, "09:00"),
        lambda: yearly(13, 1, "09:00"),
    ],
)
def test_a_time_that_there_is_not_is_refused(wrong: Any) -> None:
    with pytest.raises(RecipeInvalid):
        wrong()


@pytest.mark.parametrize(
    ("on", "says"),
    [
        ([daily("09:00"), daily("09:00")], "the same schedule twice"),
        ([daily("09:00").each(telling.members), telling.happened], "can be the only thing that starts it"),
        (daily("09:00").each(telling.do), "telling.do is no listing"),
        (daily("09:00").each(telling.members, colour="red"), "telling.members takes no 'colour'"),
        (daily("09:00").each(telling.do), "needs 'what'"),
    ],
)
def test_a_recipe_with_a_schedule_that_cannot_be_is_refused(on: Any, says: str) -> None:
    def wish(event: Event) -> Steps:
        """Wishes well."""
        yield telling.do("it")

    with pytest.raises(RecipeInvalid, match=says):
        recipe(on=on, title="Wish")(wish)


def test_a_recipe_needs_the_account_that_its_schedule_goes_through() -> None:
    @recipe(on=daily("09:00").each(telling.members), title="Look")
    def look(event: Event) -> Steps:
        """Looks."""
        return "seen"
        yield

    assert look.needs == ("telling",)
    with pytest.raises(TypeError, match="is gone through by a schedule"):
        telling.members()
