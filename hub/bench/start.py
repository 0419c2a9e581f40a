"""How soon a hub takes its first webhook after its start, and the memory it holds, idle and under load."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

from . import end_to_end, machine, orders, processes, reference
from .load import One, request
from .processes import Measured, Running, Unmeasured
from .report import Figure, Goal, Reference
from .sizes import Sizes

Say = Callable[[str], None]

READY_GOAL, IDLE_GOAL_MB = 1.3, 120
SETTLE_SECONDS = 3.0
POLL_SECONDS = 0.005


def measure(sizes: Sizes, folder: Path, say: Say) -> list[Figure]:
    say("start: the reference")
    flask = [_started(lambda: reference.spawn_flask(folder), reference.PATH, number) for number in range(sizes.starts)]
    with processes.practice(folder) as services:
        services.change(reports=False)
        with processes.hub(folder, services, recipe=True) as hub:
            settings, hook = hub.settings, hub.hook
        say("start: the hub")
        ours = [_started(lambda: processes.spawn_hub(settings), hook, number) for number in range(sizes.starts)]
        say("memory")
        with processes.started(processes.spawn_hub(settings), "/healthz") as running:
            time.sleep(SETTLE_SECONDS)
            idle = machine.rss_mb(running.pid)
            hub = Measured(running, settings, hook)
            drained = end_to_end.drain(sizes, hub, services, reports=False, first=1_000, before=sizes.starts)
            time.sleep(SETTLE_SECONDS)
            after = machine.rss_mb(running.pid)
    plain_mb = median(mb for _, mb in flask)
    what = reference.FLASK
    return [
        Figure(
            "start",
            "From start to the first acknowledged webhook",
            median(seconds for seconds, _ in ours),
            "s",
            Reference(median(seconds for seconds, _ in flask), what),
            Goal(most=READY_GOAL),
            {"starts": [round(seconds, 3) for seconds, _ in ours]},
        ),
        Figure(
            "memory_idle",
            f"Memory {SETTLE_SECONDS:g} s after the start",
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


def _started(spawn: Callable[[], Running], path: str, number: int) -> tuple[float, float]:
    """Seconds from the start of a process to its first 200 for a signed order, and the memory it then holds."""
    with _spawned(spawn) as running:
        posted = request(running.port, path, *orders.order(number))
        began = time.perf_counter()
        while (status := _posted(running.port, posted)) != 200:
            if running.process.poll() is not None or status or time.perf_counter() - began > processes.READY_SECONDS:
                raise Unmeasured(f"{running.what} did not take a webhook after its start (status {status}).")
            time.sleep(POLL_SECONDS)
        return time.perf_counter() - began, machine.rss_mb(running.pid)


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
