"""The database: transactions, leases with fences between processes, doing again what broke off, and ids that grow."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa

from hub import schema
from hub.database import Database, Lease, LeaseLost
from hub.ids import Ids
from hub.migrations import bring_up_to_date

ELSEWHERE = """
import sys
from hub.database import Database
database = Database(sys.argv[1])
lease = database.acquire("perform:1", 30)
print(lease.fence if lease else "taken", flush=True)
sys.stdin.read()
database.close()
"""


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    made = Database(database_url)
    bring_up_to_date(made)
    yield made
    made.close()


@pytest.fixture
def other(database: Database, database_url: str) -> Iterator[Database]:
    """The same database, as another process has it."""
    made = Database(database_url)
    yield made
    made.close()


def keys(database: Database) -> list[str]:
    with database.read() as connection:
        return list(connection.execute(sa.select(schema.lease.c.name).order_by(schema.lease.c.name)).scalars())


def note(connection: sa.Connection, name: str) -> None:
    connection.execute(sa.insert(schema.lease).values(name=name, holder="", fence=0, until=0))


def end(database: Database, lease: Lease) -> None:
    """Lets a lease's time be over."""
    with database.write() as connection:
        connection.execute(sa.update(schema.lease).where(schema.lease.c.name == lease.name).values(until=1))


# ---- transactions


def test_a_block_that_raises_leaves_nothing_behind(database: Database) -> None:
    with pytest.raises(RuntimeError), database.write() as connection:
        note(connection, "one")
        raise RuntimeError
    assert keys(database) == []


def test_on_sqlite_a_look_sees_one_moment_whatever_is_written_meanwhile(tmp_path: Path) -> None:
    with closing(Database(f"sqlite:///{tmp_path / 'hub.db'}")) as database:
        bring_up_to_date(database)
        _look_while_writing(database)


def _look_while_writing(database: Database) -> None:
    with database.read() as connection:
        query = sa.select(sa.func.count()).select_from(schema.lease)
        before = connection.execute(query).scalar_one()
        with database.write() as writing:
            note(writing, "one")
        assert connection.execute(query).scalar_one() == before == 0


