"""Steps are data: equal if they ask for the same, and noticed when they are made."""

import threading
from datetime import UTC, datetime, timedelta

import pytest

from hub import Step, now, sleep, sleep_until, together, wait_for
from hub.step import Together, made_steps, make
from tests.hub.acme import order_created, send_note


def test_steps_are_equal_if_they_ask_for_the_same():
    assert sleep(days=1) == sleep(hours=24)
    assert sleep(days=1) != sleep(days=2)
    assert Step("acme.send_note", {"to": "a"}, line=3) == Step("acme.send_note", {"to": "a"}, line=9)


def test_a_step_shows_its_action_but_not_its_inputs():
    assert repr(send_note("ada@example.com", "Hi", purpose="transactional")) == "Step(acme.send_note)"


@pytest.mark.parametrize(
    ("step", "inputs"),
    [
        (sleep(weeks=1, days=1, hours=1, minutes=1, seconds=1), {"for": timedelta(8, 3661)}),
        (sleep_until(datetime(2026, 1, 1, tzinfo=UTC)), {"at": datetime(2026, 1, 1, tzinfo=UTC)}),
        (now(), {}),
    ],
)
def test_what_the_engine_answers_itself(step, inputs):
    assert step.inputs == inputs


def test_a_wait_names_its_triggers_and_how_they_are_narrowed():
    narrowed = order_created.matching(same="customer.id", where={"paid": True})
    step = wait_for(order_created, narrowed, timeout=timedelta(days=3))
    assert step.inputs == {
        "any": [
            {"type": "acme.order.created", "same": [], "where": {}},
            {"type": "acme.order.created", "same": ["customer.id"], "where": {"paid": True}},
        ],
        "timeout": timedelta(days=3),
    }


def test_waiting_for_nothing_is_a_mistake():
    with pytest.raises(TypeError, match="at least one"):
        wait_for(timeout=timedelta(days=1))


def test_together_takes_steps_and_lists_of_them_in_order():
    one, two, three = sleep(days=1), sleep(days=2), sleep(days=3)
    assert together(one, [two], (step for step in [three])) == Together((one, two, three))
    assert together() == Together(())


def test_steps_made_meanwhile_are_collected_with_the_line_that_made_them():
    with made_steps() as made:
        first = sleep(days=1)
        second = send_note("a@example.com", "Hi", purpose="transactional")
    assert made == [first, second]
    assert second.line == first.line + 1
    assert sleep(days=1).line == 0


def test_collecting_ends_where_it_began_even_within_another():
    with made_steps() as outer:
        with made_steps() as inner:
            make("inner", {})
        make("outer", {})
    make("after", {})
    assert [step.action for step in inner] == ["inner"]
    assert [step.action for step in outer] == ["outer"]


def test_another_threads_steps_are_not_collected():
    with made_steps() as made:
        thread = threading.Thread(target=sleep, kwargs={"days": 1})
        thread.start()
        thread.join()
    assert made == []
