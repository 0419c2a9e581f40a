"""What a person does with a run: retry and cancel, and what the engine makes of it at the same time."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from hub import (
    Event,
    OutcomeUnknown,
    Rejected,
    ServiceDown,
    Steps,
    engine,
    outbox,
    recipe,
    runs,
    schema,
    together,
    wait_for,
)
from hub.errors import NotFound
from hub.recipe import Recipe
from tests import telling
from tests.world import World, happen


@recipe(on=telling.happened, title="Ring")
def ringer(event: Event) -> Steps:
    """Does something that nobody can find out about."""
    yield telling.ring("the bell")
    yield telling.do("after")
    return None


@recipe(on=telling.happened, title="Send")
def sender(event: Event) -> Steps:
    """Sends a message."""
    yield telling.send("+14155550123", "hello", purpose="transactional")
    return None


@recipe(on=telling.happened, title="Do")
def doer(event: Event) -> Steps:
    """Does a thing, and fails with it."""
    yield telling.do("first")
    yield telling.do("second")
    return None


@recipe(on=telling.happened, title="Wait")
def waiter(event: Event) -> Steps:
    """Waits."""
    yield telling.do("before")
    yield wait_for(telling.ended, timeout=timedelta(days=1))
    yield telling.do("after")
    return None


@recipe(on=telling.happened, title="Both")
def both(event: Event) -> Steps:
    """Does two things at once, that do not go in one call."""
    yield together([telling.do("one"), telling.gather("two")])
    yield telling.do("three")
    return None


def start(world: World, monkeypatch: pytest.MonkeyPatch, made: Recipe) -> int:
    """Lets one event start a recipe; gives the run's id."""
    world.turn_on(monkeypatch, made)
    happen(world)
    (run,) = world.runs
    return run.id


def done(world: World) -> list[str]:
    return [name for name, _ in telling.provider.done]


def answer_well(name: str, inputs: dict[str, Any]) -> Any:
    return {"id": name, "number": telling.provider.number}


def retry(world: World, run_id: int) -> runs.Retried:
    found = runs.retry(world.workspace, world.hub, run_id)
    world.tick()
    return found


def test_a_step_that_nobody_can_find_out_about_is_repeated_when_a_person_says_so(
    world: World, monkeypatch: Any
) -> None:
    telling.provider.answer = lambda name, inputs: OutcomeUnknown()
    run_id = start(world, monkeypatch, ringer)
    assert world.runs[0].state == "held"
    telling.provider.answer = answer_well
    assert retry(world, run_id) == runs.Retried(steps=1, asked=0, moved=False)
    assert done(world) == ["ring", "do"]
    assert (world.runs[0].state, world.runs[0].reason) == ("done", None)


@pytest.mark.parametrize("happened", [True, False])
def test_a_message_of_unknown_outcome_is_looked_for_before_it_is_sent_again(
    world: World, monkeypatch: Any, happened: bool
) -> None:
    def broken(name: str, inputs: dict[str, Any]) -> Any:
        if happened:
            telling.provider.done.append((name, inputs))
        return ValueError("the connector has a bug")

    telling.provider.answer = broken
    run_id = start(world, monkeypatch, sender)
    assert world.runs[0].state == "held"
    telling.provider.answer = answer_well
    world.clock.advance(60)
    assert retry(world, run_id) == runs.Retried(steps=0, asked=1, moved=False)
    world.pass_time(timedelta(seconds=10))
    assert world.runs[0].state == "done"
    assert done(world) == ["send"]
    assert telling.provider.looked == 1


def test_a_run_that_a_refusal_failed_tries_the_refused_step_again_and_no_other(world: World, monkeypatch: Any) -> None:
    def answer(name: str, inputs: dict[str, Any]) -> Any:
        return Rejected("There is no such list.") if inputs["what"] == "second" else {"id": 1}

    telling.provider.answer = answer
    run_id = start(world, monkeypatch, doer)
    assert world.runs[0].state == "failed"
    telling.provider.answer = answer_well
    assert retry(world, run_id).steps == 1
    assert [inputs["what"] for _, inputs in telling.provider.done] == ["first", "second"]
    run = world.runs[0]
    assert (run.state, run.reason, run.ended_at) == ("done", None, world.clock.now())


