"""Who lost the lease writes nothing, and who stood still calls nobody."""

from __future__ import annotations

from threading import Event
from typing import Any

import pytest

from hub import OutcomeUnknown, Step
from hub.outbox import flight
from hub.wakeups import perform
from tests import telling
from tests.hub.outbox.desk import Desk, Slow
from tests.threads import in_a_thread

STEPS = [telling.do("it"), telling.send("+14155550100", "it", purpose="transactional"), telling.ring("it")]


@pytest.mark.parametrize("step", STEPS, ids=repr)
def test_what_comes_back_to_a_holder_whose_lease_was_taken_is_not_written(desk: Desk, step: Step) -> None:
    came, goes_on = Event(), Event()

    def answer(name: str, inputs: dict[str, Any]) -> Any:
        if came.is_set():
            return {"late": False}
        came.set()
        assert goes_on.wait(10)
        return {"late": True}

    desk.provider.answer = answer
    run, other = desk.put(step), desk.world.another_hub()
    with in_a_thread(desk.drain):
        assert came.wait(10)
        other.database.break_leases()
        lease = other.database.acquire(perform(desk.connection.id), 60.0)
        assert lease is not None
        goes_on.set()
    assert (desk.of(run).state, desk.of(run).answer) == ("claimed", None)
    other.database.release(lease)
    desk.drain(other)
    desk.world.clock.advance(40.0)
    desk.drain(other)
    other.close()
    if step.action == "telling.do":
        assert (desk.of(run).answer["late"], len(desk.did)) == (False, 2)
    else:
        assert len(desk.did) == 1
        assert desk.of(run).state == ("done" if step.action == "telling.send" else "unknown")


def stands_still(desk: Desk, monkeypatch: pytest.MonkeyPatch, meanwhile: Any = lambda: None) -> None:
    """Has the process stop for half a minute right before its first call leaves."""
    send, stood = flight.Flight.send, []

    def sends(self: flight.Flight, *args: Any) -> None:
        if not stood:
            stood.append(True)
            desk.world.clock.advance(30.0)
            meanwhile()
        send(self, *args)

    monkeypatch.setattr(flight.Flight, "send", sends)


@pytest.mark.parametrize("step", STEPS, ids=repr)
def test_a_holder_that_stood_still_makes_no_call_until_its_lease_is_renewed(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, step: Step
) -> None:
    stands_still(desk, monkeypatch)
    run = desk.put(step)
    desk.drain()
    assert (desk.of(run).state, desk.of(run).attempts) == ("done", 1)
    assert desk.did == ["it"]


def test_a_holder_that_stood_still_and_lost_its_lease_does_nothing_more(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = desk.world.another_hub()

    def taken() -> None:
        other.database.break_leases()
        assert other.database.acquire(perform(desk.connection.id), 60.0) is not None

    stands_still(desk, monkeypatch, taken)
    runs = desk.put_all([[telling.do(n)] for n in range(30)])
    desk.drain()
    other.close()
    assert desk.did == []
    assert {desk.of(run).state for run in runs} == {"waiting", "claimed"}


def test_a_question_of_a_holder_that_stood_still_is_asked_again(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.provider.after = lambda name, inputs: OutcomeUnknown()
    run = desk.put(telling.send("+14155550100", "it", purpose="transactional"))
    desk.drain()
    stands_still(desk, monkeypatch)
    desk.later(seconds=10)
    assert (desk.of(run).state, desk.did, desk.provider.looked) == ("done", ["it"], 1)


def test_one_connection_has_one_holder(desk: Desk) -> None:
    slow = desk.provider.answer = Slow()
    desk.put(telling.do(1))
    other = desk.world.another_hub()
    with in_a_thread(desk.drain):
        slow.until_called()
        desk.put(telling.do(2))
        desk.drain(other)
        assert desk.did == [] and desk.states() == ["claimed", "waiting"]
        slow.go_on()
    other.close()
    assert sorted(desk.did) == [1, 2]  # the holder looked once more before it went


def test_a_holder_that_is_told_to_stop_waits_for_its_calls_and_leaves_the_rest(desk: Desk) -> None:
    stops, slow = Event(), Slow()
    desk.provider.answer = slow
    desk.put_all([[telling.do(n)] for n in range(20)])
    with in_a_thread(lambda: desk.drain(stopping=stops.is_set)):
        slow.until_called()
        stops.set()
        slow.go_on()
    assert sorted(set(desk.states())) == ["done", "waiting"]
    assert desk.states().count("done") == len(desk.did) <= 8
