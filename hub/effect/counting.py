"""Counting what recipes bring about, in the transaction of whatever causes it, so that nothing is counted twice.

Who comes into a recipe that is measured is a participant, whether a run starts for them or they are held out. What they
do until their time is over is added to the tally of the day on which they came, which says nothing of anybody. They are
not counted anew before `RESTS` is over: whoever comes again and again would count as many people who happen to do the
same. Whoever writes here has locked the people, and writes the tallies last, as everybody adds to the same ones.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from .. import bulk, schema
from ..database import Database
from ..enabled import Enabled
from .findings import IN, OUT
from .measure import Measure

RESTS = timedelta(days=90)
DAY = 86_400_000

_NUMBERS = ("people", "reached", "unsubscribed", "sent", "value", "squares", "cost", "discounts")
_Key = tuple[int, int, int, str, str]
"""A workspace, how a recipe is on, a day, an arm, a currency."""


@dataclass
class Tallies:
    """What one transaction adds up."""

    database: Database
    found: dict[_Key, dict[str, float]] = field(default_factory=lambda: defaultdict(lambda: dict.fromkeys(_NUMBERS, 0)))

    def add(self, of: Any, arms: Iterable[str], currency: str = "", **numbers: float) -> None:
        """Adds to the arms of a participant, or of whoever has its `workspace_id`, `enabled_id` and `day`."""
        for arm in arms:
            known = self.found[of.workspace_id, of.enabled_id, of.day, arm, currency]
            for name, number in numbers.items():
                known[name] += number

    def write(self, connection: sa.Connection) -> None:
        """Adds it to what is there, in one order for everybody."""
        table = schema.tally
        statement = self.database.insert(table)
        sums = {name: table.c[name] + statement.excluded[name] for name in _NUMBERS}
        rows = [
            {"workspace_id": workspace, "enabled_id": enabled, "day": day, "arm": arm, "currency": currency, **numbers}
            for (workspace, enabled, day, arm, currency), numbers in sorted(
                self.found.items(), key=lambda item: item[0]
            )
        ]
        if rows:
            key = [column.name for column in table.primary_key.columns]
            connection.execute(statement.on_conflict_do_update(index_elements=key, set_=sums), rows)


@dataclass(frozen=True)
class Entrant:
    """Somebody who comes into a recipe that is measured; without a run, they are held out. `at`: when what brought them
    happened."""

    enabled: Enabled
    person_id: int
    run_id: int | None
    at: int


@dataclass(frozen=True)
class Happened:
    """Something that somebody did: what it is worth to each recipe whose goal it is, as `Measure.value_of` gives it;
    whether they said no to marketing."""

    person_id: int
    at: int
    goals: Mapping[str, tuple[int, int, str]]
    said_no: bool


def happened(person_id: int, at: int, event: Any, measures: Mapping[str, Measure], *, said_no: bool) -> Happened | None:
    """What an event is to recipes that are measured; None if it is nothing to any."""
    goals = {recipe: measure.value_of(event) for recipe, measure in measures.items() if measure.fits(event)}
    return Happened(person_id, at, goals, said_no) if goals or said_no else None


@dataclass
class _Participant:
    """A row, as it changes."""

    person_id: int
    recipe: str
    workspace_id: int
    enabled_id: int
    run_id: int | None
    arms: str
    day: int
    entered_at: int
    until: int
    gone_at: int
    reached: bool = False
    unsubscribed: bool = False
    value: int = 0
    currency: str = ""

    @property
    def row(self) -> dict[str, Any]:
        return dict(vars(self))


def enter(connection: sa.Connection, entrants: Sequence[Entrant], tallies: Tallies, now: int) -> None:
    """Counts those who are not counted by this recipe already."""
    if not entrants:
        return
    table, known = schema.participant, {}
    for row in _of(connection, {entrant.person_id for entrant in entrants}):
        known[row.person_id, row.recipe] = row
    over = [name for name, row in known.items() if row.gone_at <= now]
    fresh: dict[tuple[int, str], _Participant] = {}
    for entrant in entrants:
        name = (entrant.person_id, entrant.enabled.recipe)
        if name not in fresh and (name not in known or name in over):
            fresh[name] = made = _participant(entrant, now)
            tallies.add(made, [made.arms], people=1)
    for person_id, recipe in fresh.keys() & set(over):
        connection.execute(sa.delete(table).where(table.c.person_id == person_id, table.c.recipe == recipe))
    bulk.insert(connection, table, [made.row for made in fresh.values()])


def _participant(entrant: Entrant, now: int) -> _Participant:
    measure = entrant.enabled.measure
    assert measure is not None
    until = entrant.at + _milliseconds(measure.within)
    return _Participant(
        entrant.person_id,
        entrant.enabled.recipe,
        entrant.enabled.workspace_id,
        entrant.enabled.id,
        entrant.run_id,
        OUT if entrant.run_id is None else IN,
        now // DAY * DAY,
        entrant.at,
        until,
        max(until, now + _milliseconds(RESTS)),
    )


def take_note(connection: sa.Connection, what: Sequence[Happened], tallies: Tallies) -> None:
    """Counts what participants did since they came, and in time. What came late counts by when it was."""
    if not what:
        return
    found = {(row.person_id, row.recipe): row for row in _of(connection, {one.person_id for one in what})}
    of_person: dict[int, list[_Participant]] = defaultdict(list)
    for row in found.values():
        of_person[row.person_id].append(row)
    changed = {}
    for one in what:
        for row in of_person[one.person_id]:
            if not row.entered_at < one.at <= row.until:
                continue
            if row.recipe in one.goals:
                _reach(row, *one.goals[row.recipe], tallies)
                changed[row.person_id, row.recipe] = row
            if one.said_no and not row.unsubscribed:
                row.unsubscribed = True
                tallies.add(row, row.arms.split(), unsubscribed=1)
                changed[row.person_id, row.recipe] = row
    _CHANGE.run(connection, [row.row for row in changed.values()])


def _reach(row: _Participant, value: int, discounts: int, currency: str, tallies: Tallies) -> None:
    arms = row.arms.split()
    if not row.reached:
        row.reached = True
        tallies.add(row, arms, reached=1)
    if not (value or discounts) or row.currency not in ("", currency):
        return  # a sum in another currency than somebody's first cannot be added to it
    squares = float(row.value + value) ** 2 - float(row.value) ** 2
    row.value, row.currency = row.value + value, currency
    tallies.add(row, arms, currency, value=value, squares=squares, discounts=discounts)


_CHANGE = bulk.Update(
    schema.participant, ["person_id", "recipe"], ["arms", "reached", "unsubscribed", "value", "currency"]
)


@dataclass(frozen=True)
class Chosen:
    """That a run of somebody chose options of tests: `test=option` each."""

    person_id: int
    recipe: str
    run_id: int
    options: Sequence[str]


def choose(connection: sa.Connection, chosen: Sequence[Chosen], tallies: Tallies) -> None:
    """Counts the participants whose runs chose in the arms of their options, with what they did before."""
    rows = {(row.person_id, row.recipe): row for row in _of(connection, {one.person_id for one in chosen})}
    changed = []
    for one in chosen:
        row = rows.get((one.person_id, one.recipe))
        if row is None or row.run_id != one.run_id:
            continue  # they were counted with an earlier run, and are not counted anew
        known = row.arms.split()
        fresh = [option for option in one.options if option.partition("=")[0] not in _tests(known)]
        if fresh:
            row.arms = " ".join([*known, *fresh])
            tallies.add(row, fresh, people=1, reached=row.reached, unsubscribed=row.unsubscribed)
            if row.value:
                tallies.add(row, fresh, row.currency, value=row.value, squares=float(row.value) ** 2)
            changed.append(row.row)
    _CHANGE.run(connection, changed)


def _tests(arms: Iterable[str]) -> set[str]:
    return {arm.partition("=")[0] for arm in arms}


@dataclass(frozen=True)
class Sent:
    """That a run of somebody sent a message, and what it cost as far as is known."""

    person_id: int
    recipe: str
    run_id: int
    cost: int
    currency: str


def send(connection: sa.Connection, sent: Sequence[Sent], tallies: Tallies, now: int) -> None:
    """Counts messages to participants: of the run that they are counted with all, of later ones until their time is
    over."""
    rows = {(row.person_id, row.recipe): row for row in _of(connection, {one.person_id for one in sent})}
    for one in sent:
        row = rows.get((one.person_id, one.recipe))
        if row is not None and (row.run_id == one.run_id or now <= row.until):
            tallies.add(row, row.arms.split(), sent=1)
            if one.cost:
                tallies.add(row, row.arms.split(), one.currency, cost=one.cost)


def _of(connection: sa.Connection, person_ids: set[int]) -> list[_Participant]:
    """The participants that these people are."""
    if not person_ids:
        return []
    rows = connection.execute(_PARTICIPANTS, {"ids": sorted(person_ids)})
    return [_Participant(**row._mapping) for row in rows]


_PARTICIPANTS = sa.select(schema.participant).where(
    schema.participant.c.person_id.in_(sa.bindparam("ids", expanding=True))
)


def _milliseconds(span: timedelta) -> int:
    return round(span.total_seconds() * 1000)
