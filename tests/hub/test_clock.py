"""The clock: one leads, what is due is woken, what got lost is found, and nothing holds it up."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import sqlalchemy as sa

from hub import clock, retention, schema
from hub.clock import Clock, wake_due
from hub.core import Hub
from hub.ids import new_id
from hub.timing import FrozenClock
from hub.wakeups import ADVANCE, READ, ThreadWakeups, perform
from tests import servers
from tests.far.site import Site

SLEEPING = 100_000


@pytest.fixture
def woken(site: Site) -> list[str]:
    queues: list[str] = []
    site.hub.wakeups = wakeups = ThreadWakeups()
    wakeups.listener = queues.append
    return queues


@pytest.fixture
def started(site: Site, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], Clock]]:
    """Starts a clock of a hub of its own, with quick ticks, and notes when it last ticked as `.ticked`."""
    monkeypatch.setattr(clock, "TICK_SECONDS", 0.01)
    clocks: list[Clock] = []

    def start() -> Clock:
        made = Clock(Hub(site.settings))
        ticking = made.tick
        made.ticks = 0  # type: ignore[attr-defined]

        def tick() -> None:
            ticking()
            made.ticks += 1  # type: ignore[attr-defined]

        made.tick = tick  # type: ignore[method-assign]
        made.start()
        clocks.append(made)
        return made

    yield start
    for made in clocks:
        made.stop()
        made.hub.close()


def a_run(site: Site, **values: Any) -> int:
    """A run's row, as it lies there while it sleeps or waits."""
    row = {
        "id": new_id(),
        "workspace_id": site.workspace.id,
        "enabled_id": 1,
        "recipe": "put_one",
        "version": "v",
        "event_id": 1,
        "event_at": 0,
        "state": "running",
        "started_at": 0,
        **values,
    }
    with site.hub.database.write() as database:
        database.execute(sa.insert(schema.run).values(row))
    return int(row["id"])


def a_step(site: Site, **values: Any) -> None:
    """A step's row at the site's connection."""
    row = {
        "run_id": new_id(),
        "position": 0,
        "workspace_id": site.workspace.id,
        "connection_id": site.connection.id,
        "action": "far.put",
        "fingerprint": b"0" * 16,
        "asked_at": 0,
        **values,
    }
    with site.hub.database.write() as database:
        database.execute(sa.insert(schema.step).values(row))


# ---- leading


def test_one_of_two_clocks_leads(started: Callable[[], Any]) -> None:
    first = started()
    servers.until(lambda: first.ticks)
    second = started()
    before = first.ticks
    servers.until(lambda: first.ticks > before + 20)
    assert second.ticks == 0


def test_the_other_leads_at_once_when_the_leader_stops(started: Callable[[], Any]) -> None:
    first = started()
    servers.until(lambda: first.ticks)
    second = started()
    first.stop()
    servers.until(lambda: second.ticks, 2)


