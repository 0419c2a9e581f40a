"""The database: SQLite or PostgreSQL, transactions, leases, ids and its clock. The truth of the hub is in it."""

from __future__ import annotations

import itertools
import os
import secrets
import threading
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.pool import QueuePool

from . import bulk, postgres, schema
from .errors import HubError, SetupError

T = TypeVar("T")
BUSY_SECONDS = 30
CHECKPOINT_MS = 50
"""How long all writers may wait for those who read, to empty SQLite's log."""

LOG_BYTES = 8_000_000
"""How long SQLite's log stays once it was longer."""

SQLITE_NOW: sa.ColumnElement[int] = sa.literal_column(
    "CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)", sa.BigInteger
)
POSTGRES_NOW: sa.ColumnElement[int] = sa.literal_column(
    "CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT)", sa.BigInteger
)

MOST_IN_A_QUERY = 5_000
"""Values in one query: SQLite takes 32,766, and PostgreSQL plans many more only slowly."""


class LeaseLost(HubError):
    """Another process took over meanwhile, so nothing was written."""


@dataclass(frozen=True)
class Lease:
    """That one holder alone does something. `fence` grows with each new holder; writes are made only while it holds."""

    name: str
    holder: str
    fence: int


class Database:
    """One database, for all threads of a process.

    `read()` and `write()` give a connection in a transaction; `write()` commits at the end of the block. On SQLite
    the writers of this process queue in order, rather than poll for the file's lock.
    """

    def __init__(self, url: str) -> None:
        self.url = _understood(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        self.holder = f"{secrets.token_hex(6)}"
        self._turn = _Turn()
        self.engine = self._make_engine()

    def _make_engine(self) -> sa.Engine:
        if not self.is_sqlite:
            engine = sa.create_engine(
                self.url.set(drivername="postgresql+psycopg"),
                hide_parameters=True,
                pool_size=8,
                max_overflow=32,
                pool_pre_ping=True,
                connect_args=postgres.patience(self.url),
            )
            sa.event.listen(engine, "connect", postgres.prepare)
            return engine
        if not self.url.database:
            raise SetupError("DATABASE_URL names no file for SQLite. Use sqlite:///path/to/hub.db.")
        _make_file(Path(self.url.database))
        engine = sa.create_engine(
            self.url,
            hide_parameters=True,
            poolclass=QueuePool,
            pool_size=8,
            max_overflow=64,
            connect_args={"timeout": BUSY_SECONDS, "check_same_thread": False, "isolation_level": None},
        )
        sa.event.listen(engine, "connect", _prepare_sqlite)
        return engine

    def close(self) -> None:
        self.engine.dispose()

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """One consistent look at the database."""
        with self.engine.connect() as connection:
            if self.is_sqlite:
                connection.exec_driver_sql("BEGIN")
            yield connection

    @contextmanager
    def write(self, lease: Lease | None = None) -> Iterator[sa.Connection]:
        """One transaction, committed (on SQLite with fsync) when the block ends, rolled back if it raises.

        With a lease: raises LeaseLost, before anything is written, if it is no longer held.
        """
        if not self.is_sqlite:
            with self.engine.begin() as connection:
                if lease:
                    self._require(connection, lease)
                yield connection
            return
        with self._turn, self.engine.connect() as connection:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            try:
                if lease:
                    self._require(connection, lease)
                yield connection
                connection.exec_driver_sql("COMMIT")
            except BaseException:
                _roll_back(connection)
                raise

    def retrying(self, work: Callable[[], T], tries: int = 3) -> T:
        """Does a piece of work again if the database broke it off: a deadlock, a clash of ids, a restart."""
        for attempt in itertools.count(1):
            try:
                return work()
            except DBAPIError as error:
                transient = isinstance(error, OperationalError | sa.exc.IntegrityError) or error.connection_invalidated
                if not transient or attempt >= tries:
                    raise
        raise AssertionError

    def insert(self, table: sa.Table) -> Any:
        """An insert that knows `on_conflict_do_nothing` and `on_conflict_do_update`."""
        return sqlite.insert(table) if self.is_sqlite else postgresql.insert(table)

    def insert_new(self, connection: sa.Connection, table: sa.Table, rows: Sequence[dict[str, Any]]) -> None:
        """Inserts the rows whose key is not there yet."""
        bulk.insert(connection, table, rows, new_only=True)

    def shorten(
        self, connection: sa.Connection, table: sa.Table, which: sa.ColumnElement[bool], values: dict[str, Any]
    ) -> None:
        """Sets values that make rows much shorter.

        On SQLite the rows are written anew: one that only becomes shorter keeps its page, and a page per row would
        never be given back.
        """
        if not self.is_sqlite:
            connection.execute(sa.update(table).where(which).values(values))
            return
        kept = [column for column in table.columns if column.name not in values]
        rows = connection.execute(sa.select(*kept).where(which).order_by(*table.primary_key.columns)).mappings().all()
        if rows:
            connection.execute(sa.delete(table).where(which))
            bulk.insert(connection, table, [{**row, **values} for row in rows])

    @property
    def db_now(self) -> sa.ColumnElement[int]:
        """The database's own clock, in milliseconds: leases are measured on it, whatever the machines think."""
        return SQLITE_NOW if self.is_sqlite else POSTGRES_NOW

    def lock_people(self, connection: sa.Connection, person_ids: Collection[int]) -> set[int]:
        """Makes what is written about these people in other transactions wait; gives those who are still there.
        On SQLite there is one writer anyway."""
        wanted, here = sorted(set(person_ids)), set()
        for start in range(0, len(wanted), MOST_IN_A_QUERY):
            some = {"ids": wanted[start : start + MOST_IN_A_QUERY]}
            here |= set(connection.execute(_PEOPLE, some).scalars())
        return here

    def drop_old_pages(self) -> bool:
        """Removes what would outlive its end: SQLite's log, on PostgreSQL the rows of deleted keys. Says whether that
        could be done at once, as others may still read there.

        PostgreSQL's own log (and whatever is made of it) is its administrator's: it is not ours to empty.
        """
        if not self.is_sqlite:
            with self.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                connection.exec_driver_sql(f"VACUUM {schema.person.name}")
            return True
        with self.engine.connect() as connection:
            # Most of the work while others go on writing; then nobody waits long for what is left of it, as SQLite
            # would wait for whoever reads, with all writers behind it.
            connection.exec_driver_sql("PRAGMA wal_checkpoint(PASSIVE)").all()
            with self._turn:
                connection.exec_driver_sql(f"PRAGMA busy_timeout = {CHECKPOINT_MS}").all()
                try:
                    busy: int = connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").scalar_one()
                finally:
                    connection.exec_driver_sql(f"PRAGMA busy_timeout = {BUSY_SECONDS * 1000}").all()
            return busy == 0

    # ---- leases

    def acquire(self, name: str, seconds: float) -> Lease | None:
        """The lease of this name, if nobody else holds it. Whoever holds it already gets a new fence."""
        mine = self.holder + f".{threading.get_ident()}"
        asked = {"lease": name, "mine": mine, "lasts": round(seconds * 1000)}
        with self.write() as connection:
            fence = connection.execute(self._acquire, asked).scalar()
        return None if fence is None else Lease(name, mine, fence)

    @cached_property
    def _acquire(self) -> Any:
        table = schema.lease
        mine: sa.BindParameter[str] = sa.bindparam("mine")
        until = self.db_now + sa.bindparam("lasts", type_=sa.BigInteger)
        statement = self.insert(table).values(name=sa.bindparam("lease"), holder=mine, fence=1, until=until)
        return statement.on_conflict_do_update(
            index_elements=[table.c.name],
            set_={"holder": mine, "fence": table.c.fence + 1, "until": until},
            where=(table.c.until < self.db_now) | (table.c.holder == mine),
        ).returning(table.c.fence)

    def renew(self, lease: Lease, seconds: float) -> bool:
        """Holds the lease this much longer from now; False if it was lost."""
        table = schema.lease
        with self.write() as connection:
            done = connection.execute(
                sa.update(table)
                .where(table.c.name == lease.name, table.c.holder == lease.holder, table.c.fence == lease.fence)
                .values(until=self.db_now + round(seconds * 1000))
            )
            return done.rowcount == 1

    def release(self, lease: Lease) -> None:
        """Lets others have the lease at once."""
        with self.write() as connection:
            connection.execute(_RELEASE, {"lease": lease.name, "mine": lease.holder, "mark": lease.fence})

    def break_leases(self) -> None:
        """Ends all leases: only for a process that knows that no other is alive."""
        with self.write() as connection:
            connection.execute(sa.update(schema.lease).values(until=0))
            connection.execute(sa.update(schema.run).where(schema.run.c.leased_until > 0).values(leased_until=0))

    def _require(self, connection: sa.Connection, lease: Lease) -> None:
        if connection.execute(self._held, {"lease": lease.name, "mine": lease.holder}).scalar() != lease.fence:
            raise LeaseLost

    @cached_property
    def _held(self) -> Any:
        table = schema.lease
        mine = (table.c.name == sa.bindparam("lease")) & (table.c.holder == sa.bindparam("mine"))
        return sa.select(table.c.fence).where(mine, table.c.until > self.db_now).with_for_update()


# Statements that are asked for all the time are made once: making one costs more than most databases take for it.
_PEOPLE = (
    sa.select(schema.person.c.id)
    .where(schema.person.c.id.in_(sa.bindparam("ids", expanding=True)))
    .order_by(schema.person.c.id)
    .with_for_update()
)


_RELEASE = (
    sa.update(schema.lease)
    .where(
        schema.lease.c.name == sa.bindparam("lease"),
        schema.lease.c.holder == sa.bindparam("mine"),
        schema.lease.c.fence == sa.bindparam("mark"),
    )
    .values(until=0)
)


class _Turn:
    """A lock that is given in the order it was asked for: a busy thread cannot starve the others."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: list[threading.Lock] = []
        self._taken = False

    def __enter__(self) -> None:
        with self._lock:
            if not self._taken:
                self._taken = True
                return
            mine = threading.Lock()
            mine.acquire()
            self._waiting.append(mine)
        mine.acquire()

    def __exit__(self, *_: object) -> None:
        with self._lock:
            if self._waiting:
                self._waiting.pop(0).release()
            else:
                self._taken = False


def _understood(url: str) -> sa.URL:
    """The database's address. Raises SetupError, without telling it: it may hold a password."""
    try:
        found = sa.make_url(url)
    except (sa.exc.ArgumentError, ValueError):
        found = None
    if found is None or found.get_backend_name() not in ("sqlite", "postgresql", "postgres"):
        raise SetupError("DATABASE_URL cannot be used. Write postgresql://user:password@host/name.")
    return found


def _make_file(file: Path) -> None:
    """Makes an empty file that its owner alone can read; SQLite gives its log beside it the same rights."""
    file.parent.mkdir(parents=True, exist_ok=True)
    if not file.exists():
        os.close(os.open(file, os.O_CREAT, 0o600))


def _prepare_sqlite(connection: Any, _: object) -> None:
    cursor = connection.cursor()
    if cursor.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
        # These are kept in the file, and setting them needs it alone; auto_vacuum counts only before its first page.
        cursor.execute("PRAGMA auto_vacuum = INCREMENTAL")
        cursor.execute("PRAGMA journal_mode = WAL")
    for pragma in ("synchronous = FULL", "secure_delete = ON", "temp_store = MEMORY", "cache_size = -8000"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.execute(f"PRAGMA journal_size_limit = {LOG_BYTES}")
    cursor.close()


def _roll_back(connection: sa.Connection) -> None:
    try:
        connection.exec_driver_sql("ROLLBACK")
    except DBAPIError:
        # The failure ended the transaction itself (a full disk does), or the connection is gone.
        connection.invalidate()
