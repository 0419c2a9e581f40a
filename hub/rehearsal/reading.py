"""Reading back what a rehearsal's runs did, opened."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from .. import schema, values
from ..core import Hub
from ..engine.loading import line_of
from ..replay import Entry
from ..step import Step
from ..workspaces import Workspace


@dataclass(frozen=True)
class Line:
    """A step of a run: its row, what was asked for, and how it stands in the journal."""

    row: Any
    step: Step
    entry: Entry


@dataclass(frozen=True)
class Journal:
    """A run's row, and its steps in order."""

    run: Any
    lines: tuple[Line, ...]

    @property
    def entries(self) -> dict[int, Entry]:
        return {line.row.position: line.entry for line in self.lines}


def journals(hub: Hub, workspace: Workspace) -> list[Journal]:
    """All runs, the oldest first."""
    run, step = schema.run, schema.step
    with hub.database.read() as connection:
        runs = connection.execute(sa.select(run).where(run.c.workspace_id == workspace.id).order_by(run.c.id)).all()
        rows = connection.execute(sa.select(step).order_by(step.c.run_id, step.c.position)).all()
        sealers = hub.people.sealers(connection, workspace, {row.person_id for row in runs})
    lines: dict[int, list[Line]] = defaultdict(list)
    for row in rows:
        sealer = sealers[row.person_id]
        if sealer is not None:
            asked = values.read(sealer.open(row.inputs, f"step {row.run_id} {row.position} inputs"))
            lines[row.run_id].append(Line(row, Step(row.action, asked), line_of(row, sealer).entry))
    return [Journal(found, tuple(lines[found.id])) for found in runs]


def skipped(hub: Hub, recipe: str) -> dict[int, str]:
    """Why events did not start the recipe, by their ids."""
    table = schema.event
    with hub.database.read() as connection:
        rows = connection.execute(sa.select(table.c.id, table.c.skipped, table.c.state)).all()
    told = {row.id: json.loads(row.skipped or "{}").get(recipe) for row in rows}
    echoes = {row.id: "It is what our own call caused, so it starts nothing." for row in rows if row.state == "echo"}
    return {event_id: why for event_id, why in told.items() if why} | echoes


def longest(hub: Hub) -> int:
    """How many steps the longest run has."""
    with hub.database.read() as connection:
        return (connection.execute(sa.select(sa.func.max(schema.step.c.position))).scalar() or 0) + 1


def progress(hub: Hub) -> tuple[int, ...]:
    """How much was asked for and has ended: it changes whenever a run goes on."""
    step, run = schema.step, schema.run
    steps = sa.select(sa.func.count(), sa.func.count(step.c.ended_at))
    with hub.database.read() as connection:
        ended = connection.execute(sa.select(sa.func.count(run.c.ended_at))).scalar_one()
        return (*connection.execute(steps).one(), ended)
