"""From receipt to effect when quiet: one order at a time, until its text is asked for at the practice Twilio."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path

from . import orders, processes, reference
from .load import One, percentile, request
from .processes import Measured, Practice, Unmeasured
from .report import Figure, Reference
from .sizes import Sizes
from .surroundings import Watch

Say = Callable[[str], None]

GAP_SECONDS = 0.12
"""Between two orders, so that the one before is done."""

PAUSE_SECONDS = 2.5
"""After which the hub has let go of everything that it holds while there is work."""

PATIENCE_SECONDS = 300.0


def measure(sizes: Sizes, folder: Path, say: Say) -> list[Figure]:
    with processes.practice(folder) as services, processes.hub(folder, services, recipe=True) as hub:
        services.unlimited()
        say("from receipt to effect when quiet: the reference")
        plain = reference.calls(services, 90_000, sizes.quiet, threads=1)
        say("from receipt to effect when quiet")
        paced(hub, services, range(sizes.warm_up), GAP_SECONDS / 4)
        watch = Watch({"hub": hub.running.pid, "practice": services.running.pid})
        first = sizes.warm_up
        quick = paced(hub, services, range(first, first + sizes.quiet), GAP_SECONDS)
        told = watch.told()
        slow = paced(hub, services, range(first + sizes.quiet, first + sizes.quiet + sizes.pauses), PAUSE_SECONDS)
    alone = Reference(plain.seconds / plain.orders * 1000, "the four calls one after the other through requests, mean")
    return [
        _figure("quiet_p50", "From receipt to effect when quiet, p50", quick, 50, alone, told),
        _figure("quiet_p99", "From receipt to effect when quiet, p99", quick, 99, alone, told),
        _figure("quiet_after_pause_p50", f"The same after {PAUSE_SECONDS:g} s of nothing, p50", slow, 50, alone, {}),
    ]


def _figure(
    key: str, title: str, latencies: Sequence[float], percent: float, alone: Reference, details: dict[str, object]
) -> Figure:
    return Figure(
        key,
        title,
        percentile(latencies, percent) * 1000,
        "ms",
        alone,
        details={"samples": len(latencies), "slowest_ms": round(max(latencies) * 1000, 2), **details},
    )


def paced(hub: Measured, services: Practice, numbers: range, gap: float) -> list[float]:
    """Posts these orders at even distances, and gives the seconds from sending each to its text.

    Raises Unmeasured if an order is refused, or has not sent exactly one text.
    """
    made = [request(hub.running.port, hub.hook, *orders.order(number)) for number in numbers]
    sent: dict[str, float] = {}
    client = One(hub.running.port)
    due = time.monotonic()
    try:
        for number, posted in zip(numbers, made, strict=True):
            time.sleep(max(0.0, due - time.monotonic()))
            due += gap
            sent[orders.phone(number)] = time.time()
            if (status := client.post(posted)) != 200:
                raise Unmeasured(f"An order was answered with {status}.")
    finally:
        client.close()
    return since(services, sent)


def since(services: Practice, sent: dict[str, float]) -> list[float]:
    """Seconds from sending each order to its text. Raises Unmeasured if one has not sent exactly one text."""
    asked: dict[str, list[float]] = {}

    def all_asked() -> bool:
        asked.clear()
        asked.update(services.texts())
        return all(phone in asked for phone in sent)

    processes.until(all_asked, PATIENCE_SECONDS, "Not every order sent a text", every=0.2)
    if any(len(asked[phone]) != 1 for phone in sent):
        raise Unmeasured("An order sent more than one text.")
    return [asked[phone][0] - at for phone, at in sent.items()]
