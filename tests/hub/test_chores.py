"""What processes and the clock do at a start and now and then, and what they must leave alone."""

from __future__ import annotations

import logging
import threading
from itertools import count
from typing import Any

import pytest
import sqlalchemy as sa

from hub import clock, outbox, processes, schema
from hub import worker as worker_module
from hub.connections import NEEDS_LOGIN
from hub.database import Database, LeaseLost
from hub.ids import Ids
from hub.timing import FrozenClock
from hub.wakeups import READ, perform
from hub.worker import Worker
from tests import servers
from tests.far.site import Site
from tests.hub.locks import ON_POSTGRES
from tests.hub.outbox.desk import ON_SQLITE
from tests.hub.test_processes import line
from tests.moments import at_moment
from tests.world import World
from webhooks import inbox

# ---- starting where another process ended


@ON_SQLITE
def test_what_a_dead_process_held_is_free_at_the_next_start(site: Site) -> None:
    """One process alone has the home: whoever held a lease, is dead."""
    site.enable("put_one")
    for name in (READ, "clock", perform(site.connection.id)):
        assert site.hub.database.acquire(name, 3600.0) is not None
    site.happen("bread")
    assert line(site.start("up")) == "ready"
    site.until_done(1)


@ON_POSTGRES
def test_what_a_process_on_another_machine_holds_stays_its_own(site: Site) -> None:
    queue, another = perform(site.connection.id), Database(site.database_url)
    assert another.acquire(queue, 3600.0) is not None
    assert line(site.start("up")) == "ready"
    assert site.hub.database.acquire(queue, 1.0) is None
    another.close()


@pytest.mark.parametrize("part", ["up", "worker"])
@ON_SQLITE
def test_edited_code_counts_from_the_next_start_on(site: Site, part: str) -> None:
    site.enable("put_one")
    table = schema.enabled_recipe
    with site.hub.database.write() as connection:
        version = connection.execute(sa.select(table.c.version)).scalar_one()
        connection.execute(sa.update(table).values(version="as it was before"))

    def on() -> list[str]:
        with site.hub.database.read() as connection:
            query = sa.select(table.c.version).where(table.c.disabled_at.is_(None))
            return list(connection.execute(query).scalars())

    site.start(part)
    servers.until(lambda: on() == [version], 20)


# ---- working


