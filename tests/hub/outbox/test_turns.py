"""What a holder of an account does between its calls: what cannot leave, and what may not yet, keeps nobody waiting."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from itertools import count
from typing import Any

import pytest
import sqlalchemy as sa

from hub import Limit, RateLimited, schema
from hub.outbox import Poke
from hub.timing import to_ms
from tests import telling
from tests.hub.outbox.desk import ON_SQLITE, Desk
from tests.moments import at_moment
from tests.servers import until
from tests.threads import in_a_thread


@ON_SQLITE
def test_many_that_cannot_be_opened_keep_nobody_waiting(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hub.outbox.holder.LOOK_SECONDS", 60.0)
    monkeypatch.setattr("hub.outbox.backlog.PAGE", 5)
    desk.hub.linger_seconds = 60.0
    desk.put_all([[telling.do(n)] for n in range(60)])
    with desk.hub.database.write() as database:
        database.execute(sa.update(schema.step).values(action="telling.gone"))
    last, ends, poke = desk.put(telling.do("last")), threading.Event(), Poke()
    with in_a_thread(lambda: desk.drain(poke=poke, stopping=ends.is_set)):
        until(lambda: desk.of(last).state == "done")
        ends.set()
        poke.look()
    assert desk.states().count("refused") == 60


@ON_SQLITE
def test_calls_that_leave_together_and_come_too_fast_together_are_one_reason_to_slow_down(desk: Desk) -> None:
    together = threading.Barrier(4)

    def answer(name: str, inputs: dict[str, Any]) -> Any:
        together.wait(10)  # else the first one's answer would keep back the others
        return RateLimited()

    desk.provider.answer = answer
    desk.put_all([[telling.do(n)] for n in range(4)])
    desk.drain()
    assert desk.provider.number == 4
    desk.provider.answer = lambda name, inputs: {}
    desk.later(seconds=2)
    assert sorted(desk.did) == list(range(4))


def test_a_day_that_is_found_used_up_is_noted_though_nothing_was_called(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(telling.connector, "limit", Limit(daily=1))
    desk.put(telling.do("first"))
    desk.drain()
    assert (desk.did, desk.account.paused_until) == (["first"], None)
    late, turns = desk.put(telling.do("second")), iter([False] * 100)
    desk.drain(stopping=lambda: next(turns))  # it ends by itself
    assert desk.did == ["first"]
    assert desk.account.paused_until == to_ms(datetime(2026, 11, 23, tzinfo=UTC))
    assert desk.of(late).run_state == "waiting"  # later runs of the same person pass


@pytest.mark.parametrize("before", ["nothing", "nudge", "look"])
def test_a_look_that_comes_at_any_moment_of_taking_an_earlier_one_is_seen(before: str) -> None:
    file = Poke.take.__code__.co_filename
    for moment in count():
        poke = Poke()
        {"nothing": lambda: None, "nudge": poke.nudge, "look": poke.look}[before]()
        came, taken = at_moment(moment, poke.take, poke.look, within=file, count="opcode")
        if not came:
            break
        assert taken or (poke.is_set and poke.take()), f"The look at moment {moment} was lost."
    assert moment > 5
