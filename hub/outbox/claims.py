"""Claiming calls before they leave: of their steps, those that still wait and that the guards let pass."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta

import sqlalchemy as sa

from .. import bulk, guards, schema
from ..connections import Connection
from ..core import Hub
from ..errors import NOT_SENT
from ..workspaces import Workspace
from .changes import Changes, refuse
from .steps import Call, Name, Waiting

ECHO_KEPT = timedelta(minutes=30)


def claim(
    hub: Hub,
    database: sa.Connection,
    workspace: Workspace,
    connection: Connection,
    calls: Sequence[Call],
    changes: Changes,
    recipes: dict[int, str],
) -> list[Call]:
    """Claims those steps of the calls that still wait and that the guards let pass; gives the calls they make.
    `recipes` names the recipes of their runs."""
    steps = [step for call in calls for step in call.steps]
    if not steps:
        return []
    waiting = _still_waiting(database, steps, changes.fence)
    echoes: dict[Name, set[bytes]] = {}
    for step in (step for step in steps if step.name in waiting):
        try:
            echoes[step.name] = {workspace.hash("echo", connection.id, text) for text in _echoes(step)}
        except Exception as error:  # a recipe may pass anything: then this step is refused, and no other one
            refuse(changes, step, f"Its inputs do not fit {step.action.name} ({type(error).__name__}).")
    fit = [step for step in steps if step.name in echoes]
    verdicts = guards.judge(hub, database, workspace, connection, fit, recipes)
    for step in fit:
        match verdicts.get(step.name):
            case guards.Refusal(reason):
                refuse(changes, step, reason, code=NOT_SENT)
            case guards.Hold() as hold:
                changes.hold(step.name, hold)
    leaving = {step.name for step in fit if step.name not in verdicts}
    claimed = [Call(left) for call in calls if (left := tuple(s for s in call.steps if s.name in leaving))]
    _mark_claimed(database, [step for call in claimed for step in call.steps], changes)
    _note_echoes(hub, database, connection, {echo for name in leaving for echo in echoes[name]})
    return claimed


def _echoes(step: Waiting) -> Iterable[str]:
    """The fingerprints of the events that this step will cause."""
    return step.action.echo(step.inputs) if step.action.echo else ()


def _still_waiting(database: sa.Connection, steps: Sequence[Waiting], fence: int) -> set[Name]:
    """Those of the steps that nobody cancelled, erased or ended since they were read. One that is claimed under our
    own fence never left: the commit that claimed it broke off on its way back to us."""
    names = {step.name for step in steps}
    asked = {"ids": list({run_id for run_id, _ in names}), "mine": fence}
    return {(row.run_id, row.position) for row in database.execute(_WAITING, asked)} & names


_WAITING = (
    sa.select(schema.step.c.run_id, schema.step.c.position)
    .where(
        schema.step.c.run_id.in_(sa.bindparam("ids", expanding=True)),
        (schema.step.c.state == "waiting")
        | ((schema.step.c.state == "claimed") & (schema.step.c.fence == sa.bindparam("mine"))),
    )
    .with_for_update()
)


def _mark_claimed(database: sa.Connection, steps: Sequence[Waiting], changes: Changes) -> None:
    same = {"fence": changes.fence, "claimed_at": changes.now}
    _CLAIM.run(database, [{"run_id": step.name[0], "position": step.name[1], **same} for step in steps])


_CLAIM = bulk.Update(
    schema.step,
    ["run_id", "position"],
    ["fence", "claimed_at"],
    also={"state": "'claimed'", "attempts": "step.attempts + 1", "due_at": "NULL", "held_by": "NULL"},
)


def _note_echoes(hub: Hub, database: sa.Connection, connection: Connection, echoes: set[bytes]) -> None:
    """Notes the events that calls will cause, so that they start nothing when they come in."""
    if not echoes:
        return
    table = schema.echo
    until = hub.clock.now() + round(ECHO_KEPT.total_seconds() * 1000)
    statement = hub.database.insert(table)
    database.execute(
        statement.on_conflict_do_update(
            index_elements=[table.c.connection_id, table.c.hash], set_={"until": statement.excluded.until}
        ),
        [{"connection_id": connection.id, "hash": name, "until": until} for name in sorted(echoes)],
    )
