"""Going through a provider's list: each member once, a page at a time, whatever is killed, slow or refused."""

from __future__ import annotations

import json
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest

from hub import RateLimited, outbox, runs, schedules, schema
from hub.outbox import holder
from hub.schema import MARKETING
from hub.wakeups import READ
from tests import telling
from tests.world import World
from webhooks import again

from .process import MEMBERS
from .recipes import greet_all, something_else
from .test_due import at, done, killed, tick

__all__ = ["done"]


@pytest.fixture
def member_world(world: World, done: list[Any], monkeypatch: pytest.MonkeyPatch) -> World:
    """A world in which the list is gone through each day at nine; it is half past eight."""
    telling.provider.members = list(MEMBERS)
    world.turn_on(monkeypatch, greet_all, something_else)
    at(world, "2026-11-23T08:30")
    return world


def greeted() -> Counter[str]:
    """How many different steps greeted each; a step whose process died may be done again, under its key."""
    steps = {(inputs["what"], inputs["key"]) for name, inputs in telling.provider.done if name == "pay"}
    return Counter(what for what, _ in steps)


def pages() -> list[Any]:
    return [inputs["cursor"] for name, inputs in telling.provider.done if name == "members"]


ALL = {f"there: {name}": 1 for name in MEMBERS if name != "bo"}


def test_each_member_begins_the_recipe_once_and_whom_it_is_not_for_leaves_no_trace(member_world: World) -> None:
    world = member_world
    at(world, "2026-11-23T09:00")
    assert (dict(greeted()), pages()) == (ALL, [None, "2", "4"])
    walk, *others = world.runs
    assert (walk.state, walk.reason, walk.person_id) == ("done", "Went through 5.", None)
    assert len(others) == 4 and all(run.person_id for run in others)
    kinds = Counter(row.type for row in world.rows(schema.event))
    assert kinds == {"schedule.daily": 1, "schedule.each": 4}
    assert len(world.rows(schema.person)) == 4, "nothing is kept about whom it is not for"
    at(world, "2026-11-24T09:00")
    assert set(greeted().values()) == {2}


def test_what_is_sealed_of_a_page_is_numbers_alone(member_world: World) -> None:
    at(member_world, "2026-11-23T09:00")
    walk = member_world.runs[0]
    answers = [member_world.opened(row, "answer") for row in member_world.steps(walk.id)]
    assert answers[0] == {"count": 2, "next": "2", "of": 5}
    assert all(row.priority > MARKETING for row in member_world.steps(walk.id)), "others go first"


def test_how_far_it_is_can_be_seen_and_a_limit_is_waited_for(member_world: World) -> None:
    world = member_world

    def answer(name: str, inputs: dict[str, Any]) -> Any:
        return RateLimited("Slower.", after=600) if inputs.get("cursor") == "2" and not pages()[1:] else {"id": "1"}

    telling.provider.answer = answer
    at(world, "2026-11-23T09:00")
    walk = world.runs[0]
    assert (walk.state, walk.reason) == ("waiting", "Went through 2 of 5 so far.")
    telling.provider.answer = lambda name, inputs: {"id": "1"}
    world.pass_time(timedelta(minutes=11))
    assert world.runs[0].reason == "Went through 5."
    assert dict(greeted()) == ALL


def test_while_it_still_goes_through_the_list_it_does_not_begin_anew(member_world: World) -> None:
    world = member_world
    telling.provider.answer = lambda name, inputs: RateLimited("Slower.", after=86_000)
    at(world, "2026-11-23T09:00")
    at(world, "2026-11-24T09:00")
    assert [run.recipe for run in world.runs] == ["greet_all"]


def test_who_moves_from_page_to_page_meanwhile_is_met_once(member_world: World) -> None:
    world = member_world

    def answer(name: str, inputs: dict[str, Any]) -> Any:
        if inputs.get("cursor") == "2":
            telling.provider.members = ["new", *MEMBERS]
        return {"id": "1"}

    telling.provider.answer = answer
    at(world, "2026-11-23T09:00")
    assert dict(greeted()) == ALL, "bo, who is on two pages, is no VIP for that; whoever is new waits for tomorrow"


def test_a_time_that_a_person_has_come_again_begins_only_for_those_who_were_not_met(member_world: World) -> None:
    world = member_world
    at(world, "2026-11-23T09:00")
    telling.provider.members.append("fay")
    walk = world.runs[0]
    with world.hub.database.write() as connection:
        connection.execute(schema.run.update().where(schema.run.c.id == walk.id).values(state="failed"))
    again.start_again(world.workspace, world.hub, walk.event_id)
    tick(world)
    world.tick()
    assert dict(greeted()) == ALL | {"there: fay": 1}


def test_an_ended_walk_goes_no_further(member_world: World) -> None:
    world = member_world
    telling.provider.answer = lambda name, inputs: RateLimited("Slower.", after=60)
    at(world, "2026-11-23T09:00")
    runs.cancel(world.workspace, world.hub, world.runs[0].id)
    telling.provider.answer = lambda name, inputs: {"id": "1"}
    world.pass_time(timedelta(hours=1))
    assert (greeted(), world.runs[0].state) == ({}, "stopped")


@pytest.mark.parametrize("page", [0, 1, 2])
@pytest.mark.parametrize("where", ["called", "committed"])
def test_a_page_whose_process_dies_is_asked_for_again_and_nobody_is_met_twice_or_missed(
    member_world: World, monkeypatch: pytest.MonkeyPatch, page: int, where: str
) -> None:
    """The holder dies after the call and before the commit, or after it and before anybody is woken."""
    world, real, seen = member_world, holder.write_round, [0]

    class Dead(BaseException):
        pass

    def write_round(*args: Any) -> Any:
        is_page = any(outcome.step.action is telling.members for outcome in args[3].outcomes)
        dies = is_page and seen[0] == page
        seen[0] += is_page
        if dies and where == "called":
            raise Dead
        made = real(*args)
        if dies:
            raise Dead
        return made

    monkeypatch.setattr(holder, "write_round", write_round)
    with pytest.raises(Dead):
        at(world, "2026-11-23T09:00")
    world.hub.database.break_leases()
    world.clock.advance(timedelta(minutes=2))
    for _ in range(3):
        world.tick()
        outbox.drain(world.hub, world.rows(schema.connection)[0].id)
        world.clock.advance(timedelta(minutes=1))
    assert dict(greeted()) == ALL
    assert world.runs[0].reason == "Went through 5."


@pytest.mark.parametrize("where", ["before", "after"])
def test_a_page_whose_process_is_killed_loses_and_doubles_nobody(member_world: World, where: str) -> None:
    world = member_world
    world.clock.advance(timedelta(minutes=30))
    schedules.fire(world.hub)
    world.look(READ)  # the walk has begun, and its first page waits
    (account,) = world.rows(schema.connection)
    killed(world, where, account.id)
    assert len(world.rows(schema.delivery, schema.delivery.c.state == "new")) == (where == "after")
    world.hub.database.break_leases()
    for _ in range(4):
        world.clock.advance(timedelta(minutes=1))
        world.tick()
    assert dict(greeted()) == ALL
    assert world.runs[0].reason == "Went through 5."


def test_what_a_page_told_is_kept_sealed_until_it_is_read(member_world: World) -> None:
    world = member_world
    world.clock.advance(timedelta(minutes=30))
    schedules.fire(world.hub)
    kept = [row.content for row in world.rows(schema.delivery, schema.delivery.c.state == "new")]
    assert kept and not any(b"ada" in content or json.dumps("daily").encode() in content for content in kept)
