"""A clock that is set back: what was asked for about one person before that still goes before what comes after."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from hub import Event, OutcomeUnknown, Rejected, ServiceDown, Steps, recipe, runs
from hub.recipe import Recipe
from tests import telling
from tests.world import World, happen

HOUR = timedelta(hours=1)


@recipe(on=telling.happened, title="One thing")
def one_thing(event: Event) -> Steps:
    """Does a thing: it begins where its event is written down."""
    yield telling.do(event.data["n"])


@recipe(on=telling.happened, title="A thing that may end before", stop_when=telling.ended)
def may_end(event: Event) -> Steps:
    """Does a thing, unless it ends before: it begins in the engine."""
    yield telling.do(event.data["n"])


@recipe(on=telling.happened, title="Ring, or do a thing")
def ring_first(event: Event) -> Steps:
    """The first rings, and later ones do a thing."""
    yield telling.do(event.data["n"]) if event.data["n"] else telling.ring(0)


@recipe(on=telling.happened, title="Two things")
def two_things(event: Event) -> Steps:
    """Does two things, and fails with the second."""
    yield telling.do("first")
    yield telling.do("second")


def did() -> list[Any]:
    return [inputs["what"] for _, inputs in telling.provider.done]


def failing(what: Any, error: Exception) -> Callable[[str, dict[str, Any]], Any]:
    return lambda name, inputs: error if inputs["what"] == what else {}


def order(world: World, n: int) -> None:
    happen(world, key=f"order {n}", n=n, at=f"2026-11-22T10:0{n}:00Z")


@pytest.mark.parametrize("begins", [one_thing, may_end], ids=["in the inbox", "in the engine"])
def test_what_is_asked_for_after_it_waits_for_what_is_tried_again(
    world: World, monkeypatch: pytest.MonkeyPatch, begins: Recipe
) -> None:
    world.turn_on(monkeypatch, begins)
    telling.provider.answer = failing(0, ServiceDown())
    order(world, 0)
    world.clock.advance(-HOUR)
    order(world, 1)
    order(world, 2)
    telling.provider.answer = lambda name, inputs: {}
    world.pass_time(timedelta(minutes=10))
    assert did() == []
    world.pass_time(HOUR)
    assert did() == [0, 1, 2]


def test_a_held_run_that_is_tried_again_after_it_is_asked_for_last(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.turn_on(monkeypatch, ring_first)
    telling.provider.answer = failing(0, OutcomeUnknown())
    order(world, 0)
    telling.provider.answer = failing(1, ServiceDown())
    order(world, 1)
    world.clock.advance(-HOUR)
    assert runs.retry(world.workspace, world.hub, world.runs[0].id).steps == 1
    telling.provider.answer = lambda name, inputs: {}
    world.tick()
    world.pass_time(HOUR + timedelta(minutes=10))
    assert did() == [1, 0]


def test_what_a_run_failed_with_is_told_from_what_it_asked_for_before(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.turn_on(monkeypatch, two_things)
    wrong = failing("second", Rejected("No."))

    def answer(name: str, inputs: dict[str, Any]) -> Any:
        if inputs["what"] == "first":
            world.clock.advance(-HOUR)
        return wrong(name, inputs)

    telling.provider.answer = answer
    happen(world)
    (run,) = world.runs
    assert run.state == "failed"
    telling.provider.answer = lambda name, inputs: {}
    assert runs.retry(world.workspace, world.hub, run.id).steps == 1
    world.tick()
    assert did() == ["first", "second"]
