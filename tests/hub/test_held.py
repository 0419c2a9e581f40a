"""A run that is held is left to a person, whatever comes back or comes in meanwhile."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from hub import Event, OutcomeUnknown, ServiceDown, Steps, engine, outbox, recipe, runs, schema, together, wait_for
from hub.recipe import Recipe
from tests import telling
from tests.hub.outbox.desk import ON_SQLITE, Desk
from tests.servers import until
from tests.threads import in_a_thread
from tests.webhooks.told import read
from tests.world import World, happen
from webhooks.again import start_again


@recipe(on=telling.happened, title="Ring", stop_when=telling.ended)
def ringer(event: Event) -> Steps:
    """Does something that nobody can find out about, and stops with an end."""
    yield telling.ring("the bell")
    yield telling.do("after")


@recipe(on=telling.happened, title="Ring and wait")
def rings_and_waits(event: Event) -> Steps:
    """Does something that nobody can find out about, while it waits for an end."""
    yield together([telling.ring("the bell"), wait_for(telling.ended, timeout=timedelta(days=2))])
    yield telling.do("after")


@recipe(on=telling.happened, title="Forget", stop_when=telling.ended)
def forgetful(event: Event) -> Steps:
    """Forgets to yield, and stops with an end."""
    telling.do("never")
    yield telling.do("this")


@recipe(on=telling.happened, title="Both")
def both(event: Event) -> Steps:
    """Does two things at once."""
    yield together([telling.do("one"), telling.ring("two")])
    yield telling.do("three")


def start(world: World, monkeypatch: pytest.MonkeyPatch, made: Recipe) -> None:
    world.turn_on(monkeypatch, made)
    world.hear()


def did(world: World) -> list[Any]:
    return [inputs["what"] for _, inputs in telling.provider.done]


@pytest.mark.parametrize("made", [ringer, rings_and_waits, forgetful], ids=lambda made: made.name)
def test_an_event_that_a_held_run_waits_for_or_ends_with_leaves_it_held(
    world: World, monkeypatch: pytest.MonkeyPatch, made: Recipe
) -> None:
    telling.provider.answer = lambda name, inputs: OutcomeUnknown("no word")
    start(world, monkeypatch, made)
    world.settle()
    (held,) = world.runs
    assert (held.state, held.reason is None) == ("held", False)
    happen(world, "ended", "2")
    (run,) = world.runs
    assert (run.state, run.reason, run.ended_at) == ("held", held.reason, None)
    assert did(world) == []


def test_what_came_while_a_run_was_held_counts_when_a_person_lets_it_go_on(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    telling.provider.answer = lambda name, inputs: OutcomeUnknown("no word")
    start(world, monkeypatch, ringer)
    world.settle()
    happen(world, "ended", "2")
    runs.retry(world.workspace, world.hub, world.runs[0].id)
    world.tick()
    assert (world.runs[0].state, world.runs[0].reason) == ("stopped", "Ended by telling.ended.")


def test_an_event_that_comes_while_a_run_is_about_to_be_held_leaves_it_held(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    start(world, monkeypatch, forgetful)
    write, came = engine.write, []

    def and_meanwhile(hub: Any, found: Any) -> Any:
        if not came:
            came.append(world.hear("ended", "2"))
            assert read(world.hub) == 1
        return write(hub, found)

    monkeypatch.setattr(engine, "write", and_meanwhile)
    world.settle()
    assert came and [run.state for run in world.runs] == ["held"]


def test_an_event_whose_run_is_held_starts_no_second_one(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    telling.provider.answer = lambda name, inputs: OutcomeUnknown("no word")
    start(world, monkeypatch, ringer)
    world.settle()
    (run,) = world.runs
    again = start_again(world.workspace, world.hub, run.event_id)
    assert (again.started, again.skipped) == (
        {},
        {"ringer": f"It ran for this event already: run {run.id} is held."},
    )


@ON_SQLITE
def test_what_comes_back_of_another_step_leaves_a_held_run_held(world: World) -> None:
    desk = Desk(world)

    def answer(name: str, inputs: dict[str, Any]) -> Any:
        if name == "ring":
            return OutcomeUnknown("no word")
        until(lambda: desk.of(run).state == "unknown")
        return {}

    desk.provider.answer = answer
    run = desk.put(telling.ring("it"), telling.do("slow"))
    with in_a_thread(desk.drain):
        until(lambda: desk.of(run, 1).state == "done")
    assert (desk.of(run).run_state, desk.of(run).run_due) == ("held", False)


def test_a_run_that_an_unknown_outcome_holds_while_the_engine_decides_on_it_stays_held(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    telling.provider.answer = lambda name, inputs: ServiceDown() if name == "ring" else {"id": 1}
    start(world, monkeypatch, both)
    world.settle()
    (connection,) = world.hub.connections.list(world.workspace)
    write, held = engine.write, []

    def and_meanwhile(hub: Any, found: Any) -> Any:
        steps = [step.state for step in world.steps(found[0].row.id)]
        if steps == ["done", "waiting"] and not held:
            telling.provider.answer = lambda name, inputs: OutcomeUnknown("no word")
            world.clock.advance(60)
            outbox.drain(world.hub, connection.id)
            held.extend(run.state for run in world.runs)
        return write(hub, found)

    monkeypatch.setattr(engine, "write", and_meanwhile)
    with world.hub.database.write() as database:
        database.execute(sa.update(schema.run).values(due_at=world.clock.now()))
    world.tick()
    assert held == ["held"]
    assert [run.state for run in world.runs] == ["held"]
    assert did(world) == ["one"]
