"""The engine: takes the runs that are due, replays them, and writes down what they ask for next.

Whatever is decided is written in one transaction per batch, and only for runs that nobody else advanced meanwhile
(their fence is still the one that was read).
"""

from __future__ import annotations

from ..core import Hub
from ..wakeups import ADVANCE
from .beginning import begin, begun_row, write_begun
from .deciding import decide
from .loading import claim, load
from .state import Run
from .writing import write

__all__ = ["BATCH", "Run", "advance", "begin", "begun_row", "write_begun"]

BATCH = 200


def advance(hub: Hub, limit: int = BATCH) -> int:
    """Advances a batch of due runs; gives how many there were."""
    rows = hub.database.retrying(lambda: claim(hub, limit))
    if not rows:
        return 0
    runs = load(hub, rows)
    for run in runs:
        decide(hub, run)
    queues, more = hub.database.retrying(lambda: write(hub, runs))
    for run in runs:
        if run.ended:
            hub.events.drop(run.row.event_id)
    for queue in sorted(queues):
        hub.wakeups.wake(queue)
    if more:
        hub.wakeups.wake(ADVANCE)
    return len(rows)
