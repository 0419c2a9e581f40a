"""Keeping deliveries: many share one commit, each is answered only after it, and what is kept is kept once."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from hub import database, schema
from hub.connections import Connection
from hub.core import Hub
from hub.delivery import Delivery
from hub.timing import to_datetime
from tests.servers import until
from tests.webhooks.door import Door
from tests.world import World, keep
from webhooks import intake as module
from webhooks.intake import Intake, IntakeClosed, packed, unpacked

THREADS = 64


@pytest.fixture
def connection(world: World) -> Connection:
    return world.connect("telling", account="a")


def delivery(world: World, key: str | None = None, body: bytes = b"{}") -> Delivery:
    headers = {"key": key} if key else {}
    return Delivery("POST", "http://127.0.0.1:8000/webhooks/telling/1", headers, body, to_datetime(world.clock.now()))


@contextmanager
def nobody_writes(world: World) -> Iterator[None]:
    """Holds up everyone who wants to keep a delivery, as a slow disk would."""
    with world.hub.database.write() as held:
        if not world.hub.database.is_sqlite:
            held.execute(sa.text("LOCK TABLE delivery, seen_key IN EXCLUSIVE MODE"))
        yield


@pytest.fixture
def commits(world: World) -> Iterator[list[str]]:
    """The statements that inserted deliveries; each batch has one, in a transaction of its own."""
    seen: list[str] = []

    def look(connection: Any, cursor: Any, statement: str, *rest: Any) -> None:
        if statement.startswith("INSERT INTO delivery"):
            seen.append(statement)

    sa.event.listen(world.hub.database.engine, "before_cursor_execute", look)
    yield seen
    sa.event.remove(world.hub.database.engine, "before_cursor_execute", look)


def stored(world: World) -> int:
    with world.hub.database.read() as connection:
        return connection.execute(sa.select(sa.func.count()).select_from(schema.delivery)).scalar_one()


@contextmanager
def held_up(world: World) -> Iterator[ThreadPoolExecutor]:
    """Threads to ask with, while a first delivery is being written: what they ask for waits for the next commit."""
    intake, first = world.intake, world.hub.connections.list(world.workspace)[0]
    commit, begun = intake._commit, threading.Event()

    def beginning(batch: Any) -> None:
        begun.set()
        commit(batch)

    intake._commit = beginning  # type: ignore[method-assign]
    with ThreadPoolExecutor(THREADS + 2) as pool, nobody_writes(world):
        pool.submit(keep, intake, world.workspace, first, delivery(world, "opening"))
        assert begun.wait(10)
        yield pool


def at_once(world: World, work: Callable[[int], Any], count: int = THREADS) -> list[Any]:
    """Does the work in as many threads, all of which wait for the same commit."""
    with held_up(world) as pool:
        asked = [pool.submit(work, number) for number in range(count)]
        until(lambda: world.intake._waiting.qsize() == count, 10, "All requests")
    return [one.result(20) for one in asked]


# ---- one commit for many


def test_many_requests_share_a_commit(world: World, connection: Connection, commits: list[str]) -> None:
    def store(number: int) -> tuple[bool, bool]:
        is_new = keep(world.intake, world.workspace, connection, delivery(world, f"k{number}"))
        with world.hub.database.read() as reading:
            rows = sa.select(schema.seen_key.c.hash)
            mine = world.workspace.hash("delivery", connection.id, f"k{number}")
            return is_new, mine in {bytes(found) for found in reading.execute(rows).scalars()}

    assert at_once(world, store) == [(True, True)] * THREADS
    assert stored(world) == THREADS + 1
    assert len(commits) == 2


def test_the_web_application_shares_commits_too(world: World, commits: list[str]) -> None:
    door = Door(world)
    signed = [door.order(number) for number in range(THREADS)]
    path = door.path("shopify")

    def post(number: int) -> int:
        headers, body = signed[number]
        return door.client.post(path, data=body, headers=headers).status_code

    assert at_once(world, post) == [200] * THREADS
    assert stored(world) == THREADS + 1
    assert len(commits) == 2


def test_nobody_is_answered_before_the_commit(world: World, connection: Connection) -> None:
    with held_up(world) as pool:
        asked = pool.submit(keep, world.intake, world.workspace, connection, delivery(world, "k"))
        until(lambda: world.intake._waiting.qsize() == 1, 10, "The request")
        assert not asked.done()
    assert asked.result() and stored(world) == 2


# ---- repeats


def test_repeats_within_a_batch_are_kept_once(world: World, connection: Connection) -> None:
    found = at_once(world, lambda n: keep(world.intake, world.workspace, connection, delivery(world, f"k{n % 4}")))
    assert Counter(found) == {True: 4, False: THREADS - 4}
    assert stored(world) == 4 + 1


def test_repeats_of_an_earlier_batch_are_kept_once(world: World, connection: Connection) -> None:
    assert [world.deliver(connection, b"{}", {"key": key}) for key in "aabba"] == [True, False, True, False, False]


def test_deliveries_without_a_key_are_all_kept(world: World, connection: Connection) -> None:
    assert [world.deliver(connection, b"{}") for _ in range(3)] == [True] * 3
    assert stored(world) == 3


def test_two_processes_that_get_the_same_deliveries_keep_each_once(world: World, connection: Connection) -> None:
    hubs = [world.another_hub() for _ in range(3)]
    doors = [Intake(hub.database, world.wakeups) for hub in hubs]
    keys = [f"k{number}" for number in range(40)]
    start = threading.Barrier(len(doors) * 4)

    def store_all(number: int) -> int:
        start.wait(20)
        intake, order = doors[number % len(doors)], keys if number % 2 else keys[::-1]
        return sum(keep(intake, world.workspace, connection, delivery(world, key)) for key in order)

    with ThreadPoolExecutor(len(doors) * 4) as pool:
        assert sum(pool.map(store_all, range(len(doors) * 4))) == len(keys)
    assert stored(world) == len(keys)
    for intake, hub in zip(doors, hubs, strict=True):
        intake.close()
        hub.close()


# ---- what cannot be stored


@pytest.fixture
def fault(world: World) -> Iterator[list[Exception]]:
    """Whatever is in the list is raised instead of inserting deliveries."""
    faults: list[Exception] = []

    def fail(connection: Any, cursor: Any, statement: str, *rest: Any) -> None:
        if faults and statement.startswith("INSERT INTO delivery"):
            raise faults[0]

    sa.event.listen(world.hub.database.engine, "before_cursor_execute", fail)
    yield faults
    sa.event.remove(world.hub.database.engine, "before_cursor_execute", fail)


@pytest.mark.parametrize(
    "error", [sa.exc.OperationalError("insert", {}, Exception("disk full")), MemoryError(), RuntimeError("a bug")]
)
def test_a_batch_that_fails_is_refused_whole_and_the_next_one_works(
    world: World, connection: Connection, fault: list[Exception], error: Exception
) -> None:
    def store(number: int) -> str:
        try:
            return str(keep(world.intake, world.workspace, connection, delivery(world, f"k{number}")))
        except type(error):
            return "refused"

    fault.append(error)
    assert at_once(world, store, 8) == ["refused"] * 8
    assert stored(world) == 0
    assert world.rows(schema.seen_key) == []
    fault.clear()
    assert [store(number) for number in range(8)] == ["True"] * 8


def test_a_passing_fault_is_tried_again(world: World, connection: Connection) -> None:
    failed: list[str] = []

    def fail(connection: Any, cursor: Any, statement: str, *rest: Any) -> None:
        if statement.startswith("INSERT INTO delivery") and len(failed) < 2:
            failed.append(statement)
            raise sa.exc.OperationalError("insert", {}, Exception("deadlock"))

    sa.event.listen(world.hub.database.engine, "before_cursor_execute", fail)
    assert world.deliver(connection, b"{}", {"key": "k"})
    assert (stored(world), len(failed)) == (1, 2)


def test_who_waits_too_long_is_sent_away_and_told_apart_when_he_comes_again(
    world: World, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PATIENCE_SECONDS", 0.01)
    with nobody_writes(world), pytest.raises(TimeoutError):
        keep(world.intake, world.workspace, connection, delivery(world, "k"))
    monkeypatch.undo()
    assert not keep(world.intake, world.workspace, connection, delivery(world, "k"))
    assert stored(world) == 1


def test_a_wake_up_that_fails_does_not_shut_the_door(world: World, connection: Connection) -> None:
    class Failing:
        def wake(self, queue: str) -> None:
            raise RuntimeError("can't start new thread")

    intake = Intake(world.hub.database, Failing())
    assert [keep(intake, world.workspace, connection, delivery(world, key)) for key in "abc"] == [True] * 3
    intake.close()


# ---- closing


def test_closing_stores_what_waits_and_takes_nothing_more(world: World, connection: Connection) -> None:
    def store(number: int) -> bool:
        return keep(world.intake, world.workspace, connection, delivery(world, f"k{number}"))

    with held_up(world) as pool:
        asked = [pool.submit(store, number) for number in range(7)]
        until(lambda: world.intake._waiting.qsize() == 7, 10, "All requests")
        closing = pool.submit(world.intake.close)
        until(lambda: world.intake._closed, 10, "Closing")
        with pytest.raises(IntakeClosed):
            store(7)
        assert not closing.done()
    assert [one.result() for one in asked] == [True] * 7
    assert stored(world) == 7 + 1


def test_whoever_comes_while_it_closes_is_stored_or_told_so(world: World, connection: Connection) -> None:
    def store(intake: Intake, key: str) -> bool:
        try:
            return keep(intake, world.workspace, connection, delivery(world, key))
        except IntakeClosed:
            return False

    kept = 0
    with ThreadPoolExecutor(5) as pool:
        for round in range(20):
            intake = Intake(world.hub.database, world.wakeups)
            asked = [pool.submit(store, intake, f"{round} {number}") for number in range(4)]
            intake.close()
            kept += sum(one.result(20) for one in asked)
    assert stored(world) == kept


def test_an_intake_that_was_never_used_closes(world: World) -> None:
    Intake(world.hub.database, world.wakeups).close()


# ---- a database that takes nothing, on SQLite's own errors


@pytest.fixture
def file_world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    monkeypatch.setattr(database, "BUSY_SECONDS", 0.02)
    made = World(f"sqlite:///{tmp_path / 'hub.db'}", tmp_path / "home")
    yield made
    made.close()


def every_connection(hub: Hub, pragma: str) -> Callable[[], None]:
    """Sets this on each of the hub's connections to its file; gives how to end it."""

    def set_it(connection: Any, record: Any) -> None:
        connection.execute(pragma).fetchall()

    def undo() -> None:
        sa.event.remove(hub.database.engine, "connect", set_it)
        hub.database.engine.dispose()

    sa.event.listen(hub.database.engine, "connect", set_it)
    hub.database.engine.dispose()
    return undo


