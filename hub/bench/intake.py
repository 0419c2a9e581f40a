"""The door: how many deliveries are acknowledged in a second, each verified, new and on the disk.

The hub runs with its accounts connected and no recipe on: it reads the deliveries while it takes more, as it always
does, and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import count, islice
from pathlib import Path
from statistics import median

from . import orders, processes, reference
from .load import Loaded, post_all, request
from .report import Figure, Goal, Reference
from .sizes import Sizes
from .surroundings import Watch

Say = Callable[[str], None]
Send = Callable[[Sequence[bytes], int], Loaded]
"""Sends requests with so many clients."""

RATE_GOAL, P99_GOAL_MS, OF_FLASK_GOAL = 1500, 60, 0.5
GOAL_CLIENTS = 32


def measure(sizes: Sizes, folder: Path, say: Say) -> list[Figure]:
    numbers = count()
    with reference.flask(folder) as plain:
        say("intake: the reference")
        made = _made(sizes, plain.port, reference.PATH, numbers)
        watch = Watch({"reference": plain.pid})
        flask = _loads(sizes, made, lambda some, clients: post_all(plain.port, some, clients), watch)
    with processes.practice(folder) as services, processes.hub(folder, services, recipe=False) as hub:
        say("intake: the hub")

        def send(some: Sequence[bytes], clients: int) -> Loaded:
            done = post_all(hub.running.port, some, clients)
            processes.until(lambda: hub.unread() == 0, 120, "The hub did not read all that it took", every=0.1)
            return done

        made = _made(sizes, hub.running.port, hub.hook, numbers)
        ours = _loads(sizes, made, send, Watch({"hub": hub.running.pid, "practice": services.running.pid}))
        kept = hub.events()
    sent = sizes.warm_up + sizes.rounds * sum(many for _, many in sizes.clients)
    void = None if kept == sent else f"{sent} deliveries were sent, and {kept} events are kept."
    return [figure for load in zip(ours, flask, strict=True) for figure in _figures(*load, void)]


def _made(sizes: Sizes, port: int, path: str, numbers: Iterator[int]) -> Iterator[bytes]:
    """All requests of a measurement, no two of them the same: made beforehand, as that takes its time."""
    total = sizes.warm_up + sizes.rounds * sum(many for _, many in sizes.clients)
    return iter([request(port, path, *orders.order(next(numbers))) for _ in range(total)])


class _Load:
    """The rounds of one number of clients, and what the machine did meanwhile."""

    def __init__(self, clients: int, rounds: list[Loaded], watch: Watch) -> None:
        self.clients, self.rounds = clients, rounds
        self.rate = median(done.rate for done in rounds)
        self.p50, self.p95, self.p99 = (median(done.percentile(p) for done in rounds) for p in (50, 95, 99))
        self.failed = sum(many for done in rounds for status, many in done.statuses.items() if status != 200)
        told = watch.told()
        measured = next(iter(told["cpu_seconds"].values()))
        self.details = {
            "p50_ms": round(self.p50, 2),
            "p95_ms": round(self.p95, 2),
            "p99_ms": round(self.p99, 2),
            "rates_of_rounds": [round(done.rate) for done in rounds],
            "cpu_ms_each": round(measured * 1000 / sum(len(done.latencies) for done in rounds), 3),
            **told,
        }


def _loads(sizes: Sizes, made: Iterator[bytes], send: Send, watch: Watch) -> list[_Load]:
    send(list(islice(made, sizes.warm_up)), sizes.clients[0][0])
    found = []
    for clients, many in sizes.clients:
        watch.begin()
        found.append(_Load(clients, [send(list(islice(made, many)), clients) for _ in range(sizes.rounds)], watch))
    return found


def _figures(ours: _Load, flask: _Load, void: str | None) -> list[Figure]:
    if ours.failed or flask.failed:
        void = f"{ours.failed} requests to the hub and {flask.failed} to the reference were not answered with 200."
    is_goal = ours.clients == GOAL_CLIENTS
    key, clients = f"intake_{ours.clients}", f"{ours.clients} client{'s' if ours.clients > 1 else ''}"
    about = {"clients": ours.clients, "body_bytes": orders.BODY_BYTES, **ours.details}
    figures = [
        Figure(
            f"{key}_rate",
            f"Intake, {clients}",
            ours.rate,
            "durable acknowledgements/s",
            Reference(flask.rate, reference.FLASK),
            Goal(least=RATE_GOAL) if is_goal else None,
            about | {"reference": flask.details},
            void,
        ),
        Figure(
            f"{key}_p99",
            f"Intake, {clients}, p99",
            ours.p99,
            "ms",
            Reference(flask.p99, reference.FLASK),
            Goal(most=P99_GOAL_MS) if is_goal else None,
            void=void,
        ),
    ]
    if is_goal:
        figures.append(
            Figure(
                f"{key}_of_flask",
                f"Intake, {clients}, beside the reference",
                ours.rate / flask.rate,
                "of the reference's rate",
                Reference(1.0, reference.FLASK),
                Goal(least=OF_FLASK_GOAL),
                void=void,
            )
        )
    return figures
