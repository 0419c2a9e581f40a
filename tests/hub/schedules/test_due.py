"""What is due is told once: whatever is down meanwhile, killed, done twice, or set back."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from hub import Rejected, clock, schedules, schema
from hub.clock import Clock
from hub.timing import to_datetime, to_ms
from tests import telling
from tests.world import World
from webhooks import again

from . import process
from .recipes import look_daily, look_in_time, something_else

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def done(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    monkeypatch.setattr(telling, "provider", telling.Provider())
    return telling.provider.done


def tick(world: World) -> None:
    """What the clock does as it comes round, and what follows."""
    schedules.keep(world.hub)
    schedules.fire(world.hub)
    world.follow()


def at(world: World, text: str) -> None:
    """Has it be a time, in UTC, and the clock tick."""
    to = to_ms(datetime.fromisoformat(text).replace(tzinfo=UTC))
    world.clock.advance((to - world.clock.now()) / 1000)
    tick(world)


def what(done: list[Any]) -> list[str]:
    return [str(inputs["what"])[:16] for _, inputs in done]


def due(world: World) -> list[str]:
    return [f"{to_datetime(row.due_at):%d %H:%M}" for row in world.rows(schema.schedule)]


def test_each_day_the_recipe_begins_once_and_no_other(
    world: World, done: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    world.turn_on(monkeypatch, look_daily, something_else)  # on Sunday 22 November 2026, at 12:00
    at(world, "2026-11-22T12:00")
    assert (due(world), done) == (["23 09:00"], [])
    at(world, "2026-11-23T08:59")
    assert done == []
    for minute in (0, 0, 1, 59):
        at(world, f"2026-11-23T09:{minute:02}")
    at(world, "2026-11-24T09:00")
    assert what(done) == ["2026-11-23T09:00", "2026-11-24T09:00"]
    (first, _) = world.runs
    assert (first.state, first.person_id, to_datetime(first.event_at).hour) == ("done", None, 9)
    assert [row.state for row in world.rows(schema.delivery)] == ["read", "read"]


def test_after_a_while_down_the_latest_time_counts_or_none(
    world: World, done: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    world.turn_on(monkeypatch, look_daily, look_in_time)
    at(world, "2026-11-22T12:00")
    at(world, "2026-11-27T20:00")  # Friday: four times, and a Monday, have passed
    assert what(done) == ["2026-11-27T09:00"]
    at(world, "2026-11-28T09:09")
    assert what(done)[1:] in (["2026-11-28T09:00", "every day at 09:"], ["every day at 09:", "2026-11-28T09:00"])
    at(world, "2026-11-30T10:11")
    assert len(done) == 4, "nine o'clock of one, and neither of those that have to be in time"


def test_the_zone_is_the_workspaces_and_to_change_it_moves_the_next_time(
    world: World, done: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    world.hub.workspaces.live_by(world.workspace, "Europe/Berlin")
    world.turn_on(monkeypatch, look_daily)
    at(world, "2026-11-23T08:00")
    assert what(done) == ["2026-11-23T09:00"]
    world.hub.workspaces.live_by(world.workspace, "America/New_York")
    at(world, "2026-11-23T09:00")
    assert due(world) == ["23 14:00"]
    at(world, "2026-11-23T14:00")
    assert len(done) == 1, "nine o'clock of this day has been"
    at(world, "2026-11-24T14:00")
    assert what(done) == ["2026-11-23T09:00", "2026-11-24T09:00"]


def test_a_clock_that_is_set_back_or_far_ahead_repeats_nothing_and_forgets_nothing(
    world: World, done: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    world.turn_on(monkeypatch, look_daily)
    for day in (23, 24, 25):
        at(world, f"2026-11-{day}T09:00")
    world.clock.set(ahead=-2 * 86_400 - 3600)
    tick(world)
    assert due(world) == ["23 09:00"]
    for _ in range(30):
        world.clock.advance(HOUR)
        tick(world)
    assert len(done) == 3
    world.clock.set(ahead=300 * 86_400)
    tick(world)
    world.clock.set(ahead=0)
    tick(world)
    assert len(done) == 4
    before = f"{to_datetime(world.clock.now()) + DAY:%d}"
    assert due(world)[0][:2] in (before, f"{to_datetime(world.clock.now()):%d}")


def test_off_means_off_and_on_again_begins_with_the_next_time(
    world: World, done: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    world.turn_on(monkeypatch, look_daily)
    at(world, "2026-11-22T13:00")
    world.hub.enabled.disable(world.workspace, "look_daily")
    at(world, "2026-11-24T12:00")
    assert (world.rows(schema.schedule), done) == ([], [])
    world.enable("look_daily")
    at(world, "2026-11-24T12:01")
    assert (due(world), done) == (["25 09:00"], [])


def test_two_clocks_at_the_same_instant_tell_it_once(
    world: World, done: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    world.turn_on(monkeypatch, look_daily)
    at(world, "2026-11-22T13:00")
    world.clock.advance(DAY)
    other = world.another_hub()
    rows = schedules._rows(other, schema.schedule.c.due_at <= world.clock.now())
    monkeypatch.setattr(schedules, "_rows", lambda hub, which: rows)  # both have seen that it is due
    assert [schedules.fire(other), schedules.fire(world.hub)] == [1, 0]
    world.follow()
    assert len(done) == 1
    other.close()


def killed(world: World, where: str, *more: str) -> None:
    """Does something in a process that is killed: see `process.py`."""
    arguments = [world.settings.database, str(world.settings.home), str(world.clock.now()), where, *more]
    ended = subprocess.run(
        [sys.executable, str(Path(process.__file__)), *arguments],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ended.returncode == -signal.SIGKILL, ended.stderr


@pytest.mark.parametrize("where", ["before", "after"])
def test_a_clock_that_is_killed_as_it_tells_loses_and_doubles_nothing(
    world: World, done: list[Any], monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    world.turn_on(monkeypatch, look_daily)
    tick(world)
    world.clock.advance(DAY)
    killed(world, where)
    assert len(world.rows(schema.delivery)) == (where == "after")
    for _ in range(2):
        tick(world)
        clock.wake_due(world.hub)  # a wake-up was lost with the process
        world.follow()
    assert len(done) == 1


def test_the_clock_looks_after_schedules(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    ticks = Clock(world.hub)
    monkeypatch.setattr(ticks, "_every", lambda seconds, name, work: asked.append(name))
    ticks.tick()
    assert {"schedules", "schedules kept"} <= set(asked)


def test_a_person_may_have_a_time_come_again(world: World, done: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    world.turn_on(monkeypatch, look_daily, something_else)
    telling.provider.answer = lambda name, inputs: Rejected("No.")
    at(world, "2026-11-23T09:00")
    (run,) = world.runs
    assert run.state == "failed"
    (event,) = world.rows(schema.event)
    assert list(again.start_again(world.workspace, world.hub, event.id).started) == ["look_daily"]
