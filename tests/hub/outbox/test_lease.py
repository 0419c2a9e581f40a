"""A call ends before its lease could be somebody else's, however slowly the database answers who holds it."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy.exc import OperationalError

from hub import Limit
from hub.http import CONNECT_TIMEOUT, READ_TIMEOUT
from hub.outbox import flight, holder, holding
from tests import telling
from tests.hub.outbox.desk import ON_SQLITE, Desk

SLOW = 21.0
"""Seconds that an answer about the lease is on its way: then its rest is shorter than a call may take."""


@pytest.mark.parametrize("slow", ["acquire", "renew"])
@ON_SQLITE
def test_no_call_leaves_that_could_outlast_its_lease_as_it_was_asked_for(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, slow: str
) -> None:
    clock, asked, late = desk.world.clock, [0.0], [slow]
    left: list[float] = []

    def answering_late(name: str) -> Any:
        real = getattr(desk.hub.database, name)

        def asks(*args: Any) -> Any:
            before = clock.monotonic()
            given = real(*args)
            if name in late:
                late.remove(name)
                clock.advance(SLOW)
            asked.append(before)
            return given

        return asks

    for name in ("acquire", "renew"):
        monkeypatch.setattr(desk.hub.database, name, answering_late(name))

    def answer(name: str, inputs: dict[str, Any]) -> Any:
        left.append(clock.monotonic() - asked[-1])
        if inputs["what"] == "long":
            clock.advance(holding.RENEW_SECONDS + 1)  # then the lease is renewed
        return {}

    monkeypatch.setattr(telling.connector, "limit", Limit(concurrent=1))
    monkeypatch.setattr("hub.outbox.pace.AHEAD", 0)  # time here jumps while the holder asks, not while calls wait
    desk.provider.answer = answer
    desk.put(telling.do("long"))
    desk.put_all([[telling.do(n)] for n in range(3)])
    desk.drain()
    assert late == [] and sorted(map(str, desk.did)) == ["0", "1", "2", "long"]
    assert max(left) + CONNECT_TIMEOUT + READ_TIMEOUT <= holding.LEASE_SECONDS


@ON_SQLITE
def test_a_holder_whose_database_stays_away_gives_up_when_the_lease_may_be_somebody_elses(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    began = desk.world.clock.monotonic()
    run = desk.put(telling.ring("it"))

    def away(*args: Any) -> Any:
        raise OperationalError("away", None, Exception("the database is away"))

    def pause(seconds: float) -> None:
        assert desk.world.clock.monotonic() - began < 2 * holding.LEASE_SECONDS, "It never gives up."
        desk.world.clock.advance(1.0)

    with monkeypatch.context() as patch:
        patch.setattr(desk.hub, "pause", pause)
        patch.setattr(holder, "write_round", away)
        with pytest.raises(OperationalError):
            desk.drain()
    desk.drain()
    assert (desk.of(run).state, desk.did) == ("done", ["it"])


@ON_SQLITE
def test_a_call_that_did_not_leave_after_all_is_not_counted(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(telling.connector, "limit", Limit(calls=1, per=3600.0, concurrent=1))
    send, stood = flight.Flight.send, []

    def sends(self: flight.Flight, *args: Any) -> None:
        if not stood:
            stood.append(desk.world.clock.advance(30.0))
        send(self, *args)

    monkeypatch.setattr(flight.Flight, "send", sends)
    run = desk.put(telling.do("it"))
    desk.drain()
    assert (desk.of(run).state, desk.of(run).attempts, desk.did) == ("done", 1, ["it"])
