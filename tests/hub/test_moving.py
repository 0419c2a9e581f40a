"""Moving runs under way to edited code or other settings: what is done fits, or they stay with what they began with."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from hub import engine, schema
from hub.engine.moving import Verdict
from hub.errors import NotFound, ServiceDown
from tests import telling
from tests.carriers import ByThreads, Carrier
from tests.hub.test_versions import Shelf, shelf
from tests.world import World, happen

__all__ = ["shelf"]

DAYS = """
@recipe(on=telling.happened, title="Greet"{more})
def greet(event, *, word: str = "hello", days: int = 3):
    '''Greets, and some days later again.'''
    yield telling.do(word)
    yield sleep(days=days)
    yield telling.do(word + " again")
    return "greeted"
"""


def days(body: str = "", **more: str) -> str:
    """The recipe, with another body or more in its declaration."""
    source = DAYS.format(more="".join(f", {name}={value}" for name, value in more.items()))
    head, _, rest = source.partition("    yield")
    return head + body if body else head + "    yield" + rest


@pytest.fixture
def carrier() -> Carrier:
    return ByThreads()


@pytest.fixture
def edit(shelf: Shelf, world: World) -> Callable[..., None]:
    """Writes the recipe, and loads what is there as a start of the hub does."""

    def write(source: str) -> None:
        shelf.write("greet", source)
        shelf.load()

    return write


def begun(world: World, edit: Callable[[str], None], source: str | None = None, **settings: str) -> None:
    edit(days() if source is None else source)
    world.enable("greet", **settings)
    happen(world)


def move(world: World) -> list[tuple[str, str | None]]:
    before = world.runs
    looked = engine.look(world.hub, world.workspace, "greet")
    assert world.runs == before, "looking changes nothing"
    moved = engine.move(world.hub, world.workspace, "greet")
    assert moved == looked
    world.settle()
    return [(verdict.state, verdict.says) for verdict in moved]


def done() -> list[Any]:
    return [inputs["what"] for _, inputs in telling.provider.done]


def test_a_run_that_waits_moves_and_goes_on_with_the_new_text(world: World, edit: Any) -> None:
    begun(world, edit)
    edit(days().replace('" again"', '" once more"'))
    assert move(world) == [("moves", None)]
    world.pass_time(timedelta(days=3))
    assert done() == ["hello", "hello once more"]
    assert world.runs[0].state == "done"


@pytest.mark.parametrize(("length", "rest"), [(5, timedelta(days=4)), (2, timedelta(days=1)), (1, timedelta())])
def test_a_wait_that_changes_counts_from_when_the_first_one_began(
    world: World, edit: Any, length: int, rest: timedelta
) -> None:
    begun(world, edit)
    world.pass_time(timedelta(days=1))
    edit(days().replace("days=days", f"days={length}"))
    assert move(world) == [("moves", "Step 2 changes. If it is a wait again, it counts from when the first one began.")]
    if rest:
        world.pass_time(rest - timedelta(seconds=1))
        assert done() == ["hello"]
    world.pass_time(timedelta(seconds=2))
    assert done() == ["hello", "hello again"]


def test_a_run_moves_to_other_settings(world: World, edit: Any) -> None:
    begun(world, edit)
    world.enable("greet", days="7")
    assert move(world)[0][0] == "moves"
    world.pass_time(timedelta(days=6))
    assert done() == ["hello"]
    world.pass_time(timedelta(days=1, seconds=1))
    assert done() == ["hello", "hello again"]
    assert engine.look(world.hub, world.workspace, "greet") == []


def test_what_was_done_otherwise_cannot_move(world: World, edit: Any) -> None:
    begun(world, edit)
    world.enable("greet", word="ahoy")
    ((state, says),) = move(world)
    assert state == "cannot" and says is not None and says.startswith("Step 1 is telling.do with other inputs")
    world.pass_time(timedelta(days=3))
    assert done() == ["hello", "hello again"]


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("    yield sleep(days=days)\n", "Step 1 was telling.do before, and is sleep now."),
        ("    return\n    yield\n", "Step 1 is not asked for any more."),
        ("    1 / 0\n    yield\n", "The recipe failed with ZeroDivisionError in line 9."),
        ("    yield telling.do(word)\n    yield 5\n", "The recipe yielded a int. It may yield steps"),
    ],
)
def test_code_that_does_not_fit_moves_nobody(world: World, edit: Any, body: str, says: str) -> None:
    begun(world, edit)
    edit(days(body))
    ((state, why),) = move(world)
    assert state == "cannot" and why is not None and why.startswith(says)
    world.pass_time(timedelta(days=3))
    assert done() == ["hello", "hello again"]


def test_a_run_that_has_nothing_left_to_do_ends_at_once(world: World, edit: Any) -> None:
    begun(world, edit)
    edit(days("    yield telling.do(word)\n    return 'once is enough'\n"))
    assert move(world) == [("moves", "It ends at once.")]
    assert (world.runs[0].state, world.runs[0].reason) == ("done", "once is enough")
    world.pass_time(timedelta(days=9))
    assert done() == ["hello"]


def test_a_run_that_would_not_have_begun_stays(world: World, edit: Any) -> None:
    begun(world, edit)
    edit(days(filters="[big]").replace("@recipe", 'def big(event):\n    """It is big."""\n    return False\n\n@recipe'))
    assert move(world) == [("stays", "The new version would not have begun. Not so: It is big.")]
    world.pass_time(timedelta(days=3))
    assert done() == ["hello", "hello again"]


def test_a_run_of_another_event_stays(world: World, edit: Any) -> None:
    begun(world, edit)
    edit(days().replace("telling.happened", "telling.ended"))
    ((state, says),) = move(world)
    assert state == "stays" and says is not None and "does not begin with telling.happened" in says


def test_an_event_that_came_before_the_move_counts_as_an_exit_of_the_new_code(world: World, edit: Any) -> None:
    begun(world, edit)
    world.hear("ended", "2")
    world.settle()
    edit(days(stop_when="telling.ended").replace("days=days", "days=0"))
    assert move(world)[0][0] == "moves"
    assert (world.runs[0].state, done()) == ("stopped", ["hello"])


def test_an_event_that_came_before_the_move_answers_a_wait_of_the_new_code(world: World, edit: Any) -> None:
    begun(world, edit)
    world.hear("ended", "2")
    world.settle()
    edit(
        days(
            "    yield telling.do(word)\n"
            "    came = yield wait_for(telling.ended, timeout=timedelta(days=1))\n"
            "    yield telling.do('came' if came else 'did not come')\n"
        ).replace("@recipe", "from hub import wait_for\n\n@recipe")
    )
    assert move(world)[0][0] == "moves"
    assert done() == ["hello", "came"]


def test_a_step_that_is_about_to_leave_leaves_as_it_was_asked_for(world: World, edit: Any) -> None:
    telling.provider.answer = lambda name, inputs: ServiceDown("It is down.")
    begun(world, edit)
    assert (world.runs[0].state, done()) == ("waiting", [])
    edit(days().replace("do(word)", "do(word.upper())"))
    assert move(world) == [("stays", "Step 1, telling.do, is about to leave as it was asked for.")]


def test_a_run_that_is_put_off_moves_and_still_lets_later_ones_pass(world: World, edit: Any) -> None:
    telling.provider.answer = lambda name, inputs: ServiceDown("It is down.")
    begun(world, edit)
    edit(days().replace('" again"', '" once more"'))
    assert [verdict.state for verdict in engine.move(world.hub, world.workspace, "greet")] == ["moves"]
    assert world.runs[0].state == "waiting"
    telling.provider.answer = lambda name, inputs: None
    world.pass_time(timedelta(hours=1))
    world.pass_time(timedelta(days=3))
    assert done() == ["hello", "hello once more"]


def test_a_run_whose_recipe_failed_to_go_on_moves_to_the_repaired_code(world: World, edit: Any) -> None:
    begun(world, edit, days().replace('" again")', '" again")\n    yield 5'))
    world.pass_time(timedelta(days=3))
    assert world.runs[0].state == "held"
    edit(days())
    assert move(world) == [("moves", "It ends at once.")]
    assert (world.runs[0].state, world.runs[0].reason) == ("done", "greeted")
    assert done() == ["hello", "hello again"]


def test_a_run_whose_code_is_gone_moves(world: World, edit: Any) -> None:
    begun(world, edit)
    old = world.runs[0].version
    edit(days().replace('" again"', '" once more"'))
    world.enable("greet")
    with world.hub.database.write() as connection:
        connection.execute(sa.delete(schema.recipe_version).where(schema.recipe_version.c.hash == old))
    assert move(world) == [("moves", None)]
    world.pass_time(timedelta(days=3))
    assert done() == ["hello", "hello once more"]


def test_a_run_that_was_advanced_meanwhile_is_looked_at_again(world: World, edit: Any, monkeypatch: Any) -> None:
    begun(world, edit)
    edit(days().replace('" again"', '" once more"'))
    judge, times = engine.moving._judge, []

    def late(run: Any) -> Any:
        found = judge(run)
        if not times:
            world.pass_time(timedelta(days=3))  # the old code goes on between the look and the move
        times.append(found.verdict.state)
        return found

    monkeypatch.setattr(engine.moving, "_judge", late)
    engine.move(world.hub, world.workspace, "greet")
    world.settle()
    assert done() == ["hello", "hello again"]
    assert world.runs[0].state == "done"


def test_many_runs_are_moved_in_portions(world: World, edit: Any, monkeypatch: Any) -> None:
    edit(days())
    world.enable("greet")
    for number in range(7):
        happen(world, key=str(number), email=f"p{number}@example.com")
    edit(days().replace('" again"', '" once more"'))
    monkeypatch.setattr(engine.moving, "AT_ONCE", 3)
    after, found = 0, list[Verdict]()
    while some := engine.move(world.hub, world.workspace, "greet", after):
        found, after = found + some, some[-1].run_id
    assert [verdict.state for verdict in found] == ["moves"] * 7
    world.pass_time(timedelta(days=3))
    assert sorted(done()) == ["hello"] * 7 + ["hello once more"] * 7


def test_a_recipe_that_is_not_on_moves_nobody(world: World, edit: Any) -> None:
    edit(days())
    with pytest.raises(NotFound, match="not on"):
        engine.look(world.hub, world.workspace, "greet")
