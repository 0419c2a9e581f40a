"""Removing in portions: small transactions, so that nobody who writes waits for long, and no row looked at twice.

A portion takes some milliseconds of the writer's time, and leaves at least as much to others before the next one.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from .. import schema
from ..outbox.steps import CLAIMED

if TYPE_CHECKING:
    from ..core import Hub

FIRST, LEAST, MOST = 100, 50, 500
"""Rows that are looked at in one transaction, steps besides: at first, at least, at most."""

STEPS = 4
"""Steps in one transaction, for each row that may be looked at."""

SHORT_SECONDS, LONG_SECONDS = 0.01, 0.03
"""A shorter portion is followed by a larger one, a longer one by a smaller one."""

DAY = 86_400_000
"""Milliseconds."""

DAY_SECONDS = DAY / 1000

Place = tuple[int, int]
"""Where in its order a walk has come to: an instant or 0, and an id."""

START: Place = (-1, -1)


@dataclass(frozen=True)
class Part:
    """What one portion is about: what is in this workspace and as old as `cutoff`, in milliseconds since 1970.

    `place` is where the walk has come to, for kinds that walk; `size` how many rows to look at.
    """

    hub: Hub
    connection: sa.Connection
    workspace_id: int
    cutoff: int
    place: Place
    size: int


@dataclass(frozen=True)
class Done:
    """What a portion did. `more`: there may be more of it. `place`: where the walk has come to."""

    removed: int
    more: bool
    place: Place | None = None


@dataclass(frozen=True)
class Kind:
    """One kind of what is removed, the oldest first.

    oldest  the instant of the oldest that may be removed, None if there is none; of one index entry alone
    take    removes a portion
    """

    name: str
    oldest: Callable[[Part], int | None]
    take: Callable[[Part], Done]

    def next_at(self, hub: Hub, workspace_id: int) -> int | None:
        """The instant of the oldest in a workspace."""
        with hub.database.read() as connection:
            return self.oldest(Part(hub, connection, workspace_id, 0, hub.portions.place(self.name, workspace_id), 1))

    def is_due(self, hub: Hub, workspace_id: int, cutoff: int) -> bool:
        at = self.next_at(hub, workspace_id)
        return at is not None and at <= cutoff


class Portions:
    """How large the portions are, by how long the last ones took, and how far each walk has come. In memory alone:
    a process that starts walks once over what is kept."""

    def __init__(self) -> None:
        self._sizes: dict[str, int] = {}
        self._places: dict[tuple[str, int], Place] = {}
        self._began: float | None = None

    def size(self, name: str) -> int:
        return self._sizes.get(name, FIRST)

    def note(self, name: str, seconds: float) -> None:
        """Takes note of how long a portion took."""
        factor = 2.0 if seconds < SHORT_SECONDS else 0.5 if seconds > LONG_SECONDS else 1.0
        self._sizes[name] = min(MOST, max(LEAST, round(self.size(name) * factor)))

    def place(self, name: str, workspace_id: int) -> Place:
        return self._places.get((name, workspace_id), START)

    def move(self, name: str, workspace_id: int, place: Place) -> None:
        self._places[name, workspace_id] = place

    def walk_again(self, name: str, workspace_id: int) -> None:
        self._places.pop((name, workspace_id), None)

    def start_over(self, now: float) -> None:
        """Once a day every walk begins again: what was needed when it came by may not be needed any more."""
        if self._began is None or now - self._began >= DAY_SECONDS:
            self._places.clear()
            self._began = now


def take_portion(hub: Hub, kind: Kind, workspace_id: int, cutoff: int) -> Done:
    """Removes one portion in a transaction of its own."""
    # On PostgreSQL nobody waits for a transaction but who works with the same rows.
    is_alone = hub.database.is_sqlite
    size = hub.portions.size(kind.name) if is_alone else MOST
    place = hub.portions.place(kind.name, workspace_id)
    began = 0.0

    def work() -> Done:
        nonlocal began
        with hub.database.write() as connection:
            began = time.perf_counter()
            return kind.take(Part(hub, connection, workspace_id, cutoff, place, size))

    done = hub.database.retrying(work)
    took = time.perf_counter() - began
    if done.place is not None:
        hub.portions.move(kind.name, workspace_id, done.place)
    if is_alone:
        hub.portions.note(kind.name, took)
        if done.more:
            hub.pause(min(took, LONG_SECONDS))
    return done


def whole_runs(
    part: Part, run_ids: Sequence[int], which: sa.ColumnElement[bool]
) -> tuple[list[int], sa.ColumnElement[bool]]:
    """Those of the runs whose steps fit into one portion together, and the condition that all these steps meet. If
    the first run has too many: no run, and as many of its steps as fit. Only steps that are `which` count."""
    table, most = schema.step, part.size * STEPS
    query = sa.select(table.c.run_id, table.c.position).where(table.c.run_id.in_(run_ids), which)
    rows = part.connection.execute(query.order_by(table.c.run_id, table.c.position).limit(most + 1)).all()
    if len(rows) <= most:
        return list(run_ids), table.c.run_id.in_(run_ids) & which
    cut = rows[-1].run_id
    if whole := [run_id for run_id in run_ids if run_id < cut]:
        return whole, table.c.run_id.in_(whole) & which
    return [], (table.c.run_id == cut) & table.c.position.in_([row.position for row in rows[:most]])


def free_events(part: Part, event_ids: Collection[int], query: sa.Select[Any]) -> Sequence[Any]:
    """The rows of those of the events that `query` finds, and that nobody else works with: who begins to must wait
    until this is done, so that no run begins with an event just as it goes. On SQLite there is one writer anyway."""
    table, database = schema.event, part.connection
    rows = database.execute(query.where(table.c.id.in_(sorted(event_ids)))).all()
    if part.hub.database.is_sqlite or not rows:
        return rows
    mine = table.c.id.in_([row.id for row in rows])
    people = database.execute(sa.select(table.c.person_id).where(mine, table.c.person_id.is_not(None)))
    part.hub.database.lock_people(database, people.scalars().all())
    free = sa.select(table.c.id).where(mine).order_by(table.c.id).with_for_update(skip_locked=True)
    return database.execute(query.where(table.c.id.in_(database.execute(free).scalars().all()))).all()


def on_its_way() -> sa.ColumnElement[bool]:
    """That a call of a run is still on its way: it needs its inputs to be settled."""
    step = schema.step
    return sa.exists().where(step.c.run_id == schema.run.c.id, step.c.connection_id.is_not(None), CLAIMED)


def waited_for() -> sa.ColumnElement[bool]:
    """That an event is about somebody about whom a run goes on, which may wait for it."""
    run, event = schema.run, schema.event
    return sa.exists().where(run.c.person_id == event.c.person_id, run.c.ended_at.is_(None))


def workspaces(hub: Hub) -> list[tuple[int, int]]:
    """Every workspace, and for how many days it keeps payloads."""
    table = schema.workspace
    with hub.database.read() as connection:
        rows = connection.execute(sa.select(table.c.id, table.c.retention_days).order_by(table.c.id))
        return [(row.id, row.retention_days) for row in rows]


def with_open_requests(hub: Hub) -> set[int]:
    """The workspaces where somebody asked about their data, or its end, and has no answer yet: there history waits."""
    table = schema.privacy_request
    with hub.database.read() as connection:
        open_ones = connection.execute(sa.select(table.c.workspace_id).where(table.c.state == "open").distinct())
        return set(open_ones.scalars())
