"""What the hub asks SQLite while it works is answered from an index, however much lies in the tables."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from hub import Event, OutcomeUnknown, Steps, clock, outbox, recipe, schema, together, wait_for
from tests import telling
from tests import world as world_module
from tests.hub.outbox.desk import ON_SQLITE
from tests.world import World, tell

pytestmark = ON_SQLITE

SMALL = {"workspace", "connection", "enabled_recipe", "hub_key", "lease", "recipe_version", "backup", "heard_hour"}
"""Tables with a row for each of what somebody set up."""

DUE = {"ix_delivery_new", "ix_run_due", "ix_step_outbox"}
"""Indexes that hold only what is to be done: reading all of one is reading no more than that."""


@recipe(on=telling.happened, title="Everything", stop_when=telling.ended, once_per="person")
def everything(event: Event) -> Steps:
    """Does a thing of each kind, and waits."""
    yield together([telling.do("it"), telling.gather("it"), telling.pay("it")])
    yield telling.send("+14155550100", "Hello", purpose="transactional")
    yield telling.name("it")
    yield wait_for(telling.ended, timeout=timedelta(days=1))


@pytest.fixture
def asked(world: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    """Everything that is asked, each statement with values of one time."""
    found: dict[str, Any] = {}
    counting: list[bool] = []
    moved = world_module._moved

    def count(hub: Any) -> int:  # it is the test's own question
        counting.append(True)
        try:
            return moved(hub)
        finally:
            counting.clear()

    def note(connection: Any, cursor: Any, statement: str, parameters: Any, context: Any, many: bool) -> None:
        if statement.startswith(("SELECT", "UPDATE", "DELETE")) and not counting:
            found.setdefault(statement, parameters[0] if many else parameters)

    monkeypatch.setattr(world_module, "_moved", count)
    sa.event.listen(world.hub.database.engine, "before_cursor_execute", note)
    yield found
    sa.event.remove(world.hub.database.engine, "before_cursor_execute", note)


def scans(world: World, asked: dict[str, Any]) -> list[str]:
    """Steps of plans that read the whole of a table that grows."""
    found = []
    with world.hub.database.engine.connect() as connection:
        for statement, parameters in dict(asked).items():
            for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters):
                step = re.match(r"SCAN (\w+)(?: AS \w+)?(?: USING (?:COVERING )?INDEX (\w+))?", row[-1])
                names = schema.metadata.tables.keys() - SMALL
                if step and (step[1] in names or step[1] == "earlier") and step[2] not in DUE:
                    found.append(f"{row[-1]}: {statement}")
    return found


def test_an_event_on_its_way_through_the_hub_reads_no_table_through(
    world: World, asked: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    connection = world.turn_on(monkeypatch, everything)
    telling.provider.answer = lambda name, inputs: {"member": "M7"}
    telling.provider.after = lambda name, inputs: OutcomeUnknown("lost") if name == "send" else None
    event = {"type": "happened", "id": "1", "email": "ada@example.com", "phone": "+14155550100", "echo": "x"}
    consent = {"channel": "email", "address": "ada@example.com", "given": True}
    world.deliver(connection, tell(events=[event | {"consents": [consent]}]), {"key": "d-1"})
    world.settle()
    world.pass_time(timedelta(minutes=1))
    world.deliver(connection, tell(events=[event | {"type": "ended", "id": "2"}]))
    world.settle()
    assert len(asked) > 30
    assert scans(world, asked) == []
    assert [run.state for run in world.runs] == ["stopped"]


@pytest.mark.parametrize("state", ["ready", "off"])
def test_looking_for_what_is_to_be_done_reads_no_table_through(world: World, asked: dict[str, Any], state: str) -> None:
    account = world.connect("telling", account="a").id
    world.hub.connections.set_state(account, state, None)
    asked.clear()
    clock.wake_due(world.hub)
    outbox.drain(world.hub, account)
    assert len(asked) > 5
    assert scans(world, asked) == []
