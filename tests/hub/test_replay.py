"""Replay alone: the same recipe and journal give the same outcome, and what does not fit is named."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from hub import Rejected, Step, Steps, now, sleep, together, values, wait_for
from hub.errors import RecipeChanged, StepNotYielded
from hub.replay import Entry, Failed, Finished, Held, Waiting, replay
from tests import telling


def ended(step: Step, answer: Any = None, error: Rejected | None = None) -> Entry:
    return Entry(step.action, values.fingerprint(step.action, values.write(step.inputs)), True, answer, error)


def open_(step: Step) -> Entry:
    return Entry(step.action, values.fingerprint(step.action, values.write(step.inputs)), False)


def journal(*entries: Entry) -> dict[int, Entry]:
    return dict(enumerate(entries))


def two_steps() -> Steps:
    first = yield telling.do("first")
    second = yield telling.do(["second", first])
    return f"{first} and {second}"


def test_a_new_run_asks_for_its_first_step() -> None:
    outcome = replay(two_steps, {})
    assert isinstance(outcome, Waiting)
    assert [asked.step for asked in outcome.asked] == [telling.do("first")]


def test_a_run_that_waits_for_an_answer_asks_for_nothing() -> None:
    assert replay(two_steps, journal(open_(telling.do("first")))) == Waiting(())


def test_an_answer_is_sent_to_the_yield_that_asked_for_it() -> None:
    outcome = replay(two_steps, journal(ended(telling.do("first"), 1)))
    assert isinstance(outcome, Waiting)
    assert outcome.asked[0].position == 1
    assert outcome.asked[0].step == telling.do(["second", 1])


def test_the_returned_line_is_how_it_ended() -> None:
    entries = journal(ended(telling.do("first"), 1), ended(telling.do(["second", 1]), 2))
    assert replay(two_steps, entries) == Finished("1 and 2")


def test_a_recipe_that_returns_nothing_says_nothing() -> None:
    def silent() -> Steps:
        yield sleep(days=1)
        return None

    assert replay(silent, journal(ended(sleep(days=1)))) == Finished(None)


def test_a_refusal_is_thrown_where_it_was_asked_for_and_may_be_caught() -> None:
    def careful() -> Steps:
        try:
            yield telling.do("it")
        except Rejected as refusal:
            return f"no: {refusal.code}"
        return "yes"

    assert replay(careful, journal(ended(telling.do("it"), error=Rejected(code="E7")))) == Finished("no: E7")


def test_a_refusal_that_is_not_caught_fails_the_run_with_its_sentence() -> None:
    error = Rejected("The number is not valid. (HTTP 400)")
    assert replay(two_steps, journal(ended(telling.do("first"), error=error))) == Failed(str(error))


def changed(recipe: Callable[[], Steps], entries: dict[int, Entry]) -> str:
    outcome = replay(recipe, entries)
    assert isinstance(outcome, Held)
    assert isinstance(outcome.error, RecipeChanged)
    return str(outcome.error)


def test_another_action_than_before_is_named_with_both() -> None:
    says = changed(two_steps, journal(ended(telling.ring("first"))))
    assert says == "Step 1 was telling.ring before, and is telling.do now."


def test_other_inputs_than_before_are_named_without_telling_them() -> None:
    says = changed(two_steps, journal(ended(telling.do("ada@example.com"))))
    assert says.startswith("Step 1 is telling.do with other inputs than before.")
    assert "ada" not in says


def test_an_inserted_step_is_found() -> None:
    def inserted() -> Steps:
        yield telling.do("new")
        yield from two_steps()
        return None

    changed(inserted, journal(ended(telling.do("first"), 1), open_(telling.do(["second", 1]))))


def test_a_removed_step_is_found() -> None:
    def removed() -> Steps:
        yield telling.do(["second", 1])
        return None

    changed(removed, journal(ended(telling.do("first"), 1), open_(telling.do(["second", 1]))))


def test_steps_that_are_grouped_otherwise_are_found() -> None:
    def grouped() -> Steps:
        yield together(telling.do("first"), telling.do("second"))
        return None

    changed(grouped, journal(ended(telling.do("first"), 1)))


def test_a_step_asked_for_after_a_recipe_now_asks_for_less_is_found() -> None:
    def shorter() -> Steps:
        yield telling.do("first")
        yield telling.do("other")
        return None

    changed(shorter, {0: ended(telling.do("first"), 1), 2: open_(telling.do("third"))})


def test_appending_steps_at_the_end_is_safe() -> None:
    def appended() -> Steps:
        yield from two_steps()
        yield telling.do("third")
        return None

    outcome = replay(appended, journal(ended(telling.do("first"), 1), ended(telling.do(["second", 1]), 2)))
    assert isinstance(outcome, Waiting)
    assert outcome.asked[0].step == telling.do("third")


def test_chance_in_a_recipe_is_found_at_the_next_replay() -> None:
    numbers = iter(range(9))

    def chancy() -> Steps:
        yield telling.do(next(numbers))
        return None

    first = replay(chancy, {})
    assert isinstance(first, Waiting)
    changed(chancy, journal(open_(first.asked[0].step)))


@pytest.mark.parametrize("place", ["before a yield", "at the end", "in together"])
def test_a_forgotten_yield_is_named_with_its_line(place: str) -> None:
    def forgetful() -> Steps:
        if place == "before a yield":
            telling.do("forgotten")
        yield telling.do("kept")
        if place == "in together":
            made = [telling.do(1), telling.do(2)]
            yield together(made[0])
        if place == "at the end":
            telling.do("forgotten")
        return None

    outcome = replay(forgetful, {} if place == "before a yield" else journal(ended(telling.do("kept"))))
    assert isinstance(outcome, Held)
    assert isinstance(outcome.error, StepNotYielded)
    assert "telling.do in line" in str(outcome.error)


def test_two_equal_steps_of_which_one_is_forgotten_are_told_apart() -> None:
    def twice() -> Steps:
        telling.do("same")
        yield telling.do("same")
        return None

    assert isinstance(replay(twice, {}), Held)


def test_what_is_yielded_must_be_a_step() -> None:
    def wrong() -> Any:
        yield ["not", "a", "step"]

    outcome = replay(wrong, {})
    assert isinstance(outcome, Held)
    assert "yielded a list" in str(outcome.error)


def test_together_with_nothing_answers_at_once_with_nothing() -> None:
    def empty() -> Steps:
        answers = yield together([])
        return f"got {answers}"

    assert replay(empty, {}) == Finished("got []")


def test_together_waits_for_all_and_answers_in_order() -> None:
    def both() -> Steps:
        one, two = yield together(telling.do(1), telling.do(2))
        return f"{one}{two}"

    assert replay(both, journal(ended(telling.do(1), "a"), open_(telling.do(2)))) == Waiting(())
    assert replay(both, journal(ended(telling.do(1), "a"), ended(telling.do(2), "b"))) == Finished("ab")


def test_a_loop_without_an_end_is_held() -> None:
    class Endless(dict[int, Entry]):
        def get(self, key: int, default: Any = None) -> Entry:
            return ended(telling.do("again"))

    def endless() -> Steps:
        while True:
            yield telling.do("again")

    outcome = replay(endless, Endless())
    assert isinstance(outcome, Held)
    assert "loop without an end" in str(outcome.error)


def test_waits_and_times_are_data() -> None:
    at = datetime(2026, 11, 22, tzinfo=UTC)

    def timed() -> Steps:
        started = yield now()
        yield wait_for(
            telling.ended.matching(same="order", where={"n": 1}), telling.happened, timeout=timedelta(days=1)
        )
        return started.isoformat()

    outcome = replay(timed, journal(ended(now(), at)))
    assert isinstance(outcome, Waiting)
    assert outcome.asked[0].step.inputs["any"][0] == {"type": "telling.ended", "same": ["order"], "where": {"n": 1}}


def test_what_a_recipe_raised_is_told_by_type_and_line_alone() -> None:
    def broken() -> Steps:
        yield telling.do("first")
        raise ValueError("ada@example.com")

    outcome = replay(broken, journal(ended(telling.do("first"))))
    assert isinstance(outcome, Failed)
    assert outcome.reason.startswith("The recipe failed with ValueError in line ")
    assert "ada" not in outcome.reason
