"""Charts, drawn on the server: events per day as bars, with their numbers."""

from __future__ import annotations

from dataclasses import dataclass
from threading import Lock
from weakref import WeakKeyDictionary

import sqlalchemy as sa

from .. import schema
from ..core import Hub
from ..ids import first_id_at
from ..timing import to_datetime
from ..workspaces import Workspace
from .language import _
from .measures import short_day
from .words import DAY

DAYS = 14
WIDTH, HEIGHT, GAP = 560, 96, 8
LEAST = 2
"""Of a day on which anything came in, so that it is seen."""


@dataclass(frozen=True)
class Bar:
    """One day: its number, and where it is drawn."""

    day: str
    count: int
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class Chart:
    """Bars side by side in a box. `says` tells the same in a sentence."""

    title: str
    says: str
    bars: tuple[Bar, ...]
    width: int = WIDTH
    height: int = HEIGHT


class EventCounts:
    """How many events came in per day. Days that are over are counted once."""

    def __init__(self) -> None:
        self._known: dict[tuple[int, int], int] = {}
        self._lock = Lock()

    def of(self, hub: Hub, workspace: Workspace, days: int = DAYS) -> list[tuple[int, int]]:
        """The last days, oldest first, each with its start in milliseconds and its number. A day is one in UTC."""
        today = hub.clock.now() // DAY * DAY
        starts = [today - n * DAY for n in reversed(range(days))]
        with self._lock:
            missing = [start for start in starts if start == today or (workspace.id, start) not in self._known]
        counted = {start: _count(hub, workspace, start) for start in missing}
        with self._lock:
            # Yesterday is counted once more at first: an id is made a moment before its row can be seen.
            self._known |= {(workspace.id, s): n for s, n in counted.items() if s < today - DAY}
            for key in [key for key in self._known if key[1] < starts[0]]:
                del self._known[key]
            return [(s, counted[s] if s in counted else self._known[workspace.id, s]) for s in starts]


def _count(hub: Hub, workspace: Workspace, start: int) -> int:
    """The events of one day. Ids grow with time, so an index that has nothing else leads through just these."""
    table = schema.event
    query = sa.select(sa.func.count()).where(
        table.c.workspace_id == workspace.id, table.c.id >= first_id_at(start), table.c.id < first_id_at(start + DAY)
    )
    with hub.database.read() as connection:
        return connection.execute(query).scalar_one()


_counts: WeakKeyDictionary[Hub, EventCounts] = WeakKeyDictionary()


def events_per_day(hub: Hub, workspace: Workspace) -> Chart:
    """The chart of the last days."""
    found = _counts.setdefault(hub, EventCounts()).of(hub, workspace)
    total = sum(count for _start, count in found)
    numbers = [(short_day(to_datetime(start).date()), count) for start, count in found]
    says = _("Nothing came in lately.")
    if total:
        says = _("%(total)s in %(days)s days, %(today)s today.", total=total, days=len(found), today=numbers[-1][1])
    return Chart(_("Events per day"), says, bars(numbers))


def bars(numbers: list[tuple[str, int]]) -> tuple[Bar, ...]:
    """Numbers, each with its name, as bars that fill a box of `WIDTH` and `HEIGHT`."""
    most, step = max((count for _name, count in numbers), default=0), WIDTH / max(1, len(numbers))
    drawn = []
    for place, (name, count) in enumerate(numbers):
        height = max(LEAST, round(HEIGHT * count / most, 1)) if count else 0
        drawn.append(Bar(name, count, round(place * step + GAP / 2, 1), HEIGHT - height, round(step - GAP, 1), height))
    return tuple(drawn)
