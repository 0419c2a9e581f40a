"""History ends whole after its time: nothing is left hanging, and nothing goes that is still needed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from hub import retention, schema
from hub.retention import payloads, portions
from hub.settings import HISTORY_DAYS
from tests import telling
from tests.hub.retention.keeping import after, dangling, for_years, happen, history, kept, many_things
from tests.world import World, tell

ADA, BOB = "ada@example.com", "bob@example.com"
NOTHING = {"run": 0, "step": 0, "event": 0, "delivery": 0, "waiter": 0}


def test_history_ends_whole_after_its_time_and_not_before(world: World, start: Any) -> None:
    start()
    happen(world, "2", "no such type", email=None)
    happen(world, "3", "bad")
    before = history(world)
    assert before == {"run": 1, "step": 1, "event": 2, "delivery": 3, "waiter": 0}
    after(world, HISTORY_DAYS - 0.1)
    assert history(world) == before
    after(world, 0.1)
    assert history(world) == NOTHING
    assert dangling(world) == {}


def test_people_what_they_said_and_the_keys_stay(world: World, start: Any) -> None:
    start()
    (connection,) = world.hub.connections.list(world.workspace)
    yes = {"channel": "email", "address": ADA, "given": True}
    told = {"type": "happened", "id": "9", "email": ADA, "phone": "+14155550100", "consents": [yes], "data": {}}
    world.deliver(connection, tell(events=[told]))
    world.settle()
    tables = (schema.person, schema.identity, schema.consent, schema.once_key, schema.enabled_recipe)
    before = [world.rows(table) for table in tables]
    after(world, HISTORY_DAYS)
    assert history(world) == NOTHING
    assert [world.rows(table) for table in tables] == before


def test_how_long_history_is_kept_can_be_set_and_payloads_are_kept_no_longer(world: World, start: Any) -> None:
    world.hub.settings = replace(world.hub.settings, history_days=10)
    start(days=365)
    after(world, 9.9)
    assert kept(world)["events"] == 1
    after(world, 0.1)
    assert history(world) == NOTHING


def test_a_repeat_is_known_as_one_after_its_history_ended(world: World, start: Any) -> None:
    world.hub.settings = replace(world.hub.settings, history_days=10)
    start()
    after(world, 20)
    assert history(world) == NOTHING
    happen(world, "1")
    assert world.runs == []
    assert len(telling.provider.done) == 1


def test_a_run_of_two_years_keeps_its_event_and_goes_on(world: World, start: Any) -> None:
    start(for_years, what="kept for years")
    happen(world, "2", "no such type")
    happen(world, "3", "no such type", email=BOB)
    for _ in range(8):
        after(world, 100)
    assert history(world) == {"run": 1, "step": 1, "event": 2, "delivery": 2, "waiter": 1}
    assert {row.person_id for row in world.rows(schema.event)} == {world.runs[0].person_id}
    assert dangling(world) == {}
    happen(world, "4", "ended")
    assert world.runs[0].state == "done"
    assert telling.provider.done == [("do", {"what": "kept for years"})]
    assert after(world, HISTORY_DAYS) | history(world) == {"events": 0, "steps": 0, "deliveries": 0} | NOTHING


def test_an_ended_run_keeps_the_events_that_its_story_tells_of(world: World, start: Any) -> None:
    start(for_years, what="x")
    world.clock.advance(timedelta(days=HISTORY_DAYS))
    happen(world, "2", "ended")
    after(world, HISTORY_DAYS - 1)
    assert history(world) | {"waiter": 0} == {"run": 1, "step": 2, "event": 2, "delivery": 2, "waiter": 0}
    assert dangling(world) == {}
    after(world, 1)
    assert history(world) == NOTHING


def test_a_call_on_its_way_keeps_its_ended_run(world: World, start: Any) -> None:
    start()
    with world.hub.database.write() as connection:
        connection.execute(sa.update(schema.step).values(state="claimed"))
        connection.execute(sa.update(schema.run).values(sealed=False))
    after(world, HISTORY_DAYS)
    assert history(world) == {"run": 1, "step": 1, "event": 1, "delivery": 1, "waiter": 0}


def test_a_held_run_and_a_delivery_that_nobody_read_stay(world: World, start: Any) -> None:
    start()
    with world.hub.database.write() as connection:
        connection.execute(sa.update(schema.run).values(state="held", ended_at=None))
        row = {"id": 7, "workspace_id": world.workspace.id, "connection_id": "c", "received_at": 0, "content": b"x"}
        connection.execute(sa.insert(schema.delivery).values(state="new", **row))
    after(world, HISTORY_DAYS)
    assert history(world) == {"run": 1, "step": 1, "event": 1, "delivery": 2, "waiter": 0}


def test_while_somebody_asks_about_their_data_no_history_ends_in_that_business(world: World, start: Any) -> None:
    start()
    request = {"workspace_id": world.workspace.id, "connection_id": "c", "kind": "export", "at": world.clock.now()}
    with world.hub.database.write() as connection:
        connection.execute(sa.insert(schema.privacy_request).values(id=1, state="open", **request))
    after(world, HISTORY_DAYS)
    assert history(world)["run"] == 1
    world.hub.privacy.act()
    after(world, 0)
    assert history(world) == NOTHING


def test_the_payload_that_says_who_asked_stays_until_that_is_done(world: World, start: Any) -> None:
    start(days=0)
    (event,) = world.rows(schema.event)
    request = {"workspace_id": world.workspace.id, "connection_id": "c", "kind": "erase", "at": world.clock.now()}
    with world.hub.database.write() as connection:
        connection.execute(sa.insert(schema.privacy_request).values(id=event.id, state="open", **request))
    assert after(world, 1)["events"] == 1
    world.hub.privacy.act()
    assert after(world, 1)["events"] == 0


def test_everyone_an_account_told_of_is_erased_also_after_their_history_ended(world: World, start: Any) -> None:
    start()
    happen(world, "2", email=BOB)
    (connection,) = world.hub.connections.list(world.workspace)
    after(world, HISTORY_DAYS)
    assert history(world) == NOTHING
    assert len(world.rows(schema.person)) == 2
    request = {"workspace_id": world.workspace.id, "connection_id": connection.id, "kind": "erase_all", "at": 1}
    with world.hub.database.write() as database:
        database.execute(sa.insert(schema.privacy_request).values(id=1, state="open", **request))
    world.hub.privacy.act()
    assert [world.rows(table) for table in (schema.person, schema.identity, schema.origin)] == [[], [], []]


def test_of_somebody_who_was_erased_no_origin_is_noted(world: World, start: Any) -> None:
    start()
    world.hub.privacy.erase(world.workspace, ADA)
    after(world, HISTORY_DAYS)
    assert history(world) == NOTHING
    assert world.rows(schema.origin) == []


# ---- in portions


@contextmanager
def changes(world: World) -> Iterator[list[int]]:
    """How many rows each transaction changes meanwhile."""
    counts = [0]

    def add(_: Any, cursor: Any, statement: str, *__: Any) -> None:
        if statement.startswith(("INSERT", "UPDATE", "DELETE")):
            counts[-1] += max(0, cursor.rowcount)
        elif statement == "COMMIT":
            counts.append(0)

    engine = world.hub.database.engine
    sa.event.listen(engine, "after_cursor_execute", add)
    sa.event.listen(engine, "commit", commit := lambda _: counts.append(0))
    yield counts
    sa.event.remove(engine, "after_cursor_execute", add)
    sa.event.remove(engine, "commit", commit)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> int:
    """Portions of five rows."""
    for name in ("FIRST", "LEAST", "MOST"):
        monkeypatch.setattr(portions, name, 5)
    return 5


def test_no_transaction_of_a_sweep_changes_many_rows(world: World, start: Any, small: int) -> None:
    start(many_things, count=3)
    for number in range(2, 40):
        happen(world, str(number), email=f"person{number}@example.com", count=3)
    happen(world, "40", count=90)
    with changes(world) as counts:
        after(world, 31)
        assert kept(world) == {"events": 0, "steps": 0, "deliveries": 0}
        after(world, HISTORY_DAYS)
    assert history(world) == NOTHING
    # Of each run its row, event, delivery and origin, and of its steps at most twenty, each taken out and put back.
    assert max(counts) <= small * 6 + small * portions.STEPS * 2
    assert len([count for count in counts if count]) > 40


def test_portions_become_larger_while_they_are_short_and_smaller_when_they_take_long() -> None:
    found = portions.Portions()
    found.note("runs", portions.LONG_SECONDS * 2)
    assert found.size("runs") == portions.FIRST / 2
    for _ in range(9):
        found.note("runs", portions.LONG_SECONDS * 2)
    assert found.size("runs") == portions.LEAST
    for _ in range(9):
        found.note("runs", portions.SHORT_SECONDS / 2)
    assert found.size("runs") == portions.MOST
    found.note("runs", (portions.SHORT_SECONDS + portions.LONG_SECONDS) / 2)
    assert found.size("runs") == portions.MOST
    assert found.size("events") == portions.FIRST


# ---- looking at each row once


def test_what_a_run_needs_is_looked_at_once_and_again_when_that_run_has_ended(world: World, start: Any) -> None:
    start(for_years, days=0, what="x")
    happen(world, "2", "no such type")
    assert retention.sweep_at_once(world.hub) == 0
    assert payloads.EVENTS.next_at(world.hub, world.workspace.id) is None, "Nobody looks at them on each tick."
    assert kept(world)["events"] == 2
    happen(world, "3", "ended")
    retention.sweep_at_once(world.hub)
    assert kept(world) == {"events": 0, "steps": 0, "deliveries": 0}


def test_once_a_day_everything_is_looked_at_again(world: World, start: Any) -> None:
    start(days=0)
    with world.hub.database.write() as connection:
        connection.execute(sa.update(schema.run).values(state="held", ended_at=None))
    assert after(world, 0)["events"] == 1
    with world.hub.database.write() as connection:
        connection.execute(sa.delete(schema.step))
        connection.execute(sa.delete(schema.run))
    assert after(world, 0.9)["events"] == 1
    assert after(world, 0.1)["events"] == 0
