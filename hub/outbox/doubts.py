"""Steps whose call may have happened: claimed, and no outcome known."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from .. import schema
from ..core import Hub
from ..errors import OutcomeUnknown
from ..workspaces import Workspace
from .backlog import Waiting, opened
from .calling import Found, Outcome


@dataclass(frozen=True)
class Doubtful:
    """A step that the provider is asked about. Its call left between `since` and `until`."""

    step: Waiting
    since: int
    until: int

    @property
    def due(self) -> int:
        """When the provider must know of the call, if it happened."""
        return self.until + round(self.step.action.settle.total_seconds() * 1000)


def left_behind(hub: Hub, workspace: Workspace, connection_id: str) -> tuple[list[Doubtful], list[Outcome]]:
    """What an earlier holder claimed and never recorded: what must be asked about, and what is clear without asking."""
    table = schema.step
    query = sa.select(table).where(table.c.connection_id == connection_id, table.c.state == "claimed")
    with hub.database.read() as database:
        rows = database.execute(query).all()
        sealers = hub.people.sealers(database, workspace, {row.person_id for row in rows})
    doubtful, outcomes = [], []
    for row in rows:
        sealer = sealers[row.person_id]
        if sealer is None or row.inputs is None:
            continue  # erased meanwhile: its run has ended
        step = opened(row, sealer)
        if step.action.repeat == "readback":
            doubtful.append(Doubtful(step, row.claimed_at, hub.clock.now()))
        elif step.action.repeat == "once":
            outcomes.append(Outcome(step, OutcomeUnknown("The hub stopped while the call was on its way.")))
        else:
            # Repeating it means nothing, or its key tells: it waits again, as if it had not left.
            outcomes.append(Outcome(step, Found(())))
    return doubtful, outcomes
