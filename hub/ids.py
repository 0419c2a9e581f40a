"""Ids of rows, which tell in which order they came."""

from __future__ import annotations

import secrets
import threading
import time

import sqlalchemy as sa

from .database import Database


class Ids:
    """New ids: 63 bits that grow with time, so that rows lie in the order in which they came.

    41 bits of milliseconds since 2020, which last until 2089, and 22 that start by chance and count up within one
    millisecond.
    """

    EPOCH = 1_577_836_800_000

    @classmethod
    def first_at(cls, at: int) -> int:
        """The least id that may be made at an instant, or after it; in milliseconds since 1970."""
        return max(0, at - cls.EPOCH) << 22

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._last = 0

    def new(self) -> int:
        with self._lock:
            fresh = (time.time_ns() // 1_000_000 - self.EPOCH << 22) | secrets.randbits(21)
            self._last = fresh if fresh > self._last else self._last + 1
            return self._last

    def after(self, known: int) -> None:
        """Has all new ids be greater than this one."""
        with self._lock:
            self._last = max(self._last, known)


_ids = Ids()
new_id = _ids.new
"""A new id for a row."""
first_id_at = Ids.first_at


def number_after(database: Database, table: sa.Table) -> None:
    """Has all new ids of this process be greater than those in the table, also where a clock made them that was ahead
    of this one."""
    with database.read() as connection:
        _ids.after(connection.execute(sa.select(sa.func.max(table.c.id))).scalar() or 0)
