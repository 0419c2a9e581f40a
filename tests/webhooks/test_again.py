"""Reading a delivery again, acting on an event again: what a person may ask for, and what happens only once."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
import sqlalchemy as sa

from hub import Event, Rejected, Steps, recipe, schema, sleep
from hub.delivery import Delivery
from hub.errors import NotFound
from hub.retention import sweep
from tests import telling
from tests.world import World, happen
from webhooks.again import NotAgain, read_again, start_again


def wants_data(event: Event) -> bool:
    """The event says something."""
    return bool(event.data)


@recipe(on=telling.happened, title="Greet", once_per="person")
def greet(event: Event) -> Steps:
    """Greets once per person."""
    yield telling.do("hello")
    return None


@recipe(on=telling.happened, title="Read", filters=[wants_data], stop_when=telling.ended)
def reading(event: Event) -> Steps:
    """Waits."""
    yield sleep(days=1)
    return None


@pytest.fixture
def told(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """A world in which an event came before any recipe was on."""
    world.use(monkeypatch, greet, reading)
    world.connect("telling", account="a")
    happen(world, n=1)
    return world


def event_id(world: World) -> int:
    return world.rows(schema.event)[0].id


def again(world: World) -> tuple[list[str], dict[str, str]]:
    done = start_again(world.workspace, world.hub, event_id(world))
    world.tick()
    return sorted(done.started), done.skipped


def test_an_event_starts_the_recipes_that_are_on_now(told: World) -> None:
    told.enable("greet")
    told.enable("reading")
    assert again(told) == (["greet", "reading"], {})
    assert sorted((run.recipe, run.state) for run in told.runs) == [("greet", "done"), ("reading", "waiting")]
    assert [row.type for row in told.rows(schema.waiter)] == ["telling.ended"]


def test_a_recipe_that_ran_for_the_event_does_not_run_twice(told: World) -> None:
    told.enable("greet")
    again(told)
    (run,) = told.runs
    assert again(told) == ([], {"greet": f"It ran for this event already: run {run.id} is done."})
    assert len(telling.provider.done) == 1


def test_a_run_that_failed_or_was_stopped_does_not_stand_in_the_way_and_neither_does_once_per(told: World) -> None:
    told.enable("greet")
    telling.provider.answer = lambda name, inputs: Rejected()
    again(told)
    assert told.runs[0].state == "failed"
    telling.provider.answer = lambda name, inputs: {"id": 1}
    assert again(told) == (["greet"], {})
    assert [run.state for run in told.runs] == ["failed", "done"]
    happen(told, key="2", n=1)
    assert len(told.runs) == 3, "a replay does not use the person's turn up: they come once by themselves"
    happen(told, key="3", n=1)
    assert len(told.runs) == 3


def test_a_recipe_that_does_not_want_the_event_says_why(told: World) -> None:
    told.enable("reading")
    with told.hub.database.write() as connection:
        connection.execute(sa.delete(schema.event))
    happen(told, key="2")
    assert again(told) == ([], {"reading": "Not so: The event says something."})


def test_an_event_that_nobody_listens_to_starts_nothing(told: World) -> None:
    assert again(told) == ([], {})


@pytest.mark.parametrize(("state", "says"), [("echo", "hub itself caused"), ("unknown", "does not know")])
def test_an_echo_and_an_unknown_event_start_nothing(told: World, state: str, says: str) -> None:
    told.enable("greet")
    with told.hub.database.write() as connection:
        connection.execute(sa.update(schema.event).values(state=state))
    with pytest.raises(NotAgain, match=says):
        again(told)
    assert told.runs == []


def test_an_event_whose_person_was_erased_starts_nothing(told: World) -> None:
    told.enable("greet")
    told.hub.privacy.erase(told.workspace, "ada@example.com")
    with pytest.raises(NotAgain, match="gone"):
        again(told)


def test_what_belongs_to_another_workspace_is_not_found(told: World) -> None:
    other = told.hub.workspaces.add("Other")
    with pytest.raises(NotFound):
        start_again(other, told.hub, event_id(told))
    with pytest.raises(NotFound):
        read_again(other, told.hub, told.rows(schema.delivery)[0].id)


# ---- deliveries


@pytest.fixture
def unreadable(told: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """A delivery that the connector could not read, before it was mended."""
    told.enable("greet")
    happen(told, "buggy", "2", n=1)
    read = telling.connector._functions["events"]

    def mended(delivery: Delivery) -> Iterator[Event]:
        body = delivery.body.replace(b"buggy", b"happened")
        yield from read(Delivery(delivery.method, delivery.url, delivery.headers, body, delivery.received_at))

    monkeypatch.setitem(telling.connector._functions, "events", mended)
    row = told.rows(schema.delivery)[-1]
    assert row.state == "unreadable"
    yield row.id


def test_a_delivery_is_read_again_after_the_connector_was_mended(told: World, unreadable: int) -> None:
    read_again(told.workspace, told.hub, unreadable)
    told.tick()
    row = told.rows(schema.delivery)[-1]
    assert (row.state, row.reason, row.events, row.content) == ("read", None, 1, None)
    assert [run.recipe for run in told.runs] == ["greet"]


def test_a_delivery_that_was_read_is_not_read_again(told: World, unreadable: int) -> None:
    read_again(told.workspace, told.hub, unreadable)
    with pytest.raises(NotAgain, match="about to be read"):
        read_again(told.workspace, told.hub, unreadable)
    told.tick()
    with pytest.raises(NotAgain, match="was read already"):
        read_again(told.workspace, told.hub, unreadable)


def test_a_delivery_whose_content_is_gone_is_not_read_again(told: World, unreadable: int) -> None:
    told.clock.advance(timedelta(days=told.workspace.retention_days + 1))
    sweep(told.hub)
    with pytest.raises(NotAgain, match="gone"):
        read_again(told.workspace, told.hub, unreadable)
