"""Steps whose call may have happened: claimed, and no outcome known."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass, field

import sqlalchemy as sa

from .. import schema
from ..core import Hub
from ..errors import OutcomeUnknown
from ..http import LONGEST_CALL_SECONDS
from ..workspaces import Workspace
from .calling import Outcome, Repeat
from .steps import CLAIMED, Broken, Name, Waiting, load

NEVER_RECORDED = "What became of the call was never recorded."


@dataclass(frozen=True)
class Doubtful:
    """A step that the provider is asked about. Its call left at `since` or later; by `due` the provider must know."""

    step: Waiting
    since: int
    due: int


@dataclass
class LeftBehind:
    """What was claimed and never recorded: what is asked about already, what is clear so far, and what is broken."""

    doubtful: list[Doubtful] = field(default_factory=list)
    outcomes: list[Outcome] = field(default_factory=list)
    broken: list[Broken] = field(default_factory=list)


def left_behind(hub: Hub, workspace: Workspace, connection_id: str, known: Set[Name]) -> LeftBehind:
    """Sorts the claimed steps that this holder does not know of: an earlier holder left them, or a person asks to
    look again."""
    table, found, now = schema.step, LeftBehind(), hub.clock.now()
    query = sa.select(table.c.run_id, table.c.position).where(table.c.connection_id == connection_id, CLAIMED)
    with hub.database.read() as database:
        names = {(row.run_id, row.position) for row in database.execute(query)}
    for step in load(hub, workspace, names - known):
        if isinstance(step, Broken):
            found.broken.append(step)
        elif step.asked_back_at is not None and step.action.repeat == "readback" and _is_soon(step, now):
            found.doubtful.append(Doubtful(step, step.left_at, step.asked_back_at))
        elif step.action.repeat in ("readback", "once"):
            found.outcomes.append(Outcome(step, OutcomeUnknown(NEVER_RECORDED), NEVER_RECORDED))
        else:
            found.outcomes.append(Outcome(step, Repeat(), f"{NEVER_RECORDED} It can be repeated, so it is done again."))
    return found


def _is_soon(step: Waiting, now: int) -> bool:
    """Whether it is asked back within the time that a call and the provider need: later, it was put off by a clock that
    was ahead, and is put off anew."""
    assert step.asked_back_at is not None
    return step.asked_back_at <= now + round((LONGEST_CALL_SECONDS + step.action.settle.total_seconds()) * 1000)
