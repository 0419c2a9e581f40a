"""One brake for unusual volume: where a recipe is about to send far more marketing than it does on a busy day, its
messages wait until a person says whether they should leave.

What is usual is learned from the daily counts of the last thirty days: the third busiest of them, so that one or two
large sendings, which a person let go, make none of the next usual. A recipe without three such days has a plain first
limit. Messages that somebody's own act asks for are not braked: a shop's best day is not a fault, and an order that is
not confirmed costs more than a question too few.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from .. import bulk, registry, schema
from ..core import Hub
from ..errors import HubError, NotFound
from ..wakeups import perform
from ..workspaces import Workspace

DAY = 86_400_000
LEARNED_DAYS, BUSY = 30, 3
FIRST, TIMES = 100, 5
"""So many may leave on a day without asking: at first, and so many times what is usual."""


@dataclass(frozen=True)
class Unusual:
    """What a person is asked about a recipe: so many of its messages wait, `usual` of them leave on a busy day (0: it
    did not send for long enough to say)."""

    recipe: str
    asked_at: int
    waiting: int
    usual: int

    @property
    def says(self) -> str:
        what = "1 more marketing message" if self.waiting == 1 else f"{self.waiting:,} more marketing messages"
        usual = f"on a busy day it sends {self.usual:,}" if self.usual else "it is new, so nobody knows what is usual"
        return f"“{self.title}” would send {what}; {usual}. They wait for your answer."

    @property
    def title(self) -> str:
        try:
            return registry.recipe(self.recipe).title
        except HubError:
            return self.recipe


def reserve(
    hub: Hub, database: sa.Connection, workspace: Workspace, wanted: Mapping[str, int], allowed: Mapping[str, int]
) -> dict[str, int]:
    """Counts messages of recipes as sent today: so many `wanted` as far as that is not unusual, and so many that were
    `allowed` whatever is usual. Gives how many of the wanted ones may leave; where not all may, a person is asked.

    In a rehearsal all may leave, as if somebody had said so: what is usual there says nothing about the business.
    Whoever counts for the same recipe at the same time waits until this is committed.
    """
    if not hub.keeps_limits:
        return dict(wanted)
    found = {}
    for recipe in sorted(wanted.keys() | allowed.keys()):
        count, free = wanted.get(recipe, 0), allowed.get(recipe, 0)
        today = {"workspace": workspace.id, "of": recipe, "on": hub.clock.now() // DAY}
        row = database.execute(_ADD, today | {"n": count + free, "free": free}).one_or_none()
        if row is None:
            _begin(hub, database, today)
            row = database.execute(_ADD, today | {"n": count + free, "free": free}).one()
        over = min(count, max(0, row.count - row.most))
        if over:
            database.execute(_ADD, today | {"n": -over, "free": 0})
            _ask(hub, database, workspace, recipe, row.usual)
        found[recipe] = count - over
    return found


_volume, _brake, _step, _run = schema.volume, schema.brake, schema.step, schema.run
_ADD = (
    sa.update(_volume)
    .where(
        _volume.c.workspace_id == sa.bindparam("workspace"),
        _volume.c.recipe == sa.bindparam("of"),
        _volume.c.day == sa.bindparam("on"),
    )
    .values(count=_volume.c.count + sa.bindparam("n"), most=_volume.c.most + sa.bindparam("free"))
    .returning(_volume.c.count, _volume.c.most, _volume.c.usual)
)


def _begin(hub: Hub, database: sa.Connection, today: Mapping[str, Any]) -> None:
    """Makes a day's row of a recipe, with what is usual as far as that was learned by then."""
    of, day = today["of"], today["on"]
    query = (
        sa.select(_volume.c.count)
        .where(_volume.c.workspace_id == today["workspace"], _volume.c.recipe == of)
        .where(_volume.c.day < day, _volume.c.day >= day - LEARNED_DAYS)
        .order_by(_volume.c.count.desc())
        .limit(BUSY)
    )
    counts = database.execute(query).scalars().all()
    usual = counts[-1] if len(counts) == BUSY else 0
    row = {"workspace_id": today["workspace"], "recipe": of, "day": day, "count": 0, "usual": usual}
    made = hub.database.insert(_volume).values(row | {"most": max(FIRST, TIMES * usual)})
    database.execute(made.on_conflict_do_nothing())


