"""What asks the process to exit, in a thread where nobody would hear it, stops nothing."""

from __future__ import annotations

import logging
import sys
import threading
from typing import Any

import pytest

from hub import Event, Steps, engine, recipe, sleep
from hub.wakeups import ADVANCE
from hub.worker import Worker
from tests import telling
from tests.servers import until
from tests.webhooks.told import ASLEEP, BOB, Told
from tests.world import World


def exits(event: Event) -> bool:
    """The process goes on."""
    if event.data.get("exit"):
        sys.exit(3)
    return True


@recipe(on=telling.happened, title="Exit", filters=[exits])
def exiting(event: Event) -> Steps:
    """Ends the process while it is asked whether it starts."""
    yield sleep(days=1)


def test_a_connector_that_exits_while_it_reads_holds_up_no_other_delivery(
    told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = telling.connector._functions["events"]
    monkeypatch.setitem(
        telling.connector._functions,
        "events",
        lambda delivery: sys.exit(3) if b"exit" in delivery.body else read(delivery),
    )
    told.tell({"id": 1, "data": {"exit": True}})
    told.tell({"id": 2, "email": BOB})
    told.read()
    assert [delivery.state for delivery in told.deliveries] == ["unreadable", "read"]
    assert "(SystemExit)" in told.deliveries[0].reason


def test_a_filter_that_exits_starts_nothing_and_holds_up_nobody(told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    told.world.use(monkeypatch, *ASLEEP, exiting)
    for name in ("exiting", "rest"):
        told.world.enable(name)
    told.read({"id": 1, "data": {"exit": True}}, {"id": 2, "email": BOB})
    assert sorted(told.recipes()) == ["exiting", "rest", "rest"]
    assert told.skipped()[0] == {"exiting": "Its filter or once_per failed with SystemExit."}


def test_a_thread_that_something_asks_to_exit_is_told_of_and_goes_on(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("hub.worker.AFTER_ERROR_SECONDS", 0.01)
    went_on, asked = threading.Event(), []

    def advance(hub: Any) -> int:
        asked.append(hub)
        if len(asked) == 1:
            sys.exit(3)
        went_on.set()
        return 0

    monkeypatch.setattr(engine, "advance", advance)
    worker = Worker(world.hub)
    with caplog.at_level(logging.WARNING, "hub.worker"):
        worker.poke(ADVANCE)
        assert went_on.wait(10)
        until(lambda: len(caplog.messages) == 2)
    worker.stop()
    assert caplog.messages == ["advance: SystemExit; it is tried again.", "advance: works again."]