def test_a_step_that_was_given_up_has_three_days_again_when_a_person_tries_it_again(
    world: World, monkeypatch: Any
) -> None:
    telling.provider.answer = lambda name, inputs: ServiceDown("Away.")
    run_id = start(world, monkeypatch, doer)
    world.pass_time(timedelta(days=4))
    assert world.runs[0].state == "failed"
    retry(world, run_id)
    assert (world.runs[0].state, world.steps(run_id)[0].state) != ("failed", "refused")
    telling.provider.answer = answer_well
    world.pass_time(timedelta(hours=1))
    assert world.runs[0].state == "done"


@pytest.fixture
def edited(world: World, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Two versions of a recipe's code: `edited(old, new)` lets the old one run, and then puts the new one on."""

    def edited(old: Any, new: Any) -> int:
        known = {
            "old": recipe(on=telling.happened, title="Edited")(old),
            "new": recipe(on=telling.happened, title="Edited")(new),
        }
        monkeypatch.setattr(world.hub.versions, "keep", lambda connection, made: "old")
        monkeypatch.setattr(world.hub.versions, "load", lambda name, version: known[version])
        run_id = start(world, monkeypatch, known["old"])
        monkeypatch.setattr(world.hub.versions, "keep", lambda connection, made: "new")
        world.use(monkeypatch, known["new"])
        world.enable(known["new"].name)
        return run_id

    return edited


def test_a_run_that_a_bug_failed_goes_on_with_the_edited_code(world: World, edited: Any) -> None:
    def made(event: Event) -> Steps:
        """Has a bug after its first step."""
        yield telling.do("first")
        raise KeyError("bug")

    def made_well(event: Event) -> Steps:
        """Has none."""
        yield telling.do("first")
        yield telling.do("second")
        return "well"

    made_well.__name__ = "made"
    run_id = edited(made, made_well)
    assert world.runs[0].state == "failed"
    assert retry(world, run_id) == runs.Retried(steps=0, asked=0, moved=True)
    (run,) = world.runs
    assert (run.state, run.reason, run.version) == ("done", "well", "new")
    assert done(world) == ["do", "do"]


def test_edited_code_that_does_not_fit_what_was_done_holds_the_run_and_does_nothing(world: World, edited: Any) -> None:
    def made(event: Event) -> Steps:
        """Has a bug after its first step."""
        yield telling.do("first")
        raise KeyError("bug")

    def made_otherwise(event: Event) -> Steps:
        """Does something else first."""
        yield telling.ring("first")
        return None

    made_otherwise.__name__ = "made"
    run_id = edited(made, made_otherwise)
    retry(world, run_id)
    (run,) = world.runs
    assert run.state == "held"
    assert run.reason == "Step 1 was telling.do before, and is telling.ring now."
    assert done(world) == ["do"]


def test_a_run_with_a_step_of_unknown_outcome_stays_with_its_code(world: World, edited: Any) -> None:
    telling.provider.answer = lambda name, inputs: OutcomeUnknown()

    def made(event: Event) -> Steps:
        """Rings."""
        yield telling.ring("bell")
        return "old"

    def made_anew(event: Event) -> Steps:
        """Does not ring."""
        yield telling.do("nothing")
        return "new"

    made_anew.__name__ = "made"
    run_id = edited(made, made_anew)
    telling.provider.answer = answer_well
    assert retry(world, run_id).moved is False
    assert (world.runs[0].state, world.runs[0].reason) == ("done", "old")


@pytest.mark.parametrize(("made", "state"), [(waiter, "waiting"), (doer, "done")])
def test_only_a_run_that_is_held_or_failed_is_retried(
    world: World, monkeypatch: pytest.MonkeyPatch, made: Recipe, state: str
) -> None:
    run_id = start(world, monkeypatch, made)
    before = world.runs
    with pytest.raises(runs.NotPossible, match=f"The run is {state}"):
        runs.retry(world.workspace, world.hub, run_id)
    assert world.runs == before


def test_a_run_whose_payloads_are_gone_is_not_retried(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    telling.provider.answer = lambda name, inputs: Rejected()
    run_id = start(world, monkeypatch, doer)
    with world.hub.database.write() as connection:
        connection.execute(sa.update(schema.run).values(sealed=False))
    with pytest.raises(runs.NotPossible, match="removed"):
        runs.retry(world.workspace, world.hub, run_id)


def test_a_run_of_another_workspace_is_not_found(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    run_id = start(world, monkeypatch, waiter)
    other = world.hub.workspaces.add("Other")
    for act in (runs.retry, runs.cancel):
        with pytest.raises(NotFound):
            act(other, world.hub, run_id)
    assert world.runs[0].state == "waiting"


def test_a_cancelled_run_waits_for_nothing_and_does_nothing_more(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    run_id = start(world, monkeypatch, waiter)
    assert runs.cancel(world.workspace, world.hub, run_id) == 1
    assert world.rows(schema.waiter) == []
    world.hear("ended", "2")
    world.pass_time(timedelta(days=2))
    (run,) = world.runs
    assert (run.state, run.reason, run.due_at) == ("stopped", "Cancelled.", None)
    assert [step.state for step in world.steps(run_id)] == ["done", "dropped"]
    assert done(world) == ["do"]
    with pytest.raises(runs.NotPossible, match="stopped already"):
        runs.cancel(world.workspace, world.hub, run_id)


def test_a_held_run_can_be_cancelled_and_its_unknown_step_stays_known_as_such(world: World, monkeypatch: Any) -> None:
    telling.provider.answer = lambda name, inputs: OutcomeUnknown()
    run_id = start(world, monkeypatch, ringer)
    assert runs.cancel(world.workspace, world.hub, run_id) == 0
    assert world.runs[0].state == "stopped"
    assert world.steps(run_id)[0].state == "unknown"


def test_an_engine_that_read_the_run_before_it_was_cancelled_writes_nothing(world: World, monkeypatch: Any) -> None:
    run_id = start(world, monkeypatch, waiter)
    world.clock.advance(timedelta(days=2))
    write = engine.write

    def cancelled_meanwhile(hub: Any, found: Any) -> Any:
        runs.cancel(world.workspace, world.hub, run_id)
        return write(hub, found)

    monkeypatch.setattr(engine, "write", cancelled_meanwhile)
    engine.advance(world.hub)
    monkeypatch.setattr(engine, "write", write)
    world.settle()
    assert world.runs[0].state == "stopped"
    assert len(world.steps(run_id)) == 2
    assert done(world) == ["do"]


def test_a_step_that_ends_while_the_engine_decides_on_its_run_is_not_overlooked(world: World, monkeypatch: Any) -> None:
    """The engine sees the first of two steps done; the second comes back before it has written that down."""
    connection = world.turn_on(monkeypatch, both)
    world.hear()
    telling.provider.answer = lambda name, inputs: ServiceDown() if name == "gather" else {"id": 1}
    world.settle()
    write, came_back = engine.write, []

    def and_meanwhile(hub: Any, found: Any) -> Any:
        if [step.state for step in world.steps(found[0].row.id)] == ["done", "waiting"] and not came_back:
            telling.provider.answer = answer_well
            world.clock.advance(60)
            outbox.drain(world.hub, connection.id)
            came_back.append([step.state for step in world.steps(found[0].row.id)])
        return write(hub, found)

    monkeypatch.setattr(engine, "write", and_meanwhile)
    with world.hub.database.write() as database:
        database.execute(sa.update(schema.run).values(due_at=world.clock.now()))
    world.tick()
    assert came_back == [["done", "done"]]
    assert world.runs[0].state == "done"
