"""Whether somebody complains just now: marketing to them waits until all their complaints are closed.

A recipe opens and closes a complaint by a step, a person by hand on the page; each has a name, so that one that is
closed takes nothing of another back. Nobody's words are kept here, only that there is one.
"""

from __future__ import annotations

from collections.abc import Collection

import sqlalchemy as sa

from .. import schema
from ..core import Hub
from ..wakeups import perform
from ..workspaces import Workspace
from .brake import release

BY_HAND = "by hand"
"""The name of one that was opened on the page."""

_complaint, _step, _run = schema.complaint, schema.step, schema.run


def opened(hub: Hub, connection: sa.Connection, workspace_id: int, person_id: int, name: str) -> None:
    """Takes note of a complaint."""
    row = {"person_id": person_id, "name": name[:80], "workspace_id": workspace_id, "opened_at": hub.clock.now()}
    hub.database.insert_new(connection, _complaint, [row])


def closed(hub: Hub, connection: sa.Connection, person_id: int, name: str) -> set[str]:
    """Ends a complaint; after the last one, what waited is looked at again. Gives the accounts where that is."""
    mine = _complaint.c.person_id == person_id
    connection.execute(sa.delete(_complaint).where(mine, _complaint.c.name == name[:80]))
    if connection.execute(sa.select(_complaint.c.name).where(mine).limit(1)).first():
        return set()
    held = (
        sa.select(_step.c.run_id, _step.c.position, _step.c.connection_id)
        .join_from(_run, _step, _step.c.run_id == _run.c.id)
        .where(_run.c.person_id == person_id, _run.c.ended_at.is_(None))
        .where(_step.c.state == "waiting", _step.c.held_by == "complaint")
    )
    rows = connection.execute(held).all()
    release(connection, [(row.run_id, row.position) for row in rows], hub.clock.now())
    return {perform(row.connection_id) for row in rows}


def open_by_hand(hub: Hub, workspace: Workspace, person_ids: Collection[int]) -> None:
    """Marketing to these people waits until somebody closes it by hand."""
    with hub.database.write() as connection:
        for person_id in sorted(hub.database.lock_people(connection, person_ids)):
            opened(hub, connection, workspace.id, person_id, BY_HAND)


def close_by_hand(hub: Hub, workspace: Workspace, person_ids: Collection[int]) -> None:
    """Ends all complaints of these people, whoever opened them: somebody knows better."""
    queues: set[str] = set()
    with hub.database.write() as connection:
        for person_id in sorted(hub.database.lock_people(connection, person_ids)):
            for name in names_of(connection, [person_id]):
                queues |= closed(hub, connection, person_id, name)
    for queue in sorted(queues):
        hub.wakeups.wake(queue)


def names_of(connection: sa.Connection, person_ids: Collection[int]) -> list[str]:
    """The names of the open complaints of these people, the oldest first."""
    query = sa.select(_complaint.c.name).where(_complaint.c.person_id.in_(sorted(person_ids)))
    return list(connection.execute(query.order_by(_complaint.c.opened_at)).scalars())
