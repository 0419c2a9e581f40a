"""Runs from their event to their end: steps, waits, exits, order, failures, and what is written down of it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from hub import (
    Event,
    Rejected,
    ServiceDown,
    Step,
    Steps,
    now,
    recipe,
    schema,
    sleep,
    sleep_until,
    together,
    wait_for,
)
from hub.recipe import Recipe
from tests import telling
from tests.world import World, happen

Make = Callable[..., Recipe]


@recipe(on=telling.happened, title="Do one thing")
def one_thing(event: Event, *, what: str = "it") -> Steps:
    """Does one thing."""
    answer = yield telling.do(what)
    return f"answered {answer['id'][:2]}"


@recipe(on=telling.happened, title="Sleep")
def sleeper(event: Event) -> Steps:
    """Sleeps between two things."""
    yield telling.do("before")
    yield sleep(days=90)
    at = yield now()
    yield sleep_until(at + timedelta(hours=1))
    yield telling.do("after")
    return None


@recipe(on=telling.happened, title="Wait")
def waiter(event: Event) -> Steps:
    """Waits for an end."""
    yield telling.do("start")
    found = yield wait_for(telling.ended.matching(same="order"), timeout=timedelta(days=2))
    if found is None:
        yield telling.do("nobody came")
        return "timed out"
    again = yield wait_for(telling.ended.matching(same="order"), timeout=timedelta(days=2))
    yield telling.do(["came", found.data["n"], again.data["n"] if again else None])
    return "came"


@recipe(on=telling.happened, title="Look back")
def looker(event: Event) -> Steps:
    """Asks what came meanwhile, without waiting for more."""
    yield sleep(hours=1)
    found = yield wait_for(telling.ended, timeout=timedelta(0))
    more = yield wait_for(telling.ended, timeout=timedelta(0))
    return f"{found and found.data['n']} and {'more' if more else 'nothing more'}"


@recipe(on=telling.happened, title="Leave", stop_when=telling.ended)
def leaver(event: Event) -> Steps:
    """Stops when it ends."""
    yield sleep(hours=1)
    yield telling.do("too late")
    return None


@recipe(on=telling.happened, title="At once")
def at_once(event: Event) -> Steps:
    """Does three things together."""
    try:
        first, second, third = yield together(telling.do(1), telling.gather(2), telling.do(3))
    except Rejected as refusal:
        yield telling.do(f"instead: {refusal.code}")
        return "refused"
    yield telling.do([first["id"], second["id"], third["id"]])
    return None


def inner(event: Event) -> Steps:
    yield telling.do("inner")
    return "from inside"


@recipe(on=telling.happened, title="Nest")
def nester(event: Event) -> Steps:
    """Uses another generator."""
    said = yield from inner(event)
    yield telling.do(said)
    return None


@pytest.fixture
def start(world: World, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Enables a recipe and lets one event happen."""

    def start(made: Recipe, **event: Any) -> None:
        world.turn_on(monkeypatch, made)
        happen(world, **event)

    return start


def done(world: World) -> list[Any]:
    return [inputs["what"] for _, inputs in telling.provider.done]


def test_a_run_does_its_step_and_ends_with_what_the_recipe_said(world: World, start: Any) -> None:
    start(one_thing)
    (run,) = world.runs
    assert (run.state, run.reason) == ("done", "answered do")
    (step,) = world.steps(run.id)
    assert (step.state, step.attempts, step.action) == ("done", 1, "telling.do")
    assert world.opened(step, "inputs") == {"what": "it"}


def test_a_sleep_of_months_survives_any_number_of_restarts(world: World, start: Any) -> None:
    start(sleeper)
    assert done(world) == ["before"]
    assert world.runs[0].state == "waiting"
    for _ in range(9):
        world.clock.advance(timedelta(days=10))
        again = world.another_hub()
        world.settle(again)
        again.close()
    assert done(world) == ["before"]
    world.pass_time(timedelta(hours=1))
    assert done(world) == ["before", "after"]
    assert world.runs[0].state == "done"


def test_a_wait_is_answered_by_events_of_the_same_person_that_fit_each_once(world: World, start: Any) -> None:
    start(waiter, order="A")
    world.hear("ended", "2", order="B", n=0)
    happen(world, "ended", "3", "grace@example.com", order="A", n=9)
    assert world.runs[0].state == "waiting"
    happen(world, "ended", "4", order="A", n=1)
    happen(world, "ended", "5", order="A", n=2)
    assert done(world)[-1] == ["came", 1, 2]


def test_a_wait_sees_events_that_came_before_it_began(world: World, start: Any, monkeypatch: Any) -> None:
    world.turn_on(monkeypatch, waiter)
    world.hear("happened", "1", order="A")
    world.hear("ended", "2", order="A", n=1)
    happen(world, "ended", "3", order="A", n=2)
    assert done(world) == ["start", ["came", 1, 2]]


def test_a_wait_without_any_time_sees_what_came_before_it(world: World, start: Any) -> None:
    start(looker)
    world.hear("ended", "2", n=1)
    world.pass_time(timedelta(hours=2))
    assert [run.reason for run in world.runs] == ["1 and nothing more"]


