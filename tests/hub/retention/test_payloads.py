"""Retention: payloads go when they are no longer needed, never before, and the file becomes smaller with them."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from hub import Event, Steps, clock, recipe, retention, schema, sleep, wait_for
from tests import telling
from tests.servers import until
from tests.world import World, tell


@recipe(on=telling.happened, title="Do one thing")
def one_thing(event: Event) -> Steps:
    """Does one thing."""
    yield telling.do(event.data.get("what"))


@recipe(on=telling.happened, title="Wait")
def patient(event: Event) -> Steps:
    """Waits for an end, for long."""
    yield wait_for(telling.ended, timeout=timedelta(days=100))
    yield telling.do("at last")


@recipe(on=telling.happened, title="Sleep")
def sleeper(event: Event) -> Steps:
    """Sleeps for long."""
    yield sleep(days=100)
    yield telling.do(event.data["what"])


@pytest.fixture
def start(world: World, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    def start(made: Any = one_thing, days: int | None = None, **data: Any) -> None:
        world.use(monkeypatch, made)
        world.connect("telling", account="a")
        world.enable(made.name)
        if days is not None:
            world.hub.workspaces.keep_days(world.workspace, days)
        happen(world, "1", **data)

    return start


def happen(world: World, key: str, kind: str = "happened", email: str | None = "ada@example.com", **data: Any) -> None:
    (connection,) = world.hub.connections.list(world.workspace)
    world.deliver(connection, tell(events=[{"type": kind, "id": key, "email": email, "data": data}]))
    world.settle()


def kept(world: World) -> dict[str, int]:
    """How many payloads there are still, by table."""
    events = [row for row in world.rows(schema.event) if row.content is not None]
    steps = [row for row in world.rows(schema.step) if row.inputs is not None or row.answer is not None]
    deliveries = [row for row in world.rows(schema.delivery) if row.content is not None]
    return {"events": len(events), "steps": len(steps), "deliveries": len(deliveries)}


def after(world: World, days: float) -> dict[str, int]:
    world.clock.advance(timedelta(days=days))
    retention.sweep(world.hub)
    return kept(world)


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


@pytest.mark.parametrize(("days", "lasts"), [(0, retention.REPAIR_DAYS), (30, 30)])
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


def store(world: World, workspace_id: int, count: int, size: int = 10) -> None:
    """Events of nobody, as many as asked for."""
    row = {"workspace_id": workspace_id, "connection_id": "c", "type": "unknown", "state": "unknown"}
    instants = {"at": world.clock.now(), "received_at": world.clock.now()}
    with world.hub.database.write() as connection:
        rows = [row | instants | {"id": number + 1, "content": bytes(size)} for number in range(count)]
        connection.execute(sa.insert(schema.event), rows)


def test_more_than_one_batch_goes_in_one_sweep(world: World) -> None:
    store(world, world.workspace.id, retention.BATCH * 2 + 1)
    world.clock.advance(timedelta(days=30))
    assert retention.sweep(world.hub) == retention.BATCH * 2 + 1


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


SWEEPS = {
    "_sweep_runs": "ix_run_kept",
    "_sweep_events": "ix_event_kept",
    "_sweep_deliveries": "ix_delivery_kept",
}


@pytest.mark.parametrize("name", SWEEPS)
def test_a_sweep_looks_only_at_what_is_kept(world: World, name: str) -> None:
    asked: list[str] = []
    with world.hub.database.write() as connection:
        if not world.hub.database.is_sqlite:
            connection.exec_driver_sql("SET enable_seqscan = off")  # small tables are read whole otherwise

        def note(_: Any, __: Any, statement: str, parameters: Any, *rest: Any) -> None:
            if statement.startswith("SELECT") and not asked:
                asked.append(statement)
                explain = "EXPLAIN QUERY PLAN " if world.hub.database.is_sqlite else "EXPLAIN "
                asked.extend(str(row) for row in connection.exec_driver_sql(explain + statement, parameters))

        sa.event.listen(connection, "before_cursor_execute", note)
        getattr(retention, name)(connection, world.workspace.id, 1)
    assert SWEEPS[name] in "\n".join(asked[1:])


def test_a_person_has_a_name_and_no_payload_when_all_is_over(world: World, start: Any) -> None:
    start(days=0)
    after(world, 1)
    with world.hub.database.read() as connection:
        (person_id,) = world.hub.people.find(connection, world.workspace, "ada@example.com")[1]
    assert world.rows(schema.person)[0].id == person_id
    assert json.dumps(world.hub.privacy.export(world.workspace, "ada@example.com")["events"][0]["data"]) == "null"
