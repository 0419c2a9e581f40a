"""The rehearsal of a recipe in a test: what it answers, how time passes in it, and what it finds."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from hub import (
    Event,
    OutcomeUnknown,
    Person,
    Rejected,
    ServiceDown,
    Step,
    Steps,
    ask_person,
    now,
    recipe,
    sleep,
    sleep_until,
    together,
    wait_for,
)
from hub.errors import RecipeChanged, ReplayFailed, SettingInvalid, StepNotYielded
from hub.testing import Trouble, rehearse
from tests import telling

pytestmark = pytest.mark.usefixtures("telling_known")

ADA = Person("ada@example.com")
START = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


def event(type: str = telling.happened.type, at: datetime = START, **data: Any) -> Event:
    return Event(key=f"{type} {at} {data}", type=type, at=at, data=data, person=ADA)


def ended(**span: float) -> Event:
    return event(telling.ended.type, START + timedelta(**span), n=sum(span.values()))


def is_wanted(event: Event) -> bool:
    """It is wanted."""
    return not event.data.get("unwanted")


def declared(function: Any, **options: Any) -> Any:
    function.__doc__ = "Does something."
    return recipe(on=telling.happened, title="Something", **options)(function)


def test_steps_and_the_end_come_back_as_data():
    def one(event: Event, *, what: str = "it") -> Steps:
        answer = yield telling.do(what)
        return f"got {answer['id']}"

    run = rehearse(declared(one), event(), {telling.do: {"id": 7}}, what="that")
    assert (run.state, run.says, run.steps) == ("done", "got 7", [telling.do("that")])


def test_an_answer_may_hang_on_the_inputs():
    def two(event: Event) -> Steps:
        first = yield telling.do(1)
        second = yield telling.do(2)
        return f"{first} {second}"

    assert rehearse(declared(two), event(), {telling.do: lambda what: what * 10}).says == "10 20"


def test_an_answer_is_what_the_journal_would_give_back():
    def one(event: Event) -> Steps:
        return str((yield telling.do(1)))

    assert rehearse(declared(one), event(), {telling.do: (1, 2)}).says == "[1, 2]"


def test_a_refusal_is_thrown_at_the_yield_after_all_that_were_asked_together_ended():
    def both(event: Event) -> Steps:
        try:
            yield together(telling.do(1), telling.gather(2))
        except Rejected as refusal:
            return f"refused: {refusal}"
        return None

    run = rehearse(declared(both), event(), {telling.do: Rejected("No."), telling.gather: lambda **_: "fine"})
    assert (run.says, len(run.steps)) == ("refused: No.", 2)


def test_several_answers_come_back_in_order():
    def both(event: Event) -> Steps:
        first, second = yield together(telling.do(1), telling.gather(2))
        return f"{first} {second}"

    assert rehearse(declared(both), event(), {telling.do: "a", telling.gather: "b"}).says == "a b"


def test_a_missing_answer_says_which_one():
    def one(event: Event) -> Steps:
        yield sleep(days=1)
        yield telling.do("it")
        return None

    with pytest.raises(LookupError, match=r"Step 2 is telling\.do, and no answer is given for it"):
        rehearse(declared(one), event())


def test_time_passes_at_once():
    def waiting(event: Event) -> Steps:
        yield sleep(days=90)
        first = yield now()
        yield sleep_until(first - timedelta(days=1))
        second = yield now()
        yield together(sleep(hours=1), sleep(hours=3))
        third = yield now()
        return f"{(first - event.at).days} {second == first} {third - second}"

    assert rehearse(declared(waiting), event()).says == "90 True 3:00:00"


def test_a_wait_is_answered_by_what_happens_in_time_and_each_event_answers_one():
    def waiting(event: Event) -> Steps:
        times = []
        for _ in range(3):
            found = yield wait_for(telling.ended, timeout=timedelta(hours=4))
            at = yield now()
            times.append(f"{found and found.data['n']} at {(at - event.at) / timedelta(hours=1):g} h")
        return ", ".join(times)

    # The second wait ends with its time-out, at 3 + 4 hours; the third sees what came at 9 hours.
    run = rehearse(declared(waiting), event(), happenings=[ended(hours=9), ended(hours=3)])
    assert run.says == "3 at 3 h, None at 7 h, 9 at 9 h"


def test_what_came_since_the_runs_own_event_answers_a_wait_that_began_later():
    def waiting(event: Event) -> Steps:
        yield sleep(days=1)
        found = yield wait_for(telling.ended, timeout=timedelta(0))
        at = yield now()
        return f"{found.data['n']} {(at - event.at).days}"

    assert rehearse(declared(waiting), event(), happenings=[ended(hours=2)]).says == "2 1"


def test_a_wait_passes_over_events_that_do_not_fit():
    def waiting(event: Event) -> Steps:
        found = yield wait_for(telling.ended.matching(same="order"), timeout=timedelta(days=1))
        return str(found and found.data["order"])

    others = [event(telling.ended.type, START + timedelta(hours=n), order=n) for n in (1, 2, 3)]
    assert rehearse(declared(waiting), event(order=2), happenings=others).says == "2"


@pytest.mark.parametrize(("hours", "done"), [(-1, 0), (0, 0), (1, 1), (3, 2)])
def test_an_exit_ends_the_run_whenever_it_happens(hours, done):
    def leaving(event: Event) -> Steps:
        yield telling.do(1)
        yield sleep(hours=2)
        yield telling.do(2)
        yield sleep(hours=2)
        return None

    made = declared(leaving, stop_when=telling.ended)
    run = rehearse(made, event(), {telling.do: None}, [ended(hours=hours)])
    assert (run.state, run.says) == ("stopped", "Ended by telling.ended.")
    assert len(run.of(telling.do)) == done


def test_an_event_that_a_filter_refuses_starts_nothing():
    def one(event: Event) -> Steps:
        yield telling.do(1)
        return None

    run = rehearse(declared(one, filters=[is_wanted]), event(unwanted=True))
    assert (run.state, run.says, run.steps) == ("skipped", "Not so: It is wanted.", [])


def test_an_event_of_another_kind_is_a_mistake_of_the_test():
    def one(event: Event) -> Steps:
        yield telling.do(1)
        return None

    with pytest.raises(ValueError, match="one does not start with telling.ended"):
        rehearse(declared(one), ended(hours=1))


def test_settings_are_checked_as_an_owners_are():
    def one(event: Event, *, wait: timedelta = timedelta(hours=1)) -> Steps:
        yield sleep_until(event.at + wait)
        return None

    made = declared(one)
    assert rehearse(made, event(), wait="2 days").steps == [Step("sleep_until", {"at": START + timedelta(days=2)})]
    with pytest.raises(SettingInvalid, match="wait should be duration"):
        rehearse(made, event(), wait="soon")


def test_an_error_in_the_recipe_is_a_failed_run():
    def broken(event: Event) -> Steps:
        yield sleep(days=1)
        raise KeyError("secret")

    run = rehearse(declared(broken), event())
    assert run.state == "failed"
    assert "KeyError" in run.says
    assert "secret" not in run.says


def test_a_refusal_that_nobody_catches_is_a_failed_run():
    def one(event: Event) -> Steps:
        yield telling.do(1)
        return None

    run = rehearse(declared(one), event(), {telling.do: Rejected("Not this one.")})
    assert (run.state, run.says) == ("failed", "Not this one.")


def test_a_service_that_is_down_for_an_hour_is_tried_until_it_answers_again():
    def one(event: Event) -> Steps:
        yield telling.do(1)
        at = yield now()
        return f"{at - event.at > timedelta(hours=1)}"

    down = Trouble("telling", START, timedelta(hours=1))
    run = rehearse(declared(one), event(), {telling.do: None}, troubles=[down])
    (entry,) = run.timeline
    assert (run.state, run.says, entry.outcome) == ("done", "True", "would happen")
    assert START + timedelta(hours=1) <= entry.at <= START + timedelta(hours=1, minutes=20)
    assert re.fullmatch(r"Do it \(at attempt \d+\)", entry.says)


def test_a_service_that_never_answers_is_given_up_after_three_days():
    def one(event: Event) -> Steps:
        yield telling.do(1)
        return None

    run = rehearse(declared(one), event(), {telling.do: ServiceDown("It is down.")})
    (entry,) = run.timeline
    assert (run.state, entry.outcome) == ("failed", "skipped")
    assert timedelta(days=3) <= entry.at - START <= timedelta(days=3, hours=1)


def test_a_call_that_nobody_can_find_out_about_waits_for_a_person():
    def one(event: Event) -> Steps:
        yield telling.ring(1)
        return None

    run = rehearse(declared(one), event(), {telling.ring: OutcomeUnknown("No answer.")})
    (entry,) = run.timeline
    assert (run.state, entry.outcome) == ("held", "waits")
    assert "Look at the provider" in (entry.reason or "")


def test_a_mistake_in_an_answer_is_the_tests_and_is_raised():
    def one(event: Event) -> Steps:
        yield telling.do(1)
        return None

    def mistaken(what: int) -> None:
        raise AssertionError(f"{what} was not expected.")

    with pytest.raises(AssertionError, match="1 was not expected"):
        rehearse(declared(one), event(), {telling.do: mistaken})


def test_what_would_hold_a_run_is_raised():
    def forgetful(event: Event) -> Steps:
        telling.do(1)
        yield sleep(days=1)
        return None

    counted = iter(range(10))

    def changing(event: Event) -> Steps:
        yield telling.do(next(counted))
        yield telling.do("more")
        return None

    with pytest.raises(StepNotYielded):
        rehearse(declared(forgetful), event())
    with pytest.raises(RecipeChanged):
        rehearse(declared(changing), event(), {telling.do: None})


def test_a_loop_without_an_end_is_told():
    def looping(event: Event) -> Steps:
        while True:
            yield sleep(days=1)

    with pytest.raises(ReplayFailed, match="a loop without an end"):
        rehearse(declared(looping), event())


# ---- questions


@recipe(on=telling.happened, title="Refund")
def refund(event: Event) -> Steps:
    """Asks whether to refund."""
    said = yield ask_person("Refund it?", choices=["Yes", "No"], timeout=timedelta(days=1), default="No")
    yield telling.do(said)


@pytest.mark.parametrize(
    ("decisions", "said", "after", "details"),
    [
        (["Yes"], "Yes", timedelta(), "They said “Yes”."),
        ([], "No", timedelta(days=1), "Nobody answered in time, so it is “No”."),
    ],
)
def test_a_question_is_answered_as_the_test_says_or_by_nobody(
    decisions: list[str], said: str, after: timedelta, details: str
) -> None:
    run = rehearse(refund, event(), {telling.do: None}, decisions=decisions)
    assert run.steps[-1] == telling.do(said)
    asked, done = run.timeline
    assert (asked.says, asked.outcome, asked.details) == ("Ask somebody of yours: “Refund it?”", "waits", details)
    assert done.at - asked.at == after
