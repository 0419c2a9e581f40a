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
    quiet, pauses        orders sent one at a time, and those after a pause each
    starts               of the hub, and of its reference; the median counts
    """

    clients: tuple[tuple[int, int], ...] = ((1, 600), (32, 6000), (256, 6000))
    rounds: int = 3
    warm_up: int = 300
    orders: int = 3000
    quiet: int = 200
    pauses: int = 10
    starts: int = 5


FULL = Sizes()
SMALL = Sizes(clients=((1, 5), (4, 20)), rounds=1, warm_up=5, orders=20, quiet=5, pauses=1, starts=1)
