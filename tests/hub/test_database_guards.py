"""What the database is trusted with: commits that last, leases that end with what was written, queries of any size."""

from __future__ import annotations

import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from hub import Person, engine, schema
from hub.database import MOST_IN_A_QUERY, Database
from tests import telling
from tests.hub.locks import ON_POSTGRES, waiting
from tests.hub.outbox.desk import ON_SQLITE
from tests.servers import until
from tests.webhooks.told import ADA, read, rest
from tests.world import World, tell
from webhooks import reading


@ON_SQLITE
def test_every_connection_to_the_file_commits_to_the_disk_and_leaves_nothing_deleted_in_it(world: World) -> None:
    database = world.hub.database

    def built_otherwise(connection: sqlite3.Connection, _: Any) -> None:
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("PRAGMA secure_delete = OFF").fetchall()

    sa.event.listen(database.engine, "connect", built_otherwise, insert=True)
    database.engine.dispose()
    wanted = {"synchronous": 2, "journal_mode": "wal", "secure_delete": 1, "auto_vacuum": 2}
    with database.engine.connect() as one, database.engine.connect() as other:
        for connection in (one, other):
            found = {name: connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in wanted}
            assert found == wanted


@ON_POSTGRES
def test_after_a_restart_of_the_database_nobody_meets_a_dead_connection(world: World) -> None:
    database = world.hub.database
    with database.read() as one, database.read() as other:
        pids = [c.exec_driver_sql("SELECT pg_backend_pid()").scalar_one() for c in (one, other)]
    killing = Database(world.settings.database)
    with killing.write() as connection:
        for pid in pids:
            connection.execute(sa.text("SELECT pg_terminate_backend(:pid)"), {"pid": pid})
    killing.close()
    for _ in pids:
        assert world.hub.workspaces.named(None).name == "Crumb & Co."


@ON_SQLITE
def test_what_broke_a_commit_off_is_told_and_not_that_nothing_was_left_to_roll_back(world: World) -> None:
    database = world.hub.database
    with pytest.raises(sa.exc.OperationalError, match="full"), database.write() as connection:
        connection.exec_driver_sql("PRAGMA max_page_count = 1").all()
        row = {"workspace_id": world.workspace.id, "key": bytes(100_000)}
        connection.execute(sa.insert(schema.person), [row | {"id": n + 1} for n in range(50)])
    database.engine.dispose()
    assert world.rows(schema.person) == []
    assert world.hub.workspaces.add("Another Bakery").name == "Another Bakery"


# ---- leases


@ON_POSTGRES
def test_a_lease_that_is_over_passes_on_only_after_what_is_written_under_it(world: World) -> None:
    database, other = world.hub.database, world.another_hub().database
    lease = database.acquire("clock", 1.0)
    assert lease is not None
    begun, goes_on = threading.Event(), threading.Event()

    def write() -> None:
        with database.write(lease) as connection:
            begun.set()
            assert goes_on.wait(10)
            connection.execute(sa.insert(schema.lease).values(name="written", holder="", fence=0, until=0))

    def take() -> bool:
        assert other.acquire("clock", 30.0) is not None
        with other.read() as connection:
            return "written" in connection.execute(sa.select(schema.lease.c.name)).scalars().all()

    with ThreadPoolExecutor(2) as pool:
        writing = pool.submit(write)
        assert begun.wait(10)
        until(lambda: is_over(database, "clock"), says="The end of the lease")
        taking = pool.submit(take)
        until(lambda: taking.done() or waiting(database), says="That it waits")
        goes_on.set()
        writing.result(10)
        assert taking.result(10), "It was taken while its holder was still writing."
    other.close()


def is_over(database: Database, name: str) -> bool:
    table = schema.lease
    with database.read() as connection:
        query = sa.select(table.c.until < database.db_now).where(table.c.name == name)
        return bool(connection.execute(query).scalar_one())