def test_writers_of_many_threads_all_get_their_turn(database: Database) -> None:
    def write(number: int) -> None:
        for part in range(5):
            with database.write() as connection:
                note(connection, f"{number} {part}")

    threads = [threading.Thread(target=write, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(keys(database)) == 40


def test_rows_that_are_there_already_stay_as_they_are(database: Database) -> None:
    row = {"name": "one", "holder": "first", "fence": 0, "until": 0}
    with database.write() as connection:
        database.insert_new(connection, schema.lease, [row])
        database.insert_new(connection, schema.lease, [row | {"holder": "second"}, row | {"name": "two"}])
        database.insert_new(connection, schema.lease, [])
    with database.read() as connection:
        holders = connection.execute(sa.select(schema.lease.c.holder).order_by(schema.lease.c.name)).scalars().all()
    assert holders == ["first", "first"]


def test_rows_that_become_shorter_give_their_pages_back(database: Database) -> None:
    table = schema.delivery
    row = {"workspace_id": 1, "connection_id": "c", "received_at": 1, "state": "new", "events": 0}
    with database.write() as connection:
        connection.execute(sa.insert(table), [row | {"id": number, "content": bytes(3000)} for number in range(200)])
    with database.write() as connection:
        database.shorten(connection, table, table.c.id < 199, {"content": None, "state": "read"})
    with database.read() as connection:
        rows = connection.execute(sa.select(table).order_by(table.c.id)).all()
        assert [(found.id, found.state, found.content) for found in rows[:199]] == [
            (number, "read", None) for number in range(199)
        ]
        assert (rows[199].state, len(rows[199].content or b"")) == ("new", 3000)
        if database.is_sqlite:
            assert connection.exec_driver_sql("PRAGMA freelist_count").scalar_one() > 190


def test_what_is_bound_to_a_query_is_in_no_error(database: Database) -> None:
    with pytest.raises(sa.exc.DBAPIError) as caught, database.write() as connection:
        connection.execute(sa.text("SELECT :canary FROM no_such_table"), {"canary": "ada@example.com"})
    assert "ada@example.com" not in str(caught.value)


def test_only_its_owner_can_read_the_file(database: Database) -> None:
    if database.is_sqlite:
        assert database.url.database is not None
        for file in Path(database.url.database).parent.glob("hub.db*"):
            assert file.stat().st_mode & 0o777 == 0o600


def test_nobody_is_there_who_is_not(database: Database) -> None:
    with database.write() as connection:
        connection.execute(sa.insert(schema.person).values(id=7, workspace_id=1, key=b"k"))
        assert database.lock_people(connection, [7, 8, 7]) == {7}
        assert database.lock_people(connection, []) == set()


# ---- doing again


def test_what_the_database_broke_off_is_done_again(database: Database) -> None:
    tries = []

    def work() -> str:
        tries.append(1)
        if len(tries) < 3:
            raise sa.exc.OperationalError("deadlock", {}, Exception())
        return "done"

    assert database.retrying(work) == "done"
    assert len(tries) == 3


def test_a_clash_of_ids_is_tried_again_and_told_in_the_end(database: Database) -> None:
    tries = []

    def work() -> None:
        tries.append(1)
        with database.write() as connection:
            note(connection, "one")
            note(connection, "one")

    with pytest.raises(sa.exc.IntegrityError):
        database.retrying(work)
    assert len(tries) == 3
    assert keys(database) == []


def test_a_fault_of_our_own_is_not_tried_again(database: Database) -> None:
    tries = []

    def work() -> None:
        tries.append(1)
        raise LeaseLost

    with pytest.raises(LeaseLost):
        database.retrying(work)
    assert len(tries) == 1


# ---- leases


def test_one_holds_a_lease_and_others_may_have_it_when_it_is_let_go(database: Database, other: Database) -> None:
    lease = database.acquire("clock", 30)
    assert lease is not None
    assert other.acquire("clock", 30) is None
    assert other.acquire("another", 30) is not None
    database.release(lease)
    taken = other.acquire("clock", 30)
    assert taken is not None and taken.fence > lease.fence


def test_a_lease_whose_time_is_over_is_taken_over_and_the_old_holder_writes_nothing(
    database: Database, other: Database
) -> None:
    lease = database.acquire("clock", 30)
    assert lease is not None
    end(database, lease)
    with pytest.raises(LeaseLost), database.write(lease) as connection:
        note(connection, "too late")
    assert other.acquire("clock", 30) is not None
    assert not database.renew(lease, 30)
    with pytest.raises(LeaseLost), database.write(lease) as connection:
        note(connection, "too late")
    database.release(lease)  # it is not ours to let go
    assert database.acquire("clock", 30) is None
    assert keys(database) == ["clock"]


def test_a_renewed_lease_lasts(database: Database, other: Database) -> None:
    lease = database.acquire("clock", 30)
    assert lease is not None
    end(database, lease)
    assert database.renew(lease, 30)
    assert other.acquire("clock", 30) is None
    with database.write(lease) as connection:
        note(connection, "in time")
    assert keys(database) == ["clock", "in time"]


def test_whoever_takes_its_own_lease_again_outdates_what_it_did_before(database: Database) -> None:
    first, second = database.acquire("clock", 30), database.acquire("clock", 30)
    assert first is not None and second is not None
    with pytest.raises(LeaseLost), database.write(first):
        raise AssertionError("Nothing may be done under the old fence.")
    with database.write(second) as connection:
        note(connection, "under the new one")


def test_two_threads_of_a_process_are_two_holders(database: Database) -> None:
    taken: list[Lease | None] = []
    assert database.acquire("clock", 30) is not None
    thread = threading.Thread(target=lambda: taken.append(database.acquire("clock", 30)))
    thread.start()
    thread.join()
    assert taken == [None]


def test_all_leases_end_when_nobody_else_is_alive(database: Database, other: Database) -> None:
    lease = database.acquire("clock", 30)
    assert lease is not None
    other.break_leases()
    assert other.acquire("clock", 30) is not None


def test_two_processes_hold_a_lease_one_after_the_other_even_if_one_is_killed(
    database: Database, database_url: str
) -> None:
    first, second = (elsewhere(database_url), elsewhere(database_url))
    try:
        said = {first: answer(first), second: answer(second)}
        assert sorted(said.values()) == ["1", "taken"]
        holder = next(process for process, word in said.items() if word == "1")
        assert database.acquire("perform:1", 30) is None
        holder.kill()
        holder.wait()
        assert database.acquire("perform:1", 30) is None, "It may still be at work: only time tells that it is dead."
        end(database, Lease("perform:1", "", 1))
        taken = database.acquire("perform:1", 30)
        assert taken is not None and taken.fence == 2
    finally:
        for process in (first, second):
            process.kill()
            process.communicate()


def elsewhere(url: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", ELSEWHERE, url], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


def answer(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


# ---- ids


def test_ids_grow_also_within_a_millisecond_and_when_the_clock_is_set_back(monkeypatch: pytest.MonkeyPatch) -> None:
    ids = Ids()
    instants = iter([1_800_000_000_000_000_000] * 500 + [1_700_000_000_000_000_000] * 500)
    monkeypatch.setattr("hub.ids.time.time_ns", lambda: next(instants))
    made = [ids.new() for _ in range(1000)]
    assert made == sorted(set(made))


@pytest.mark.parametrize("year", [2020, 2026, 2089])
def test_ids_fit_the_column_for_decades(year: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hub.ids.time.time_ns", lambda: round((year - 1970) * 365.2425 * 86400e9))
    assert 0 < Ids().new() < 2**63


def test_threads_never_get_the_same_id() -> None:
    ids, made = Ids(), []
    threads = [threading.Thread(target=lambda: made.extend(ids.new() for _ in range(2000))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(made)) == 8000
