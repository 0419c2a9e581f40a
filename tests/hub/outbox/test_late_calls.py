"""A call may still be on its way when its holder is gone: until it must have ended, nothing is asked or repeated."""

from __future__ import annotations

from typing import Any

import pytest

from tests import telling
from tests.hub.outbox.desk import Desk, Slow
from tests.threads import in_a_thread


def test_a_text_that_its_dead_holder_left_on_its_way_leaves_once(desk: Desk) -> None:
    desk.provider.answer = slow = Slow()
    other = desk.world.another_hub()
    run = desk.put(telling.send("+14155550100", "Hello Ada", purpose="transactional"))
    with in_a_thread(desk.drain):
        slow.until_called()
        other.take_over()  # as the next process does after a kill
        desk.drain(other)
        desk.world.clock.advance(20.0)
        desk.drain(other)
        assert (desk.of(run).state, desk.provider.looked, desk.did) == ("claimed", 0, [])
        slow.go_on()
    desk.world.clock.advance(20.0)
    desk.drain(other)
    other.close()
    assert (desk.of(run).state, desk.provider.looked, desk.did) == ("done", 1, ["Hello Ada"])


def test_a_value_that_its_dead_holder_left_on_its_way_does_not_replace_a_newer_one(desk: Desk) -> None:
    desk.provider.answer = slow = Slow()
    other, person = desk.world.another_hub(), desk.person("ada@example.com")
    desk.put(telling.do("old"), person=person)
    with in_a_thread(desk.drain):
        slow.until_called()
        other.take_over()
        desk.put(telling.do("new"), person=person)
        desk.drain(other)
        desk.world.clock.advance(20.0)
        desk.drain(other)
        assert desk.did == []
        slow.go_on()
    desk.world.clock.advance(10.0)
    desk.drain(other)
    other.close()
    assert desk.did == ["old", "old", "new"]


def test_a_clock_that_is_set_forward_does_not_end_a_call_that_a_dead_process_left(desk: Desk) -> None:
    assert _texts_after_a_jump(desk, ahead=90.0) == ["Hello Ada"]


@pytest.mark.parametrize("ahead", [-3600.0, 3600.0])
def test_a_clock_that_is_set_right_again_does_not_end_one_either_and_delays_nothing(desk: Desk, ahead: float) -> None:
    """Set back, it puts off until a time that is long past once it is right; set forward, until one that is far."""
    assert _texts_after_a_jump(desk, ahead, then_right=True) == ["Hello Ada"]


def _texts_after_a_jump(desk: Desk, ahead: float, *, then_right: bool = False) -> list[Any]:
    """A text is on its way when its process dies; the next one's clock is set, and perhaps right in a third one."""
    desk.provider.answer = slow = Slow()
    others = [desk.world.another_hub() for _ in range(1 + then_right)]
    run = desk.put(telling.send("+14155550100", "Hello Ada", purpose="transactional"))
    with in_a_thread(desk.drain):
        slow.until_called()
        desk.world.clock.set(ahead)
        others[0].take_over()
        desk.drain(others[0])
        if then_right:
            desk.world.clock.set(0.0)
            others[1].take_over()
            desk.drain(others[1])
        assert (desk.of(run).state, desk.provider.looked, desk.did) == ("claimed", 0, [])
        slow.go_on()
    desk.world.clock.advance(40.0)
    desk.drain(others[-1])
    for other in others:
        other.close()
    assert (desk.of(run).state, desk.provider.looked) == ("done", 1)
    return desk.did
