"""Wake-ups through Redis: an RQ job says which queue to look at, once per queue, and carries nothing else.

Redis may be down, flushed or restarted at any time: workers look by themselves every few seconds.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Any

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry
from rq import Queue, SimpleWorker, get_current_job
from rq.exceptions import StopRequested
from rq.timeouts import TimerDeathPenalty

from . import metrics
from .errors import SetupError
from .trouble import Trouble
from .worker import Worker

log = logging.getLogger("hub.jobs")

QUEUE = "hub"
ASKED_SECONDS = 5
"""How long a wake-up that got lost with its job keeps others of its queue away."""
MOST_JOBS = 2000
"""Where no worker takes them, jobs do not pile up."""
AGAIN_SECONDS = 2.0
_DOWN = "workers look by themselves every few seconds meanwhile"

serving: Worker | None = None
"""The worker of this process, for jobs to poke."""


def connect(redis_url: str) -> Any:
    """A client that fails within two seconds rather than wait for a Redis that is away. Raises SetupError."""
    try:
        # One more try, at once: a connection from before a restart fails where a new one does not.
        retry = Retry(NoBackoff(), 1)
        return Redis.from_url(redis_url, socket_connect_timeout=1.0, socket_timeout=1.0, retry=retry)
    except ValueError:
        raise SetupError("REDIS_URL is no address of a Redis. It looks like redis://localhost:6379/0.") from None


class RqWakeups:
    """Sends wake-ups as RQ jobs, from a thread of its own: whoever wakes never waits for Redis, and what comes while
    others are sent goes together. A queue that was asked for a moment ago is not asked for again.

    `lost` is told each queue whose wake-up could not be sent."""

    def __init__(self, redis_url: str, lost: Callable[[str], None] = lambda queue: None) -> None:
        self._redis, self._lost = connect(redis_url), lost
        self._queue = Queue(QUEUE, connection=self._redis)
        self._trouble = Trouble(log, "wake-ups to Redis", _DOWN)
        self._lock = threading.Lock()
        self._wanted: set[str] = set()
        self._some = threading.Event()
        self._sender: threading.Thread | None = None

    def wake(self, queue: str) -> None:
        with self._lock:
            self._wanted.add(queue)
            if self._sender is None:
                self._sender = threading.Thread(target=self._send_all, name="wake-ups", daemon=True)
                self._sender.start()
        self._some.set()

    def _send_all(self) -> None:
        while True:
            self._some.wait()
            self._some.clear()
            with self._lock:
                wanted, self._wanted = sorted(self._wanted), set()
            try:
                self._send(wanted)
                self._trouble.over()
                metrics.WAKEUPS.labels("sent").inc(len(wanted))
            except Exception as error:
                self._trouble.met(error)
                metrics.WAKEUPS.labels("lost").inc(len(wanted))
                for queue in wanted:
                    self._lost(queue)

    def _send(self, queues: list[str]) -> None:
        with self._redis.pipeline(transaction=False) as pipeline:
            pipeline.llen(self._queue.key)
            for queue in queues:
                pipeline.set(_asked(queue), 1, nx=True, ex=ASKED_SECONDS)
            length, *fresh = pipeline.execute()
        asked = [queue for queue, is_fresh in zip(queues, fresh, strict=True) if is_fresh]
        if asked and length < MOST_JOBS:
            # Without a time-out, which RQ keeps with signals or a thread: the job only pokes.
            jobs = [
                Queue.prepare_data(look, (queue,), timeout=-1, result_ttl=0, failure_ttl=60, ttl=60) for queue in asked
            ]
            self._queue.enqueue_many(jobs)


class SharedWakeups:
    """Wakes for a worker: itself, and for a further account whoever is free. So several workers share the accounts,
    rather than that the one that read the events makes all the calls."""

    def __init__(self, worker: Worker, redis_url: str) -> None:
        self._worker = worker
        self._others = RqWakeups(redis_url, lost=worker.poke)

    def wake(self, queue: str) -> None:
        if self._worker.is_free_for(queue):
            self._worker.poke(queue)
        else:
            self._others.wake(queue)


def look(queue: str) -> None:
    """The job: has this process look at a queue. Returns at once, so that one slow queue holds up no other."""
    job = get_current_job()
    if job is not None:
        # Before the poke: whoever wakes the queue from here on is heard again.
        job.connection.delete(_asked(queue))
    if serving is not None:
        serving.poke(queue)


def _asked(queue: str) -> str:
    return f"hub:asked:{queue}"


def serve_jobs(connection: Any, worker: Worker, stopping: threading.Event) -> None:
    """Takes jobs from the Redis of a client (see `connect`) until `stopping` is set, for a thread of its own.
    Whatever becomes of Redis meanwhile, it begins again."""
    global serving
    serving = worker
    trouble = Trouble(log, "wake-ups from Redis", _DOWN)
    while not stopping.is_set():
        try:
            _Taker(connection, trouble, stopping).work(logging_level=None)
            if not stopping.is_set():
                raise _Ended
        except Exception as error:
            trouble.met(error)
        stopping.wait(AGAIN_SECONDS)


class _Ended(Exception):
    """RQ gave up, for a reason that it told its own log."""


class _Taker(SimpleWorker):
    """RQ's worker, in a thread: it leaves signals to the process, takes no commands, and tells of trouble once."""

    death_penalty_class = TimerDeathPenalty
    max_connection_wait_time = AGAIN_SECONDS

    def __init__(self, connection: Any, trouble: Trouble, stopping: threading.Event) -> None:
        # RQ waits for a job for 15 seconds less than this, and looks then whether to stop.
        super().__init__([Queue(QUEUE, connection=connection)], connection=connection, worker_ttl=16)
        self.log = logging.getLogger("hub.jobs.rq")
        self.log.setLevel(logging.CRITICAL + 1)
        self._trouble, self._stopping = trouble, stopping

    def heartbeat(self, *args: Any, **kwargs: Any) -> None:
        """What RQ does before it waits for each job: whether to stop and whether Redis is there, is known here."""
        if self._stopping.is_set():
            raise StopRequested
        try:
            super().heartbeat(*args, **kwargs)
        except (RedisError, OSError) as error:
            self._trouble.met(error)
            raise
        self._trouble.over()

    def subscribe(self) -> None:
        pass

    def procline(self, message: str) -> None:
        pass

    def _install_signal_handlers(self) -> None:
        pass
