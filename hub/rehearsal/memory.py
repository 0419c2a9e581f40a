"""A database that is nowhere but in memory, for one thread, and is as it was at the start in no time."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa
from sqlalchemy.pool import StaticPool

from .. import schema
from ..database import Database, Lease
from ..migrations import HEAD


class MemoryDatabase(Database):
    """The hub's tables in memory, at the newest release. Nothing is kept of it, so nothing waits for a disk.

    It has one connection, so whoever reads within a transaction sees what that has written.
    """

    def __init__(self) -> None:
        super().__init__("sqlite://")
        self._connection = self.engine.connect()
        self._is_writing = False
        schema.metadata.create_all(self._connection)
        self._connection.exec_driver_sql("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY)")
        self._connection.exec_driver_sql("INSERT INTO alembic_version VALUES (?)", (HEAD,))

    def _make_engine(self) -> sa.Engine:
        options = {"check_same_thread": False, "isolation_level": None}
        return sa.create_engine("sqlite://", hide_parameters=True, poolclass=StaticPool, connect_args=options)

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        yield self._connection

    @contextmanager
    def write(self, lease: Lease | None = None) -> Iterator[sa.Connection]:
        if self._is_writing:
            raise RuntimeError("A transaction was begun within another one, which would wait for itself elsewhere.")
        self._is_writing = True
        self._connection.exec_driver_sql("BEGIN IMMEDIATE")
        try:
            if lease:
                self._require(self._connection, lease)
            yield self._connection
            self._connection.exec_driver_sql("COMMIT")
        except BaseException:
            self._connection.exec_driver_sql("ROLLBACK")
            raise
        finally:
            self._is_writing = False

    @property
    def _driver(self) -> sqlite3.Connection:
        found: Any = self._connection.connection.driver_connection
        assert isinstance(found, sqlite3.Connection)
        return found

    def image(self) -> bytes:
        """All that is in it."""
        return self._driver.serialize()

    def become(self, image: bytes) -> None:
        """Has it be as it was when it was this image."""
        self._driver.deserialize(image)
