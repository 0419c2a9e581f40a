"""How soon a hub takes its first webhook after its start, and the memory it holds, idle and under load."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from . import end_to_end, machine, orders, processes, reference
from .load import One, request
from .processes import Measured, Running, Unmeasured
from .report import Figure, Goal, Reference
from .sizes import Sizes

Say = Callable[[str], None]

READY_GOAL, IDLE_GOAL_MB = 1.3, 120
POLL_SECONDS = 0.005


def measure(sizes: Sizes, folder: Path, say: Say) -> list[Figure]:
    say("start: the reference")
    flask = [_started(lambda: reference.spawn_flask(folder), reference.PATH, number) for number in range(sizes.starts)]
    with processes.practice(folder) as services:
        with processes.hub(folder, services, recipe=True) as hub:
            settings, hook = hub.settings, hub.hook
        say("start: the hub")
        ours = [_started(lambda: processes.spawn_hub(settings), hook, number) for number in range(sizes.starts)]
        say("memory")
        with processes.started(processes.spawn_hub(settings), "/healthz") as running:
            time.sleep(sizes.settle)
            idle = machine.rss_mb(running.pid)
            hub = Measured(running, settings, hook)
            drained = end_to_end.drain(sizes, hub, services, reports=False, first=1_000, before=sizes.starts)
            time.sleep(sizes.settle)
            after = machine.rss_mb(running.pid)
    plain_mb = median(one.mb for one in flask)
    what = reference.FLASK
    return [
        Figure(
            "start",
            "From start to the first acknowledged webhook",
            median(one.seconds for one in ours),
            "s",
            Reference(median(one.seconds for one in flask), what),
            Goal(most=READY_GOAL),
            {
                "seconds": [round(one.seconds, 3) for one in ours],
                "cpu_seconds": round(median(one.cpu for one in ours), 2),
                "cpu_seconds_of_reference": round(median(one.cpu for one in flask), 2),
            },
        ),
        Figure(
            "memory_idle",
            f"Memory {sizes.settle:g} s after the start",
            idle,
            "MB",
            Reference(plain_mb, f"{what}, just started"),
            Goal(most=IDLE_GOAL_MB),
        ),
        Figure(
            "memory_under_load",
            "The most memory while a burst of orders is worked off",
            float(str(drained.details["peak_rss_mb"])),
            "MB",
            Reference(plain_mb, f"{what}, just started"),
            None,
            {"mb_afterwards": round(after, 1), "orders": sizes.orders},
            drained.void,
        ),
    ]


@dataclass(frozen=True)
class _Start:
    """Seconds and CPU seconds from the start of a process to its first 200 for a signed order, and its memory then."""

    seconds: float
    cpu: float
    mb: float


def _started(spawn: Callable[[], Running], path: str, number: int) -> _Start:
    with _spawned(spawn) as running:
        posted = request(running.port, path, *orders.order(number))
        began = time.perf_counter()
        while (status := _posted(running.port, posted)) != 200:
            if running.process.poll() is not None or status or time.perf_counter() - began > processes.READY_SECONDS:
                raise Unmeasured(f"{running.what} did not take a webhook after its start (status {status}).")
            time.sleep(POLL_SECONDS)
        return _Start(time.perf_counter() - began, running.cpu, machine.rss_mb(running.pid))


@contextmanager
def _spawned(spawn: Callable[[], Running]) -> Iterator[Running]:
    running = spawn()
    try:
        yield running
    finally:
        running.stop()


def _posted(port: int, posted: bytes) -> int:
    client = One(port)
    try:
        return client.post(posted)
    except ConnectionError:
        return 0
    finally:
        client.close()
