"""What is about one person leaves an account in the order in which it was asked for, whatever goes wrong between."""

from __future__ import annotations

from typing import Any

import pytest

from hub.errors import OutcomeUnknown, ServiceDown
from tests import telling
from tests.hub.outbox.desk import Desk


def test_a_later_step_waits_while_an_earlier_one_of_the_same_person_is_tried_again(desk: Desk) -> None:
    ada, ben = desk.person("ada@example.com"), desk.person("ben@example.com")
    failing = {"old"}

    def answer(name: str, inputs: dict[str, Any]) -> Any:
        if inputs["what"] in failing:
            raise ServiceDown()
        return {}

    desk.provider.answer = answer
    desk.put(telling.do("old"), person=ada)
    desk.drain()
    desk.put(telling.do("new"), person=ada)
    desk.put(telling.do("other"), person=ben)
    desk.drain()
    assert desk.did == ["other"]
    failing.clear()
    desk.later(minutes=1)
    desk.drain()
    assert desk.did == ["other", "old", "new"]


def test_a_later_step_waits_while_it_is_not_known_whether_an_earlier_one_happened(desk: Desk) -> None:
    ada = desk.person("ada@example.com")
    desk.provider.after = lambda name, inputs: OutcomeUnknown() if inputs.get("text") == "first" else None
    desk.put(telling.send("+14155550100", "first", purpose="transactional"), person=ada)
    desk.drain()
    desk.put(telling.send("+14155550100", "second", purpose="transactional"), person=ada)
    desk.drain()
    assert desk.did == ["first"]
    desk.later(minutes=1)
    desk.later(minutes=1)
    assert desk.did == ["first", "second"]


@pytest.mark.parametrize("count", [2, 30])
def test_steps_of_one_person_leave_one_after_the_other_though_others_leave_at_once(desk: Desk, count: int) -> None:
    ada = desk.person("ada@example.com")
    desk.put_all([[telling.do(f"ada {n}")] for n in range(count)], person=ada)
    desk.put_all([[telling.do(f"somebody {n}")] for n in range(count)])
    desk.drain()
    assert [what for what in desk.did if what.startswith("ada")] == [f"ada {n}" for n in range(count)]
    assert len(desk.did) == 2 * count


def test_an_urgent_step_of_a_person_goes_before_what_was_asked_for_earlier(desk: Desk) -> None:
    ada = desk.person("ada@example.com")
    desk.put(telling.do("bulk"), person=ada)
    desk.put(telling.send("+14155550100", "urgent", purpose="transactional"), person=ada)
    desk.drain()
    assert desk.did == ["urgent", "bulk"]


def test_who_takes_over_keeps_the_order(desk: Desk) -> None:
    ada = desk.person("ada@example.com")
    failing = {"old"}

    def answer(name: str, inputs: dict[str, Any]) -> Any:
        if inputs["what"] in failing:
            raise ServiceDown()
        return {}

    desk.provider.answer = answer
    desk.put(telling.do("old"), person=ada)
    desk.drain()
    failing.clear()
    desk.put(telling.do("new"), person=ada)
    other = desk.world.another_hub()
    desk.drain(other)
    assert desk.did == []
    desk.world.clock.advance(60)
    desk.drain(other)
    other.close()
    assert desk.did == ["old", "new"]
