"""Pausing all sending of a business by one tap: every account that messages leave by rests until somebody goes on.

What comes in is kept and worked on meanwhile, and what would leave waits in its order. A call that is on its way
already cannot be taken back. An account that is connected while sending is paused rests too.
"""

from __future__ import annotations

import sqlalchemy as sa

from . import schema
from .connections import PAUSED, READY, later
from .core import Hub
from .wakeups import perform
from .workspaces import Workspace


def paused_at(hub: Hub, workspace: Workspace) -> int | None:
    """Since when all sending is paused, in milliseconds since 1970; None if it is not."""
    table = schema.workspace
    with hub.database.read() as connection:
        found: int | None = connection.execute(sa.select(table.c.paused_at).where(table.c.id == workspace.id)).scalar()
    return found


def pause(hub: Hub, workspace: Workspace) -> None:
    """No further message leaves. What is paused stays so, since when it was."""
    senders = [account for account in hub.connections.list(workspace) if account.connector.sends_messages]
    table = schema.workspace
    with hub.database.write() as connection:
        mine = (table.c.id == workspace.id) & table.c.paused_at.is_(None)
        connection.execute(sa.update(table).where(mine).values(paused_at=hub.clock.now()))
        names = {account.connector.name for account in senders}
        _turn(hub, connection, workspace, READY, PAUSED, schema.connection.c.connector.in_(names))
    hub.connections.forget()


def go_on(hub: Hub, workspace: Workspace) -> None:
    """Messages leave again, those that waited first."""
    table = schema.workspace
    with hub.database.write() as connection:
        connection.execute(sa.update(table).where(table.c.id == workspace.id).values(paused_at=None))
        turned = _turn(hub, connection, workspace, PAUSED, READY, sa.true())
    hub.connections.forget()
    for connection_id in turned:
        hub.wakeups.wake(perform(connection_id))


def _turn(
    hub: Hub, connection: sa.Connection, workspace: Workspace, before: str, after: str, which: sa.ColumnElement[bool]
) -> list[str]:
    """Turns accounts from one state to another; gives their ids."""
    table = schema.connection
    turned = sa.update(table).where(table.c.workspace_id == workspace.id, table.c.state == before, which)
    turned = turned.values(state=after, changed_at=later(hub.clock.now()))
    return list(connection.execute(turned.returning(table.c.id)).scalars())
