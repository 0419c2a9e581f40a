"""How much is measured: enough for figures that hold, or so little that it only shows that everything works."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Sizes:
    """Counts of each measurement.

    clients, requests    the clients of each load on the door, and how many requests they send together
    rounds               how often a load is repeated; the median counts
    warm_up              requests before the clock runs
    orders               of one end-to-end measurement
    rounds_on_budget     end-to-end measurements after each other that write more than the budget for the disk
    quiet, pauses        orders sent one at a time, and those after a pause each
    burst                orders that the providers' limits hold back
    learning             seconds of the burst in which limits may be learnt: a refusal is fine
    paced                orders sent one at a time beside a bulk, or beside a provider that does not answer
    stored, sleeping     events that lie in a grown hub, and runs that sleep in it
    connections          of other businesses in it
    timers               sleeping runs that become due
    spread               seconds in which they become due, one after the other
    starts               of the hub, and of its reference; the median counts
    settle               seconds after a start until memory is read
    """

    clients: tuple[tuple[int, int], ...] = ((1, 600), (32, 6000), (256, 6000))
    rounds: int = 3
    warm_up: int = 300
    orders: int = 3000
    rounds_on_budget: int = 8
    quiet: int = 200
    pauses: int = 10
    burst: int = 10_000
    learning: float = 15.0
    paced: int = 300
    stored: int = 1_000_000
    sleeping: int = 100_000
    connections: int = 1_000
    timers: int = 2_000
    spread: float = 10.0
    starts: int = 5
    settle: float = 3.0


FULL = Sizes()
SMALL = Sizes(
    clients=((1, 5), (4, 20)),
    rounds=1,
    warm_up=5,
    orders=20,
    rounds_on_budget=1,
    quiet=5,
    pauses=1,
    burst=60,
    learning=0.5,
    paced=5,
    stored=300,
    sleeping=50,
    connections=6,
    timers=10,
    spread=0.5,
    starts=1,
    settle=0.1,
)
