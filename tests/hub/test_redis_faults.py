"""Wake-ups through Redis that get lost on their way, or come at an odd moment, are asked for again."""

from __future__ import annotations

import logging
import os
import signal
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import redis
from rq import Queue

from hub import jobs
from hub.jobs import RqWakeups
from hub.wakeups import READ
from tests import servers


@pytest.fixture
def taking() -> Iterator[Callable[[str, Callable[[str], None]], None]]:
    """Has jobs taken from a Redis, in a thread, until the test is over; says who is poked."""
    stopping, threads = threading.Event(), []

    def take(url: str, poke: Callable[[str], None]) -> None:
        worker = type("Poked", (), {"poke": staticmethod(poke)})()
        threads.append(threading.Thread(target=jobs.serve_jobs, args=(jobs.connect(url), worker, stopping)))
        threads[-1].start()

    yield take
    stopping.set()
    for thread in threads:
        thread.join(10)
        assert not thread.is_alive()


def test_what_comes_while_a_job_has_its_queue_looked_at_is_heard(
    redis_url: str, taking: Callable[[str, Callable[[str], None]], None]
) -> None:
    poked: Counter[str] = Counter()
    wakeups = RqWakeups(redis_url)

    def poke(queue: str) -> None:
        poked[queue] += 1
        if poked[READ] == 1 and queue == READ:
            wakeups.wake(READ)
            wakeups.wake("sent after it")
            servers.until(lambda: client.exists("hub:asked:sent after it"))

    with redis.Redis.from_url(redis_url) as client:
        taking(redis_url, poke)
        wakeups.wake(READ)
        servers.until(lambda: poked["sent after it"] == 1)
        servers.until(lambda: poked[READ] == 2)


def test_a_queue_whose_job_got_lost_is_asked_for_again_after_a_moment(
    redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "ASKED_SECONDS", 1)
    wakeups = RqWakeups(redis_url)
    wakeups.wake(READ)
    with redis.Redis.from_url(redis_url) as client:
        queue = Queue(jobs.QUEUE, connection=client)
        servers.until(lambda: queue.count == 1)
        client.delete(queue.key)

        def asked_again() -> bool:
            wakeups.wake(READ)
            return queue.count == 1

        servers.until(asked_again)


def test_a_redis_that_hangs_is_told_and_wake_ups_go_on_when_it_does(caplog: pytest.LogCaptureFixture) -> None:
    with servers.own_redis() as own, redis.Redis.from_url(own.url) as client:
        server = client.info("server")["process_id"]
        wakeups = RqWakeups(own.url)
        with caplog.at_level(logging.WARNING, "hub.jobs"):
            os.kill(server, signal.SIGSTOP)
            try:
                wakeups.wake(READ)
                servers.until(lambda: "wake-ups to Redis: TimeoutError" in caplog.text)
            finally:
                os.kill(server, signal.SIGCONT)
            wakeups.wake("after")
            servers.until(lambda: "wake-ups to Redis: works again" in caplog.text)
        assert client.exists("hub:asked:after")


def test_a_wake_up_right_after_a_restart_of_redis_arrives_and_nothing_is_told(caplog: pytest.LogCaptureFixture) -> None:
    with servers.own_redis() as own:
        wakeups = RqWakeups(own.url)
        with redis.Redis.from_url(own.url) as client:
            wakeups.wake("before")
            servers.until(lambda: Queue(jobs.QUEUE, connection=client).count == 1)
        own.stop()
        own.start()
        with caplog.at_level(logging.WARNING, "hub.jobs"), redis.Redis.from_url(own.url) as client:
            wakeups.wake(READ)  # over a connection from before
            servers.until(lambda: Queue(jobs.QUEUE, connection=client).count == 1)
        assert caplog.messages == []


def test_that_nothing_is_taken_from_redis_any_more_is_told(
    redis_url: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, taking: Any
) -> None:
    """RQ itself writes only to its own log why it gave up."""
    monkeypatch.setattr(jobs, "AGAIN_SECONDS", 0.05)
    work, gave_up = jobs._Taker.work, []

    def works(self: Any, **kwargs: Any) -> Any:
        if not gave_up:
            return gave_up.append(True)
        return work(self, **kwargs)

    monkeypatch.setattr(jobs._Taker, "work", works)
    poked: list[str] = []
    with caplog.at_level(logging.WARNING, "hub.jobs"):
        taking(redis_url, poked.append)
        RqWakeups(redis_url).wake(READ)
        servers.until(lambda: READ in poked)
    assert caplog.messages[0].startswith("wake-ups from Redis: _Ended; ")


def test_a_job_that_nobody_takes_does_not_stay(redis_url: str) -> None:
    RqWakeups(redis_url).wake(READ)
    with redis.Redis.from_url(redis_url) as client:
        queue = Queue(jobs.QUEUE, connection=client)
        servers.until(lambda: queue.count == 1)
        (job,) = queue.jobs
        assert 0 < client.ttl(job.key) <= 60
