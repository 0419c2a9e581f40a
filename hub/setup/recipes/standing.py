"""How a recipe stands: how many are inside it, where, and how much of what starts it comes in."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from ... import schema
from ...connector import Match
from ...core import Hub
from ...recipe import Recipe
from ...workspaces import Workspace
from ..timeline import Place
from ..words import DAY

MOST_INSIDE = 1000
"""Runs under way that are looked at: a page is not kept waiting for the rest, and says that there are more."""

LOOKED_THROUGH = 20_000
"""Runs under way, of all recipes, among which those of one are looked for: no index leads to just these, as each run's
start would pay for that."""

MOST_EVENTS = 5000
"""Events that are looked at, the latest: a busy shop's rate shows in fewer than thirty days."""

LOOKS_BACK = 30 * DAY
WEEK = 7 * DAY


@dataclass(frozen=True)
class Inside:
    """The runs of a recipe that are under way: how many, how many of them wait for a person, and how many are at each
    of its steps. `more` is whether there may be others that were not looked at."""

    runs: int
    held: int
    places: Mapping[Place, int] = field(default_factory=dict)
    more: bool = False

    @property
    def anybody(self) -> bool:
        """Whether somebody is in it, or may be."""
        return self.runs > 0 or self.more


@dataclass(frozen=True)
class Incoming:
    """How much came in of what starts a recipe: `count` within `span` milliseconds, which are thirty days, or fewer
    where less is known. As many runs begin at most: conditions and cool-downs let fewer through."""

    count: int
    span: int

    @property
    def weekly(self) -> int | None:
        """How many a week that makes; None if a day or less is known."""
        return round(self.count * WEEK / self.span) if self.span > DAY else None


def inside(hub: Hub, workspace: Workspace, recipe: str) -> Inside:
    """Who is in a recipe just now."""
    run = schema.run
    few = (
        sa.select(run.c.id, run.c.state, run.c.recipe)
        # The index over runs under way, not the one over all of a workspace's.
        .where(run.c.ended_at.is_(None), run.c.workspace_id + 0 == workspace.id)
        .limit(LOOKED_THROUGH)
        .subquery()
    )
    mine = few.c.recipe == recipe
    sums = sa.select(sa.func.count(), _sum(mine), _sum(mine & (few.c.state == "held")))
    with hub.database.read() as connection:
        seen, count, held = connection.execute(sums).one()
        is_more = count > MOST_INSIDE or seen >= LOOKED_THROUGH
        found: Sequence[Any] = []
        # Of a part of them, nobody would know what the places mean.
        if count and not is_more:
            ids = connection.execute(sa.select(few.c.id).where(mine)).scalars().all()
            found = connection.execute(_PLACES, {"ids": ids, "workspace_id": workspace.id}).all()
    places = Counter((row.calls, row.action) for row in found)
    return Inside(min(count, MOST_INSIDE), held, places, is_more)


def _sum(which: sa.ColumnElement[bool]) -> sa.ColumnElement[int]:
    return sa.func.coalesce(sa.func.sum(sa.case((which, 1), else_=0)), 0)


def incoming(hub: Hub, workspace: Workspace, recipe: Recipe) -> Incoming:
    """How much of what starts a recipe came in lately; its schedules are not counted."""
    if len(recipe.schedules) == len(recipe.on):
        return Incoming(0, 0)
    event, now = schema.event, hub.clock.now()
    latest = (
        sa.select(event.c.type, event.c.received_at)
        .where(event.c.workspace_id == workspace.id)
        .order_by(event.c.id.desc())
        .limit(MOST_EVENTS)
        .subquery()
    )
    is_late = sa.case((latest.c.received_at > now - LOOKS_BACK, 1), else_=0)
    kinds = sa.select(
        latest.c.type,
        sa.func.count().label("seen"),
        sa.func.sum(is_late).label("late"),
        sa.func.min(latest.c.received_at).label("oldest"),
    ).group_by(latest.c.type)
    with hub.database.read() as connection:
        rows = connection.execute(kinds).all()
        since = _connected_since(connection, workspace, recipe)
    types = {match.type for match in recipe.on if isinstance(match, Match)}
    counts = [int(row.late) for row in rows if row.type in types]
    known_since = now if since is None else max(since, now - LOOKS_BACK)
    if sum(row.seen for row in rows) >= MOST_EVENTS:
        known_since = max(known_since, min(row.oldest for row in rows))
    # Of several kinds that start it once each, as an order that is placed and paid, the most frequent one counts.
    return Incoming(max(counts, default=0) if recipe.once_per else sum(counts), now - known_since)


def _connected_since(connection: sa.Connection, workspace: Workspace, recipe: Recipe) -> int | None:
    """Since when what starts a recipe is heard of."""
    table = schema.connection
    starting = {match.trigger.connector.name for match in recipe.on if isinstance(match, Match)}
    query = sa.select(sa.func.min(table.c.created_at)).where(
        table.c.workspace_id == workspace.id, table.c.connector.in_(sorted(starting))
    )
    return connection.execute(query).scalar()


@dataclass(frozen=True)
class Lately:
    """What became of the runs that a recipe started within `span` milliseconds, by their state."""

    states: Mapping[str, int]
    span: int

    @property
    def started(self) -> int:
        return sum(self.states.values())


def lately(hub: Hub, workspace: Workspace, recipe: str) -> Lately:
    """What a recipe did lately: of the latest runs of all recipes, so that it takes no longer where there are many."""
    run, now = schema.run, hub.clock.now()
    latest = (
        sa.select(run.c.recipe, run.c.state, run.c.started_at)
        .where(run.c.workspace_id == workspace.id)
        .order_by(run.c.id.desc())
        .limit(MOST_EVENTS)
        .subquery()
    )
    is_late = (latest.c.recipe == recipe) & (latest.c.started_at > now - LOOKS_BACK)
    query = sa.select(
        latest.c.state,
        sa.func.count().label("seen"),
        sa.func.sum(sa.case((is_late, 1), else_=0)).label("late"),
        sa.func.min(latest.c.started_at).label("oldest"),
    ).group_by(latest.c.state)
    with hub.database.read() as connection:
        rows = connection.execute(query).all()
    span = LOOKS_BACK
    if sum(row.seen for row in rows) >= MOST_EVENTS:
        span = min(span, now - min(row.oldest for row in rows))
    return Lately({row.state: int(row.late) for row in rows if row.late}, span)


def _places() -> sa.Select[Any]:
    """Where each of these runs is: its first open step, with the calls before it."""
    step = schema.step
    first = (
        sa.select(step.c.run_id, sa.func.min(step.c.position).label("position"))
        .where(step.c.run_id.in_(sa.bindparam("ids", expanding=True)), step.c.ended_at.is_(None))
        .where(step.c.workspace_id == sa.bindparam("workspace_id"))
        .group_by(step.c.run_id)
        .subquery()
    )
    before = step.alias("before")
    calls = (
        sa.select(sa.func.count())
        .where(before.c.run_id == step.c.run_id, before.c.position < step.c.position)
        .where(before.c.connection_id.is_not(None))
        .scalar_subquery()
    )
    return sa.select(step.c.action, calls.label("calls")).join_from(
        first, step, (step.c.run_id == first.c.run_id) & (step.c.position == first.c.position)
    )


_PLACES = _places()
