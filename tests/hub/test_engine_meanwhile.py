"""What comes at the same instant, and what changes between the reading of a run and the writing about it."""

from __future__ import annotations

from contextlib import closing
from typing import Any

import pytest
import sqlalchemy as sa

from hub import Event, Steps, engine, outbox, recipe, schema
from tests import telling
from tests.webhooks.told import read
from tests.world import World, tell


@recipe(on=telling.happened, title="Two things", stop_when=telling.ended)
def two_things(event: Event) -> Steps:
    """Does two things, unless it ends before."""
    yield telling.do([event.data["n"], 1])
    yield telling.do([event.data["n"], 2])


@pytest.fixture
def on(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    world.turn_on(monkeypatch, two_things)
    return world


def tell_of(world: World, *people: str, kind: str = "happened") -> None:
    """Tells of as many events at one instant, each about one of these people."""
    (connection,) = world.hub.connections.list(world.workspace)
    told = [
        {"type": kind, "id": f"{kind} {n}", "email": f"{name}@example.com", "data": {"n": n}}
        for n, name in enumerate(people)
    ]
    world.deliver(connection, tell(events=told))


def did() -> list[Any]:
    return [inputs["what"] for _, inputs in telling.provider.done]


def test_of_one_persons_events_of_one_instant_the_one_that_was_told_first_goes_first(on: World) -> None:
    tell_of(on, "ada", "ada", "ada")
    on.settle()
    assert len({run.event_at for run in on.runs}) == 1
    assert did() == [[0, 1], [0, 2], [1, 1], [1, 2], [2, 1], [2, 2]]


def test_a_call_that_is_on_its_way_when_its_run_ends_is_written_down_as_it_comes_back(on: World) -> None:
    def ends_meanwhile(name: str, inputs: dict[str, Any]) -> Any:
        telling.provider.answer = lambda name, inputs: {}
        tell_of(on, "ada", kind="ended")
        assert read(on.hub) == 1
        assert engine.advance(on.hub) == 1
        assert [run.state for run in on.runs] == ["stopped"]
        return {"id": "back"}

    telling.provider.answer = ends_meanwhile
    tell_of(on, "ada")
    read(on.hub)
    engine.advance(on.hub)
    outbox.drain(on.hub, on.hub.connections.list(on.workspace)[0].id)
    (run,) = on.runs
    (step,) = on.steps(run.id)
    assert (run.state, step.state) == ("stopped", "done")
    assert on.opened(step, "answer")["id"] == "back"


def test_a_run_whose_person_is_gone_when_it_is_read_stops_and_no_other_one(on: World) -> None:
    tell_of(on, "ada", "grace")
    assert read(on.hub) == 1
    ada, _ = on.runs
    with on.hub.database.write() as connection:
        connection.execute(sa.delete(schema.person).where(schema.person.c.id == ada.person_id))
    on.settle()
    assert [(run.state, run.reason) for run in on.runs] == [
        ("stopped", "What it was about was erased."),
        ("done", None),
    ]
    assert did() == [[1, 1], [1, 2]]


def test_a_run_whose_recipe_was_enabled_without_an_account_that_it_uses_is_held_alone(on: World) -> None:
    tell_of(on, "ada")
    assert read(on.hub) == 1
    with on.hub.database.write() as connection:
        connection.execute(sa.update(schema.enabled_recipe).values(connections="{}"))
    with closing(on.another_hub()) as fresh:  # it did not look at the recipe before
        on.settle(fresh)
    (run,) = on.runs
    assert (run.state, run.reason) == (
        "held",
        "The recipe uses telling, but was enabled without an account of it.",
    )
    assert did() == []
