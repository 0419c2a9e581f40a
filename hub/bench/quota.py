"""A burst within the providers' limits: how much of them is used, in how many calls, and who waits for whom."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .. import registry
from . import end_to_end, orders, processes, quiet
from .load import percentile, post_all, request
from .processes import Measured, Practice, Unmeasured
from .report import Figure, Goal, Reference
from .sizes import Sizes
from .surroundings import Watch

Say = Callable[[str], None]

LATENCY_SECONDS = 0.08
"""What each call takes: with it Twilio's calls at once, and not this machine, set the pace of a burst."""

MOST_CALLS = 1.1
"""Times the fewest calls that are possible."""

PACE_SECONDS = 0.12
DEAD_SECONDS = 30.0
ACTIONS = {
    "hubspot": ("hubspot.upsert_contact",),
    "mailchimp": ("mailchimp.upsert_member",),
    "twilio": ("twilio.send_sms",),
}
"""What an order asks each provider for."""

ROUTES = {
    "hubspot": "POST /crm/v3/objects/<kind>/batch/upsert",
    "mailchimp": "POST /3.0/lists/<list_id>",
    "twilio": "POST /2010-04-01/Accounts/<account>/Messages.json",
}
"""The calls that do it: others look after webhooks meanwhile, and have nothing to do with orders."""


@dataclass(frozen=True)
class Allowed:
    """What a provider's limits allow for a burst: orders in a second, and the least calls for all of them."""

    rate: float
    calls: int


