"""Failed calls are tried again, lost logins are asked for, and nothing is lost meanwhile. With recipes and runs."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from threading import Event
from typing import Any

import pytest

from hub import NotAuthorized, Rejected, ServiceDown, schema
from hub.connections import NEEDS_LOGIN, READY, Connection
from hub.errors import SetupError
from hub.runs import cancel
from tests import telling
from tests.hub.outbox.desk import Desk, Slow
from tests.hub.outbox.recipes import ask
from tests.threads import in_a_thread
from tests.world import World

Happen = Callable[..., None]


@pytest.fixture
def happen(world: World, monkeypatch: pytest.MonkeyPatch) -> Happen:
    """Lets something happen to Ada, whose run asks for the given steps."""
    connection = world.turn_on(monkeypatch, ask)
    keys = iter(range(1000))

    def happen(*steps: tuple[str, dict[str, Any]], email: str = "ada@example.com", at: Connection = connection) -> None:
        world.hear("happened", str(next(keys)), email, account=at, ask=steps)
        world.settle()

    return happen


def account(world: World) -> Any:
    return world.rows(schema.connection)[0]


def did(world: World) -> list[Any]:
    return [inputs["what"] for _, inputs in telling.provider.done]


def fine(name: str, inputs: dict[str, Any]) -> Any:
    return {}


def test_a_service_that_is_down_for_a_day_loses_nothing(world: World, happen: Happen) -> None:
    telling.provider.answer = lambda name, inputs: ServiceDown()
    for n in range(3):
        happen(("do", {"what": n}), email=f"{n}@example.com")
    for _ in range(24):
        world.pass_time(timedelta(hours=1))
    assert {run.state for run in world.runs} == {"waiting"}
    assert 15 <= telling.provider.number <= 100
    telling.provider.answer = fine
    for _ in range(3):
        world.pass_time(timedelta(minutes=15))
    assert {run.state for run in world.runs} == {"done"}
    assert sorted(did(world)) == [0, 1, 2]
    assert account(world).failures == 0


def test_after_three_days_the_recipe_is_told_why(world: World, happen: Happen) -> None:
    telling.provider.answer = lambda name, inputs: ServiceDown("Nobody is here.")
    happen(("do", {"what": "it"}), ("do", {"what": "other"}))
    world.pass_time(timedelta(days=2, hours=23))
    assert world.runs[0].state == "waiting"
    telling.provider.answer = lambda name, inputs: {} if inputs["what"] == "other" else ServiceDown("Nobody is here.")
    world.pass_time(timedelta(hours=2))
    (run,) = world.runs
    said = "It was tried for three days without success. The last answer: Nobody is here."
    assert (run.state, run.reason) == ("done", f"refused: {said} · did 0")
    assert world.steps(run.id)[0].reason == said


def test_a_pause_that_the_provider_asks_for_is_kept(world: World, happen: Happen) -> None:
    telling.provider.answer = lambda name, inputs: ServiceDown(after=600.0)
    happen(("do", {"what": "it"}))
    telling.provider.answer = fine
    world.pass_time(timedelta(seconds=599))
    assert did(world) == []
    world.pass_time(timedelta(seconds=1))
    assert did(world) == ["it"]


def test_while_an_account_rests_a_persons_later_runs_pass_on_other_accounts(
    world: World, happen: Happen, monkeypatch: pytest.MonkeyPatch
) -> None:
    telling.provider.answer = lambda name, inputs: ServiceDown() if inputs["what"] == "dead" else {}
    happen(("do", {"what": "dead"}))
    for _ in range(8):
        world.pass_time(timedelta(seconds=40))
    assert account(world).paused_until > world.clock.now()
    happen(("do", {"what": "dead"}))
    other = world.connect("telling", account="b")
    world.enable("ask", telling=other.id)
    happen(("do", {"what": "alive"}), at=other)
    assert did(world) == ["alive"]


def lost_login(name: str, inputs: dict[str, Any]) -> Any:
    return NotAuthorized(f"The token of {inputs['what']} is not valid any more.")


def log_in_again(world: World) -> Connection:
    world.clock.advance(1.0)
    return world.connect("telling", account="a")


def test_a_lost_login_is_asked_for_and_everything_waits_for_it(world: World, happen: Happen) -> None:
    telling.provider.answer = lost_login
    for n in range(6):
        happen(("do", {"what": f"Ada Lovelace {n}"}), email=f"{n}@example.com")
    calls = telling.provider.number
    assert calls == 1
    assert (account(world).state, account(world).reason) == (NEEDS_LOGIN, "The token of … is not valid any more.")
    assert {run.state for run in world.runs} == {"waiting"}
    world.pass_time(timedelta(days=5))
    assert telling.provider.number == calls
    telling.provider.answer = fine
    log_in_again(world)
    world.settle()
    assert (account(world).state, account(world).reason) == (READY, None)
    assert {run.state for run in world.runs} == {"done"}
    assert len(did(world)) == 6


def test_a_login_that_was_renewed_while_a_call_was_on_its_way_stays(world: World, happen: Happen) -> None:
    desk, came, goes_on = Desk(world), Event(), Event()

    def answer(name: str, inputs: dict[str, Any]) -> Any:
        if came.is_set():
            return {}
        came.set()
        assert goes_on.wait(10)
        return lost_login(name, inputs)

    telling.provider.answer = answer
    run = desk.put(telling.do("it"))
    with in_a_thread(desk.drain):
        assert came.wait(10)
        log_in_again(world)
        goes_on.set()
    assert (account(world).state, account(world).reason) == (READY, None)
    assert (desk.of(run).state, desk.did) == ("done", ["it"])


def test_what_is_switched_off_while_steps_wait_leaves_no_more(world: World) -> None:
    desk, slow = Desk(world), Slow()
    telling.provider.answer = slow
    desk.put_all([[telling.do(n)] for n in range(50)])
    with in_a_thread(desk.drain):
        slow.until_called()
        world.hub.connections.disconnect(desk.connection.id)
        slow.go_on()
    assert len(desk.did) <= 4
    assert desk.states().count("waiting") == 50 - len(desk.did)


@pytest.mark.parametrize(
    ("failure", "says"),
    [
        (SetupError("The shop secret-token-1 is not one."), "The shop … is not one."),
        (TypeError("an unexpected argument: secret-token-1"), "The account cannot be used (TypeError)."),
    ],
)
def test_an_account_that_makes_no_client_any_more_is_asked_for(
    world: World, monkeypatch: pytest.MonkeyPatch, failure: Exception, says: str
) -> None:
    def fails(connection: Connection) -> Any:
        raise failure

    desk = Desk(world)
    monkeypatch.setattr(Connection, "told_to_nobody", ["secret-token-1"])
    run = desk.put(telling.do("it"))
    with monkeypatch.context() as patch:
        patch.setattr(world.hub.connections, "client", fails)
        desk.drain()
    assert (account(world).state, account(world).reason) == (NEEDS_LOGIN, says)
    assert desk.of(run).run_state == "waiting"
    log_in_again(world)
    desk.drain()
    assert desk.of(run).state == "done"


def test_a_run_that_is_cancelled_while_its_step_waits_sends_nothing(world: World, happen: Happen) -> None:
    telling.provider.answer = lambda name, inputs: ServiceDown()
    happen(("do", {"what": "it"}))
    cancel(world.workspace, world.hub, world.runs[0].id)
    telling.provider.answer = fine
    world.pass_time(timedelta(days=1))
    assert did(world) == []
    assert world.steps(world.runs[0].id)[0].state == "dropped"


def test_what_comes_back_of_a_cancelled_run_is_written_down_and_nothing_follows(world: World) -> None:
    assert during_a_call(world, {"id": "x"}) == ("done", ["it"])


def test_what_failed_of_a_cancelled_run_is_not_tried_again(world: World) -> None:
    assert during_a_call(world, ServiceDown()) == ("dropped", [])


def during_a_call(world: World, answer: Any) -> tuple[str, list[Any]]:
    """Cancels a run while its call is on its way; gives its step's state and what was done, a day later."""
    desk, slow = Desk(world), Slow(answer)
    telling.provider.answer = slow
    run = desk.put(telling.do("it"))
    with in_a_thread(desk.drain):
        slow.until_called()
        assert cancel(world.workspace, world.hub, run) == 0
        slow.go_on()
    telling.provider.answer = fine
    desk.later(days=1)
    became = desk.of(run)
    assert (became.run_state, became.run_due) == ("stopped", False)
    return became.state, desk.did


def test_an_exit_while_a_call_is_on_its_way_ends_the_run_and_keeps_what_came_back(world: World, happen: Happen) -> None:
    def answer(name: str, inputs: dict[str, Any]) -> Any:
        telling.provider.answer = fine
        world.hear("ended", "end")
        return {}

    telling.provider.answer = answer
    happen(("do", {"what": 1}), ("do", {"what": 2}))
    (run,) = world.runs
    assert (run.state, run.reason) == ("stopped", "Ended by telling.ended.")
    assert [step.state for step in world.steps(run.id)][0] == "done"


def test_a_refusal_is_thrown_into_the_recipe_with_its_reason(world: World, happen: Happen) -> None:
    telling.provider.answer = lambda name, inputs: Rejected("No.") if inputs["what"] == 1 else {}
    happen(("do", {"what": 1}), ("do", {"what": 2}))
    assert world.runs[0].reason == "refused: No. · did 0"
