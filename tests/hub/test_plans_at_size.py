"""Whatever the hub asks its database, an index leads to it, however much is kept: no large table is read through.

Everything that comes round, and the way of an event from the door to its end, on top of much history and many sleepers.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import sqlalchemy as sa

from hub import Event, Steps, clock, recipe, retention, silence, tasks, wait_for
from hub.outbox.standing import has_work
from hub.retention.disk import make_room
from tests import telling
from tests.hub.bulk import Bulk
from tests.world import World, tell

MANY = 20_000

LARGE = {
    "run",
    "step",
    "event",
    "delivery",
    "waiter",
    "person",
    "identity",
    "consent",
    "seen_key",
    "once_key",
    "echo",
    "erasure",
    "privacy_request",
    "task",
    "connection",
}

FEW = {
    "ix_delivery_new",
    "ix_step_outbox",
    "ix_step_claimed",
    "ix_privacy_request_open",
    "ix_privacy_request_ready",
    "ix_task_going",
}
"""Indexes over the few rows that wait for something: these may be read through."""


@recipe(on=telling.happened, title="Do one thing", once_per="person", stop_when=telling.ended)
def one_thing(event: Event) -> Steps:
    """Does one thing, waits, and does another one."""
    yield telling.do("first")
    yield wait_for(telling.ended, timeout=event.at - event.at)
    yield telling.send("+14155550100", "second", purpose="transactional")


@contextmanager
def asked(world: World) -> Iterator[dict[str, Any]]:
    """What is sent to the database meanwhile, each statement with the values of its first time."""
    seen: dict[str, Any] = {}

    def note(_: Any, __: Any, statement: str, parameters: Any, *___: Any) -> None:
        first = parameters[0] if isinstance(parameters, list) else parameters
        if statement.lstrip("( ").startswith(("SELECT", "UPDATE", "DELETE", "WITH")):
            seen.setdefault(statement, first)

    engine = world.hub.database.engine
    sa.event.listen(engine, "before_cursor_execute", note)
    yield seen
    sa.event.remove(engine, "before_cursor_execute", note)


def read_through(world: World, statements: dict[str, Any]) -> list[str]:
    """The statements for which the database would read a large table from its beginning to its end, and its plans."""
    explain = "EXPLAIN QUERY PLAN " if world.hub.database.is_sqlite else "EXPLAIN "
    found = []
    with world.hub.database.engine.connect() as database:
        if not world.hub.database.is_sqlite:
            # What is chosen depends on a sample of the rows: here it counts that there is a way through indexes.
            database.exec_driver_sql("SET LOCAL enable_seqscan = off")
        for statement, parameters in statements.items():
            plan = [str(row[-1]) for row in database.exec_driver_sql(explain + statement, parameters)]
            takes_the_first = "WHERE" not in statement and "ORDER BY" in statement and "LIMIT" in statement
            if not takes_the_first and any(_is_through(line) for line in plan):
                found.append("\n".join([statement, *plan]))
    return found


def _is_through(line: str) -> bool:
    words = line.replace("->", "").split()
    if words[:1] == ["SCAN"]:  # SQLite: with an index that is read through, or with none
        return words[1] in LARGE | {"earlier"} and not FEW.intersection(words)
    return words[:2] == ["Seq", "Scan"] and words[3] in LARGE


@pytest.fixture
def full(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    connection = world.turn_on(monkeypatch, one_thing)
    bulk = Bulk(world, connection.id)
    bulk.history(MANY)
    bulk.sleeping(MANY)
    bulk.connections(1_000)
    bulk.analyze()
    return world


def test_no_plan_reads_a_large_table_through(full: World) -> None:
    (connection,) = full.hub.connections.list(full.workspace)
    full.hub.workspaces.keep_days(full.workspace, 0)
    with asked(full) as statements:
        yes = {"channel": "email", "address": "ada@example.com", "given": True}
        told = {"type": "happened", "email": "ada@example.com", "data": {}, "consents": [yes], "echo": "e"}
        full.deliver(connection, tell(events=[told | {"id": "1"}, told | {"id": "2"}]), {"key": "d-1"})
        full.settle()
        has_work(full.hub, connection.id)
        assert telling.provider.done[0] == ("do", {"what": "first"})
        assert clock.wake_due(full.hub) == []
        retention.sweep_at_once(full.hub)
        retention.sweep(full.hub)
        full.hub.privacy.act()
        silence.look(full.hub)
        assert tasks.begin(full.hub, full.workspace, None, "retry", "failed", "one_thing") is None
        assert tasks.go_on(full.hub) == 0
        full.hub.enabled.refresh()
        clock.compare_subscriptions(full.hub)
        if full.hub.database.is_sqlite:
            retention.Disk(full.hub).look()
            make_room(full.hub, 0)
    of_the_test = ("sum(step.attempts)", "step.ended_at IS NOT NULL")
    mine = {said: values for said, values in statements.items() if not any(words in said for words in of_the_test)}
    assert len(mine) > 60
    assert not "\n\n".join(read_through(full, mine))
