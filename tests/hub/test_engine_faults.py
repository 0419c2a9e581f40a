"""A run that is broken breaks alone: whatever is in its event, its journal or its recipe, the other runs go on."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from hub import Event, Rejected, Steps, recipe, schema, wait_for
from tests import telling
from tests.webhooks.told import read
from tests.world import World, tell

EMAIL = "ada@example.com"
DAMAGED = b"\x01" + bytes(40)
ODD = ["a zero \0 byte", "half a \ud83d character"]


class Unspeakable:
    def __str__(self) -> str:
        raise KeyError(EMAIL)


def throw(says: str) -> Any:
    raise Rejected(says)


ENDS: dict[str, Callable[[str], Any]] = {"says": str, "throws": throw, "is odd": lambda says: Unspeakable()}
ENDS["exits"] = sys.exit


@recipe(on=telling.happened, title="Quote")
def quote(event: Event) -> Steps:
    """Does one thing, and ends as its event says."""
    yield telling.do(event.data["says"])
    return ENDS[event.data["how"]](event.data["says"])


@recipe(on=telling.happened, title="Wait")
def waiter(event: Event) -> Steps:
    """Waits for an end."""
    yield telling.do("before")
    found = yield wait_for(telling.ended, timeout=timedelta(days=2))
    return "it ended" if found else "it did not end"


@pytest.fixture
def use(world: World, monkeypatch: pytest.MonkeyPatch) -> Callable[[Any], None]:
    def use(made: Any) -> None:
        world.turn_on(monkeypatch, made)

    return use


def deliver(world: World, *events: dict[str, Any], kind: str = "happened") -> None:
    """Tells of these, the first about Ada, the others about others."""
    (connection,) = world.hub.connections.list(world.workspace)
    told = [
        {"type": kind, "id": f"{kind} {n}", "email": f"p{n}@example.com" if n else EMAIL, "data": data}
        for n, data in enumerate(events)
    ]
    world.deliver(connection, tell(events=told))


def happen(world: World, *events: dict[str, Any], kind: str = "happened") -> None:
    """Lets these happen; ends when nothing is left to do."""
    deliver(world, *events, kind=kind)
    world.settle()


def damage(world: World, table: sa.Table, where: Any, **values: Any) -> None:
    with world.hub.database.write() as connection:
        assert connection.execute(sa.update(table).where(where).values(**values)).rowcount == 1


def ends(world: World) -> list[tuple[str, str | None]]:
    """How the runs ended, Ada's first."""
    return [(run.state, run.reason) for run in world.runs]


@pytest.mark.parametrize("says", ODD)
@pytest.mark.parametrize("how", ENDS)
def test_however_a_recipe_ends_no_other_run_is_held_up(world: World, use: Any, how: str, says: str) -> None:
    use(quote)
    happen(world, {"how": how, "says": says}, {"how": "says", "says": "fine"})
    (state, reason), other = ends(world)
    assert state == ("done" if how == "says" else "failed")
    assert reason and "\0" not in reason and "\ud83d" not in reason
    assert other == ("done", "fine")


@pytest.mark.parametrize("how", ["says", "throws"])
def test_what_a_recipe_ends_with_is_kept_without_saying_who(world: World, use: Any, how: str) -> None:
    use(quote)
    happen(world, {"how": how, "says": f"No list for {EMAIL}."})
    assert ends(world) == [("done" if how == "says" else "failed", "No list for ….")]


@pytest.mark.parametrize("what", ["answer", "refusal"])
def test_a_run_whose_journal_cannot_be_read_is_held_alone(world: World, use: Any, what: str) -> None:
    use(waiter)
    happen(world, {}, {})
    ada = world.runs[0]
    sealed = DAMAGED
    if what == "refusal":
        with world.hub.database.read() as connection:
            sealer = world.hub.people.sealer(connection, world.workspace, ada.person_id)
        assert sealer is not None
        sealed = sealer.seal(b'{"words": "of another release"}', f"step {ada.id} 0 answer")
        damage(world, schema.step, (schema.step.c.run_id == ada.id) & (schema.step.c.position == 0), state="refused")
    damage(world, schema.step, (schema.step.c.run_id == ada.id) & (schema.step.c.position == 0), answer=sealed)
    happen(world, {}, {}, kind="ended")
    (state, reason), other = ends(world)
    says = {"answer": "A sealed value could not be opened", "refusal": "Step 1 of the run's journal cannot be read"}
    assert state == "held" and str(reason).startswith(says[what])
    assert other == ("done", "it ended")


def test_a_run_that_waits_for_an_event_that_cannot_be_opened_is_held_alone(world: World, use: Any) -> None:
    use(waiter)
    happen(world, {}, {})
    ada, grace = world.runs
    deliver(world, {}, {}, kind="ended")
    assert read(world.hub) == 1
    table = schema.event
    damage(world, table, (table.c.type == "telling.ended") & (table.c.person_id == ada.person_id), content=DAMAGED)
    world.settle()
    (state, reason), other = ends(world)
    assert state == "held" and str(reason).startswith("A sealed value could not be opened")
    assert other == ("done", "it ended")
    assert grace.person_id != ada.person_id
