"""Beginning a run where it is started: in the transaction that writes its event down, while all that it needs is at
hand. Most runs ask for their first steps there, and are not loaded before these are answered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any

import sqlalchemy as sa

from .. import metrics
from ..core import Hub
from ..enabled import Enabled
from ..event import Event
from ..recipe import Recipe
from ..sealing import Sealer
from ..wakeups import perform
from ..workspaces import Workspace
from .deciding import decide
from .state import Run
from .writing import insert_steps


def begin(
    hub: Hub,
    workspace: Workspace,
    sealer: Sealer | None,
    event: Event,
    row: Mapping[str, Any],
    recipe: Recipe,
    enabled: Enabled,
) -> Run | None:
    """A new run, decided on as far as it goes by itself; `row` is its row as it would be written. None if the engine
    must load it first, because what happened meanwhile may matter to it."""
    if recipe.stop_when:
        return None
    run = Run(SimpleNamespace(**row, fence=0), workspace, sealer, recipe, enabled, event)
    try:
        decide(hub, run)
    except Exception:  # what the engine itself cannot do holds up no delivery: it meets it again, and tells
        return None
    return None if run.waits_for or run.complaints else run


def begun_row(run: Run, now: int) -> dict[str, Any]:
    """What the run's row says of where it stands."""
    return {
        "state": run.state,
        "reason": run.reason,
        "due_at": run.due_at,
        "ended_at": now if run.ended else None,
    }


def write_begun(connection: sa.Connection, runs: Sequence[Run], now: int) -> set[str]:
    """Writes down the steps that these runs ask for; gives the queues that have something to do."""
    insert_steps(connection, runs, now)
    metrics.runs_ended((run.row.recipe, run.state) for run in runs if run.ended or run.state == "held")
    return {perform(line.connection_id) for run in runs for line in run.lines.values() if line.connection_id}
