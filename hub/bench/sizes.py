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
    """

    clients: tuple[tuple[int, int], ...] = ((1, 600), (32, 6000), (256, 6000))
    rounds: int = 3
    warm_up: int = 300
    orders: int = 3000


FULL = Sizes()
SMALL = Sizes(clients=((1, 5), (4, 20)), rounds=1, warm_up=5, orders=20)
