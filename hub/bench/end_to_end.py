"""From an order to its effects: contact, member with tag, text. Every effect is counted; else the figure is void."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

from . import machine, orders, processes, reference
from .load import post_all, request
from .processes import Measured, Practice
from .report import Figure, Goal, Reference
from .sizes import Sizes
from .surroundings import Watch

Say = Callable[[str], None]

CLIENTS = 32
RATE_GOAL, CPU_GOAL = 400, 2.0
DRAIN_SECONDS = 600.0


def measure(sizes: Sizes, folder: Path, say: Say) -> list[Figure]:
    """The flow that comparisons are made with, then with a provider that takes 50 ms, then with delivery reports."""
    say("end to end: the reference")
    with processes.practice(folder) as services:
        services.unlimited()
        plain = reference.calls(services, 0, min(sizes.orders, 1000))
    figures = []
    for name, title, latency, reports in (
        ("", "End to end", 0.0, False),
        ("_50ms", "End to end, providers take 50 ms", 0.05, False),
        ("_with_reports", "End to end with two delivery reports each", 0.0, True),
    ):
        say(title.lower())
        place = folder / f"end_to_end{name}"
        place.mkdir()
        with (
            processes.practice(place, reports=reports) as services,
            processes.hub(place, services, recipe=True) as hub,
        ):
            services.slow_down(latency)
            drained = drain(sizes, hub, services, reports=reports)
        figures += _figures(f"end_to_end{name}", title, drained, plain)
    return figures


class Drained:
    """A burst of orders until its last effect: `rate` in orders/s, `cpu` in seconds of the hub per 1,000 orders."""

    def __init__(self, count: int, seconds: float, cpu: float, details: dict[str, object], void: str | None) -> None:
        self.rate, self.cpu = count / seconds, cpu / count * 1000
        self.details, self.void = details, void


def drain(
    sizes: Sizes, hub: Measured, services: Practice, *, reports: bool, first: int = 0, before: int = 0
) -> Drained:
    """Posts a burst of orders, numbered from `first`, and waits for the last effect of the last one.

    `before`: how many orders others sent to these services earlier, numbered from 0.
    """
    port, count = hub.running.port, sizes.orders
    warm = [request(port, hub.hook, *made) for made in orders.orders(first, sizes.warm_up)]
    made = [request(port, hub.hook, *made) for made in orders.orders(first + sizes.warm_up, count)]
    newest = hub.newest()
    post_all(port, warm, CLIENTS)
    settle(hub, services, before + sizes.warm_up, sizes.warm_up, newest, reports=reports)
    machine.forget_peak(hub.running.pid)
    before_calls = services.counts()
    watch = Watch({"hub": hub.running.pid, "practice": services.running.pid})
    loaded = post_all(port, made, CLIENTS)
    settle(hub, services, before + sizes.warm_up + count, sizes.warm_up + count, newest, reports=reports)
    details = watch.told()
    cpu = watch.cpu("hub")
    void = wrong(services, [*range(before), *range(first, first + sizes.warm_up + count)])
    if loaded.statuses != {200: count}:
        void = f"Orders were answered with {loaded.statuses}."
    details |= {
        "orders": count,
        "events": count * (3 if reports else 1),
        "acknowledgements_per_second": round(loaded.rate),
        "acknowledged_p99_ms": round(loaded.percentile(99), 1),
        "peak_rss_mb": round(machine.peak_rss_mb(hub.running.pid), 1),
        "calls": {name: counts["calls"] - before_calls[name]["calls"] for name, counts in services.counts().items()},
    }
    return Drained(count, float(details["seconds"]), cpu, details, void)


def settle(hub: Measured, services: Practice, effects: int, runs: int, newest: int, *, reports: bool) -> None:
    """Returns once so many effects happened, and so many runs beyond the id `newest` are done and written down."""
    wanted = {"contacts": effects, "members": effects, "texts": effects}
    processes.until(
        lambda: services.effects() == wanted, DRAIN_SECONDS, f"Not all effects of {effects} orders happened", every=0.05
    )
    processes.until(lambda: hub.states(newest) == {"done": runs}, DRAIN_SECONDS, f"Not all of {runs} runs were done")
    events = runs * (3 if reports else 1)
    processes.until(
        lambda: hub.events(newest) == events and hub.unread() == 0,
        DRAIN_SECONDS,
        f"Not all of {events} events came",
        every=0.05,
    )


def wrong(services: Practice, numbers: Sequence[int]) -> str | None:
    """What differs from one contact, one tagged member and one text for each of these orders; None if nothing does."""
    emails, phones = Counter(map(orders.email, numbers)), Counter(map(orders.phone, numbers))
    contacts = services.books("hubspot")["objects"]["contacts"].values()
    if Counter(contact["properties"]["email"] for contact in contacts) != emails:
        return "Not every order made one contact."
    members = services.books("mailchimp")["lists"]["practice"]["members"].values()
    if Counter(member["email_address"] for member in members if member["tags"] == ["customer"]) != emails:
        return "Not every order made one tagged member."
    if Counter(message["to"] for message in services.books("twilio")["messages"]) != phones:
        return "Not every order sent one text."
    return None


def _figures(key: str, title: str, drained: Drained, plain: reference.Called) -> list[Figure]:
    what = reference.CALLS.format(threads=reference.THREADS)
    is_goal = key == "end_to_end"
    return [
        Figure(
            f"{key}_rate",
            title,
            drained.rate,
            "orders/s",
            Reference(plain.rate, what),
            Goal(least=RATE_GOAL) if is_goal else None,
            drained.details,
            drained.void,
        ),
        Figure(
            f"{key}_cpu",
            f"{title}, the hub's CPU",
            drained.cpu,
            "s per 1,000 orders",
            Reference(plain.cpu_per_thousand, what),
            Goal(most=CPU_GOAL) if is_goal else None,
            void=drained.void,
        ),
    ]
