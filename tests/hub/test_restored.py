"""What was open when a backup was made may have happened by the time it is put back: nothing is sent twice."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from hub import Event, Steps, engine, recipe, schema, sleep
from hub.backup import make_backup, restore_backup
from tests import telling
from tests.world import World
from webhooks.inbox import read_deliveries

PHONE = "+14155550100"
STEPS = {
    "repeatable": telling.do("it"),
    "keyed": telling.pay("it"),
    "readback": telling.send(PHONE, "it", purpose="transactional"),
    "once": telling.ring("it"),
}


@recipe(on=telling.happened, title="Do one thing at once, and one a day later")
def now_and_later(event: Event) -> Steps:
    """Does the same at once and after a day."""
    yield STEPS[event.data["how"]]
    yield sleep(days=1)
    yield STEPS[event.data["how"]]


@pytest.fixture
def used(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    world.turn_on(monkeypatch, now_and_later)
    return world


def happens(world: World, how: str, key: str = "1") -> None:
    world.hear("happened", key, f"{key}@example.com", how=how)


def settle(world: World) -> None:
    """Does everything, and waits for providers to know what happened."""
    for _ in range(3):
        world.pass_time(timedelta(seconds=10))


def did() -> int:
    return len(telling.provider.done)


def read_only(world: World) -> None:
    """Reads the delivery and asks for the first step, which does not leave yet."""
    lease = world.hub.database.acquire("read", 30)
    assert lease is not None
    read_deliveries(world.hub, lease)
    engine.advance(world.hub)


@pytest.mark.parametrize("opened", ["not read", "asked for", "slept"])
def test_a_message_that_left_after_the_backup_was_made_is_found_and_not_sent_again(
    used: World, tmp_path: Path, opened: str
) -> None:
    happens(used, "readback")
    if opened != "not read":
        read_only(used)
    if opened == "slept":
        settle(used)
    make_backup(used.hub, tmp_path / "backup")
    used.clock.advance(60)
    used.pass_time(timedelta(days=1, seconds=10))
    used.pass_time(timedelta(days=1, seconds=10))
    assert did() == 2
    restore_backup(used.hub, tmp_path / "backup")
    used.clock.advance(60)
    settle(used)
    used.pass_time(timedelta(days=1))
    settle(used)
    assert [run.state for run in used.runs] == ["done"]
    assert did() == 2


def test_a_message_that_did_not_leave_is_sent_once_it_was_asked_for(used: World, tmp_path: Path) -> None:
    happens(used, "readback")
    make_backup(used.hub, tmp_path / "backup")
    restore_backup(used.hub, tmp_path / "backup")
    settle(used)
    assert (did(), telling.provider.looked) == (1, 1)


@pytest.mark.parametrize("how", ["repeatable", "keyed"])
def test_what_may_be_repeated_is_done_without_asking(used: World, tmp_path: Path, how: str) -> None:
    happens(used, how)
    read_only(used)
    make_backup(used.hub, tmp_path / "backup")
    restore_backup(used.hub, tmp_path / "backup")
    settle(used)
    assert (did(), telling.provider.looked) == (1, 0)


def test_what_nobody_can_find_out_about_is_left_to_a_person(used: World, tmp_path: Path) -> None:
    happens(used, "once")
    make_backup(used.hub, tmp_path / "backup")
    settle(used)
    restore_backup(used.hub, tmp_path / "backup")
    settle(used)
    assert [run.state for run in used.runs] == ["held"]
    assert did() == 1


def test_what_comes_in_after_the_restore_is_not_doubted(used: World, tmp_path: Path) -> None:
    make_backup(used.hub, tmp_path / "backup")
    restore_backup(used.hub, tmp_path / "backup")
    used.clock.advance(1)
    happens(used, "readback")
    used.settle()
    assert (did(), telling.provider.looked) == (1, 0)


def test_a_backup_of_what_was_restored_still_knows_it(used: World, tmp_path: Path) -> None:
    happens(used, "readback")
    settle(used)
    make_backup(used.hub, tmp_path / "first")
    used.pass_time(timedelta(days=1, seconds=10))
    assert did() == 2
    restore_backup(used.hub, tmp_path / "first")
    make_backup(used.hub, tmp_path / "second")
    with used.hub.database.write() as connection:
        connection.execute(schema.backup.delete())
    restore_backup(used.hub, tmp_path / "second")
    used.pass_time(timedelta(days=1, seconds=10))
    settle(used)
    assert did() == 2


def test_an_erasure_reaches_the_backup_that_a_new_machine_was_put_back_from(used: World, tmp_path: Path) -> None:
    happens(used, "readback")
    used.settle()
    make_backup(used.hub, tmp_path / "backup")
    with used.hub.database.write() as connection:
        connection.execute(schema.backup.delete())
    restore_backup(used.hub, tmp_path / "backup")
    receipt = used.hub.privacy.erase(used.hub.workspaces.named(None), "1@example.com")
    assert (receipt.backups, receipt.unreached) == (1, 0)
