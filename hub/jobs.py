"""Wake-ups through Redis: an RQ job says which queue to look at, once per queue, and carries nothing else.

Redis may be down, flushed or restarted at any time: workers look by themselves every few seconds.
"""

from __future__ import annotations

import logging
import time
from typing import Any

from redis import Redis
from redis.exceptions import RedisError
from rq import Queue, SimpleWorker

from .worker import Worker

log = logging.getLogger("hub.jobs")

QUEUE = "hub"
ASKED_SECONDS = 5
_TIMEOUTS = {"socket_connect_timeout": 1.0, "socket_timeout": 1.0}
_QUIET_SECONDS = 5.0

serving: Worker | None = None
"""The worker of this process, for jobs to poke."""


class RqWakeups:
    """Sends wake-ups as RQ jobs. A queue that was asked for a moment ago is not asked for again."""

    def __init__(self, redis_url: str) -> None:
        self._redis = Redis.from_url(redis_url, **_TIMEOUTS)
        self._queue = Queue(QUEUE, connection=self._redis)
        self._down_until = 0.0

    def wake(self, queue: str) -> None:
        if time.monotonic() < self._down_until:
            return
        try:
            if self._redis.set(_asked(queue), 1, nx=True, ex=ASKED_SECONDS):
                self._queue.enqueue_call(look, args=(queue,), result_ttl=0, failure_ttl=60, ttl=60)
        except (RedisError, OSError) as error:
            # One time-out for the caller, not one for each wake-up while Redis is away.
            self._down_until = time.monotonic() + _QUIET_SECONDS
            log.warning("Redis does not answer (%s); workers look by themselves meanwhile.", type(error).__name__)


def look(queue: str) -> None:
    """The job: has this process look at a queue. Returns at once, so that one slow queue holds up no other."""
    from rq import get_current_job

    job = get_current_job()
    if job is not None:
        job.connection.delete(_asked(queue))
    if serving is not None:
        serving.poke(queue)


def _asked(queue: str) -> str:
    return f"hub:asked:{queue}"


def serve_jobs(redis_url: str, worker: Worker) -> None:
    """Takes jobs from Redis until told to stop (SIGTERM, SIGINT)."""
    global serving
    serving = worker
    connection: Any = Redis.from_url(redis_url)
    rq_worker = SimpleWorker([Queue(QUEUE, connection=connection)], connection=connection)
    rq_worker.log.setLevel(logging.WARNING)
    rq_worker.work(logging_level="WARNING")
