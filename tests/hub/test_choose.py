"""One of several ways, by chance: the same for a person each time, kept by replays and edits, told in words."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any

import pytest

from connectors import shopify
from hub import Event, Steps, arms, choose, engine, outcomes, recipe, sleep
from hub.setup import queries, timeline
from hub.testing import rehearse
from tests import telling
from tests.world import World, happen


@recipe(on=telling.happened, title="Greet")
def greet(event: Event, *, other: str = "Good morning") -> Steps:
    """Greets in one of two ways, twice."""
    first = yield choose("greeting", a="Hello", b=other)
    yield telling.do(first)
    yield sleep(days=1)
    yield telling.do((yield choose("greeting", a="Hello", b=other)))
    return None


@recipe(on=telling.happened, title="Greet later")
def greet_later(event: Event, *, other: str = "Good morning") -> Steps:
    """Chooses, and greets a day later."""
    text = yield choose("greeting", a="Hello", b=other)
    yield sleep(days=1)
    yield telling.do(text)
    return None


DAY = timedelta(days=1)


def said() -> list[Any]:
    return [inputs["what"] for _, inputs in telling.provider.done]


def people(world: World, count: int) -> None:
    for number in range(count):
        world.hear(key=str(number), email=f"person{number}@example.com")
    world.settle()


def test_a_person_gets_the_same_each_time_and_people_differ(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.turn_on(monkeypatch, greet)
    people(world, 12)
    first = said()
    assert set(first) == {"Hello", "Good morning"}
    other = world.another_hub()  # as after a restart, or on another machine
    for number in range(12):
        world.hear(key=f"again {number}", email=f"person{number}@example.com")
        world.settle(other)
    other.close()
    assert said()[12:] == first


def test_the_journal_keeps_what_was_chosen_for_the_run(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.turn_on(monkeypatch, greet)
    happen(world)
    (run,) = world.runs
    chosen = world.steps(run.id)[0]
    name = world.opened(chosen, "answer")
    monkeypatch.setattr(arms, "option", lambda *_: {"a": "b", "b": "a"}[name])  # as if the key had changed meanwhile
    other = world.another_hub()
    world.clock.advance(DAY)
    world.settle(other)
    other.close()
    steps = world.steps(run.id)
    assert world.runs[0].state == "done"
    assert [world.opened(step, "answer") for step in steps if step.action == "choose"] == [
        name,
        {"a": "b", "b": "a"}[name],
    ]
    assert chosen.reason == outcomes.outcome(chosen, 0) == f"Test “greeting”: {name}."


def test_events_about_nobody_are_divided_too(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.turn_on(monkeypatch, greet)
    for number in range(20):
        world.hear(key=str(number), email=None)
    world.settle()
    assert set(said()) == {"Hello", "Good morning"}


def test_the_split_is_even_and_tests_and_recipes_are_independent(world: World) -> None:
    chosen = [
        tuple(arms.option(world.workspace, of, test, ("a", "b", "c"), f"person {n}") for of, test in PAIRS)
        for n in range(9_000)
    ]
    counts = Counter(chosen)
    # Nine thousand people in 27 groups of 333, each within four standard deviations of 18.
    assert len(counts) == 27
    assert all(abs(count - 333) < 72 for count in counts.values())


PAIRS = (("greet", "subject"), ("greet", "image"), ("remind", "subject"))


def test_what_an_option_says_may_be_edited_while_people_are_inside(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.turn_on(monkeypatch, greet_later)
    people(world, 12)
    chosen = [world.steps(run.id)[0].reason for run in world.runs]
    world.enable("greet_later", other="Good evening")
    assert {verdict.state for verdict in engine.move(world.hub, world.workspace, "greet_later")} == {"moves"}
    world.pass_time(DAY)
    assert [world.steps(run.id)[0].reason for run in world.runs] == chosen
    assert set(said()) == {"Hello", "Good evening"}


def test_another_option_holds_whoever_chose_already(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.turn_on(monkeypatch, greet)
    people(world, 4)

    @recipe(on=telling.happened, title="Greet")
    def edited(event: Event, *, other: str = "Good morning") -> Steps:
        """Greets in one of three ways."""
        yield telling.do((yield choose("greeting", a="Hello", b=other, c="Hey")))
        return None

    assert engine_replays(world, edited) == {"Step 1 is choose with other inputs than before."}


def engine_replays(world: World, edited: Any) -> set[str]:
    """Why the runs under way do not go on with this recipe."""
    from hub.engine.loading import load
    from hub.replay import Held, replay

    runs = load(world.hub, world.runs, (edited, world.hub.enabled.latest(world.workspace, "greet")))
    held = [replay(run.begin, {position: line.entry for position, line in run.lines.items()}) for run in runs]
    assert all(isinstance(outcome, Held) for outcome in held)
    return {str(outcome.error).split(". ")[0].rstrip(".") + "." for outcome in held if isinstance(outcome, Held)}


def test_a_run_tells_what_was_chosen(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.turn_on(monkeypatch, greet)
    happen(world)
    run = queries.run(world.hub, world.workspace, world.runs[0].id)
    assert run is not None
    drawn = timeline.lines(run, len(run.steps), world.clock.now(), {})
    assert drawn[1].says in (("Test “greeting”: a",), ("Test “greeting”: b",))
    assert (drawn[1].state, drawn[1].gap) == (timeline.OVER, False)


@recipe(on=shopify.order_created, title="Note")
def note(event: Event) -> Steps:
    """Notes one of two things."""
    yield shopify.add_order_note("1", (yield choose("note", a="Hello", b="Hey")))
    return None


def test_a_rehearsal_chooses_what_it_is_told_else_the_first() -> None:
    sample, answers = shopify.order_created.sample, {shopify.add_order_note: {"id": "1"}}
    usual = rehearse(note, sample, answers)
    other = rehearse(note, sample, answers, choices={"note": "b"})
    assert usual.steps == [choose("note", a="Hello", b="Hey"), shopify.add_order_note("1", "Hello")]
    assert other.steps == [choose("note", a="Hello", b="Hey"), shopify.add_order_note("1", "Hey")]
    assert (other.timeline[0].says, other.timeline[0].outcome) == ("Test “note”: b", "would happen")
    failed = rehearse(note, sample, answers, choices={"note": "c"})
    assert (failed.state, failed.says) == ("held", "The test “note” has no option c. It has a, b.")


@pytest.mark.parametrize(("test", "options"), [("a=b", {"a": 1, "b": 2}), ("t", {"a": 1}), ("t", {"a b": 1, "c": 2})])
def test_a_choice_that_could_not_be_counted_is_refused_where_it_is_written(test: str, options: dict[str, Any]) -> None:
    with pytest.raises(TypeError, match="choose needs|cannot name"):
        choose(test, **options)
