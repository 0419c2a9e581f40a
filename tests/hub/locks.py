"""Two who do something at the same time on PostgreSQL, in an order that a test decides by holding up a table."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest
import sqlalchemy as sa

from hub import schema
from hub.database import Database
from tests.servers import until

ON_POSTGRES = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
"""For what SQLite has no need of: it has one writer."""

WAITING = (
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    " AND pid <> pg_backend_pid()"
)
Start = Callable[[Callable[[], Any]], Future[Any]]


@contextmanager
def held_up(database: Database, table: str, mode: str = "SHARE") -> Iterator[Start]:
    """While the block lasts nobody writes into this table (with ACCESS EXCLUSIVE, nobody reads it either).

    Gives what starts work in a thread and returns when that waits for somebody, or is done. What was started ends after
    the block.
    """
    with _held_up(database, sa.text(f"LOCK TABLE {table} IN {mode} MODE")) as start:
        yield start


@contextmanager
def held_up_row(database: Database, run_id: int) -> Iterator[Start]:
    """The same for one run: while the block lasts nobody writes about it."""
    with _held_up(database, sa.select(schema.run.c.id).where(schema.run.c.id == run_id).with_for_update()) as start:
        yield start


@contextmanager
def _held_up(database: Database, lock: sa.Executable) -> Iterator[Start]:
    with ThreadPoolExecutor(4) as pool, database.engine.connect() as holding:
        holding.execute(lock)

        def start(work: Callable[[], Any]) -> Future[Any]:
            before = waiting(database)
            done = pool.submit(work)
            until(lambda: done.done() or waiting(database) > before, says="That it is done, or waits")
            return done

        yield start
        holding.rollback()


def waiting(database: Database) -> int:
    """How many transactions wait for a lock."""
    with database.engine.connect() as connection:
        return int(connection.exec_driver_sql(WAITING).scalar_one())
