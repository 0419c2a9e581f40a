"""A person in the loop: a recipe asks, waits for an answer or its time, and goes on with it once."""

from __future__ import annotations

from datetime import timedelta
from threading import Barrier, Thread
from typing import Any

import pytest

from hub import Event, Steps, ask_person, questions, recipe, runs
from hub.errors import NotFound, SettingInvalid
from hub.runs import NotPossible
from tests import telling
from tests.carriers import ByThreads, Carrier
from tests.world import World, happen


@recipe(on=telling.happened, title="Refund", stop_when=telling.ended)
def refund(event: Event) -> Steps:
    """Asks whether to refund."""
    said = yield ask_person(
        f"Refund {event.person.email}?", choices=["Yes", "No"], timeout=timedelta(days=1), default="No"
    )
    yield telling.do(said)
    return said


@recipe(on=telling.happened, title="Write")
def write(event: Event) -> Steps:
    """Asks for a text."""
    said = yield ask_person("What shall we say?", timeout=timedelta(hours=2))
    yield telling.do(said)


def done() -> list[Any]:
    return [inputs["what"] for _, inputs in telling.provider.done]


@pytest.fixture
def carrier() -> Carrier:
    return ByThreads()


@pytest.fixture
def asked(world: World, monkeypatch: pytest.MonkeyPatch) -> questions.Question:
    world.turn_on(monkeypatch, refund)
    happen(world)
    (found,) = questions.waiting(world.hub, world.workspace, 5)
    return found


def test_a_question_waits_with_its_choices_and_its_time(world: World, asked: questions.Question) -> None:
    assert (asked.text, asked.choices, asked.default) == ("Refund ada@example.com?", ("Yes", "No"), "No")
    assert (asked.recipe, asked.until) == ("refund", world.clock.now() + 86_400_000)
    assert questions.count(world.hub, world.workspace)[0] == 1
    assert world.runs[0].state == "waiting"
    assert "ada" not in repr(asked) and "Yes" not in repr(asked)


def test_whom_it_is_about_is_told_to_whoever_asks(world: World, asked: questions.Question) -> None:
    assert questions.whom(world.hub, world.workspace, asked) == ("ada@example.com",)
    other = world.hub.workspaces.add("Elsewhere")
    assert questions.whom(world.hub, other, asked) == ()


def test_the_recipe_goes_on_with_the_answer(world: World, asked: questions.Question) -> None:
    questions.answer(world.hub, world.workspace, asked, " Yes ")
    world.settle()
    assert done() == ["Yes"]
    assert (world.runs[0].state, world.runs[0].reason) == ("done", "Yes")
    assert questions.count(world.hub, world.workspace)[0] == 0
    assert [step.reason for step in world.steps(world.runs[0].id)] == [questions.ANSWERED, None]


def test_without_an_answer_it_goes_on_with_the_default_when_the_time_is_over(
    world: World, asked: questions.Question
) -> None:
    world.pass_time(timedelta(days=1) - timedelta(seconds=1))
    assert done() == []
    world.pass_time(timedelta(seconds=1))
    assert done() == ["No"]
    with pytest.raises(NotPossible, match="answered this already, or its time is over|is over"):
        questions.answer(world.hub, world.workspace, asked, "Yes")
    assert done() == ["No"]


def test_a_text_is_asked_for_where_there_are_no_choices(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.turn_on(monkeypatch, write)
    happen(world)
    (found,) = questions.waiting(world.hub, world.workspace, 5)
    for wrong in ("", "  ", "x" * (questions.MOST_CHARACTERS + 1)):
        with pytest.raises(SettingInvalid):
            questions.answer(world.hub, world.workspace, found, wrong)
    questions.answer(world.hub, world.workspace, found, "Sorry, {name} & <b>")
    world.settle()
    assert done() == ["Sorry, {name} & <b>"]


def test_an_answer_that_is_no_choice_is_refused_with_the_choices(world: World, asked: questions.Question) -> None:
    with pytest.raises(SettingInvalid, match="Choose one of: Yes, No"):
        questions.answer(world.hub, world.workspace, asked, "yes")
    assert questions.count(world.hub, world.workspace)[0] == 1


def test_of_two_who_answer_at_once_one_is_heard(world: World, asked: questions.Question) -> None:
    outcomes: list[str] = []
    start = Barrier(2)

    def answer(said: str) -> None:
        start.wait()
        try:
            questions.answer(world.hub, world.workspace, asked, said)
            outcomes.append(said)
        except NotPossible:
            outcomes.append("too late")

    threads = [Thread(target=answer, args=(said,)) for said in ("Yes", "No")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    world.settle()
    assert sorted(outcomes) in (["No", "too late"], ["Yes", "too late"])
    assert done() == [said for said in outcomes if said != "too late"]


def test_what_ends_the_run_ends_the_question(world: World, asked: questions.Question) -> None:
    happen(world, "ended", "2")
    assert world.runs[0].state == "stopped"
    assert questions.waiting(world.hub, world.workspace, 5) == []
    with pytest.raises(NotPossible):
        questions.answer(world.hub, world.workspace, asked, "Yes")


def test_a_question_about_somebody_who_was_erased_is_gone(world: World, asked: questions.Question) -> None:
    world.hub.privacy.erase(world.workspace, "ada@example.com")
    assert questions.waiting(world.hub, world.workspace, 5) == []
    with pytest.raises(NotFound):
        questions.get(world.hub, world.workspace, asked.run_id)


def test_whoever_skips_the_question_has_the_recipe_go_on_with_the_default(
    world: World, asked: questions.Question
) -> None:
    runs.skip(world.workspace, world.hub, asked.run_id, asked.position)
    world.pass_time(timedelta(seconds=1))
    assert done() == ["No"]


def test_another_workspace_has_no_such_question(world: World, asked: questions.Question) -> None:
    other = world.hub.workspaces.add("Elsewhere")
    assert questions.waiting(world.hub, other, 5) == []
    with pytest.raises(NotFound):
        questions.get(world.hub, other, asked.run_id)
    with pytest.raises(NotFound):
        questions.answer(world.hub, other, asked, "Yes")


# ---- links


def test_a_link_leads_to_its_question_as_long_as_it_waits(world: World, asked: questions.Question) -> None:
    address = questions.link(world.hub, asked)
    word = address.rpartition("/")[2]
    assert address == f"http://127.0.0.1:8000/answer/{word}"
    assert questions.of_link(world.hub, word) == (world.workspace, asked)
    questions.answer(world.hub, world.workspace, asked, "Yes")
    with pytest.raises(NotFound):
        questions.of_link(world.hub, word)


@pytest.mark.parametrize(
    "change", [lambda w: w[:-1], lambda w: f"9{w}", lambda w: "", lambda w: f"{w}é", lambda w: "."]
)
def test_a_link_that_was_changed_leads_nowhere(world: World, asked: questions.Question, change: Any) -> None:
    word = questions.link(world.hub, asked).rpartition("/")[2]
    with pytest.raises(NotFound, match="not complete"):
        questions.of_link(world.hub, change(word))


# ---- writing recipes


@pytest.mark.parametrize(
    "wrong",
    [
        {"question": " "},
        {"choices": "Yes"},
        {"choices": ["Yes", " "]},
        {"choices": ["Yes"], "default": "No"},
    ],
)
def test_a_question_that_cannot_be_asked_is_a_mistake_of_the_recipe(wrong: dict[str, Any]) -> None:
    with pytest.raises(TypeError, match="ask_person"):
        ask_person(**{"question": "Refund?", "timeout": timedelta(days=1)} | wrong)