def test_the_other_leads_when_the_lease_of_a_dead_leader_is_over(
    started: Callable[[], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clock, "LEASE_SECONDS", 0.5)
    first = started()
    servers.until(lambda: first.ticks)
    first._resign = lambda: None  # a dead process lets nobody know
    first.stop()
    second = started()
    servers.until(lambda: second.ticks, 5)


def test_a_clock_goes_on_after_the_database_was_away(
    started: Callable[[], Any], caplog: pytest.LogCaptureFixture
) -> None:
    ticking = started()
    servers.until(lambda: ticking.ticks)
    acquire, renew, read = ticking.hub.database.acquire, ticking.hub.database.renew, ticking.hub.database.read

    def away(*_: object) -> Any:
        raise sa.exc.OperationalError("SELECT 1", {}, Exception("gone"))

    with caplog.at_level(logging.WARNING, "hub.clock"):
        ticking.hub.database.acquire = ticking.hub.database.renew = ticking.hub.database.read = away
        servers.until(lambda: "clock: OperationalError" in caplog.text)
        servers.until(lambda: ticking._lease is None)
        database = ticking.hub.database
        database.acquire, database.renew, database.read = acquire, renew, read
        before = ticking.ticks
        servers.until(lambda: ticking.ticks > before)
        servers.until(lambda: "clock: works again" in caplog.text)
    assert [said for said in caplog.messages if said.startswith("clock")] == [
        "clock: OperationalError; it is tried again.",
        "clock: works again.",
    ]


# ---- waking


def test_a_run_that_becomes_due_is_woken_within_a_second(site: Site, woken: list[str]) -> None:
    due_at = site.hub.clock.now() + 300
    a_run(site, due_at=due_at)
    ticking = Clock(site.hub)
    ticking.start()
    try:
        servers.until(lambda: ADVANCE in woken, 5)
        late = site.hub.clock.now() - due_at
    finally:
        ticking.stop()
    assert 0 <= late < 1000


def test_every_wake_up_that_got_lost_is_found(site: Site, woken: list[str]) -> None:
    site.happen("bread")
    a_run(site, due_at=site.hub.clock.now())
    a_step(site, state="waiting")
    woken.clear()
    assert wake_due(site.hub) == woken == [READ, ADVANCE, perform(site.connection.id)]


def test_what_is_not_due_is_not_woken(site: Site, woken: list[str]) -> None:
    later = site.hub.clock.now() + 60_000
    a_run(site, due_at=later)
    a_run(site, due_at=None)
    a_step(site, state="waiting", due_at=later)
    a_step(site, state="done")
    assert wake_due(site.hub) == []


@pytest.mark.parametrize("state", ["needs_login", "off"])
def test_a_connection_that_cannot_be_used_is_not_woken(site: Site, woken: list[str], state: str) -> None:
    a_step(site, state="waiting")
    site.hub.connections.set_state(site.connection.id, state, None)
    assert wake_due(site.hub) == []


def test_a_connection_is_woken_when_its_rest_is_over(site: Site, woken: list[str]) -> None:
    a_step(site, state="waiting")
    for until, queues in ((60_000, []), (-1, [perform(site.connection.id)])):
        with site.hub.database.write() as database:
            rest = site.hub.clock.now() + until
            database.execute(sa.update(schema.connection).values(paused_until=rest))
        assert wake_due(site.hub) == queues


def test_a_call_on_its_way_is_left_to_its_holder_and_found_when_that_is_gone(site: Site, woken: list[str]) -> None:
    queue = perform(site.connection.id)
    other, _ = site.hub.connections.connect(site.workspace, "far", {"account": "b"})
    a_step(site, state="claimed")
    a_step(site, state="claimed", connection_id=other.id)
    lease = site.hub.database.acquire(queue, 60)
    assert lease is not None
    assert wake_due(site.hub) == [perform(other.id)]
    site.hub.database.release(lease)
    assert sorted(wake_due(site.hub)) == sorted([queue, perform(other.id)])


# ---- what it costs


def statements(site: Site, work: Callable[[], object]) -> list[tuple[str, Any]]:
    """What is sent to the database meanwhile."""
    seen: list[tuple[str, Any]] = []

    def note(connection: Any, cursor: Any, statement: str, parameters: Any, context: Any, many: bool) -> None:
        if not statement.startswith("BEGIN"):
            seen.append((statement, parameters))

    sa.event.listen(site.hub.database.engine, "before_cursor_execute", note)
    try:
        work()
    finally:
        sa.event.remove(site.hub.database.engine, "before_cursor_execute", note)
    return seen


def test_a_tick_with_nothing_due_asks_three_questions_and_writes_nothing(site: Site, woken: list[str]) -> None:
    made = Clock(site.hub)
    assert made._leads()
    made.tick()
    asked = [statement for statement, _ in statements(site, lambda: made._leads() and made.tick())]
    assert len(asked) == 3
    assert all(statement.startswith(("SELECT", "WITH RECURSIVE")) for statement in asked)
    made._resign()


SERIES = {
    True: "WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < :count) ",
    False: "WITH s AS (SELECT generate_series(1, :count) AS n) ",
}


def sleep_many(site: Site) -> None:
    """Makes very many runs sleep, one person each, and their sleeps' steps."""
    series = SERIES[site.hub.database.is_sqlite]
    run = (
        "INSERT INTO run (id, workspace_id, enabled_id, recipe, version, event_id, event_at, person_id, state,"
        " started_at, due_at, fence, leased_until, sealed) "
        + series
        + "SELECT n, 1, 1, 'r', 'v', n, 0, n, 'waiting', 0,"
        " :later + n, 0, 0, true FROM s"
    )
    step = (
        "INSERT INTO step (run_id, position, workspace_id, action, state, priority, attempts, due_at, fence,"
        " fingerprint, asked_at) "
        + series
        + "SELECT n, 0, 1, 'sleep', 'waiting', 1, 0, :later + n, 0, :print, 0 FROM s"
    )
    delivery = (
        "INSERT INTO delivery (id, workspace_id, connection_id, received_at, state, events) "
        + series
        + "SELECT n, 1, 'c', 0, 'read', 1 FROM s"
    )
    values = {"count": SLEEPING, "later": site.hub.clock.now() + 86_400_000}
    with site.hub.database.write() as database:
        database.execute(sa.text(run), values)
        database.execute(sa.text(step), values | {"print": b"0" * 16})
        database.execute(sa.text(delivery), values)
        database.execute(sa.text("ANALYZE"))


def test_a_tick_costs_the_same_with_very_many_sleeping_runs(site: Site, woken: list[str]) -> None:
    sleep_many(site)
    asked = statements(site, lambda: wake_due(site.hub))
    assert woken == []
    explain = "EXPLAIN QUERY PLAN " if site.hub.database.is_sqlite else "EXPLAIN "
    plans = []
    with site.hub.database.engine.connect() as database:
        for statement, parameters in asked:
            rows = database.exec_driver_sql(explain + statement, parameters)
            plans.append("\n".join(str(row[-1]) for row in rows))
    of_deliveries, of_runs, of_steps = plans
    assert "ix_delivery_new" in of_deliveries
    assert "ix_run_due" in of_runs
    assert "ix_step_outbox" in of_steps
    began = time.perf_counter()
    for _ in range(20):
        wake_due(site.hub)
    assert (time.perf_counter() - began) / 20 < 0.05


# ---- chores


def test_a_chore_that_hangs_holds_up_no_tick(started: Callable[[], Any], monkeypatch: pytest.MonkeyPatch) -> None:
    hangs = threading.Event()
    monkeypatch.setattr(clock, "compare_subscriptions", lambda *_: hangs.wait(10))
    monkeypatch.setattr(clock, "CHORE_SECONDS", 0.01)
    ticking = started()
    servers.until(lambda: ticking.ticks > 20, 5)
    ticking.stop()
    hangs.set()


def test_a_chore_that_fails_is_told_without_its_words_and_the_next_is_done(
    started: Callable[[], Any], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    done = threading.Event()

    def failing(hub: Hub) -> None:
        raise ValueError("ada@example.com")

    monkeypatch.setattr(retention, "sweep", failing)
    monkeypatch.setattr(clock, "compare_subscriptions", lambda *_: done.set())
    with caplog.at_level(logging.WARNING, "hub.clock"):
        started()
        assert done.wait(5)
    assert caplog.messages[0] == "retention: ValueError; it is done again when it comes round."
    assert "ada" not in caplog.text


def test_chores_come_round_each_in_its_time_and_none_twice_at_once(site: Site, woken: list[str]) -> None:
    site.hub.clock = FrozenClock()
    made = Clock(site.hub)

    def asked_for() -> set[str]:
        made.tick()
        names = set()
        while not made._chores.empty():
            name, _ = made._chores.get() or ("", None)
            assert name not in names
            names.add(name)
        return names - {"nothing kept", "tasks", "disk", "schedules", "schedules kept"}

    assert asked_for() == {"privacy", "retention", "silence", "notices", "logins", "subscriptions"}
    site.hub.clock.advance(clock.DAY)
    assert asked_for() == set(), "The first ones are not done yet."
    made._asked.clear()
    assert asked_for() == {"privacy", "retention", "silence", "notices", "logins", "subscriptions"}
    made._asked.clear()
    site.hub.clock.advance(59)
    assert asked_for() == set()
    site.hub.clock.advance(1)
    assert asked_for() == {"privacy", "retention", "silence", "notices", "logins"}
