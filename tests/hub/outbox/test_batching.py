"""Steps leave at once when it is quiet, and together when it is busy."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from threading import Event
from typing import Any

import pytest
import sqlalchemy as sa

from hub import OutcomeUnknown, Rejected, TryLater, schema
from hub.outbox import Poke
from hub.outbox.backlog import Backlog
from hub.outbox.flight import AHEAD
from tests import telling
from tests.hub.outbox.desk import ON_SQLITE, Desk, Slow
from tests.servers import until
from tests.telling import gather
from tests.threads import in_a_thread


def sizes(desk: Desk) -> list[int]:
    return [size for name, size in desk.provider.calls if name == "gather"]


def test_the_first_step_leaves_alone_and_what_arrives_meanwhile_goes_together(desk: Desk) -> None:
    poke, slow = Poke(), Slow()
    desk.provider.answer = slow
    desk.put(gather("first"))
    with in_a_thread(lambda: desk.drain(poke=poke)):
        slow.until_called()
        desk.put_all([[gather(n)] for n in range(7)])
        poke.look()
        slow.go_on()
    assert sizes(desk) == [1, 7]
    assert desk.did == ["first", *range(7)]


@ON_SQLITE
def test_a_thousand_steps_with_a_limit_of_a_hundred_need_ten_calls(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gather, "batch_limit", 100)
    desk.put_all([[gather(n)] for n in range(1000)])
    desk.drain()
    assert sizes(desk) == [100] * 10
    assert sorted(desk.did) == list(range(1000))
    assert set(desk.states()) == {"done"}


def test_more_steps_than_are_read_at_once_all_leave(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hub.outbox.backlog.PAGE", 7)
    desk.put_all([[telling.do(n)] for n in range(40)])
    desk.drain()
    assert sorted(desk.did) == list(range(40))


def test_only_steps_that_share_the_inputs_they_are_batched_by_go_together(desk: Desk) -> None:
    desk.put_all([[gather(n, place="there" if n % 3 else "here")] for n in range(9)])
    desk.drain()
    assert sorted(sizes(desk)) == [3, 6]


def test_the_order_of_a_persons_steps_is_kept_within_a_call(desk: Desk) -> None:
    desk.put(*(gather(n) for n in range(8)))
    desk.drain()
    assert desk.did == list(range(8))


def test_each_member_of_a_batch_has_an_outcome_of_its_own(desk: Desk) -> None:
    def answer(name: str, inputs: dict[str, Any]) -> Any:
        told: dict[str, Any] = {"bad": Rejected("no", status=400, code="E7"), "busy": TryLater("later")}
        return told.get(inputs["what"], {"id": inputs["what"]})

    desk.provider.answer = answer
    good, bad, busy, other = desk.put_all([[gather(what)] for what in ("good", "bad", "busy", "other")])
    desk.drain()
    assert sizes(desk) == [4]
    assert desk.of(good).answer == {"id": "good"} and desk.of(other).answer == {"id": "other"}
    assert desk.of(bad).answer == {"message": "no", "status": 400, "code": "E7"}
    assert (desk.of(busy).state, desk.of(busy).run_state) == ("waiting", "waiting")
    assert desk.of(good).run_due and desk.of(bad).run_due and not desk.of(busy).run_due


def test_an_answer_for_fewer_members_than_were_asked_says_so_and_nothing_is_lost(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    many: Callable[..., Sequence[Any]] = telling.gather_many
    monkeypatch.setattr(gather, "many", lambda client, calls: many(client, calls)[:-1])
    runs = desk.put_all([[gather(n)] for n in range(3)])
    desk.drain()
    assert desk.of(runs[0]).reason == "telling.gather answered for 2 of 3 members of its batch."
    monkeypatch.setattr(gather, "many", many)
    desk.later(minutes=1)
    assert desk.states() == ["done"] * 3


def test_a_failure_of_the_whole_call_is_the_outcome_of_each_member(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(client: Any, calls: Any) -> Any:
        raise OutcomeUnknown("no answer")

    many = gather.many
    monkeypatch.setattr(gather, "many", fail)
    runs = desk.put_all([[gather(n)] for n in range(3)])
    desk.drain()
    assert {desk.of(run).reason for run in runs} == {"no answer"}
    monkeypatch.setattr(gather, "many", many)
    desk.later(minutes=1)
    assert desk.states() == ["done"] * 3


@ON_SQLITE
def test_a_connector_that_changes_what_it_is_given_changes_no_step(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def take(client: Any, calls: Sequence[dict[str, Any]]) -> Any:
        whats = [call.pop("what") for call in calls]
        return [Rejected(f"{what} is not known") for what in whats]

    monkeypatch.setattr(gather, "many", take)
    run = desk.put(gather("Ada Lovelace"))
    desk.drain()
    assert desk.of(run).reason == "… is not known"


def test_an_urgent_message_leaves_before_a_thousand_that_wait(desk: Desk) -> None:
    poke, slow = Poke(), Slow()
    desk.provider.answer = slow
    desk.put_all([[telling.do(n)] for n in range(1000)])
    with in_a_thread(lambda: desk.drain(poke=poke)):
        slow.until_called()
        desk.put(telling.send("+14155550100", "Your order is on its way", purpose="transactional"))
        poke.look()
        slow.go_on()
        until(lambda: desk.provider.number > 40)
        assert "Your order is on its way" in desk.did[: 4 * (AHEAD + 2)], "Four threads, and what they had claimed."


@ON_SQLITE
def test_a_holder_looks_by_itself_for_what_nobody_told_it(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hub.outbox.holder.LOOK_SECONDS", 0.01)
    came, goes_on = Event(), Event()

    def answer(name: str, inputs: dict[str, Any]) -> Any:
        if inputs["what"] == "first":
            came.set()
            assert goes_on.wait(10)
        return {}

    desk.provider.answer = answer
    desk.put(telling.do("first"))
    with in_a_thread(desk.drain):
        assert came.wait(10)
        desk.put(telling.do("second"))
        desk.world.clock.advance(1.0)
        until(lambda: desk.did == ["second"])
        goes_on.set()


def test_an_older_step_that_waits_again_goes_before_what_came_after_it(desk: Desk) -> None:
    backlog = Backlog(desk.hub, desk.world.workspace, desk.connection.id)
    newer = desk.put(telling.do("newer"))
    backlog.fill()
    older = desk.put(telling.do("older"))
    with desk.hub.database.write() as database:
        database.execute(sa.update(schema.step).where(schema.step.c.run_id == older).values(asked_at=1))
    backlog.look()
    backlog.fill()
    order = []
    while call := backlog.next(set(), set()):
        backlog.take(call)
        order += [step.name[0] for step in call.steps]
    assert order == [older, newer]
    assert len(backlog) == 0
