"""Wake-ups through a real Redis: few of them, and nothing lost whatever becomes of it."""

from __future__ import annotations

import logging
import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator

import pytest
import redis
from rq import Queue

from hub import jobs, processes
from hub.errors import SetupError
from hub.jobs import RqWakeups, SharedWakeups
from hub.wakeups import ADVANCE, READ, perform
from hub.worker import Worker
from tests import servers
from tests.far.site import Site, running


class Poked:
    """Stands for a worker: notes which queues it was to look at."""

    def __init__(self) -> None:
        self.queues: Counter[str] = Counter()

    def poke(self, queue: str) -> None:
        self.queues[queue] += 1


Take = Callable[[str], Poked]


@pytest.fixture
def take() -> Iterator[Take]:
    """Has jobs taken from a Redis, in a thread, until the test is over; gives who is poked."""
    stopping, threads = threading.Event(), []

    def start(url: str) -> Poked:
        poked = Poked()
        thread = threading.Thread(target=jobs.serve_jobs, args=(jobs.connect(url), poked, stopping))
        thread.start()
        threads.append(thread)
        return poked

    yield start
    stopping.set()
    for thread in threads:
        thread.join(10)
        assert not thread.is_alive()


@pytest.fixture
def own_redis() -> Iterator[servers.Server]:
    with servers.own_redis() as server:
        yield server


def waiting_jobs(url: str) -> list[str]:
    with redis.Redis.from_url(url) as client:
        return sorted(job.args[0] for job in Queue(jobs.QUEUE, connection=client).jobs)


def test_a_wake_up_reaches_the_worker(redis_url: str, take: Take) -> None:
    poked = take(redis_url)
    RqWakeups(redis_url).wake(READ)
    servers.until(lambda: poked.queues[READ] == 1)


def test_a_queue_has_one_wake_up_however_often_it_is_asked_for(redis_url: str) -> None:
    one, other = RqWakeups(redis_url), RqWakeups(redis_url)
    for _ in range(500):
        one.wake(READ)
        other.wake(ADVANCE)
        other.wake(READ)
    servers.until(lambda: waiting_jobs(redis_url) == [ADVANCE, READ])
    one.wake(perform("a"))
    other.wake(perform("b"))
    servers.until(lambda: waiting_jobs(redis_url) == [ADVANCE, perform("a"), perform("b"), READ])


def test_a_wake_up_after_a_job_began_is_sent_again(redis_url: str, take: Take) -> None:
    poked, wakeups = take(redis_url), RqWakeups(redis_url)
    for times in range(1, 6):
        wakeups.wake(READ)
        servers.until(lambda times=times: poked.queues[READ] == times)


def test_a_thousand_wake_ups_make_few_jobs(redis_url: str, take: Take) -> None:
    poked, wakeups = take(redis_url), RqWakeups(redis_url)
    for _ in range(1000):
        wakeups.wake(READ)
    wakeups.wake("the last")
    servers.until(lambda: poked.queues["the last"] == 1)
    assert 1 <= poked.queues[READ] < 100


def test_jobs_leave_nothing_in_redis(redis_url: str, take: Take) -> None:
    poked = take(redis_url)
    RqWakeups(redis_url).wake(READ)
    servers.until(lambda: poked.queues[READ] == 1)
    with redis.Redis.from_url(redis_url) as client:
        servers.until(lambda: not list(client.scan_iter("rq:job:*")) and not client.llen(f"rq:queue:{jobs.QUEUE}"))
        assert not list(client.scan_iter("hub:*"))


def test_jobs_do_not_pile_up_where_no_worker_is(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "MOST_JOBS", 3)
    wakeups = RqWakeups(redis_url)
    with redis.Redis.from_url(redis_url) as client:
        for n in range(20):
            wakeups.wake(perform(str(n)))
            servers.until(lambda n=n: client.exists(f"hub:asked:perform:{n}"))
        wakeups.wake("last")
        servers.until(lambda: client.exists("hub:asked:last"))
    assert len(waiting_jobs(redis_url)) == 3


def test_whoever_wakes_does_not_wait_for_a_redis_that_hangs(own_redis: servers.Server) -> None:
    with redis.Redis.from_url(own_redis.url) as client:
        server = client.info("server")["process_id"]
    wakeups = RqWakeups(own_redis.url)
    os.kill(server, signal.SIGSTOP)
    try:
        began = time.monotonic()
        for n in range(1000):
            wakeups.wake(perform(str(n)))
        assert time.monotonic() - began < 0.5
    finally:
        os.kill(server, signal.SIGCONT)


