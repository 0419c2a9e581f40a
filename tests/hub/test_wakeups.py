"""Wake-ups alone lead from an event to the end of its run, whatever carries them; and one that is lost is noticed."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import redis

from hub import (
    Event,
    NotAuthorized,
    OutcomeUnknown,
    Rejected,
    ServiceDown,
    Steps,
    clock,
    engine,
    jobs,
    recipe,
    sleep,
    together,
    wait_for,
)
from hub.runs import retry
from hub.wakeups import ADVANCE, READ, Wakeups, perform
from tests import carriers, servers, telling
from tests.carriers import ByRedis, Carrier
from tests.world import World, happen


@pytest.fixture
def without_clock(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """A world whose clock finds nothing."""
    monkeypatch.setattr(clock, "wake_due", lambda hub: [])
    return world


@recipe(on=telling.happened, title="Do")
def one_by_one(event: Event) -> Steps:
    """Does one thing after the other."""
    yield telling.do("first")
    yield telling.do("second")
    return "did both"


@recipe(on=telling.happened, title="Do at once")
def at_once(event: Event) -> Steps:
    """Does several things together, alone and in a batch."""
    yield together(telling.do(1), telling.gather(2), telling.gather(3), telling.pay(4))
    yield telling.do(5)
    return "did all"


@recipe(on=telling.happened, title="Be refused")
def refused(event: Event) -> Steps:
    """Goes on after a refusal."""
    try:
        yield telling.ring("nobody")
    except Rejected:
        yield telling.do("instead")
    return "was refused"


@recipe(on=telling.happened, title="Wait")
def waiting(event: Event) -> Steps:
    """Waits for an end, then does one thing."""
    yield wait_for(telling.ended, timeout=timedelta(days=2))
    yield telling.do("it came")
    return "it came"


@recipe(on=telling.happened, title="Leave", stop_when=telling.ended)
def leaving(event: Event) -> Steps:
    """Is stopped while it sleeps."""
    yield sleep(days=2)
    yield telling.do("too late")


@recipe(on=telling.happened, title="Sleep")
def sleeping(event: Event) -> Steps:
    """Sleeps, then does what a person must be asked about."""
    yield sleep(days=2)
    yield telling.ring("somebody")


def refuse_to_ring(name: str, inputs: dict[str, Any]) -> Any:
    return Rejected("Nobody is there.") if name == "ring" else {"id": name}


@pytest.mark.parametrize(
    ("made", "ends"),
    [
        (one_by_one, ("done", "did both")),
        (at_once, ("done", "did all")),
        (refused, ("done", "was refused")),
        (waiting, ("done", "it came")),
        (leaving, ("stopped", "Ended by telling.ended.")),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_wake_ups_alone_lead_from_an_event_to_the_end(
    without_clock: World, monkeypatch: pytest.MonkeyPatch, made: Any, ends: tuple[str, str]
) -> None:
    telling.provider.answer = refuse_to_ring
    without_clock.turn_on(monkeypatch, made)
    without_clock.hear()
    without_clock.follow()
    without_clock.hear("ended", "2")
    without_clock.follow()
    assert [(run.state, run.reason) for run in without_clock.runs] == [ends]
    assert without_clock.arrived() == set()


def test_wake_ups_alone_lead_many_people_at_several_accounts_to_the_end(
    without_clock: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "BATCH", 7)
    without_clock.use(monkeypatch, at_once)
    accounts = [without_clock.turn_on(monkeypatch, one_by_one), without_clock.connect("telling", account="b")]
    without_clock.enable("at_once", telling=accounts[1].id)
    for number in range(20):
        without_clock.hear(key=str(number), email=f"p{number}@example.com", account=accounts[number % 2])
    without_clock.follow()
    assert [run.state for run in without_clock.runs] == ["done"] * 20


HELD_UP = {
    "a service that is down": (telling.do("first"), ServiceDown()),
    "an account to log in to": (telling.do("first"), NotAuthorized()),
    "a message to look for": (telling.send("+14155550100", "first", purpose="transactional"), OutcomeUnknown()),
    "a call that only a person can find out about": (telling.ring("first"), OutcomeUnknown()),
}


@pytest.mark.parametrize("reason", HELD_UP)
def test_a_run_that_has_to_wait_lets_the_same_persons_next_run_go_on_at_once(
    without_clock: World, monkeypatch: pytest.MonkeyPatch, reason: str
) -> None:
    step, failure = HELD_UP[reason]

    @recipe(on=telling.happened.matching(where={"n": 1}), title="First")
    def held_up(event: Event) -> Steps:
        """Has something done that does not succeed."""
        yield step

    @recipe(on=telling.happened.matching(where={"n": 2}), title="Second")
    def next_one(event: Event) -> Steps:
        """Does something at another account."""
        yield telling.do("second")

    telling.provider.answer = lambda name, inputs: {"id": 1} if inputs.get("what") == "second" else failure
    made = {"held_up": held_up, "next_one": next_one}
    monkeypatch.setattr(without_clock.hub.versions, "keep", lambda connection, made: made.name)
    monkeypatch.setattr(without_clock.hub.versions, "load", lambda name, version: made[name])
    without_clock.use(monkeypatch, next_one)
    one, other = without_clock.turn_on(monkeypatch, held_up), without_clock.connect("telling", account="b")
    without_clock.enable("next_one", telling=other.id)
    without_clock.hear(key="1", n=1, account=one)
    without_clock.hear(key="2", n=2, account=other)
    without_clock.follow()
    first, second = without_clock.runs
    assert first.state in ("waiting", "held")
    assert second.state == "done"


# ---- lost


class Losing:
    """Loses every wake-up of one kind of queue."""

    def __init__(self, wakeups: Wakeups, kind: str) -> None:
        self.wakeups, self.kind = wakeups, kind

    def wake(self, queue: str) -> None:
        if not queue.startswith(self.kind):
            self.wakeups.wake(queue)


@pytest.mark.parametrize("kind", [ADVANCE, perform("")])
def test_a_world_notices_what_no_wake_up_told_of(world: World, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    world.turn_on(monkeypatch, one_by_one)
    world.hub.wakeups = Losing(world.wakeups, kind)
    world.hear()
    with pytest.raises(AssertionError, match=rf"Something waited at \['{kind}.*'\], and no wake-up told of it"):
        world.settle()
    assert [run.state for run in world.runs] != ["done"]


def test_a_world_goes_on_after_time_passed_or_a_person_acted_as_the_clock_ticks(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.turn_on(monkeypatch, sleeping)
    telling.provider.answer = lambda name, inputs: OutcomeUnknown()
    happen(world)
    world.pass_time(timedelta(days=2))
    assert [run.state for run in world.runs] == ["held"]
    telling.provider.answer = lambda name, inputs: {"id": name}
    retry(world.workspace, world.hub, world.runs[0].id)
    world.tick()
    assert [run.state for run in world.runs] == ["done"]


def test_a_carrier_gives_each_queue_once_and_keeps_nothing(carrier: Carrier) -> None:
    for queue in (READ, perform("b"), perform("a"), READ, READ):
        carrier.wakeups.wake(queue)
    assert carrier.take() == {READ, perform("a"), perform("b")}
    assert carrier.take() == set()
    carrier.wakeups.wake(READ)
    assert carrier.take() == {READ}


def test_a_wake_up_that_redis_lost_is_noticed(
    redis_url: str, by_redis: ByRedis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(carriers, "PATIENCE_SECONDS", 0.1)
    monkeypatch.setattr(jobs, "AGAIN_SECONDS", 0.01)
    by_redis.wakeups.wake(READ)
    with redis.Redis.from_url(redis_url) as client:
        servers.until(lambda: client.llen(f"rq:queue:{jobs.QUEUE}") == 1)
        client.flushall()
    with pytest.raises(AssertionError, match=r"Woken, and never arrived: \['read'\]"):
        by_redis.take()
