"""Two at once, on PostgreSQL: whoever comes second waits, and finds what the first one left."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from hub import Event, OutcomeUnknown, ServiceDown, Steps, engine, recipe, runs, schema, wait_for
from hub.core import Hub
from hub.recipe import Recipe
from hub.sealing import Keyring
from tests import telling
from tests.hub.locks import ON_POSTGRES, held_up, held_up_row, waiting
from tests.hub.outbox.desk import Desk
from tests.servers import until
from tests.webhooks.told import read
from tests.world import KEY, World, tell
from webhooks.again import start_again

pytestmark = ON_POSTGRES

ADA = "ada@example.com"
FRESH = "a fresh secret key for tests that is as long as it must be"


@recipe(on=telling.happened, title="Do one thing", stop_when=telling.ended)
def one_thing(event: Event) -> Steps:
    """Does one thing, unless it ends before."""
    yield telling.do("it")


@recipe(on=telling.happened, title="Ring and wait")
def ringer(event: Event) -> Steps:
    """Does something that nobody can find out about."""
    yield telling.ring("it")
    yield wait_for(telling.ended, timeout=timedelta(days=1))


@pytest.fixture
def database(world: World) -> Any:
    return world.hub.database


def on(world: World, monkeypatch: pytest.MonkeyPatch, made: Recipe) -> None:
    """Switches a recipe on, and tells of an event about Ada that nobody has read yet."""
    world.use(monkeypatch, made)
    connection = world.connect("telling", account="a")
    world.enable(made.name)
    world.deliver(connection, tell(events=[{"type": "happened", "id": "1", "email": ADA}]))


def erase(world: World) -> Any:
    return world.hub.privacy.erase(world.workspace, ADA)


# ---- erasing somebody while something about them is written


def test_an_erasure_waits_for_what_is_being_read_about_the_person(
    world: World, database: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    on(world, monkeypatch, one_thing)
    with held_up(database, "delivery") as start:
        reading = start(lambda: read(world.hub))
        erasing = start(lambda: erase(world))
        assert not reading.done()
    assert (reading.result(), erasing.result().runs) == (1, 1)
    assert [event.content for event in world.rows(schema.event)] == [None]
    assert [run.state for run in world.runs] == ["stopped"]


def test_an_erasure_waits_for_the_steps_that_are_being_written_down_for_the_person(
    world: World, database: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    on(world, monkeypatch, one_thing)
    read(world.hub)
    with held_up(database, "waiter") as start:
        deciding = start(lambda: engine.advance(world.hub))
        erasing = start(lambda: erase(world))
        assert not deciding.done()
    assert (deciding.result(), erasing.result().stopped) == (1, 1)
    (step,) = world.rows(schema.step)
    assert (step.state, step.inputs) == ("dropped", None)


def test_an_erasure_waits_for_a_run_that_a_person_starts_again(
    world: World, database: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    on(world, monkeypatch, one_thing)
    world.settle()
    (event,) = world.rows(schema.event)
    with world.hub.database.write() as connection:
        connection.execute(sa.update(schema.run).values(state="failed"))
    with held_up(database, "waiter") as start:
        again = start(lambda: start_again(world.workspace, world.hub, event.id))
        erasing = start(lambda: erase(world))
        assert not again.done()
    assert (len(again.result().started), erasing.result().runs) == (1, 2)
    assert [run.state for run in world.runs] == ["failed", "stopped"]


def test_an_answer_that_comes_back_just_as_its_person_is_erased_meets_no_deadlock(world: World, database: Any) -> None:
    faults: list[str] = []
    sa.event.listen(database.engine, "handle_error", lambda context: faults.append(str(context.original_exception)))
    desk, left = Desk(world), threading.Event()
    desk.provider.answer = lambda name, inputs: {"member": "M7"} if left.wait(10) else {}
    run_id = desk.put(telling.name("it"), person=desk.person(ADA))
    with ThreadPoolExecutor(1) as pool:
        calling = pool.submit(desk.drain)
        until(lambda: desk.of(run_id).state == "claimed")
        with held_up_row(database, run_id) as start:
            recording = start(lambda: (left.set(), calling.result()))
            erasing = start(lambda: erase(world))
            assert not recording.done() and not erasing.done()
        assert erasing.result().people == 1
    assert faults == []
    assert [(step.state, step.answer) for step in world.rows(schema.step)] == [("done", None)]
    assert world.rows(schema.identity) == []


# ---- two people, or a person and the hub


def test_what_comes_back_while_its_run_is_cancelled_does_not_leave_again(world: World, database: Any) -> None:
    desk, left = Desk(world), threading.Event()
    desk.provider.answer = lambda name, inputs: ServiceDown() if left.wait(10) else {}
    run = desk.put(telling.do("it"))
    with ThreadPoolExecutor(1) as pool:
        calling = pool.submit(desk.drain)
        until(lambda: desk.of(run).state == "claimed")
        with held_up(database, "waiter") as start:
            cancelling = start(lambda: runs.cancel(world.workspace, world.hub, run))
            recording = start(lambda: (left.set(), calling.result()))
            assert not cancelling.done() and not recording.done()
    assert cancelling.result() == 0
    assert desk.of(run).state == "dropped"
    desk.provider.answer = lambda name, inputs: {}
    desk.later(days=1)
    assert desk.did == []


def test_a_run_that_is_being_cancelled_is_not_let_go_on(
    world: World, database: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    telling.provider.answer = lambda name, inputs: OutcomeUnknown("no word")
    on(world, monkeypatch, ringer)
    world.settle()
    (run,) = world.runs
    assert run.state == "held"
    with held_up(database, "waiter") as start:
        cancelling = start(lambda: runs.cancel(world.workspace, world.hub, run.id))
        retrying = start(lambda: runs.retry(world.workspace, world.hub, run.id))
        assert not cancelling.done()
    cancelling.result()
    with pytest.raises(runs.NotPossible, match="stopped"):
        retrying.result()
    assert [run.state for run in world.runs] == ["stopped"]


def test_an_event_that_two_ask_to_act_on_again_starts_once(
    world: World, database: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.use(monkeypatch, one_thing)
    connection = world.connect("telling", account="a")
    world.deliver(connection, tell(events=[{"type": "happened", "id": "1"}]))  # about nobody
    world.settle()
    world.enable("one_thing")
    (event,) = world.rows(schema.event)
    with held_up(database, "run") as start:
        asked = [start(lambda: start_again(world.workspace, world.hub, event.id)) for _ in range(2)]
    assert sorted(len(one.result().started) for one in asked) == [0, 1]
    assert len(world.runs) == 1


def test_a_recipe_that_two_switch_on_at_once_is_on_once(
    world: World, database: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.use(monkeypatch, one_thing)
    world.connect("telling", account="a")
    with held_up(database, "enabled_recipe") as start:
        switching = [start(lambda: world.enable("one_thing")) for _ in range(2)]
    ids = {one.result() for one in switching}
    assert len(ids) == len(list(world.hub.enabled.of(world.workspace))) + 1 == 2


# ---- exchanging the hub's key


def opened_with_the_fresh_key(world: World) -> Hub:
    return Hub(replace(world.settings, secret_key=FRESH), clock=world.clock)


def test_a_workspace_that_is_added_while_the_key_is_exchanged_is_under_the_fresh_one(
    world: World, database: Any
) -> None:
    ring = Keyring([FRESH, KEY])
    with closing(Hub(replace(world.settings, secret_key=f"{FRESH},{KEY}"), clock=world.clock)) as other:
        with held_up(database, "recipe_version", "ACCESS EXCLUSIVE") as start:
            exchanging = start(lambda: world.hub.workspaces.rotate(ring))
            adding = start(lambda: other.workspaces.add("Another Bakery"))
            assert not exchanging.done()
        exchanging.result()
        assert adding.result().name == "Another Bakery"
    with closing(opened_with_the_fresh_key(world)) as hub:
        assert len(hub.workspaces.list()) == 2


def test_an_exchange_of_the_key_takes_along_a_workspace_that_is_just_being_added(world: World, database: Any) -> None:
    ring = Keyring([FRESH, KEY])
    with closing(world.another_hub()) as other, held_up(database, "workspace") as start:
        adding = start(lambda: world.hub.workspaces.add("Another Bakery"))
        exchanging = start(lambda: other.workspaces.rotate(ring))
        assert not adding.done()
    assert (adding.result().name, exchanging.result()) == ("Another Bakery", 2)
    with closing(opened_with_the_fresh_key(world)) as hub:
        assert len(hub.workspaces.list()) == 2


def test_a_recipe_that_is_switched_on_while_the_key_is_exchanged_is_kept_under_the_fresh_one(
    world: World, database: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    ring, reached, goes_on = Keyring([FRESH, KEY]), threading.Event(), threading.Event()
    world.use(monkeypatch, one_thing, ringer)
    world.connect("telling", account="a")
    world.enable("ringer")
    wrap = ring.current.wrap

    def wraps(key: bytes, about: str) -> bytes:
        if about.startswith("recipe ringer"):  # it has read which code there is
            reached.set()
            assert goes_on.wait(10)
        return wrap(key, about)

    monkeypatch.setattr(ring.current, "wrap", wraps)
    both = replace(world.settings, secret_key=f"{FRESH},{KEY}")
    with closing(Hub(both, clock=world.clock)) as other, ThreadPoolExecutor(2) as pool:
        exchanging = pool.submit(world.hub.workspaces.rotate, ring)
        assert reached.wait(10)
        switching = pool.submit(other.enabled.enable, world.workspace, "one_thing", {})
        until(lambda: waiting(database), says="That it waits")
        goes_on.set()
        exchanging.result()
        switching.result()
    with closing(opened_with_the_fresh_key(world)) as hub:
        key = hub.workspaces.hub_key()
        kept = world.rows(schema.recipe_version)
        assert len(kept) == 2
        assert all(key.unwrap(row.source, f"recipe {row.recipe} {row.hash}") for row in kept)