def test_a_restart_is_told_once_when_redis_goes_and_once_when_it_is_back(
    own_redis: servers.Server, take: Take, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "AGAIN_SECONDS", 0.05)
    poked, wakeups = take(own_redis.url), RqWakeups(own_redis.url)
    wakeups.wake(READ)
    servers.until(lambda: poked.queues[READ] == 1)
    with caplog.at_level(logging.INFO):
        own_redis.stop()
        servers.until(lambda: "wake-ups from Redis: ConnectionError" in caplog.text)
        for n in range(50):
            wakeups.wake(perform(str(n)))
        servers.until(lambda: "wake-ups to Redis: ConnectionError" in caplog.text)
        own_redis.start()
        servers.until(lambda: "wake-ups from Redis: works again" in caplog.text)
        wakeups.wake("after")
        servers.until(lambda: poked.queues["after"] == 1)
    assert sorted(caplog.messages) == [
        "wake-ups from Redis: ConnectionError; workers look by themselves every few seconds meanwhile.",
        "wake-ups from Redis: works again.",
        "wake-ups to Redis: ConnectionError; workers look by themselves every few seconds meanwhile.",
        "wake-ups to Redis: works again.",
    ]


def test_a_flush_takes_away_no_more_than_the_moment(redis_url: str, take: Take) -> None:
    poked, wakeups = take(redis_url), RqWakeups(redis_url)
    wakeups.wake(READ)
    servers.until(lambda: poked.queues[READ] == 1)
    with redis.Redis.from_url(redis_url) as client:
        client.flushall()
    wakeups.wake(READ)
    servers.until(lambda: poked.queues[READ] == 2)


def test_a_redis_that_is_not_there_at_the_start_is_waited_for(
    own_redis: servers.Server, take: Take, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "AGAIN_SECONDS", 0.05)
    own_redis.stop()
    poked, wakeups = take(own_redis.url), RqWakeups(own_redis.url)
    wakeups.wake(READ)
    own_redis.start()

    def woken() -> int:
        wakeups.wake(READ)
        return poked.queues[READ]

    servers.until(woken)


def test_an_address_that_is_none_is_told_in_words() -> None:
    with pytest.raises(SetupError, match="REDIS_URL is no address of a Redis"):
        RqWakeups("localhost")


@pytest.fixture
def polling(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Worker], None]]:
    """Has a worker look by itself, as its process does."""
    monkeypatch.setattr(processes, "POLL_SECONDS", 0.5)
    stopping, threads = threading.Event(), []

    def start(worker: Worker) -> None:
        threads.append(threading.Thread(target=processes._poll, args=(worker, stopping)))
        threads[-1].start()

    yield start
    stopping.set()
    for thread in threads:
        thread.join()


def test_nothing_is_lost_when_redis_is_flushed_stopped_and_started(
    site: Site, own_redis: servers.Server, polling: Callable[[Worker], None]
) -> None:
    site.enable("put_one")
    with running(site, own_redis.url) as worker:
        polling(worker)
        site.happen(*[f"early-{n}" for n in range(20)])
        with redis.Redis.from_url(own_redis.url) as client:
            client.flushall()
        site.happen(*[f"flushed-{n}" for n in range(20)])
        own_redis.stop()
        site.happen(*[f"stopped-{n}" for n in range(20)])
        site.until_done(60)
        own_redis.start()
        site.happen(*[f"back-{n}" for n in range(20)])
        site.until_done(80)
    assert len(site.far.books["asked"]) == len(site.far.books["put"]) == 80


# ---- several workers


@pytest.fixture
def engaged(site: Site, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Worker, list[str]]]:
    """A worker that is at the account `a` until the test is over, and the accounts that it looked at since."""
    begun, over = threading.Semaphore(0), threading.Event()
    looked: list[str] = []

    def drain(hub: object, connection_id: str, *_: object) -> None:
        looked.append(connection_id)
        begun.release()
        if connection_id == "a":
            over.wait(30)

    monkeypatch.setattr("hub.outbox.drain", drain)
    worker = Worker(site.hub)
    worker.poke(perform("a"))
    assert begun.acquire(timeout=5)
    yield worker, looked
    over.set()
    worker.stop()


def test_a_further_account_is_offered_to_whoever_is_free(engaged: tuple[Worker, list[str]], redis_url: str) -> None:
    worker, looked = engaged
    wakeups = SharedWakeups(worker, redis_url)
    wakeups.wake(perform("a"))
    wakeups.wake(ADVANCE)
    wakeups.wake(perform("b"))
    servers.until(lambda: waiting_jobs(redis_url) == [perform("b")])
    assert looked == ["a"]
    assert ADVANCE in worker._threads


def test_without_redis_a_worker_takes_every_account_itself(
    engaged: tuple[Worker, list[str]], own_redis: servers.Server
) -> None:
    worker, looked = engaged
    own_redis.stop()
    SharedWakeups(worker, own_redis.url).wake(perform("b"))
    servers.until(lambda: looked == ["a", "b"])


def test_a_worker_that_looks_by_itself_offers_nothing(
    engaged: tuple[Worker, list[str]], polling: Callable[[Worker], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    worker, looked = engaged
    monkeypatch.setattr(processes, "wake_due", lambda hub, wake: wake(perform("b")))
    polling(worker)
    servers.until(lambda: "b" in looked)
