"""Retention: payloads go when they are no longer needed; what remains tells that something happened, not to whom."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import sqlalchemy as sa

from . import schema
from .core import Hub
from .erasure import EMPTY_STEP

BATCH = 500
DAY = 86_400_000
KEYS_DAYS = 60
"""How long a provider's ids are remembered: the longest that any retries is days."""

REPAIR_DAYS = 7
"""How long a delivery that could not be read is kept at least: time to repair what could not read it."""

ANSWER_DAYS = 30
"""How long the answer to a provider's request for somebody's data is kept: the law gives a month to hand it on."""

PAGES_AT_ONCE = 500
Sweep = Callable[[sa.Connection, int, int], int]
"""Removes a batch of a workspace's payloads that are older than an instant; gives how many."""


def sweep(hub: Hub) -> int:
    """Removes what has had its time, in batches; gives how many payloads were removed."""
    removed = 0
    for workspace_id, days in _workspaces(hub):
        removed += _sweep_all(hub, _sweep_runs, workspace_id, days)
        removed += _sweep_all(hub, _sweep_events, workspace_id, days)
        removed += _sweep_all(hub, _sweep_deliveries, workspace_id, max(days, REPAIR_DAYS))
        removed += _sweep_all(hub, _sweep_answers, workspace_id, ANSWER_DAYS)
    _forget_keys(hub)
    give_back(hub)
    return removed


def sweep_at_once(hub: Hub) -> int:
    """Removes what ended just now in workspaces that keep nothing; gives how many payloads were removed.

    The clock does this on each tick, so that no transaction of the engine is larger for it.
    """
    removed = 0
    for workspace_id, days in _workspaces(hub):
        if days == 0:
            removed += _sweep_all(hub, _sweep_runs, workspace_id, days)
            removed += _sweep_all(hub, _sweep_events, workspace_id, days)
    return removed


def _workspaces(hub: Hub) -> list[tuple[int, int]]:
    table = schema.workspace
    with hub.database.read() as connection:
        return [
            (row.id, row.retention_days) for row in connection.execute(sa.select(table.c.id, table.c.retention_days))
        ]


def _sweep_all(hub: Hub, work: Sweep, workspace_id: int, days: int) -> int:
    cutoff, total = hub.clock.now() - days * DAY, 0
    while True:
        with hub.database.write() as connection:
            count = work(connection, workspace_id, cutoff)
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
        connection.execute(sa.update(step).where(step.c.run_id.in_(ids)).values(EMPTY_STEP))
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
        _empty(connection, event, ids)
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
        _empty(connection, table, ids)
    return len(ids)


def _empty(connection: sa.Connection, table: sa.Table, ids: Sequence[int]) -> None:
    """Removes the content of rows."""
    if connection.dialect.name != "sqlite":
        connection.execute(sa.update(table).where(table.c.id.in_(ids)).values(content=None))
        return
    # Written anew: a row that only becomes shorter keeps its page, and a page per row would never be given back.
    rows = connection.execute(sa.select(table).where(table.c.id.in_(ids)).order_by(table.c.id)).mappings().all()
    connection.execute(sa.delete(table).where(table.c.id.in_(ids)))
    connection.execute(sa.insert(table), [{**row, "content": None} for row in rows])


def _sweep_answers(connection: sa.Connection, workspace_id: int, cutoff: int) -> int:
    """Answers to providers' requests for somebody's data."""
    table = schema.privacy_request
    old = (table.c.workspace_id == workspace_id) & (table.c.at <= cutoff) & table.c.document.is_not(None)
    return connection.execute(sa.update(table).where(old).values(document=None, state="done")).rowcount


def _forget_keys(hub: Hub) -> None:
    now = hub.clock.now()
    with hub.database.write() as connection:
        for table, condition in (
            (schema.seen_key, schema.seen_key.c.at < now - KEYS_DAYS * DAY),
            (schema.once_key, schema.once_key.c.until < now),
            (schema.echo, schema.echo.c.until < now),
        ):
            connection.execute(sa.delete(table).where(condition))


def give_back(hub: Hub) -> None:
    """Gives freed pages back to the file system, and empties SQLite's log: the file shrinks as payloads go."""
    if not hub.database.is_sqlite:
        return
    while _free_pages(hub) >= PAGES_AT_ONCE:
        pass
    hub.database.drop_old_pages()


def _free_pages(hub: Hub) -> int:
    """Gives back some free pages; gives how many there were."""
    with hub.database.write() as connection:
        free: int = connection.exec_driver_sql("PRAGMA freelist_count").scalar_one()
        for _ in range(min(free, PAGES_AT_ONCE)):
            # One at a time: SQLite frees a page per row of its answer, and Python takes only the first of rows that
            # have no columns.
            connection.exec_driver_sql("PRAGMA incremental_vacuum(1)")
    return free