@ON_POSTGRES
def test_a_run_that_another_process_decides_on_is_left_to_it_until_that_is_known_to_be_dead(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = world.another_hub()
    world.use(monkeypatch, rest)
    connection = world.connect("telling", account="a")
    world.enable("rest")
    world.deliver(connection, tell(events=[{"type": "happened", "id": "1", "email": ADA}]))
    read(world.hub)
    world.clock.advance(timedelta(days=400))  # what it waits for is over

    def dies(*_: Any) -> Any:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(engine, "write", dies)
        engine.advance(world.hub)
    assert engine.advance(elsewhere) == 0
    elsewhere.database.break_leases()
    assert engine.advance(elsewhere) == 1
    elsewhere.close()


# ---- queries of any size


@pytest.fixture
def strict(world: World) -> World:
    """SQLite takes hardly more values in a query than the hub should ever ask with: many builds take 32,766."""

    def limit(connection: sqlite3.Connection, _: Any) -> None:
        connection.setlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER, MOST_IN_A_QUERY + 500)

    sa.event.listen(world.hub.database.engine, "connect", limit)
    world.hub.database.engine.dispose()
    return world


MANY = 6_001


@ON_SQLITE
def test_any_number_of_people_may_be_locked_and_erased(strict: World) -> None:
    rows = [{"id": n + 1, "workspace_id": strict.workspace.id, "key": b"k"} for n in range(MANY)]
    names = [{"workspace_id": strict.workspace.id, "hash": n.to_bytes(16), "person_id": n + 1} for n in range(MANY)]
    with strict.hub.database.write() as connection:
        connection.execute(sa.insert(schema.person), rows)
        connection.execute(sa.insert(schema.identity), names)
    ids = {row["id"] for row in rows}
    with strict.hub.database.write() as connection:
        assert strict.hub.database.lock_people(connection, ids | {MANY + 7}) == ids
    receipt = strict.hub.privacy._erase(strict.workspace, set(), ids)
    assert receipt.people == MANY
    assert strict.rows(schema.person) == strict.rows(schema.identity) == []


@ON_SQLITE
def test_an_event_wakes_any_number_of_runs_of_its_person(strict: World, monkeypatch: pytest.MonkeyPatch) -> None:
    connection = strict.connect("telling", account="a")
    strict.deliver(connection, tell(events=[{"type": "happened", "id": "1", "email": ADA}]))
    read(strict.hub)
    (person,) = strict.rows(schema.person)
    run = {"workspace_id": strict.workspace.id, "enabled_id": 0, "recipe": "r", "version": "v", "event_id": 1}
    run |= {"event_at": 0, "person_id": person.id, "state": "waiting", "started_at": 0}
    waiter = {"workspace_id": strict.workspace.id, "person_id": person.id, "type": telling.ended.type}
    with strict.hub.database.write() as database:
        database.execute(sa.insert(schema.run), [run | {"id": n + 1} for n in range(MANY)])
        database.execute(sa.insert(schema.waiter), [waiter | {"run_id": n + 1} for n in range(MANY)])
    strict.deliver(connection, tell(events=[{"type": "ended", "id": "2", "email": ADA}]))
    read(strict.hub)
    assert len(strict.rows(schema.run, schema.run.c.due_at.is_not(None))) == MANY


@ON_SQLITE
def test_events_are_taken_as_many_at_a_time_as_a_query_may_name(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MOST_EVENTS", 10)
    connection = world.connect("telling", account="a")
    for first in (0, 100, 200, 300):
        events = [{"type": "happened", "id": n, "email": ADA} for n in range(first, first + 4)]
        world.deliver(connection, tell(events=events))
    portions = reading.portions(world.hub, reading.waiting(world.hub, 100))
    assert [[len(one.events) for one in portion] for portion in portions] == [[4, 4], [4, 4]]


@ON_POSTGRES
def test_an_event_that_the_database_cannot_keep_holds_up_no_other(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(telling.connector.triggers, "telling." + "long" * 30, telling.happened)
    connection = world.connect("telling", account="a")
    for kind in ("long" * 30, "happened"):
        world.deliver(connection, tell(events=[{"type": kind, "id": kind, "email": ADA}]))
    read(world.hub)
    assert [delivery.state for delivery in world.rows(schema.delivery)] == ["unreadable", "read"]


# ---- people


def test_a_name_that_was_written_down_just_as_its_person_was_erased_leads_to_nobody(world: World) -> None:
    gone = {"workspace_id": world.workspace.id, "hash": world.workspace.hash("email", ADA), "person_id": 12345}
    with world.hub.database.write() as connection:
        connection.execute(sa.insert(schema.identity).values(gone))
        found = world.hub.people.find(connection, world.workspace, ADA)
        met = world.hub.people.resolve(connection, world.workspace, [Person(ADA)])
    assert found == (world.workspace.hash("email", ADA), set())
    assert met != [12345]
    assert [row.id for row in world.rows(schema.person)] == met
