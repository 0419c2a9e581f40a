"""The engine: takes the runs that are due, replays them, and writes down what they ask for next.

Whatever is decided is written in one transaction per batch, and only for runs that nobody else advanced meanwhile
(their fence is still the one that was read).
"""

from __future__ import annotations

from ..core import Hub
from .beginning import begin, begun_row, write_begun
from .deciding import decide
from .loading import claim, load
from .moving import look, move, portions
from .state import Run
from .writing import chosen, write

__all__ = ["BATCH", "Run", "advance", "begin", "begun_row", "chosen", "look", "move", "portions", "write_begun"]

BATCH = 200


def advance(hub: Hub, limit: int = BATCH) -> int:
    """Advances a batch of due runs; gives how many there were."""
    rows = hub.database.retrying(lambda: claim(hub, limit))
    if not rows:
        return 0
    runs = load(hub, rows)
    for run in runs:
        decide(hub, run)
    written = hub.database.retrying(lambda: write(hub, runs))
    for run in runs:
        if run.ended:
            hub.events.drop(run.row.event_id)
    written.wake(hub)
    return len(rows)
