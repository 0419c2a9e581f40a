"""People are held out: nothing starts for them, always for the same ones, and what they do is counted."""

from __future__ import annotations

from typing import Any

import pytest

from hub import schema
from hub.errors import SettingInvalid, SetupError
from tests.hub.effect.counted import DAY, plain, sums, write
from tests.world import World
from webhooks.again import start_again
from webhooks.starting import HELD_OUT


def held_out(world: World) -> list[Any]:
    return world.rows(schema.participant, schema.participant.c.run_id.is_(None))


def test_who_is_held_out_gets_nothing_and_is_counted(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.turn_on(monkeypatch, write)
    world.hub.enabled.enable(world.workspace, "write", {}, hold_out=30)
    for number in range(40):
        world.hear(key=str(number), email=f"person{number}@example.com")
    world.settle()
    out = held_out(world)
    # 12 of 40 are expected; with 30 % each, fewer than 3 or more than 21 come about once in a thousand times.
    assert 3 <= len(out) <= 21
    assert len(world.runs) + len(out) == 40
    ids = {row.person_id for row in out}
    assert not ids & {run.person_id for run in world.runs}
    skipped = [event for event in world.rows(schema.event) if event.skipped]
    assert {event.person_id for event in skipped} == ids
    assert {event.skipped for event in skipped} == {f'{{"write": "{HELD_OUT}"}}'}
    counted = sums(world)
    assert (counted["in"]["people"], counted["out"]) == (len(world.runs), {"people": len(out)})


def test_who_is_held_out_stays_so_and_their_orders_are_counted(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.turn_on(monkeypatch, write)
    world.hub.enabled.enable(world.workspace, "write", {}, hold_out=50)
    for number in range(10):
        world.hear(key=str(number), email=f"person{number}@example.com")
    world.settle()
    out = {row.person_id for row in held_out(world)}
    assert 0 < len(out) < 10
    world.enable("write")  # new settings keep the share
    world.clock.advance(DAY)
    other = world.another_hub()
    for number in range(10):
        world.hear(key=f"again {number}", email=f"person{number}@example.com")
        world.hear("ended", f"order {number}", f"person{number}@example.com", total="1", currency="USD")
    world.settle(other)
    other.close()
    assert not out & {run.person_id for run in world.runs}
    assert sums(world)["out"] == {"people": len(out), "reached": len(out)}
    assert sums(world)["in"]["reached"] == 10 - len(out)
    # Even if a person asks for it on purpose.
    event = next(event for event in world.rows(schema.event) if event.person_id in out)
    assert start_again(world.workspace, world.hub, event.id).skipped == {"write": HELD_OUT}


def test_events_about_nobody_start_and_are_not_counted(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.turn_on(monkeypatch, write)
    world.hub.enabled.enable(world.workspace, "write", {}, hold_out=50)
    for number in range(8):
        world.hear(key=str(number), email=None)
    world.settle()
    assert len(world.runs) == 8
    assert (world.rows(schema.participant), world.rows(schema.tally)) == ([], [])


def test_a_share_that_cannot_be_is_refused(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.turn_on(monkeypatch, write, plain)
    with pytest.raises(SettingInvalid, match="between 0 and 50 %"):
        world.hub.enabled.enable(world.workspace, "write", {}, hold_out=51)
    with pytest.raises(SetupError, match="Connect a shop"):
        world.hub.enabled.enable(world.workspace, "plain", {}, hold_out=10)


def test_without_a_goal_of_its_own_orders_in_the_shop_count(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.practice()
    world.turn_on(monkeypatch, plain)
    made = world.hub.enabled.enable(world.workspace, "plain", {}, hold_out=10)
    assert made.measure is not None
    assert (made.measure.type, made.hold_out) == ("shopify.order.created", 10)
    assert made.measure.worth is not None
    assert made.measure.worth.value == "total_price"
    again = world.another_hub()
    kept = again.enabled.latest(world.workspace, "plain")
    again.close()
    assert kept is not None
    assert kept.measure == made.measure
