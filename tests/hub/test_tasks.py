"""Long work: in portions, nothing twice, to be stopped, and erasures with a receipt."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from hub import Event, OutcomeUnknown, Rejected, Steps, recipe, runs, schema, tasks
from hub.backup import make_backup, restore_backup
from hub.clock import Clock
from hub.errors import NotFound
from hub.recipe import Recipe
from hub.tasks import CANCEL, DONE, GOING, PORTION, REPLAY, RETRY, SKIP, STOPPED
from tests import telling
from tests.servers import until
from tests.world import World, happen, tell

MANY = PORTION * 2 + 5


@recipe(on=telling.happened, title="Do")
def doer(event: Event) -> Steps:
    """Does a thing, and fails with it."""
    yield telling.do(event.data["n"])


@recipe(on=telling.happened, title="Forget")
def forgetful(event: Event) -> Steps:
    """Forgets to yield, which is for a person to see to."""
    telling.do("never")
    yield telling.do("this")


@recipe(on=telling.happened, title="Ring")
def ringer(event: Event) -> Steps:
    """Does something that nobody can find out about, and goes on without."""
    try:
        yield telling.ring(event.data["n"])
    except Rejected:
        return "without"
    return None


def many(world: World, monkeypatch: pytest.MonkeyPatch, made: Recipe, answer: Any = None) -> World:
    telling.provider.answer = answer or (lambda name, inputs: Rejected("no"))
    connection = world.turn_on(monkeypatch, made)
    told = [
        {"type": "happened", "id": str(n), "email": f"person{n}@example.com", "data": {"n": n}} for n in range(MANY)
    ]
    world.deliver(connection, tell(events=told))
    world.settle()
    return world


@pytest.fixture
def failed(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """Many runs that went wrong."""
    many(world, monkeypatch, doer)
    assert {run.state for run in world.runs} == {"failed"}
    return world


@pytest.fixture
def held(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """Many runs that wait for a person."""
    many(world, monkeypatch, forgetful)
    assert {run.state for run in world.runs} == {"held"}
    return world


def begun(world: World, kind: str, recipe: str | None = None) -> int:
    state = "held" if kind in (CANCEL, SKIP) else "failed"
    task_id = tasks.begin(world.hub, world.workspace, None, kind, state, recipe)
    assert task_id is not None
    return task_id


def finish(world: World) -> None:
    while tasks.go_on(world.hub):
        world.tick()


def test_all_that_went_wrong_are_tried_again_each_once(failed: World) -> None:
    telling.provider.answer = lambda name, inputs: {"id": "1"}
    task_id = begun(failed, RETRY)
    finish(failed)
    found = tasks.get(failed.hub, failed.workspace, task_id)
    assert (found.state, found.of, found.done, found.refused) == (DONE, MANY, MANY, 0)
    assert sorted(inputs["what"] for _, inputs in telling.provider.done) == list(range(MANY))
    assert {run.state for run in failed.runs} == {"done"}


def test_what_fails_once_more_is_not_tried_a_second_time_by_the_same_task(failed: World) -> None:
    asked: list[object] = []
    telling.provider.answer = lambda name, inputs: asked.append(inputs["what"]) or Rejected("no")
    begun(failed, RETRY)
    finish(failed)
    finish(failed)
    assert sorted(asked) == list(range(MANY))


def test_what_runs_are_in_doubt_about_is_skipped_once_for_all(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    many(world, monkeypatch, ringer, lambda name, inputs: OutcomeUnknown("no word") if name == "ring" else {"id": "1"})
    held = {run.id for run in world.runs if run.state == "held"}
    assert len(held) > 3
    task_id = begun(world, SKIP)
    finish(world)
    found = tasks.get(world.hub, world.workspace, task_id)
    assert (found.state, found.done, found.refused) == (DONE, len(held), 0)
    world.settle()
    assert {run.state for run in world.runs if run.id in held} == {"done"}


def test_what_is_held_for_anything_else_is_not_moved_by_skipping(held: World) -> None:
    task_id = begun(held, SKIP)
    finish(held)
    found = tasks.get(held.hub, held.workspace, task_id)
    assert (found.state, found.done, found.refused) == (DONE, 0, MANY)
    assert {run.state for run in held.runs} == {"held"}


def test_what_failed_is_started_anew_once_for_each_event(failed: World) -> None:
    telling.provider.answer = lambda name, inputs: {"id": "1"}
    task_id = begun(failed, REPLAY)
    finish(failed)
    found = tasks.get(failed.hub, failed.workspace, task_id)
    assert (found.state, found.of, found.done, found.refused) == (DONE, MANY, MANY, 0)
    assert sorted(inputs["what"] for _, inputs in telling.provider.done) == list(range(MANY))
    assert [run.state for run in failed.runs].count("done") == MANY
    again = begun(failed, REPLAY)
    finish(failed)
    assert tasks.get(failed.hub, failed.workspace, again).refused == MANY, "each ran for its event since"
    assert len(telling.provider.done) == MANY


def test_what_is_off_is_not_started_anew(failed: World) -> None:
    failed.hub.enabled.disable(failed.workspace, "doer")
    task_id = begun(failed, REPLAY)
    finish(failed)
    assert tasks.get(failed.hub, failed.workspace, task_id).refused == MANY
    assert len(failed.runs) == MANY


def test_a_clock_of_the_release_before_does_nothing_else_to_the_runs_of_a_kind_it_does_not_know(held: World) -> None:
    begun(held, SKIP)
    with held.hub.database.read() as connection:
        row = connection.execute(sa.select(schema.task)).one()
    assert row.run_state is None
    with pytest.raises(ValueError, match="held or failed"):
        tasks._meant(row.workspace_id, row.run_state, row.recipe)


def test_a_task_can_be_stopped_and_what_is_done_stays_done(held: World) -> None:
    task_id = begun(held, CANCEL)
    assert tasks._portion(held.hub, task_id)
    assert tasks.stop(held.hub, held.workspace, task_id) and not tasks.stop(held.hub, held.workspace, task_id)
    finish(held)
    found = tasks.get(held.hub, held.workspace, task_id)
    assert (found.state, found.done) == (STOPPED, PORTION)
    assert [run.state for run in held.runs].count("stopped") == PORTION


def test_runs_that_somebody_saw_to_meanwhile_are_left_and_counted(held: World) -> None:
    task_id = begun(held, CANCEL)
    runs.cancel(held.workspace, held.hub, held.runs[3].id)
    finish(held)
    found = tasks.get(held.hub, held.workspace, task_id)
    assert (found.state, found.done, found.refused) == (DONE, MANY - 1, 1)


def test_only_runs_of_that_recipe_state_and_workspace_are_meant(held: World) -> None:
    other = held.hub.workspaces.add("Bike Repair Nord")
    assert tasks.begin(held.hub, other, None, RETRY, "held") is None
    assert tasks.begin(held.hub, held.workspace, None, RETRY, "failed") is None
    assert tasks.begin(held.hub, held.workspace, None, RETRY, "held", "another") is None
    task_id = begun(held, CANCEL, recipe="forgetful")
    with pytest.raises(NotFound):
        tasks.get(held.hub, other, task_id)
    assert not tasks.stop(held.hub, other, task_id)
    with pytest.raises(ValueError, match="held or failed"):
        tasks.begin(held.hub, held.workspace, None, CANCEL, "done")


def test_two_processes_at_the_same_task_do_nothing_twice(failed: World) -> None:
    another = failed.another_hub()
    telling.provider.answer = lambda name, inputs: {"id": "1"}
    task_id = begun(failed, RETRY)
    hubs = [failed.hub, another]
    while any([tasks._portion(hub, task_id) for hub in hubs]):
        pass
    failed.tick()
    assert sorted(inputs["what"] for _, inputs in telling.provider.done) == list(range(MANY))
    another.close()


def test_a_task_that_cannot_go_on_holds_up_no_other_one(held: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(held.hub.privacy, "erase_named", lambda *_: 1 / 0)
    broken = tasks.begin_erasing(held.hub, held.workspace, None, b"n" * 16)
    task_id = begun(held, CANCEL)
    with pytest.raises(ZeroDivisionError):
        tasks.go_on(held.hub)
    assert tasks.get(held.hub, held.workspace, broken).state == GOING
    assert tasks.get(held.hub, held.workspace, task_id).state == DONE


def test_the_clock_goes_on_with_it_until_it_is_done(held: World) -> None:
    task_id, ticking = begun(held, CANCEL), Clock(held.hub)
    ticking.start()

    def is_done() -> bool:
        held.clock.advance(1)  # what comes round is due again
        return tasks.get(held.hub, held.workspace, task_id).state == DONE

    try:
        until(is_done, 30, "The task")
    finally:
        ticking.stop()
    assert {run.state for run in held.runs} == {"stopped"}


def test_an_erasure_leaves_a_receipt_and_no_name(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.turn_on(monkeypatch, doer)
    happen(world, n=1)
    name = world.hub.people.name_of(world.workspace, "ada@example.com")
    task_id = tasks.begin_erasing(world.hub, world.workspace, None, name)
    assert not tasks.stop(world.hub, world.workspace, task_id)
    tasks.go_on(world.hub)
    found = tasks.get(world.hub, world.workspace, task_id)
    assert (found.state, found.receipt) == (
        DONE,
        {"people": 1, "runs": 1, "events": 1, "backups": 0, "unreached": 0},
    )
    assert world.rows(schema.task)[0].hash is None
    assert world.rows(schema.person) == []


def test_an_erasure_that_was_broken_off_counts_what_it_had_removed(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.turn_on(monkeypatch, doer)
    happen(world, n=1)
    name = world.hub.people.name_of(world.workspace, "ada@example.com")
    task_id = tasks.begin_erasing(world.hub, world.workspace, None, name)
    with monkeypatch.context() as broken:
        broken.setattr("hub.backup.erase_from_backups", lambda hub: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            tasks.go_on(world.hub)
    tasks.go_on(world.hub)
    receipt = tasks.get(world.hub, world.workspace, task_id).receipt
    assert (receipt["people"], receipt["events"], receipt["runs"]) == (1, 1, 1)


def test_what_a_restored_backup_was_trying_again_is_left_to_a_person(failed: World, tmp_path: Path) -> None:
    telling.provider.answer = lambda name, inputs: {"id": "1"}
    task_id = begun(failed, RETRY)
    make_backup(failed.hub, tmp_path / "backup")
    finish(failed)
    restore_backup(failed.hub, tmp_path / "backup")
    finish(failed)
    assert tasks.get(failed.hub, failed.workspace, task_id).state == STOPPED
    assert len(telling.provider.done) == MANY


KILLED = """
import os, signal, sys
from pathlib import Path
from hub import runs, tasks
from hub.core import Hub
from hub.settings import Settings

