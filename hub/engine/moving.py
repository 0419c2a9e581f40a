"""Moving runs under way to other code or settings of their recipe, if that fits what is done already.

A run may move if its journal, replayed on the new code, is asked for as it was. A wait that is not over may be another
one: the new one counts from when the old one began. Whatever may have left is never asked for otherwise.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import sqlalchemy as sa

from .. import registry, schema
from ..core import Hub
from ..enabled import Enabled
from ..errors import RecipeChanged, keepable
from ..matching import fits
from ..recipe import Recipe
from ..replay import Entry, Failed, Finished, Held, Outcome, replay
from ..workspaces import Workspace
from .deciding import decide
from .loading import load
from .state import OPEN, Run
from .writing import write

AT_ONCE = 100
"""Runs that are looked at, or moved, together."""

State = Literal["moves", "stays", "cannot"]


@dataclass(frozen=True)
class Verdict:
    """What becomes of a run: it moves, stays with the code and settings that it has, or cannot move.

    says       why it does not, or what changes in where it is; None if nothing does
    position   the first step that differs, from 0, where one does
    """

    run_id: int
    state: State
    says: str | None = None
    position: int | None = None


@dataclass
class _Judged:
    run: Run
    verdict: Verdict
    waits: tuple[int, ...] = ()
    """Waits that are not over, and are asked for anew."""


def look(hub: Hub, workspace: Workspace, name: str, after: int = 0) -> list[Verdict]:
    """What would become of a recipe's next runs under way, of those whose id is greater than `after`, if its code as
    it is now were published, with the settings that are on; none if there are no more. Runs that are on it already
    are not among them. Nothing is changed.

    Raises NotFound if the recipe is not on, SetupError if its settings do not fit its code.
    """
    recipe, enabled = registry.recipe(name), hub.enabled.draft(workspace, name)
    return [one.verdict for one in _judged(hub, _rows(hub, workspace, recipe, enabled, after), recipe, enabled)]


def move(hub: Hub, workspace: Workspace, name: str, after: int = 0) -> list[Verdict]:
    """As `look`, publishes the recipe, and moves the runs that can. One that somebody else advanced meanwhile is
    looked at again."""
    recipe, enabled = registry.recipe(name), hub.enabled.publish(workspace, name)
    rows = _rows(hub, workspace, recipe, enabled, after)
    found: dict[int, Verdict] = {}
    while rows:
        judged = _judged(hub, rows, recipe, enabled)
        found |= {one.verdict.run_id: one.verdict for one in judged}
        missed = _moved(hub, [one for one in judged if one.verdict.state == "moves"], enabled)
        rows = _live(hub, schema.run.c.id.in_(missed)) if missed else []
    return [found[run_id] for run_id in sorted(found)]


def portions(some: Callable[[int], list[Verdict]]) -> Iterator[list[Verdict]]:
    """What `look` or `move` gives of all runs, portion by portion; `some` calls it with the last id so far."""
    after = 0
    while portion := some(after):
        yield portion
        after = portion[-1].run_id


def _rows(hub: Hub, workspace: Workspace, recipe: Recipe, enabled: Enabled, after: int) -> Sequence[Any]:
    run = schema.run
    # The index over runs under way, not the one over all of a workspace's.
    mine = (run.c.workspace_id + 0 == workspace.id) & (run.c.recipe == recipe.name)
    other = (run.c.version != enabled.version) | (run.c.enabled_id != enabled.id)
    return _live(hub, mine & other & (run.c.id > after))


def _live(hub: Hub, which: sa.ColumnElement[bool]) -> Sequence[Any]:
    run = schema.run
    query = sa.select(run).where(run.c.ended_at.is_(None), which).order_by(run.c.id).limit(AT_ONCE)
    with hub.database.read() as connection:
        return connection.execute(query).all()


def _judged(hub: Hub, rows: Sequence[Any], recipe: Recipe, enabled: Enabled) -> list[_Judged]:
    if not rows:
        return []
    return sorted((_judge(run) for run in load(hub, rows, (recipe, enabled))), key=lambda one: one.verdict.run_id)


def _judge(run: Run) -> _Judged:
    if reason := _stays(run):
        return _Judged(run, Verdict(run.row.id, "stays", reason))
    journal = {position: line.entry for position, line in run.lines.items()}
    outcome = replay(run.begin, journal)
    if not isinstance(outcome, Held | Failed):
        return _Judged(run, _moving(run, outcome, ()))
    # Without the waits that are not over: the new code may ask for others.
    waits = tuple(p for p, line in run.lines.items() if line.state == "waiting" and line.connection_id is None)
    if waits:
        settled = {position: entry for position, entry in journal.items() if position not in waits}
        again = replay(run.begin, settled)
        if not isinstance(again, Held | Failed):
            return _Judged(run, _moving(run, again, waits), waits)
        outcome = again
    return _Judged(run, _not_moving(run, outcome, journal))


def _stays(run: Run) -> str | None:
    """Why a run stays, whatever its steps are."""
    if run.sealer is None or run.event is None:
        return "What it was about was erased, or removed after its time."
    if run.problem is not None:
        return str(run.problem)
    if any(line.state == "unknown" for line in run.lines.values()):
        return "First a person decides about a step whose outcome is not known."
    assert run.recipe is not None
    if not any(fits(match, run.event) for match in run.recipe.on):
        return f"The new version does not begin with {run.event.type}, or not with such an event."
    if refusal := run.recipe.refusal(run.event):
        return f"The new version would not have begun. {refusal}"
    return None


def _moving(run: Run, outcome: Outcome, waits: Sequence[int]) -> Verdict:
    if isinstance(outcome, Finished):
        return Verdict(run.row.id, "moves", "It ends at once.", min(waits, default=None))
    if waits:
        first = min(waits)
        says = f"Step {first + 1} changes. If it is a wait again, it counts from when the first one began."
        return Verdict(run.row.id, "moves", says, first)
    return Verdict(run.row.id, "moves")


def _not_moving(run: Run, outcome: Outcome, journal: dict[int, Entry]) -> Verdict:
    if isinstance(outcome, Failed):
        return Verdict(run.row.id, "cannot", keepable(outcome.reason))
    assert isinstance(outcome, Held)
    error = outcome.error
    position = error.position if isinstance(error, RecipeChanged) else None
    line = run.lines.get(position) if position is not None else None
    if line is not None and line.state in OPEN and line.connection_id is not None:
        says = f"Step {line.position + 1}, {line.action}, is about to leave as it was asked for."
        return Verdict(run.row.id, "stays", says, position)
    return Verdict(run.row.id, "cannot", keepable(str(error)), position)


def _moved(hub: Hub, judged: Sequence[_Judged], enabled: Enabled) -> set[int]:
    """Moves these runs; gives those that were advanced by somebody else meanwhile."""
    if not judged:
        return set()
    waits = {one.run.row.id: one.waits for one in judged}
    for one in judged:
        one.run.waited_since = {position: one.run.lines.pop(position).asked_at for position in one.waits}
        decide(hub, one.run)
        _stay_put_off(one.run)

    def put_onto(connection: sa.Connection, runs: Sequence[Run]) -> None:
        for run in runs:
            _drop(connection, run.row.id, waits[run.row.id])
        _put_onto(connection, [run.row.id for run in runs], enabled)

    written = hub.database.retrying(lambda: write(hub, [one.run for one in judged], put_onto))
    written.wake(hub)
    return waits.keys() - {run.row.id for run in written.runs}


def _stay_put_off(run: Run) -> None:
    """A run whose step waits for a provider lets later ones about its person pass, as it did."""
    if run.state == "running" and run.row.state == "waiting" and not any(line.asked for line in run.lines.values()):
        run.state, run.reason = "waiting", run.row.reason


def _drop(connection: sa.Connection, run_id: int, positions: Sequence[int]) -> None:
    table = schema.step
    if positions:
        connection.execute(sa.delete(table).where(table.c.run_id == run_id, table.c.position.in_(positions)))


def _put_onto(connection: sa.Connection, run_ids: Sequence[int], enabled: Enabled) -> None:
    table = schema.run
    connection.execute(
        sa.update(table).where(table.c.id.in_(run_ids)).values(version=enabled.version, enabled_id=enabled.id)
    )
