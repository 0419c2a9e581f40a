"""What was counted of a recipe, added up and compared: as long as its goal and the share that is held out stay as they
are, whatever else of it is edited meanwhile."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Any

import sqlalchemy as sa

from .. import schema
from ..core import Hub
from ..workspaces import Workspace
from .counting import DAY
from .findings import IN, LEAST_DAYS, OUT, Compared, Days, Sums, Tested, added_up, held_out, tested
from .measure import Measure, measure_in


@dataclass(frozen=True)
class Effect:
    """What a recipe brings about, as far as is known. Instants are milliseconds since 1970.

    since       from when on it is counted like this; None if nobody came yet
    with_it     everybody for whom it began, also those whose time is not over
    without     everybody who was held out
    waiting     people of both whose time is not over: they are compared later
    ready_at    when there are enough days to say anything, at the earliest; None if nobody came yet
    currency    of what people were worth; empty if nothing
    cost_currency  of what messages cost; empty if nothing
    compared    it against whom it left out; None if it leaves out nobody
    tests       the options that it tries out
    """

    recipe: str
    measure: Measure
    since: int | None
    with_it: Sums
    without: Sums
    waiting: int
    ready_at: int | None
    currency: str
    cost_currency: str
    compared: Compared | None
    tests: tuple[Tested, ...]


def effect_of(hub: Hub, workspace: Workspace, recipe: str) -> Effect | None:
    """The effect of a recipe as it is on, or was last; None if nothing of it is counted."""
    with hub.database.read() as connection:
        measure, ids = _as_it_is(connection, workspace, recipe)
        if measure is None:
            return None
        rows = connection.execute(_tallies(workspace, ids)).all()
    currency, cost_currency = _most(rows, "value"), _most(rows, "cost")
    by_day: dict[int, dict[str, Sums]] = defaultdict(dict)
    for row in rows:
        known = by_day[row.day].get(row.arm, Sums())
        by_day[row.day][row.arm] = known + _sums(row, currency, cost_currency)
    within = round(measure.within.total_seconds() * 1000)
    first = min(by_day, default=None)
    # A day's people are compared when the last of them had their time.
    over = hub.clock.now() - within - DAY
    days: Days = [] if first is None else [by_day.get(day, {}) for day in range(first, over + 1, DAY)]
    everybody: Days = list(by_day.values())
    over_people = added_up(days, IN).people + added_up(days, OUT).people
    with_it, without = added_up(everybody, IN), added_up(everybody, OUT)
    return Effect(
        recipe=recipe,
        measure=measure,
        since=first,
        with_it=with_it,
        without=without,
        waiting=with_it.people + without.people - over_people,
        ready_at=None if first is None else first + LEAST_DAYS * DAY + within,
        currency=currency,
        cost_currency=cost_currency,
        compared=_compared(days, measure, same_currency=cost_currency in ("", currency)),
        tests=tuple(_tests(days, everybody)),
    )


def _compared(days: Days, measure: Measure, *, same_currency: bool) -> Compared | None:
    if not measure.hold_out:
        return None
    return held_out(days, 1 - measure.hold_out / 100, same_currency=same_currency)


def _tests(days: Days, everybody: Iterable[Any]) -> Iterable[Tested]:
    options: dict[str, set[str]] = defaultdict(set)
    for arm in {arm for day in everybody for arm in day if "=" in arm}:
        test, _, option = arm.partition("=")
        options[test].add(option)
    for test, names in sorted(options.items()):
        yield tested(test, days, sorted(names))


def _as_it_is(connection: sa.Connection, workspace: Workspace, recipe: str) -> tuple[Measure | None, list[int]]:
    """How a recipe is counted, and every time at which it was on while it was counted so without a break."""
    table = schema.enabled_recipe
    query = sa.select(table.c.id, table.c.measure).where(table.c.workspace_id == workspace.id, table.c.recipe == recipe)
    rows = connection.execute(query.order_by(table.c.id.desc())).all()
    if not rows or rows[0].measure is None:
        return None, []
    alike = takewhile(lambda row: row.measure == rows[0].measure, rows)
    return measure_in(rows[0].measure), [row.id for row in alike]


def _tallies(workspace: Workspace, ids: Sequence[int]) -> sa.Select[Any]:
    table = schema.tally
    return sa.select(table).where(table.c.workspace_id == workspace.id, table.c.enabled_id.in_(ids))


def _most(rows: Iterable[Any], name: str) -> str:
    """The currency of the largest sum: of others nothing is told, as they cannot be added."""
    sums: Counter[str] = Counter()
    for row in rows:
        sums[row.currency] += getattr(row, name)
    return max((currency for currency in sums if currency), key=lambda currency: sums[currency], default="")


def _sums(row: Any, currency: str, cost_currency: str) -> Sums:
    mine, paid = row.currency == currency, row.currency == cost_currency
    return Sums(
        people=row.people,
        reached=row.reached,
        unsubscribed=row.unsubscribed,
        sent=row.sent,
        value=row.value if mine else 0,
        squares=row.squares if mine else 0.0,
        cost=row.cost if paid else 0,
        discounts=row.discounts if mine else 0,
    )