@pytest.mark.parametrize("pragma", ["PRAGMA query_only = 1", "PRAGMA max_page_count = 1"])
def test_a_read_only_file_and_a_full_disk_are_answered_with_503(file_world: World, pragma: str) -> None:
    door = Door(file_world)
    signed = [door.order(number) for number in range(40)]
    undo = every_connection(file_world.hub, pragma)
    answers = [door.post("shopify", one) for one in signed]
    refused = [answer for answer in answers if answer.status_code == 503]
    assert refused and all(answer.headers["Retry-After"] == "10" for answer in refused)
    kept = sum(answer.status_code == 200 for answer in answers)
    assert stored(file_world) == kept == len(answers) - len(refused)
    undo()
    assert [door.post("shopify", one).status_code for one in signed] == [200] * 40
    assert stored(file_world) == 40


def test_a_locked_file_is_answered_with_503(file_world: World) -> None:
    door, signed = Door(file_world), None
    signed = door.order()
    elsewhere = file_world.another_hub()
    with elsewhere.database.write():
        answer = door.post("shopify", signed)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "10")
    assert door.post("shopify", signed).status_code == 200
    elsewhere.close()


# ---- what is kept of a delivery


def test_a_delivery_is_kept_as_it_came_without_passwords() -> None:
    headers = {"x-topic": "ä\n", "authorization": "Basic YQ==", "cookie": "a=b", "proxy-authorization": "x"}
    at = datetime(2026, 11, 22, 12, 0, 0, 123_000, tzinfo=UTC)
    body = bytes(range(256)) + b"\n\n"
    came = Delivery("POST", "https://hub.example/webhooks/a/1?key=ä%0A", headers, body, at)
    kept = unpacked(packed(came))
    assert kept == Delivery("POST", came.url, {"x-topic": "ä\n"}, body, at)
