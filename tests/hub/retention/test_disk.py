"""The disk: freed pages go back to the file system, and the oldest history goes for a budget, never what goes on."""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from hub import retention, schema
from hub.retention import disk
from hub.retention.disk import EASED, FULL, MB, REST_SECONDS, Disk, give_back, make_room, size, standing
from tests import telling
from tests.hub.retention.keeping import dangling, happen, history, kept, orders, patient
from tests.world import World

BUDGET_MB = 4
PAYLOAD = 4_000


pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
"""PostgreSQL has no budget: it keeps its files and fills them again."""


@pytest.fixture
def world(world: World) -> World:
    world.hub.settings = replace(world.settings, disk_mb=BUDGET_MB)
    return world


def fill(world: World, days: int, each: int, payload: int = PAYLOAD) -> None:
    """Orders of so many days, one day after the other."""
    for _ in range(days):
        orders(world, each, payload)
        world.clock.advance(timedelta(days=1))


def test_room_comes_back_where_history_went(world: World) -> None:
    fill(world, 1, 500)
    before = size(world.hub.database)
    world.clock.advance(timedelta(days=40))
    retention.sweep(world.hub)
    give_back(world.hub)
    assert kept(world) == {"events": 0, "steps": 0, "deliveries": 0}
    assert size(world.hub.database) < before / 3


def test_over_the_budget_the_oldest_payloads_go_and_the_newest_stay(world: World) -> None:
    fill(world, 10, 120)
    assert standing(world.hub).part > 1
    Disk(world.hub).look()
    assert standing(world.hub).used <= BUDGET_MB * MB * FULL
    rows = sorted(world.rows(schema.event), key=lambda row: row.at)
    gone = [row.content is None for row in rows]
    assert gone == sorted(gone, reverse=True), "No newer payload goes before an older one."
    assert any(gone) and not all(gone)
    assert len(world.rows(schema.run)) == 10 * 120, "Payloads go first, and the history itself only then."


def test_where_payloads_are_not_enough_whole_runs_go_oldest_first(world: World) -> None:
    fill(world, 5, 1000, payload=40)
    ids = [row.id for row in sorted(world.rows(schema.run), key=lambda row: row.started_at)]
    make_room(world.hub, round(disk._needed(world.hub.database) * 0.7))
    assert kept(world) == {"events": 0, "steps": 0, "deliveries": 0}
    left = {row.id for row in world.rows(schema.run)}
    assert 0 < len(left) < len(ids)
    assert left == set(ids[-len(left) :])
    assert dangling(world) == {}


def test_what_goes_on_stays_even_if_the_budget_is_too_small(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    world.turn_on(monkeypatch, patient)
    happen(world, "1", what="to be done")
    before = history(world)
    fill(world, 2, 50)
    make_room(world.hub, 0)
    assert history(world) == before
    monkeypatch.setattr(disk, "size", lambda database: (BUDGET_MB + 1) * MB)
    with caplog.at_level(logging.WARNING, "hub.disk"):
        Disk(world.hub).look()
    assert "cannot go" in caplog.text
    happen(world, "2", "ended")
    assert telling.provider.done == [("do", {"what": "at last"})]


def test_below_the_budget_nothing_goes_early(world: World) -> None:
    fill(world, 1, 100)
    before = history(world), kept(world)
    Disk(world.hub).look()
    assert (history(world), kept(world)) == before


def test_without_a_budget_nothing_goes_early(world: World) -> None:
    world.hub.settings = replace(world.hub.settings, disk_mb=None)
    fill(world, 10, 120)
    Disk(world.hub).look()
    assert kept(world)["events"] == 1200


def test_what_lasts_is_told_once(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    looks = Disk(world.hub)
    with caplog.at_level(logging.WARNING, "hub.disk"):
        for part in (0.5, 0.75, 0.75, 0.72, 0.75, 0.95, 0.95):
            monkeypatch.setattr(disk, "size", lambda database, part=part: round(BUDGET_MB * MB * part))
            looks.look()
    first, second = [record.getMessage() for record in caplog.records]
    assert first == "The database takes 3 MB of the 4 MB in HUB_DISK_MB. From 85 % on the oldest history goes early."
    assert second.endswith("the oldest history goes before its time from here on.")


def test_where_nothing_can_go_it_is_not_looked_for_all_the_time(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    monkeypatch.setattr(disk, "make_room", lambda hub, most: asked.append(most))
    monkeypatch.setattr(disk, "size", lambda database: BUDGET_MB * MB)
    looks = Disk(world.hub)
    for _ in range(5):
        looks.look()
    assert asked == [round(BUDGET_MB * MB * EASED)]
    world.clock.advance(timedelta(seconds=REST_SECONDS))
    looks.look()
    assert len(asked) == 2


def test_a_log_that_grew_is_emptied(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(disk, "LONGEST_LOG", 100_000)
    fill(world, 1, 200)
    log = Path(world.hub.database.url.database + "-wal")
    assert log.stat().st_size > 100_000
    Disk(world.hub).look()
    assert log.stat().st_size < 100_000