def test_a_reader_that_lingers_looks_now_and_then(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """The wake-up went to another process, which left it to this one."""
    monkeypatch.setattr(processes, "POLL_SECONDS", 3600.0)
    site.enable("put_one")
    site.hub.linger_seconds = 60.0
    worker, stopping = Worker(site.hub), threading.Event()
    worker.poke(READ)
    servers.until(lambda: site.hub.database.acquire(READ, 1.0) is None, says="That it reads")
    site.happen("bread")
    polling = threading.Thread(target=processes._poll, args=(worker, stopping))
    polling.start()
    try:
        servers.until(lambda: site.states() == ["running"])
    finally:
        stopping.set()
        polling.join()
        worker.stop()


def test_looking_for_what_is_due_goes_on_after_the_database_was_away(
    site: Site, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    for name in ("POLL_SECONDS", "POKE_SECONDS"):
        monkeypatch.setattr(processes, name, 0.01)
    away, stopping = iter(range(5)), threading.Event()

    def wake_due(*_: Any) -> list[str]:
        if next(away, None) is not None:
            raise sa.exc.OperationalError("SELECT 1", {}, Exception("gone"))
        return []

    monkeypatch.setattr(processes, "wake_due", wake_due)
    with caplog.at_level(logging.WARNING, "hub"):
        polling = threading.Thread(target=processes._poll, args=(Worker(site.hub), stopping))
        polling.start()
        try:
            servers.until(lambda: len(caplog.messages) == 2)
        finally:
            stopping.set()
            polling.join()
    assert caplog.messages == [
        "looking for what is due: OperationalError; it is tried again.",
        "looking for what is due: works again.",
    ]


def delivered(site: Site) -> list[str]:
    with site.hub.database.read() as connection:
        return list(connection.execute(sa.select(schema.delivery.c.state)).scalars())


def test_a_reader_that_is_done_lets_another_process_read_at_once(site: Site) -> None:
    site.hub.linger_seconds = 0.0
    worker, another = Worker(site.hub), Database(site.database_url)
    site.happen("bread")
    worker.poke(READ)
    try:
        servers.until(lambda: delivered(site) == ["read"])
        servers.until(lambda: another.acquire(READ, 30.0) is not None)
    finally:
        worker.stop()
        another.close()


def test_a_reader_makes_later_ids_than_one_whose_clock_was_ahead(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that waits takes what came since, by the order of ids."""
    ids, ahead = Ids(), (1 << 62) + 1
    monkeypatch.setattr(inbox, "new_id", ids.new)
    monkeypatch.setattr("hub.ids._ids", ids)
    row = {"id": ahead, "connection_id": site.connection.id, "workspace_id": site.connection.workspace_id}
    with site.hub.database.write() as connection:
        connection.execute(sa.insert(schema.event).values(row | {"type": "t", "at": 1, "received_at": 1, "state": "s"}))
    worker = Worker(site.hub)
    site.happen("bread")
    worker.poke(READ)
    try:
        servers.until(lambda: delivered(site) == ["read"])
    finally:
        worker.stop()
    with site.hub.database.read() as connection:
        assert connection.execute(sa.select(sa.func.count()).where(schema.event.c.id > ahead)).scalar() == 1


def test_many_looks_in_a_row_are_made_a_few_times_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = FrozenClock()
    looks, stopping, waits = worker_module.Looks(clock), threading.Event(), []

    def wait(seconds: float) -> bool:
        waits.append(seconds)
        clock.advance(seconds)
        return False

    monkeypatch.setattr(stopping, "wait", wait)
    for _ in range(worker_module.FEW):
        looks.wait(stopping)
    assert waits == []
    for _ in range(3):
        looks.wait(stopping)
    assert waits == pytest.approx([1 / worker_module.A_SECOND] * 3, abs=1e-6)
    clock.advance(60.0)
    for _ in range(worker_module.FEW):
        looks.wait(stopping)
    assert len(waits) == 3, "After a rest it is quick again."


def test_a_reader_whose_lease_was_taken_leaves_it_to_the_other_without_a_word(
    site: Site, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    lost = threading.Event()

    def loses(*_: Any) -> int:
        lost.set()
        raise LeaseLost

    monkeypatch.setattr(inbox, "read_deliveries", loses)
    worker = Worker(site.hub)
    with caplog.at_level(logging.WARNING):
        worker.poke(READ)
        assert lost.wait(10)
        assert worker.stop()
    assert caplog.messages == []


def test_threads_that_wait_for_a_poke_end_when_the_worker_stops(site: Site) -> None:
    worker = Worker(site.hub)
    worker.start()
    servers.until(lambda: not any(queue.busy for queue in worker._threads.values()), says="That they wait")
    assert worker.stop(10.0), "They wait for twenty seconds, unless they are told."


def test_a_poke_that_comes_at_any_moment_of_a_threads_end_is_seen(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hub.worker.IDLE_SECONDS", 0.0)
    started: list[Any] = []
    monkeypatch.setattr(worker_module._Queue, "start", lambda queue: started.append(queue))
    happened: list[str] = []
    monkeypatch.setattr(outbox, "drain", lambda *_: happened.append("looked"))
    queue = perform(site.connection.id)
    for moment in count():
        worker = Worker(site.hub)
        started.clear()
        happened.clear()
        worker.poke(queue)

        def poke(worker: Worker = worker) -> None:
            happened.append("poked")
            worker.poke(queue)

        came, _ = at_moment(moment, started[0].run, poke, within=worker_module.__file__, count="line")
        if not came:
            break
        for another in started[1:]:
            another.run()
        assert happened[-1] == "looked", f"The poke at moment {moment} was lost."
    assert moment > 10


# ---- subscriptions


@pytest.fixture
def compared(world: World, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    compared: list[str] = []
    monkeypatch.setattr(world.hub.connections, "subscribe", compared.append)
    return compared


def test_an_account_that_is_off_or_needs_a_login_is_not_subscribed_again(world: World, compared: list[Any]) -> None:
    accounts = [world.connect("telling", account=name).id for name in "abc"]
    world.hub.connections.set_state(accounts[1], NEEDS_LOGIN, "The token was revoked.")
    world.hub.connections.disconnect(accounts[2])
    compared.clear()
    clock.compare_subscriptions(world.hub)
    assert compared == accounts[:1]


def test_comparing_subscriptions_ends_when_the_process_does(world: World, compared: list[Any]) -> None:
    accounts = [world.connect("telling", account=name).id for name in "abc"]
    compared.clear()
    clock.compare_subscriptions(world.hub, lambda: len(compared) == 1)
    assert len(compared) == 1 < len(accounts)