def _ask(hub: Hub, database: sa.Connection, workspace: Workspace, recipe: str, usual: int) -> None:
    row = {"workspace_id": workspace.id, "recipe": recipe, "asked_at": hub.clock.now(), "usual": usual}
    asked = hub.database.insert(_brake).values(row)
    since = sa.func.coalesce(_brake.c.asked_at, asked.excluded.asked_at)
    key = [_brake.c.workspace_id, _brake.c.recipe]
    database.execute(asked.on_conflict_do_update(index_elements=key, set_={"asked_at": since, "usual": usual}))


def unusual(hub: Hub, workspace: Workspace) -> list[Unusual]:
    """What a person is asked in a workspace, the oldest question first."""
    query = sa.select(_brake).where(_brake.c.workspace_id == workspace.id, _brake.c.asked_at.is_not(None))
    with hub.database.read() as database:
        rows = database.execute(query.order_by(_brake.c.asked_at)).all()
        held = database.execute(_HELD, {"workspace": workspace.id}).all() if rows else []
    counts = {recipe: count for recipe, count in held}
    return [Unusual(row.recipe, row.asked_at, counts.get(row.recipe, 0), row.usual) for row in rows]


_braked = (
    (_step.c.workspace_id == sa.bindparam("workspace"))
    & (_step.c.held_by == "brake")
    & sa.literal_column("step.state = 'waiting' AND step.held_by IS NOT NULL")
)
_HELD = (
    sa.select(_run.c.recipe, sa.func.count())
    .join_from(_step, _run, _run.c.id == _step.c.run_id)
    .where(_braked)
    .group_by(_run.c.recipe)
)


def answer(hub: Hub, workspace: Workspace, recipe: str, *, go_on: bool) -> int:
    """Lets the messages leave that a recipe asked for until now, or has none of them leave; what it asks for from here
    on is looked at anew. Gives how many waited. Raises NotFound if nothing was asked about this recipe."""
    return hub.database.retrying(lambda: _answer(hub, workspace, recipe, go_on=go_on))


def _answer(hub: Hub, workspace: Workspace, recipe: str, *, go_on: bool) -> int:
    now = hub.clock.now()
    mine = sa.select(_step.c.run_id, _step.c.position, _step.c.connection_id).where(_braked)
    mine = mine.join_from(_step, _run, _run.c.id == _step.c.run_id).where(_run.c.recipe == recipe)
    with hub.database.write() as database:
        # Steps before the brake's own row, in the order in which whoever sends locks them.
        rows = database.execute(mine.with_for_update(of=_step), {"workspace": workspace.id}).all()
        asked = sa.update(_brake).where(_brake.c.workspace_id == workspace.id, _brake.c.recipe == recipe)
        done = database.execute(
            asked.where(_brake.c.asked_at.is_not(None)).values(
                asked_at=None, answered_at=now, answer="go_on" if go_on else "stop"
            )
        )
        if not done.rowcount:
            raise NotFound(f"Nothing is asked about the recipe {recipe!r}. See what needs you with: hub check")
        release(database, [(row.run_id, row.position) for row in rows], now)
    for connection_id in sorted({row.connection_id for row in rows}):
        hub.wakeups.wake(perform(connection_id))
    return len(rows)


def release(database: sa.Connection, names: list[tuple[int, int]], now: int) -> None:
    """Has steps that a guard holds looked at again at once."""
    rows = [{"run_id": run_id, "position": position, "due_at": now} for run_id, position in names]
    _RELEASE.run(database, rows)


_RELEASE = bulk.Update(_step, ["run_id", "position"], ["due_at"], where="step.state = 'waiting'")