def allowed(name: str, count: int) -> Allowed:
    """By the limits that the connector declares, which the practice services enforce."""
    limit = registry.connector(name).limit
    batch = min(registry.action(action).batch_limit for action in ACTIONS[name])
    calls = sum(-(-count // registry.action(action).batch_limit) for action in ACTIONS[name])
    rates = [limit.concurrent / LATENCY_SECONDS * batch]
    if limit.calls is not None:
        rates.append(limit.calls / limit.per * batch)
    return Allowed(min(rates), calls)


def measure(sizes: Sizes, folder: Path, say: Say) -> list[Figure]:
    say("quota: a burst within the limits")
    figures = _burst(sizes, _place(folder, "burst"))
    say("quota: texts beside a bulk of contacts")
    figures += _beside_a_bulk(sizes, _place(folder, "bulk"))
    say("quota: a provider that does not answer")
    return figures + _beside_a_dead_one(sizes, _place(folder, "dead"))


def _place(folder: Path, name: str) -> Path:
    made = folder / name
    made.mkdir()
    return made


def _limited(services: Practice) -> None:
    """The limits are the connectors' own, and each call takes its time."""
    services.set("twilio", concurrent=registry.connector("twilio").limit.concurrent)
    services.slow_down(LATENCY_SECONDS)


def _burst(sizes: Sizes, folder: Path) -> list[Figure]:
    count = sizes.burst
    with processes.practice(folder) as services, processes.hub(folder, services, recipe=True) as hub:
        _limited(services)
        newest, before = hub.newest(), services.counts()
        made = [request(hub.running.port, hub.hook, *order) for order in orders.orders(0, count)]
        watch = Watch({"hub": hub.running.pid, "practice": services.running.pid})
        loaded = post_all(hub.running.port, made, end_to_end.CLIENTS)
        time.sleep(max(0.0, sizes.learning - loaded.seconds))
        learnt = services.counts()
        end_to_end.settle(hub, services, count, count, newest, reports=False)
        told, after = watch.told(), services.counts()
        void = end_to_end.wrong(services, range(count))
    if loaded.statuses != {200: count}:
        void = f"Orders were answered with {loaded.statuses}."
    limits = {name: allowed(name, count) for name in ACTIONS}
    slowest = min(limits, key=lambda name: limits[name].rate)
    calls = {
        name: after[name]["routes"].get(route, 0) - before[name]["routes"].get(route, 0)
        for name, route in ROUTES.items()
    }
    refused = {name: {"all": _refused(after[name]), "steady": _refused(after[name], learnt[name])} for name in ACTIONS}
    details = {
        "orders": count,
        "latency_ms": LATENCY_SECONDS * 1000,
        "allowed_per_second": {name: round(limit.rate) for name, limit in limits.items()},
        "calls": calls,
        "fewest_calls": {name: limit.calls for name, limit in limits.items()},
        "refused_429": refused,
        **told,
    }
    return [
        Figure(
            "quota_throughput",
            f"A burst of {count:,} orders within the limits",
            count / float(told["seconds"]),
            "orders/s",
            Reference(limits[slowest].rate, f"what {registry.connector(slowest).title}'s limits allow"),
            details=details,
            void=void,
        ),
        Figure(
            "quota_used",
            "Of the throughput that the limits allow",
            count / float(told["seconds"]) / limits[slowest].rate * 100,
            "%",
            goal=Goal(least=90),
            void=void,
        ),
        Figure(
            "quota_refused",
            f"Refusals (429) after the first {sizes.learning:g} s",
            sum(found["steady"] for found in refused.values()),
            "calls",
            goal=Goal(most=0),
            void=void,
        ),
        *(
            Figure(
                f"quota_calls_{name}",
                f"Calls to {registry.connector(name).title} for it",
                calls[name],
                "calls",
                Reference(limits[name].calls, "the fewest that its batches allow"),
                Goal(most=round(limits[name].calls * MOST_CALLS)),
                void=void,
            )
            for name in ACTIONS
        ),
    ]


def _refused(counts: Mapping[str, Any], since: Mapping[str, Any] | None = None) -> int:
    """How many calls were refused for their number."""
    return int(counts["answers"].get("429", 0)) - (_refused(since) if since else 0)


def _beside_a_bulk(sizes: Sizes, folder: Path) -> list[Figure]:
    """Orders without a number make a bulk of contacts and members; orders with one come meanwhile, at a quiet pace."""
    with processes.practice(folder) as services, processes.hub(folder, services, recipe=True) as hub:
        _limited(services)
        quiet.paced(hub, services, range(sizes.warm_up), PACE_SECONDS / 4)
        first = sizes.warm_up
        alone = quiet.paced(hub, services, range(first, first + sizes.paced), PACE_SECONDS)
        first += sizes.paced
        bulk = _Bulk(hub, range(first, first + sizes.burst))
        first += sizes.burst
        watch = Watch({"hub": hub.running.pid, "practice": services.running.pid})
        bulk.start()
        beside = quiet.paced(hub, services, range(first, first + sizes.paced), PACE_SECONDS)
        processes.until(lambda: hub.states(bulk.newest).keys() == {"done"}, end_to_end.DRAIN_SECONDS, "It did not end")
        seconds = bulk.seconds()
        told = watch.told()
    during = beside[: max(1, int(seconds / PACE_SECONDS))]
    return [
        Figure(
            "quota_text_beside_bulk_p99",
            f"Receipt to text beside a bulk of {sizes.burst:,} contacts, p99",
            percentile(during, 99) * 1000,
            "ms",
            Reference(percentile(alone, 99) * 1000, "the same without the bulk"),
            details={
                "p50_ms": round(percentile(during, 50) * 1000, 1),
                "p50_ms_without": round(percentile(alone, 50) * 1000, 1),
                "texts": len(during),
                "seconds_of_the_bulk": round(seconds, 1),
                **told,
            },
        )
    ]


class _Bulk(threading.Thread):
    """Orders without a number, posted at once, beside whatever else goes on."""

    def __init__(self, hub: Measured, numbers: range) -> None:
        super().__init__(name="bulk", daemon=True)
        self.newest = hub.newest()
        self._hub = hub
        made = (orders.order(number, with_phone=False) for number in numbers)
        self._requests = [request(hub.running.port, hub.hook, *order) for order in made]
        self._began = self._ended = 0.0
        self._failed: Exception | None = None

    def run(self) -> None:
        self._began = time.monotonic()
        try:
            loaded = post_all(self._hub.running.port, self._requests, end_to_end.CLIENTS)
            if loaded.statuses != {200: len(self._requests)}:
                raise Unmeasured(f"Orders of the bulk were answered with {loaded.statuses}.")
            done = len(self._requests)
            processes.until(
                lambda: self._hub.states(self.newest).get("done", 0) >= done,
                end_to_end.DRAIN_SECONDS,
                "The bulk did not end",
                every=0.2,
            )
        except Exception as error:
            self._failed = error
        self._ended = time.monotonic()

    def seconds(self) -> float:
        """How long it took from its first order until as many runs were done. Raises what went wrong in it."""
        self.join()
        if self._failed:
            raise self._failed
        return self._ended - self._began


def _beside_a_dead_one(sizes: Sizes, folder: Path) -> list[Figure]:
    """HubSpot takes every call and answers none; texts leave as if nothing was."""
    with processes.practice(folder) as services, processes.hub(folder, services, recipe=True) as hub:
        quiet.paced(hub, services, range(sizes.warm_up), PACE_SECONDS / 4)
        first = sizes.warm_up
        well = quiet.paced(hub, services, range(first, first + sizes.paced), PACE_SECONDS)
        services.break_down("hubspot", kind="latency", seconds=DEAD_SECONDS, times=1_000_000)
        first += sizes.paced
        watch = Watch({"hub": hub.running.pid, "practice": services.running.pid})
        dead = quiet.paced(hub, services, range(first, first + sizes.paced), PACE_SECONDS)
        told = watch.told()
        hub.running.kill()  # it would wait for calls that are not answered
    before = percentile(well, 99)
    return [
        Figure(
            "quota_text_beside_dead_p99",
            "Receipt to text while HubSpot does not answer, p99",
            percentile(dead, 99) * 1000,
            "ms",
            Reference(before * 1000, "the same while it answers"),
            details={
                "p50_ms": round(percentile(dead, 50) * 1000, 1),
                "p50_ms_while_it_answers": round(percentile(well, 50) * 1000, 1),
                "texts": sizes.paced,
                **told,
            },
        ),
        Figure(
            "quota_dead_change",
            "What a provider that does not answer adds to the others' p99",
            (percentile(dead, 99) / before - 1) * 100,
            "%",
            goal=Goal(most=10),
        ),
    ]
