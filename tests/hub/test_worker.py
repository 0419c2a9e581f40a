"""The queues' threads: the same runs on both databases, woken by threads and through Redis."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator

import pytest
from sqlalchemy.exc import OperationalError

from hub import engine, outbox
from hub.wakeups import ADVANCE, READ, perform
from hub.worker import Worker
from tests import servers
from tests.carriers import Carrier
from tests.far.site import Site, running


def test_an_event_comes_in_and_its_run_is_done(site: Site, carrier: Carrier) -> None:
    site.enable("put_one")
    with running(site, carrier.redis_url, clock=False):
        site.happen("bread")
        site.until_done(1)
    assert site.far.books["put"] == {"bread": True}


def test_a_run_that_sleeps_goes_on_when_it_is_time(site: Site, carrier: Carrier) -> None:
    site.enable("sleep_briefly")
    with running(site, carrier.redis_url):
        site.happen("bread")
        site.until_done(1)
    slept, put = site.steps()
    assert 900 < slept.due_at - slept.asked_at <= 1000
    assert put.asked_at >= slept.due_at


def test_a_burst_of_two_hundred_events_is_done_once_each(site: Site, carrier: Carrier) -> None:
    site.enable("put_one")
    names = [f"bread-{n}" for n in range(200)]
    with running(site, carrier.redis_url):
        for name in names:
            site.happen(name)
        site.until_done(200, 30)
    assert sorted(what for _, what in site.far.books["asked"]) == sorted(names)


@pytest.fixture
def worker(site: Site) -> Iterator[Worker]:
    made = Worker(site.hub)
    yield made
    made.stop()


def test_what_an_earlier_process_left_is_done_at_the_start(site: Site, worker: Worker) -> None:
    site.enable("put_one")
    site.happen("bread")
    site.hub.wakeups = type("Local", (), {"wake": staticmethod(worker.poke)})()
    worker.start()
    site.until_done(1)


def test_no_poke_is_lost_when_a_thread_is_about_to_end(
    site: Site, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hub.worker.IDLE_SECONDS", 0.0005)
    seen = threading.Semaphore(0)
    monkeypatch.setattr(outbox, "drain", lambda *_: seen.release())
    for _ in range(300):
        worker.poke(perform("a"))
        assert seen.acquire(timeout=5), "A poke was lost."


def test_a_connections_thread_ends_when_nothing_comes_and_the_queues_of_all_stay(
    site: Site, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hub.worker.IDLE_SECONDS", 0.02)
    worker.start()
    worker.poke(perform(site.connection.id))

    def alive() -> set[str]:
        return {thread.name for thread in worker._threads.values() if thread.is_alive()}

    servers.until(lambda: alive() == {READ, ADVANCE}, says="The end of the connection's thread")


def test_a_queue_that_fails_is_tried_again_and_told_of_once(
    site: Site, worker: Worker, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("hub.worker.AFTER_ERROR_SECONDS", 0.01)
    tries = 0

    def failing(hub: object) -> int:
        nonlocal tries
        tries += 1
        if tries < 20:
            raise OperationalError("SELECT secret", {}, Exception("ada@example.com"))
        return 0

    monkeypatch.setattr(engine, "advance", failing)
    with caplog.at_level(logging.WARNING, "hub.worker"):
        worker.poke(ADVANCE)
        servers.until(lambda: len(caplog.messages) == 2)
    assert caplog.messages == ["advance: OperationalError; it is tried again.", "advance: works again."]
    assert tries == 20


def test_a_queue_of_another_release_is_left_alone(worker: Worker) -> None:
    worker.poke("polish")
    assert not worker._threads


def test_stopping_waits_for_a_call_on_its_way_and_records_it(site: Site) -> None:
    site.enable("put_one")
    site.far.latency = 0.5
    with running(site, clock=False):
        site.happen("bread")
        servers.until(lambda: site.far.in_flight == 1, says="The call")
    (step,) = site.steps()
    assert (step.state, step.attempts) == ("done", 1)


def test_stopping_gives_up_on_a_thread_that_does_not_end(
    site: Site, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    held, inside = threading.Event(), threading.Event()

    def drain(*_: object) -> None:
        inside.set()
        held.wait(10)

    monkeypatch.setattr(outbox, "drain", drain)
    worker = Worker(site.hub)
    worker.poke(perform("a"))
    assert inside.wait(5)
    assert worker.stop(0.05) is False
    assert caplog.messages == ["Not ended within 0.05 seconds: perform:a. What they did is settled later."]
    held.set()
    assert worker.stop() is True


def test_a_stopped_worker_takes_no_more_pokes(worker: Worker) -> None:
    worker.stop()
    worker.poke(READ)
    assert not worker._threads