def test_a_wait_ends_with_none_after_its_time(world: World, start: Any) -> None:
    start(waiter, order="A")
    world.pass_time(timedelta(days=2))
    assert done(world) == ["start", "nobody came"]
    assert world.runs[0].reason == "timed out"


def test_an_exit_stops_a_run_whatever_it_waits_for(world: World, start: Any) -> None:
    start(leaver)
    happen(world, "ended", "2")
    (run,) = world.runs
    assert (run.state, run.reason) == ("stopped", "Ended by telling.ended.")
    world.pass_time(timedelta(hours=2))
    assert done(world) == []


def test_an_exit_that_came_first_because_of_a_late_delivery_counts(world: World, start: Any, monkeypatch: Any) -> None:
    world.turn_on(monkeypatch, leaver)
    happen(world, "ended", "2", at="2026-11-22T13:00:00+00:00")
    happen(world, "happened", "1", at="2026-11-22T12:30:00+00:00")
    assert world.runs[0].state == "stopped"


def test_together_gives_all_answers_in_order(world: World, start: Any) -> None:
    telling.provider.answer = lambda name, inputs: {"id": f"{name} {inputs['what']}"}
    start(at_once)
    assert done(world)[-1] == ["do 1", "gather 2", "do 3"]


def test_a_refusal_is_thrown_at_the_yield_after_all_of_together_ended(world: World, start: Any) -> None:
    def answer(name: str, inputs: dict[str, Any]) -> Any:
        return Rejected("no", status=400, code="E1") if inputs["what"] == 1 else {"id": "x"}

    telling.provider.answer = answer
    start(at_once)
    (run,) = world.runs
    assert (run.state, run.reason) == ("done", "refused")
    assert done(world)[-1] == "instead: E1"
    assert [step.state for step in world.steps(run.id)] == ["refused", "done", "done", "done"]


def test_a_sub_recipe_is_yielded_from(world: World, start: Any) -> None:
    start(nester)
    assert done(world) == ["inner", "from inside"]


def test_a_service_that_is_down_is_tried_again_later_and_the_run_says_that_it_waits(world: World, start: Any) -> None:
    telling.provider.answer = lambda name, inputs: ServiceDown()
    start(one_thing)
    (run,) = world.runs
    assert run.state == "waiting"
    assert world.steps(run.id)[0].state == "waiting"
    telling.provider.answer = lambda name, inputs: {"id": "ok"}
    world.pass_time(timedelta(minutes=1))
    assert world.runs[0].state == "done"


@recipe(on=telling.happened, title="Forget")
def forgetful(event: Event) -> Steps:
    """Forgets to yield."""
    telling.do("never")
    yield telling.do("this")
    return None


def test_a_forgotten_yield_holds_the_run_with_the_line_and_the_action(world: World, start: Any) -> None:
    start(forgetful)
    (run,) = world.runs
    assert run.state == "held"
    assert "telling.do in line" in run.reason and "did not yield" in run.reason
    assert done(world) == []


@recipe(on=telling.happened, title="Break")
def breaking(event: Event) -> Steps:
    """Fails with somebody's data in the error."""
    yield telling.do("first")
    raise KeyError(event.person.email)


def test_a_bug_in_a_recipe_fails_the_run_and_tells_no_personal_data(world: World, start: Any) -> None:
    start(breaking)
    (run,) = world.runs
    assert run.state == "failed"
    assert run.reason.startswith("The recipe failed with KeyError in line")
    assert "ada" not in run.reason


@recipe(on=telling.happened, title="Unsealable")
def unsealable(event: Event) -> Steps:
    """Passes what is no data."""
    yield telling.do(object())
    return None


def test_a_step_that_is_no_data_holds_the_run(world: World, start: Any) -> None:
    start(unsealable)
    (run,) = world.runs
    assert run.state == "held"
    assert "plain data" in run.reason


def test_runs_of_one_person_go_on_in_the_order_of_their_events(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    @recipe(on=telling.happened, title="In order")
    def in_order(event: Event) -> Steps:
        """Does two things."""
        yield telling.do([event.data["n"], 1])
        yield telling.do([event.data["n"], 2])
        return None

    monkeypatch.setattr(world.hub.versions, "keep", lambda connection, made: "v")
    monkeypatch.setattr(world.hub.versions, "load", lambda name, version: in_order)
    world.turn_on(monkeypatch, in_order)
    for n, minute in (("3", "03"), ("1", "01"), ("2", "02")):
        world.hear("happened", n, n=int(n), at=f"2026-11-22T11:{minute}:00+00:00")
    world.settle()
    assert done(world) == [[1, 1], [1, 2], [2, 1], [2, 2], [3, 1], [3, 2]]


def test_what_is_in_the_tables_cannot_be_read_without_the_key(world: World, start: Any) -> None:
    start(waiter, email="canary@example.com", order="canary order")
    for table in schema.metadata.sorted_tables:
        for row in world.rows(table):
            for value in row:
                text = value if isinstance(value, bytes) else str(value).encode()
                assert b"canary" not in text, table.name


def test_steps_are_compared_by_what_they_ask_for() -> None:
    assert telling.do("a") == telling.do("a") != telling.do("b")
    assert isinstance(telling.do("a"), Step)
