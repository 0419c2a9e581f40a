"""Skipping a step: what the recipe is told, and what stays as it is."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from hub import Event, OutcomeUnknown, Rejected, ServiceDown, Steps, recipe, runs, schema, sleep, together, wait_for
from hub.recipe import Recipe
from hub.runs import NotPossible
from tests import telling
from tests.world import World, happen


@recipe(on=telling.happened, title="Ring")
def ringer(event: Event) -> Steps:
    """Does something that nobody can find out about, and goes on without."""
    try:
        yield telling.ring("the bell")
    except Rejected as refusal:
        yield telling.do(f"without: {refusal}")
    return "over"


@recipe(on=telling.happened, title="Ring or fail")
def insists(event: Event) -> Steps:
    """Does something that nobody can find out about, and cannot do without."""
    yield telling.ring("the bell")
    yield telling.do("after")


@recipe(on=telling.happened, title="Two")
def two(event: Event) -> Steps:
    """Does two things at once that nobody can find out about."""
    try:
        yield together([telling.ring("one"), telling.ring("two")])
    except Rejected:
        yield telling.do("after")


@recipe(on=telling.happened, title="Wait")
def waits(event: Event) -> Steps:
    """Waits for time, then for an event."""
    yield sleep(days=3)
    found = yield wait_for(telling.ended, timeout=timedelta(days=1))
    yield telling.do(f"came: {found is not None}")


def start(world: World, monkeypatch: pytest.MonkeyPatch, made: Recipe, unknown: bool = True) -> int:
    if unknown:
        telling.provider.answer = lambda name, inputs: OutcomeUnknown("no word") if name == "ring" else {"id": "1"}
    world.turn_on(monkeypatch, made)
    happen(world)
    return int(world.runs[0].id)


def did(world: World) -> list[Any]:
    return [inputs["what"] for _, inputs in telling.provider.done]


def skip(world: World, run_id: int, position: int) -> None:
    runs.skip(world.workspace, world.hub, run_id, position)
    world.tick()


def test_a_recipe_is_told_that_a_step_was_skipped_as_it_is_told_of_a_refusal(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = start(world, monkeypatch, ringer)
    assert world.runs[0].state == "held"
    skip(world, run_id, 0)
    assert [(step.state, step.reason) for step in world.steps(run_id)] == [("refused", runs.SKIPPED), ("done", None)]
    assert did(world) == [f"without: {runs.SKIPPED}"]
    assert (world.runs[0].state, world.runs[0].reason) == ("done", "over")


def test_a_recipe_that_cannot_do_without_fails_and_may_be_tried_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = start(world, monkeypatch, insists)
    skip(world, run_id, 0)
    assert (world.runs[0].state, world.runs[0].reason) == ("failed", runs.SKIPPED)
    telling.provider.answer = lambda name, inputs: {"id": "1"}
    runs.retry(world.workspace, world.hub, run_id)
    world.tick()
    assert did(world) == ["the bell", "after"]


def test_an_action_that_answers_nothing_is_answered_nothing_and_stays_skipped(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(telling.ring.perform.__annotations__, "return", "None")
    run_id = start(world, monkeypatch, insists)
    telling.provider.answer = lambda name, inputs: Rejected("broken")
    skip(world, run_id, 0)
    assert [step.state for step in world.steps(run_id)] == ["dropped", "refused"]
    telling.provider.answer = lambda name, inputs: {"id": "1"}
    runs.retry(world.workspace, world.hub, run_id)
    world.tick()
    assert did(world) == ["after"], "what was skipped is not done by trying the rest again"


def test_a_run_stays_held_until_each_step_that_nobody_knows_of_is_decided(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = start(world, monkeypatch, two)
    skip(world, run_id, 0)
    assert world.runs[0].state == "held"
    skip(world, run_id, 1)
    assert (world.runs[0].state, did(world)) == ("done", ["after"])


def test_a_step_that_waits_for_its_provider_never_leaves_once_it_is_skipped(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    telling.provider.answer = lambda name, inputs: ServiceDown("down") if name == "ring" else {"id": "1"}
    run_id = start(world, monkeypatch, ringer, unknown=False)
    assert world.steps(run_id)[0].state == "waiting"
    skip(world, run_id, 0)
    telling.provider.answer = lambda name, inputs: {"id": "1"}
    world.pass_time(timedelta(hours=2))
    assert did(world) == [f"without: {runs.SKIPPED}"]


def test_a_wait_is_over_at_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    run_id = start(world, monkeypatch, waits)
    skip(world, run_id, 0)
    assert [step.state for step in world.steps(run_id)] == ["done", "waiting"]
    skip(world, run_id, 1)
    assert did(world) == ["came: False"]
    assert [step.reason for step in world.steps(run_id)] == [runs.SKIPPED, runs.SKIPPED, None]


def test_what_is_over_on_its_way_or_elsewhere_cannot_be_skipped(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    run_id = start(world, monkeypatch, ringer)
    with pytest.raises(NotPossible, match="over already"):
        runs.skip(world.workspace, world.hub, run_id, 7)
    with world.hub.database.write() as connection:
        connection.execute(schema.step.update().values(state="claimed"))
    with pytest.raises(NotPossible, match="on its way"):
        runs.skip(world.workspace, world.hub, run_id, 0)
    other = world.hub.workspaces.add("Bike Repair Nord")
    with pytest.raises(runs.NotFound):
        runs.skip(other, world.hub, run_id, 0)
    runs.cancel(world.workspace, world.hub, run_id)
    with pytest.raises(NotPossible, match="over already"):
        runs.skip(world.workspace, world.hub, run_id, 0)
