"""Retention: payloads go when they are no longer needed; what remains tells that something happened, not to whom."""

from __future__ import annotations

import sqlalchemy as sa

from . import schema
from .core import Hub

BATCH = 500
DAY = 86_400_000
KEYS_DAYS = 60
"""How long a provider's ids are remembered: the longest that any retries is days."""


def sweep(hub: Hub) -> int:
    """Removes what has had its time, in batches; gives how many payloads were removed."""
    removed = 0
    for workspace_id, days in _workspaces(hub):
        cutoff = hub.clock.now() - days * DAY
        removed += _repeat(hub, lambda c, w=workspace_id, t=cutoff: _sweep_runs(c, w, t))
        removed += _repeat(hub, lambda c, w=workspace_id, t=cutoff: _sweep_events(c, w, t))
        removed += _repeat(hub, lambda c, w=workspace_id, t=cutoff: _sweep_deliveries(c, w, t))
    _forget_keys(hub)
    if removed:
        _give_back(hub)
    return removed


def _workspaces(hub: Hub) -> list[tuple[int, int]]:
    table = schema.workspace
    with hub.database.read() as connection:
        return [
            (row.id, row.retention_days) for row in connection.execute(sa.select(table.c.id, table.c.retention_days))
        ]


def _repeat(hub: Hub, work: object) -> int:
    assert callable(work)
    total = 0
    while True:
        with hub.database.write() as connection:
            count: int = work(connection)
        total += count
        if count < BATCH:
            return total


def _sweep_runs(connection: sa.Connection, workspace_id: int, cutoff: int) -> int:
    """Ended runs: their steps keep what was done and when, without inputs and answers."""
    run, step, waiter = schema.run, schema.step, schema.waiter
    ids = (
        connection.execute(
            sa.select(run.c.id)
            .where(
                run.c.workspace_id == workspace_id,
                run.c.ended_at.is_not(None),
                run.c.ended_at <= cutoff,
                run.c.sealed.is_(True),
                # A call that is still on its way needs its inputs to be settled.
                ~sa.exists().where(step.c.run_id == run.c.id, step.c.state == "claimed"),
            )
            .limit(BATCH)
        )
        .scalars()
        .all()
    )
    if ids:
        connection.execute(sa.update(step).where(step.c.run_id.in_(ids)).values(inputs=None, answer=None))
        connection.execute(sa.delete(waiter).where(waiter.c.run_id.in_(ids)))
        connection.execute(sa.update(run).where(run.c.id.in_(ids)).values(sealed=False))
    return len(ids)


def _sweep_events(connection: sa.Connection, workspace_id: int, cutoff: int) -> int:
    """Events that no run needs any more: neither as its own, nor, while it may wait for it, as one about its person."""
    event, run = schema.event, schema.run
    needed = sa.exists().where(
        sa.or_(
            (run.c.event_id == event.c.id) & run.c.sealed.is_(True),
            (run.c.person_id == event.c.person_id) & run.c.ended_at.is_(None),
        )
    )
    ids = (
        connection.execute(
            sa.select(event.c.id)
            .where(
                event.c.workspace_id == workspace_id,
                event.c.received_at <= cutoff,
                event.c.content.is_not(None),
                ~needed,
            )
            .limit(BATCH)
        )
        .scalars()
        .all()
    )
    if ids:
        connection.execute(sa.update(event).where(event.c.id.in_(ids)).values(content=None))
    return len(ids)


def _sweep_deliveries(connection: sa.Connection, workspace_id: int, cutoff: int) -> int:
    """Deliveries that could not be read, and that nobody repaired in time."""
    table = schema.delivery
    ids = (
        connection.execute(
            sa.select(table.c.id)
            .where(
                table.c.workspace_id == workspace_id,
                table.c.state == "unreadable",
                table.c.received_at <= cutoff,
                table.c.content.is_not(None),
            )
            .limit(BATCH)
        )
        .scalars()
        .all()
    )
    if ids:
        connection.execute(sa.update(table).where(table.c.id.in_(ids)).values(content=None))
    return len(ids)


def _forget_keys(hub: Hub) -> None:
    now = hub.clock.now()
    with hub.database.write() as connection:
        for table, condition in (
            (schema.seen_key, schema.seen_key.c.at < now - KEYS_DAYS * DAY),
            (schema.once_key, schema.once_key.c.until < now),
            (schema.echo, schema.echo.c.until < now),
        ):
            connection.execute(sa.delete(table).where(condition))


def _give_back(hub: Hub) -> None:
    """Gives freed pages back to the file system, and keeps SQLite's log short."""
    if hub.database.is_sqlite:
        with hub.database.engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA incremental_vacuum(2000)").all()
            connection.exec_driver_sql("PRAGMA wal_checkpoint(PASSIVE)").all()
