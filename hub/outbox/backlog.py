"""What waits at one connection, in lanes of steps that could go together, and the next call that could leave."""

from __future__ import annotations

from collections.abc import Set

import sqlalchemy as sa

from .. import schema
from ..core import Hub
from ..workspaces import Workspace
from .steps import OPEN, Broken, Call, Lane, Name, Waiting, load

PAGE = 1000
"""Steps taken from the database at once."""


class Backlog:
    """The most urgent and oldest steps that wait at one connection. Filled from the database page by page."""

    def __init__(self, hub: Hub, workspace: Workspace, connection_id: str) -> None:
        self.hub, self.workspace, self.connection_id = hub, workspace, connection_id
        self._lanes: dict[Lane, list[Waiting]] = {}
        self._broken: list[Broken] = []
        self._known: set[Name] = set()
        self._asked = self._more = True

    def __len__(self) -> int:
        return len(self._known)

    def look(self) -> None:
        """There may be new steps, perhaps more urgent ones: `fill` reads them whatever is here."""
        self._asked = True

    def fill(self) -> None:
        """Reads what waits and is not here yet: after `look`, or when what is here runs out."""
        if not self._asked and not (self._more and len(self) <= PAGE // 2):
            return
        names = self._names()
        fresh = load(self.hub, self.workspace, (name for name in names if name not in self._known))
        self._asked, self._more = False, len(names) == PAGE
        for step in fresh:
            self._known.add(step.name)
            if isinstance(step, Broken):
                self._broken.append(step)
            else:
                self._lanes.setdefault(step.lane, []).append(step)
        for lane in self._lanes.values():
            lane.sort(key=lambda step: step.turn)

    def _names(self) -> list[Name]:
        table = schema.step
        query = (
            sa.select(table.c.run_id, table.c.position)
            .where(
                table.c.connection_id == self.connection_id,
                OPEN,
                table.c.state == "waiting",
                sa.or_(table.c.due_at.is_(None), table.c.due_at <= self.hub.clock.now()),
            )
            .order_by(table.c.priority, table.c.asked_at, table.c.run_id, table.c.position)
            .limit(PAGE)
        )
        with self.hub.database.read() as database:
            return [(row.run_id, row.position) for row in database.execute(query)]

    def next(self, busy: Set[Lane], doubted: Set[tuple[str, bytes]]) -> Call | None:
        """The next call that could leave, the urgent and the oldest first; None if there is none.

        While a call of a lane is on its way (`busy`), another one leaves only if it is full: what arrives meanwhile
        goes together. A step waits while it is asked whether its twin happened (`doubted`).
        """
        calls = [call for lane in self._lanes if (call := self._next_of(lane, busy, doubted))]
        return min(calls, key=lambda call: call.steps[0].turn, default=None)

    def _next_of(self, lane: Lane, busy: Set[Lane], doubted: Set[tuple[str, bytes]]) -> Call | None:
        steps = self._lanes[lane]
        limit = steps[0].action.batch_limit
        together = steps[:limit] if not doubted else [step for step in steps if step.twin not in doubted][:limit]
        if not together or (lane in busy and len(together) < limit):
            return None
        return Call(tuple(together))

    def take(self, call: Call) -> None:
        """Removes a call's steps: they leave, or need not."""
        self._known.difference_update(step.name for step in call.steps)
        steps, count = self._lanes.pop(call.lane), len(call.steps)
        if steps[count - 1] is call.steps[-1]:
            left = steps[count:]
        else:  # some before it wait, because it is asked whether their twins happened
            taken = {step.name for step in call.steps}
            left = [step for step in steps if step.name not in taken]
        if left:
            self._lanes[call.lane] = left

    def take_broken(self) -> list[Broken]:
        """The steps that could not be opened, once."""
        broken, self._broken = self._broken, []
        self._known -= {step.name for step in broken}
        return broken
