"""The same after a long time: a million stored events, a hundred thousand sleeping runs, a thousand connections."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path

from ..core import Hub
from . import disk, end_to_end, machine, orders, processes, quiet, seeding
from .end_to_end import Drained
from .load import percentile
from .processes import Measured, Practice
from .report import Figure, Goal, Reference
from .sizes import Sizes

Say = Callable[[str], None]

COST_GOAL, MEMORY_GOAL_MB, LATE_GOAL_MS = 1.2, 20, 2000
AHEAD_SECONDS = 2.0
"""From setting the timers to the first of them."""

SLEEPER = "note_to_newcomer"
RECIPE = f'''"""A text for new customers, some days later."""

from connectors import shopify, twilio
from hub import Event, Steps, recipe, sleep


@recipe(on=shopify.customer_created, title="A note to newcomers", stop_when=shopify.order_cancelled)
def {SLEEPER}(event: Event) -> Steps:
    """Sends new customers a text, some days later."""
    yield sleep(days={seeding.SLEEPS.days})
    yield twilio.send_sms(event.person.phone, "How do you like it here?", purpose="transactional")
'''
"""The simplest recipe that sleeps, as a consultant's own package brings it."""


def measure(sizes: Sizes, folder: Path, say: Say) -> list[Figure]:
    settings, own = processes.settings_in(folder), _package(folder / "site")
    with processes.practice(folder) as services:
        with processes.started(processes.spawn_hub(settings, own), "/healthz"):
            hook = processes.prepare(settings, services, recipe=True)
            processes.command(settings, ["enable", SLEEPER], own)

        def measured(first: int, before: int) -> tuple[float, Drained, list[float]]:
            with processes.started(processes.spawn_hub(settings, own), "/healthz") as running:
                time.sleep(sizes.settle)
                idle, hub = machine.rss_mb(running.pid), Measured(running, settings, hook)
                drained = end_to_end.drain(sizes, hub, services, reports=False, first=first, before=before)
                return idle, drained, _timers(sizes, hub, services) if before else []

        say("growth: an empty hub")
        idle_before, drained_before, _ = measured(0, 0)
        say(f"growth: {sizes.stored:,} events, {sizes.sleeping:,} sleeping runs, {sizes.connections:,} connections")
        began = time.monotonic()
        seeding.seed(Hub(settings), SLEEPER, sizes)
        seeded = time.monotonic() - began
        say("growth: the grown hub")
        count = sizes.warm_up + sizes.orders
        idle, drained, late = measured(count, count)
        size = disk.used(Measured(services.running, settings))
    about = {
        "stored_events": sizes.stored,
        "sleeping_runs": sizes.sleeping,
        "connections": sizes.connections,
        "database_mb": round(size / 1e6),
        "seeding_seconds": round(seeded, 1),
    }
    return _figures(drained, drained_before, about) + [
        Figure(
            "growth_memory",
            "Memory that they add, idle",
            idle - idle_before,
            "MB",
            goal=Goal(most=MEMORY_GOAL_MB),
            details={"mb": round(idle, 1), "mb_when_empty": round(idle_before, 1)},
        ),
        Figure(
            "growth_memory_under_load",
            "The most memory under load after that",
            float(str(drained.details["peak_rss_mb"])),
            "MB",
            Reference(float(str(drained_before.details["peak_rss_mb"])), "the same on an empty hub"),
        ),
        Figure(
            "growth_timers_p99",
            f"{sizes.timers:,} timers due within {sizes.spread:g} s: their texts' lateness, p99",
            percentile(late, 99) * 1000,
            "ms",
            goal=Goal(most=LATE_GOAL_MS),
            details={"p50_ms": round(percentile(late, 50) * 1000, 1), "slowest_ms": round(max(late) * 1000, 1)},
        ),
    ]


def _figures(drained: Drained, before: Drained, about: Mapping[str, object]) -> list[Figure]:
    void, what = drained.void or before.void, "the same on an empty hub"
    return [
        Figure(
            "growth_cpu",
            "End to end after that, the hub's CPU",
            drained.cpu,
            "s per 1,000 orders",
            Reference(before.cpu, what),
            details={**about, "grown": drained.details, "empty": before.details},
            void=void,
        ),
        Figure(
            "growth_cost",
            "CPU beside that of an empty hub",
            drained.cpu / before.cpu,
            "x the empty hub's",
            goal=Goal(most=COST_GOAL),
            void=void,
        ),
        Figure(
            "growth_rate", "End to end after that", drained.rate, "orders/s", Reference(before.rate, what), void=void
        ),
        Figure(
            "growth_intake",
            "Acknowledgements while it works",
            float(str(drained.details["acknowledgements_per_second"])),
            "durable acknowledgements/s",
            Reference(float(str(before.details["acknowledgements_per_second"])), what),
            void=void,
        ),
    ]


def _package(site: Path) -> Mapping[str, str]:
    """Lays down a package with the sleeping recipe, found by its entry point; gives the environment that finds it."""
    for name, text in {
        "notes/__init__.py": "",
        f"notes/{SLEEPER}.py": RECIPE,
        "notes-1.dist-info/METADATA": "Metadata-Version: 2.1\nName: notes\nVersion: 1\n",
        "notes-1.dist-info/entry_points.txt": "[regulars.recipes]\nnotes = notes\n",
    }.items():
        (site / name).parent.mkdir(parents=True, exist_ok=True)
        (site / name).write_text(text)
    others = os.environ.get("PYTHONPATH")
    return {"PYTHONPATH": f"{site}{os.pathsep}{others}" if others else str(site)}


def _timers(sizes: Sizes, hub: Measured, services: Practice) -> list[float]:
    """Has sleeping runs become due one after the other; gives how many seconds after that each one's text left."""
    query = f"SELECT id FROM run WHERE recipe = '{SLEEPER}' AND state = 'waiting' ORDER BY id"
    numbers = {int(id) % seeding.SLEEPING: int(id) for (id,) in hub.ask(query)}
    first = time.time() + AHEAD_SECONDS
    due = {number: first + number / sizes.timers * sizes.spread for number in range(sizes.timers)}
    rows = [(round(at * 1000), numbers[number]) for number, at in due.items()]
    with closing(sqlite3.connect(hub.settings.home / "hub.db", timeout=30)) as beside, beside:
        beside.executemany("UPDATE step SET due_at = ? WHERE run_id = ? AND position = 0", rows)
        beside.executemany("UPDATE run SET due_at = ? WHERE id = ?", rows)
    sent = {orders.phone(seeding.SLEEPERS_FROM + number): at for number, at in due.items()}
    time.sleep(AHEAD_SECONDS + sizes.spread)
    return quiet.since(services, sent)
