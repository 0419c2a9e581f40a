"""Retention: payloads go when they are no longer needed, never before, and the file becomes smaller with them."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from hub import clock, retention, schema
from hub.retention import payloads, portions
from tests import telling
from tests.hub.retention.keeping import after, happen, kept, patient, sleeper, store
from tests.servers import until
from tests.world import World

NOTHING = {"events": 0, "steps": 0, "deliveries": 0}


def test_payloads_are_kept_for_thirty_days_after_the_run_ended_and_no_longer(world: World, start: Any) -> None:
    start()
    assert after(world, 29.9) == {"events": 1, "steps": 1, "deliveries": 0}
    assert after(world, 0.1) == NOTHING
    (run,) = world.runs
    (step,) = world.steps(run.id)
    assert (run.state, run.sealed, step.state, step.action) == ("done", False, "done", "telling.do")
    assert step.fingerprint == b"", "From it one could find out by trying what the inputs were."


def test_with_no_days_nothing_is_left_right_after_the_end(world: World, start: Any) -> None:
    start(days=0)
    assert retention.sweep_at_once(world.hub) == 2
    assert kept(world) == NOTHING
    assert retention.sweep_at_once(world.hub) == 0


def test_the_clock_sweeps_on_its_ticks_where_nothing_is_kept(world: World, start: Any) -> None:
    start(days=0)
    ticking = clock.Clock(world.hub)
    ticking.start()
    try:
        until(lambda: kept(world) == NOTHING, says="That nothing is kept")
    finally:
        ticking.stop()


def test_with_days_the_ticks_remove_nothing(world: World, start: Any) -> None:
    start(days=1)
    world.clock.advance(timedelta(days=2))
    assert retention.sweep_at_once(world.hub) == 0
    assert kept(world)["events"] == 1


@pytest.mark.parametrize("made", [patient, sleeper], ids=["waits", "sleeps"])
def test_a_run_under_way_keeps_what_it_needs_however_long_it_takes(world: World, start: Any, made: Any) -> None:
    start(made, days=0, what="kept for long")
    for _ in range(9):
        assert after(world, 10) | {"steps": 0} == {"events": 1, "steps": 0, "deliveries": 0}
    world.pass_time(timedelta(days=11))
    assert world.runs[0].state == "done"
    assert telling.provider.done == [("do", {"what": "at last" if made is patient else "kept for long"})]
    assert after(world, 0) == NOTHING


def test_events_that_a_waiting_run_may_need_are_kept_for_it(world: World, start: Any) -> None:
    start(patient, days=0)
    happen(world, "2", "no such type")
    happen(world, "3", "no such type", email="other@example.com")
    assert after(world, 1)["events"] == 2, "What is about somebody else is not."


def test_a_held_run_keeps_what_it_needs(world: World, start: Any) -> None:
    start()
    with world.hub.database.write() as connection:
        connection.execute(sa.update(schema.run).values(state="held", ended_at=None))
    assert after(world, 90) == {"events": 1, "steps": 1, "deliveries": 0}


def test_a_call_on_its_way_keeps_the_inputs_of_an_ended_run(world: World, start: Any) -> None:
    start(days=0)
    with world.hub.database.write() as connection:
        connection.execute(sa.update(schema.step).values(state="claimed"))
    assert after(world, 1)["steps"] == 1
    with world.hub.database.write() as connection:
        connection.execute(sa.update(schema.step).values(state="done"))
    assert after(world, 0) == NOTHING


def test_events_that_started_nothing_go_in_their_time(world: World, start: Any) -> None:
    start(days=10)
    happen(world, "2", "no such type", email=None)
    assert after(world, 9)["events"] == 2
    assert after(world, 1) == NOTHING


@pytest.mark.parametrize(("days", "lasts"), [(0, payloads.REPAIR_DAYS), (30, 30)])
def test_an_unreadable_delivery_is_kept_as_long_as_it_may_be_repaired(
    world: World, start: Any, days: int, lasts: int
) -> None:
    start(days=days)
    happen(world, "2", "bad")
    assert after(world, lasts - 0.1)["deliveries"] == 1
    assert after(world, 0.1)["deliveries"] == 0
    assert [row.reason for row in world.rows(schema.delivery, schema.delivery.c.state == "unreadable")] != [None]


def test_the_answer_to_a_request_for_data_is_kept_until_it_was_handed_on(world: World) -> None:
    request = {"workspace_id": world.workspace.id, "connection_id": "c", "kind": "export", "at": world.clock.now()}
    with world.hub.database.write() as connection:
        sealed = world.workspace.sealer.seal(b"[]", "privacy request 1")
        connection.execute(sa.insert(schema.privacy_request).values(id=1, state="ready", document=sealed, **request))
    world.hub.workspaces.keep_days(world.workspace, 0)
    world.clock.advance(timedelta(days=29))
    retention.sweep(world.hub)
    assert world.rows(schema.privacy_request)[0].document == sealed
    world.clock.advance(timedelta(days=1))
    retention.sweep(world.hub)
    assert world.rows(schema.privacy_request)[0].document is None


def test_ids_of_providers_are_remembered_for_sixty_days(world: World, start: Any) -> None:
    start()
    assert len(world.rows(schema.seen_key)) == 1
    after(world, 60)
    assert len(world.rows(schema.seen_key)) == 1
    after(world, 0.1)
    assert world.rows(schema.seen_key) == []
    assert world.rows(schema.echo) == []


def test_each_business_has_its_own_time(world: World, start: Any) -> None:
    start(days=0)
    other = world.hub.workspaces.add("Another Bakery")
    store(world, other.id, 1)
    assert after(world, 1)["events"] == 1
    assert [row.workspace_id for row in world.rows(schema.event) if row.content] == [other.id]


def test_more_than_one_batch_goes_in_one_sweep(world: World) -> None:
    store(world, world.workspace.id, portions.MOST * 2 + 1)
    world.clock.advance(timedelta(days=30))
    assert retention.sweep(world.hub) == portions.MOST * 2 + 1


def test_the_file_becomes_smaller_as_payloads_go(world: World) -> None:
    if not world.hub.database.is_sqlite:
        return
    file = Path(world.hub.database.url.database or "")
    store(world, world.workspace.id, 1000, size=8000)
    retention.sweep(world.hub)
    before = file.stat().st_size
    assert before > 8_000_000
    world.clock.advance(timedelta(days=31))
    retention.sweep(world.hub)
    assert file.stat().st_size < before / 10
    assert file.with_name("hub.db-wal").stat().st_size == 0


def test_a_person_has_a_name_and_no_payload_when_all_is_over(world: World, start: Any) -> None:
    start(days=0)
    after(world, 1)
    with world.hub.database.read() as connection:
        (person_id,) = world.hub.people.find(connection, world.workspace, "ada@example.com")[1]
    assert world.rows(schema.person)[0].id == person_id
    assert json.dumps(world.hub.privacy.export(world.workspace, "ada@example.com")["events"][0]["data"]) == "null"