left, inner = int(sys.argv[3]), runs.cancel_within

def cancel(*args):
    global left
    left -= 1
    if left < 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return inner(*args)

runs.cancel_within = cancel
hub = Hub(Settings(home=Path(sys.argv[2]), database_url=sys.argv[1], secret_key=sys.stdin.read()))
while tasks.go_on(hub):
    pass
"""


def test_a_task_goes_on_after_its_process_was_killed_in_the_middle_of_a_portion(held: World) -> None:
    task_id = begun(held, CANCEL)
    settings = held.settings
    for left, stands_at in ((PORTION + 3, PORTION), (PORTION - 1, PORTION)):
        process = subprocess.run(
            [sys.executable, "-c", KILLED, settings.database_url, str(settings.home), str(left)],
            input=settings.secret_key,
            text=True,
            check=False,
        )
        assert process.returncode == -signal.SIGKILL
        found = tasks.get(held.hub, held.workspace, task_id)
        assert (found.done, [run.state for run in held.runs].count("stopped")) == (stands_at, stands_at)
    finish(held)
    found = tasks.get(held.hub, held.workspace, task_id)
    assert (found.state, found.done, found.refused) == (DONE, MANY, 0)


def test_the_runs_of_a_task_are_found_by_their_own_index(held: World) -> None:
    if not held.hub.database.is_sqlite:
        return
    with held.hub.database.read() as connection:
        for state, index in (("held", "ix_run_held"), ("failed", "ix_run_failed")):
            query = sa.select(schema.run.c.id).where(*tasks._meant(1, state, None), schema.run.c.id > 5)
            text = str(query.order_by(schema.run.c.id).compile(compile_kwargs={"literal_binds": True}))
            plan = [row[-1] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}")]
            assert index in plan[0] and not any("SORT" in line or "TEMP" in line for line in plan), plan
