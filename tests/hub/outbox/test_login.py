"""A login that changes while its account is being worked at: each call is made with the one that counts."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from threading import Event
from typing import Any

import pytest

from hub import Limit
from hub.connections import READY, Connection
from hub.errors import SetupError
from tests import telling
from tests.hub.outbox.desk import Desk
from tests.threads import in_a_thread


class Client:
    """One login at the provider, which notes what it was used for."""

    used: list[tuple[int, Any]]

    def __init__(self, number: int, used: list[tuple[int, Any]]) -> None:
        self.number, self.used = number, used

    def do(self, name: str, inputs: dict[str, Any]) -> Any:
        self.used.append((self.number, inputs["what"]))
        return telling.provider.do(name, inputs)

    def __getattr__(self, name: str) -> Any:
        return getattr(telling.provider, name)


@pytest.fixture
def used(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, Any]]:
    """Which login was used for what: each that is made has a number of its own."""
    used: list[tuple[int, Any]] = []
    numbers = count(1)
    monkeypatch.setitem(telling.connector._functions, "connect", lambda **fields: Client(next(numbers), used))
    return used


@pytest.fixture
def held_up(used: list[tuple[int, Any]], desk: Desk) -> Iterator[tuple[Event, Event]]:
    """The first call holds on: tells that it came, and goes on when it is told to."""
    came, goes_on = Event(), Event()

    def answer(name: str, inputs: dict[str, Any]) -> Any:
        if inputs["what"] == "first":
            came.set()
            assert goes_on.wait(10)
        return {}

    desk.provider.answer = answer
    yield came, goes_on
    goes_on.set()


def test_after_a_login_was_renewed_no_call_is_made_with_the_old_one(
    desk: Desk, used: list[tuple[int, Any]], held_up: tuple[Event, Event], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(telling.connector, "limit", Limit(concurrent=1))
    came, goes_on = held_up
    desk.put_all([[telling.do("first")], [telling.do("second")], [telling.do("third")]])
    with in_a_thread(desk.drain):
        assert came.wait(10)
        desk.world.connect("telling", account="a")
        goes_on.set()
    (old, _), *later = used
    assert [what for _, what in later] == ["second", "third"]
    assert old not in {number for number, _ in later}
    assert desk.states() == ["done"] * 3


def test_what_was_called_with_the_old_login_counts_for_the_new_one(
    desk: Desk, held_up: tuple[Event, Event], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(telling.connector, "limit", Limit(calls=1, per=3600.0, concurrent=1))
    came, goes_on = held_up
    desk.put_all([[telling.do("first")], [telling.do("second")]])
    with in_a_thread(desk.drain):
        assert came.wait(10)
        desk.world.clock.advance(1800.0)
        desk.world.connect("telling", account="a")
        goes_on.set()
    desk.later(seconds=3599)
    assert desk.did == ["first"]
    desk.later(seconds=1)
    assert desk.did == ["first", "second"]


def test_a_login_that_made_no_client_and_was_renewed_meanwhile_is_not_asked_for(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(connection: Connection) -> Any:
        patch.undo()
        desk.world.connect("telling", account="a")
        raise SetupError("The token cannot be read.")

    run = desk.put(telling.do("it"))
    with monkeypatch.context() as patch:
        patch.setattr(desk.hub.connections, "client", fails)
        desk.drain()
    assert (desk.account.state, desk.account.reason) == (READY, None)
    desk.drain()
    assert desk.of(run).state == "done"
