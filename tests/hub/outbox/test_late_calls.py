"""A call may still be on its way when its holder is gone: until it must have ended, nothing is asked or repeated."""

from __future__ import annotations

from tests import telling
from tests.hub.outbox.desk import Desk, Slow
from tests.threads import in_a_thread


def test_a_text_that_its_dead_holder_left_on_its_way_leaves_once(desk: Desk) -> None:
    desk.provider.answer = slow = Slow()
    other = desk.world.another_hub()
    run = desk.put(telling.send("+14155550100", "Hello Ada", purpose="transactional"))
    with in_a_thread(desk.drain):
        slow.until_called()
        other.database.break_leases()  # as the next process does after a kill
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
        other.database.break_leases()
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
