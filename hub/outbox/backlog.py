"""What waits at one connection, in lanes of steps that could go together, and the next call that could leave.

What is about one person leaves in the order in which it was asked for, so that an old value never replaces a new one:
a step waits while an earlier one is on its way, and is put off with one that is in doubt or tried again later.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import TypeVar

import sqlalchemy as sa

from .. import schema
from ..core import Hub
from ..workspaces import Workspace
from .doubts import Doubtful
from .gathering import Gathering
from .steps import OPEN, Broken, Call, Lane, Late, Name, Waiting, late_of, load

Key = TypeVar("Key")

PAGE = 1000
"""Steps taken from the database at once."""

IN_ORDER = "It waits for an earlier step about the same person."
IN_DOUBT = "It waits until it is known whether the same was done before."


@dataclass(frozen=True)
class PutOff:
    """A step that must wait until `due`, and why."""

    step: Waiting
    due: int
    reason: str


class Backlog:
    """The most urgent and oldest steps that wait at one connection. Filled from the database page by page.

    `gathers`: for how many seconds a call waits that `next` did not give, as it is being filled; None if there is none.
    """

    def __init__(self, hub: Hub, workspace: Workspace, connection_id: str) -> None:
        self.hub, self.workspace, self.connection_id = hub, workspace, connection_id
        self._lanes: dict[Lane, list[Waiting]] = {}
        self._of: dict[int, list[Waiting]] = {}
        self._later = self._put_off()
        self._broken: list[Broken] = []
        self._known: set[Name] = set()
        self._gathering = Gathering(hub.clock.monotonic, hub.gather_seconds)
        self.gathers: float | None = None
        self._asked = self._more = True

    def __len__(self) -> int:
        return len(self._known)

    def look(self) -> None:
        """There may be new steps, perhaps more urgent ones: `fill` reads them whatever is here."""
        self._asked = True

    def note(self, later: Iterable[Late]) -> None:
        """Takes note of steps that are settled later."""
        self._later |= {late.name: late for late in later}

    def take_late(self, doubted: Collection[Doubtful], soonest: int) -> list[PutOff]:
        """Takes out the steps that must wait for one that is settled later: an earlier one about the same person, or
        one in doubt that the provider could not tell from it. None waits less than until `soonest`."""
        found: dict[Name, PutOff] = {}
        for late in (*self._later.values(), *(late for item in doubted if (late := late_of(item.step, item.due)))):
            for step in self._of.get(late.person_id, ()):
                if step.turn > late.turn and step.name[0] != late.name[0]:
                    found[step.name] = PutOff(step, max(late.due, soonest), IN_ORDER)
        twins = {item.step.twin: item.due for item in doubted}
        for step in (step for lane in self._lanes.values() for step in lane) if twins else ():
            if step.twin in twins:
                found[step.name] = PutOff(step, max(twins[step.twin], soonest), IN_DOUBT)
        self._remove([late.step for late in found.values()])
        return list(found.values())

    def fill(self) -> None:
        """Reads what waits and is not here yet: after `look`, when what is here runs out, or when something is to be
        tried again."""
        now = self.hub.clock.now()
        again = [late.name for late in self._later.values() if late.due <= now]
        if not (self._asked or again or (self._more and len(self) <= PAGE // 2)):
            return
        names = self._names()
        fresh = load(self.hub, self.workspace, (name for name in names if name not in self._known))
        self._asked, self._more = False, len(names) == PAGE
        for lane, count in Counter(step.lane for step in fresh if not isinstance(step, Broken)).items():
            self._gathering.came(lane, count)
        for step in fresh:
            self._known.add(step.name)
            if isinstance(step, Broken):
                self._broken.append(step)
            else:
                self._lanes.setdefault(step.lane, []).append(step)
                if step.person_id is not None:
                    self._of.setdefault(step.person_id, []).append(step)
        for waiting in (*self._lanes.values(), *self._of.values()):
            if len(waiting) > 1:
                waiting.sort(key=_turn)
        for name in again:
            del self._later[name]

    def _put_off(self) -> dict[Name, Late]:
        """What earlier holders put off. What a guard holds is not among it: nothing waits for that."""
        table = schema.step
        query = sa.select(
            table.c.run_id, table.c.position, table.c.person_id, table.c.priority, table.c.asked_at, table.c.due_at
        ).where(
            table.c.connection_id == self.connection_id,
            OPEN,
            table.c.state == "waiting",
            table.c.due_at > self.hub.clock.now(),
            table.c.person_id.is_not(None),
            table.c.held_until.is_distinct_from(table.c.due_at),
        )
        with self.hub.database.read() as database:
            rows = database.execute(query).all()
        names = [(row.run_id, row.position) for row in rows]
        return {
            name: Late(row.person_id, (row.priority, row.asked_at, name), row.due_at)
            for name, row in zip(names, rows, strict=True)
        }

    def _names(self) -> list[Name]:
        asked = {"account": self.connection_id, "now": self.hub.clock.now()}
        with self.hub.database.read() as database:
            return [(run_id, position) for run_id, position in database.execute(_NAMES, asked).all()]

    def next(self, busy: Set[Lane], people: Mapping[int, Set[int]]) -> Call | None:
        """The next call that could leave, the urgent and the oldest first; None if there is none.

        While a call of a lane is on its way (`busy`), or where it fills quickly, another one leaves only if it is full:
        what arrives meanwhile goes together. A step waits while one about the same person that another run asked for
        is on its way (`people`, with those runs).
        """
        self.gathers = None
        calls = [call for lane in self._lanes if (call := self._next_of(lane, busy, people))]
        return min(calls, key=lambda call: call.steps[0].turn, default=None)

    def _next_of(self, lane: Lane, busy: Set[Lane], people: Mapping[int, Set[int]]) -> Call | None:
        steps = self._lanes[lane]
        limit = steps[0].action.batch_limit
        together: dict[Name, Waiting] = {}
        for step in steps:
            if self._may_go(step, people) and self._is_first(step, together):
                together[step.name] = step
                if len(together) == limit:
                    break
        if not together or (len(together) < limit and (lane in busy or self._gathers(lane, limit))):
            return None
        return Call(tuple(together.values()))

    def _gathers(self, lane: Lane, limit: int) -> bool:
        seconds = self._gathering.waits(lane, limit)
        if seconds:
            self.gathers = seconds if self.gathers is None else min(seconds, self.gathers)
        return seconds > 0

    @staticmethod
    def _may_go(step: Waiting, people: Mapping[int, Set[int]]) -> bool:
        """Whether nothing that another run asked for about the same person is on its way. What one run asks for at
        once may be on its way at once."""
        return step.person_id is None or people.get(step.person_id, set()) <= {step.name[0]}

    def _is_first(self, step: Waiting, together: Mapping[Name, Waiting]) -> bool:
        """Whether all that other runs asked for before it about the same person leaves in the same call."""
        if step.person_id is None:
            return True
        for earlier in self._of[step.person_id]:
            if earlier is step:
                return True
            if earlier.name not in together and earlier.name[0] != step.name[0]:
                return False
        return False

    def take(self, call: Call) -> None:
        """Removes a call's steps: they leave, or need not."""
        self._gathering.left(call.lane)
        self._remove(call.steps)

    def _remove(self, steps: Sequence[Waiting]) -> None:
        names = {step.name for step in steps}
        self._known -= names
        for lane in {step.lane for step in steps}:
            _without(self._lanes, lane, names)
        for person_id in {step.person_id for step in steps if step.person_id is not None}:
            _without(self._of, person_id, names)

    def take_broken(self) -> list[Broken]:
        """The steps that could not be opened, once."""
        broken, self._broken = self._broken, []
        self._known -= {step.name for step in broken}
        return broken


_NAMES = (
    sa.select(schema.step.c.run_id, schema.step.c.position)
    .where(
        schema.step.c.connection_id == sa.bindparam("account"),
        OPEN,
        schema.step.c.state == "waiting",
        sa.or_(schema.step.c.due_at.is_(None), schema.step.c.due_at <= sa.bindparam("now")),
    )
    .order_by(schema.step.c.priority, schema.step.c.asked_at, schema.step.c.run_id, schema.step.c.position)
    .limit(PAGE)
)


def _turn(step: Waiting) -> tuple[int, int, Name]:
    return step.turn


def _without(lists: dict[Key, list[Waiting]], key: Key, names: Set[Name]) -> None:
    """Takes these steps out of one of the lists, whose first ones they mostly are."""
    steps = lists.pop(key)
    count = min(len(names), len(steps))
    first = all(step.name in names for step in steps[:count])
    if left := steps[count:] if first else [step for step in steps if step.name not in names]:
        lists[key] = left
