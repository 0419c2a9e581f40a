"""Asking the provider whether a call happened: one question at a time, and about no time before the call."""

from __future__ import annotations

from datetime import datetime, timedelta
from threading import Event
from typing import Any

import pytest

from hub import OutcomeUnknown
from hub.outbox import Poke
from hub.outbox.holder import CLOCKS_DIFFER
from hub.timing import to_ms
from tests import telling
from tests.hub.outbox.desk import ON_SQLITE, Desk
from tests.servers import until
from tests.threads import in_a_thread


@ON_SQLITE
def test_while_it_is_asked_whether_a_message_left_it_is_not_asked_again(desk: Desk) -> None:
    asked, goes_on, poke = Event(), Event(), Poke()

    def looks() -> None:
        asked.set()
        assert goes_on.wait(10)

    def answer(name: str, inputs: dict[str, Any]) -> Any:
        return {} if asked.is_set() else OutcomeUnknown("lost on its way")

    desk.provider.answer, desk.provider.looks = answer, looks
    run = desk.put(telling.send("+14155550100", "Hello Ada", purpose="transactional"))
    desk.drain()
    desk.world.clock.advance(10.0)
    with in_a_thread(lambda: desk.drain(poke=poke)):
        assert asked.wait(10)
        for n in range(3):
            marker = desk.put(telling.do(n))
            poke.look()
            until(lambda marker=marker: desk.of(marker).state == "done")
        assert desk.provider.looked == 1
        goes_on.set()
    assert (desk.of(run).state, desk.did.count("Hello Ada")) == ("done", 1)


@ON_SQLITE
def test_a_message_that_waited_before_it_left_is_asked_about_from_when_it_left(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    since = []
    find = telling.send.find
    assert find is not None

    def finds(client: Any, at: datetime, **inputs: Any) -> Any:
        since.append(to_ms(at))
        return find(client, at, **inputs)

    monkeypatch.setattr(telling.send, "find", finds)
    monkeypatch.setattr(telling.send, "settle", timedelta(0))
    desk.hub.linger_seconds = 1.0
    desk.provider.after = lambda name, inputs: OutcomeUnknown("its answer was lost")
    run, ends, poke = desk.put(telling.send("+14155550100", "Hello Ada", purpose="transactional")), Event(), Poke()
    desk.world.clock.advance(3600.0)
    left = desk.world.clock.now()
    with in_a_thread(lambda: desk.drain(poke=poke, stopping=ends.is_set)):
        until(lambda: desk.of(run).state == "done")
        ends.set()
        poke.look()
    assert since == [left - round(CLOCKS_DIFFER.total_seconds() * 1000)]
    assert desk.did == ["Hello Ada"]
