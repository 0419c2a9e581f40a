"""Many rows in one statement.

SQLAlchemy sends one statement per row, and at each of them SQLite's driver lets go of the GIL: with other threads at
work, a batch waits for its turn as often as it has rows. Together they take a quarter of the time and half of the CPU;
on PostgreSQL they are one round trip.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import chain
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

_POSTGRESQL: sa.Dialect = postgresql.dialect()  # type: ignore[no-untyped-call]

SIZES = (64, 16, 4, 1)
"""Rows per statement. Few sizes, so that few statements are made, understood by the database, and kept by it."""

Row = Mapping[str, Any]


def insert(connection: sa.Connection, table: sa.Table, rows: Sequence[Row], *, new_only: bool = False) -> None:
    """Inserts rows that name the same columns; with `new_only` only those whose key is not there yet. Columns that
    they do not name get their defaults."""
    if not rows:
        return
    names, defaults = tuple(rows[0]), _defaults(table, rows[0])
    columns = (*names, *defaults)
    for some in _parts(rows):
        statement = _insert(connection.dialect.paramstyle, table.name, columns, len(some), new_only)
        values = [(*[row[name] for name in names], *defaults.values()) for row in some]
        connection.exec_driver_sql(statement, tuple(chain.from_iterable(values)))


def _defaults(table: sa.Table, row: Row) -> dict[str, Any]:
    return {
        column.name: column.default.arg
        for column in table.columns
        if isinstance(column.default, sa.ColumnDefault) and column.name not in row
    }


@lru_cache(maxsize=1_000)
def _insert(style: str, table: str, columns: tuple[str, ...], count: int, new_only: bool) -> str:
    one = f"({', '.join([_mark(style)] * len(columns))})"
    end = " ON CONFLICT DO NOTHING" if new_only else ""
    return f"INSERT INTO {table} ({', '.join(columns)}) VALUES {', '.join([one] * count)}{end}"


class Update:
    """An update of many rows, each by its key. A row to update is a mapping of the key's columns, and of the columns
    that get a value with each row.

    `key` and `given` name those columns. `also` maps further columns to SQL, which may name columns of the table and,
    as `new.<name>`, what was given; `where` must hold besides.
    """

    def __init__(
        self,
        table: sa.Table,
        key: Sequence[str],
        given: Sequence[str],
        also: Mapping[str, str] | None = None,
        *,
        where: str = "TRUE",
    ) -> None:
        self._table, self._names = table, (*key, *given)
        changes = {name: f"new.{name}" for name in given if name in table.columns} | dict(also or {})
        keys = " AND ".join(f"{table.name}.{name} = new.{name}" for name in key)
        sets = ", ".join(f"{name} = {sql}" for name, sql in changes.items())
        self._end = f"UPDATE {table.name} SET {sets} FROM new WHERE {keys} AND ({where})"
        self._statements: dict[tuple[str, int], str] = {}

    def run(self, connection: sa.Connection, rows: Sequence[Row]) -> None:
        """Updates these rows."""
        for some in _parts(rows):
            form = (connection.dialect.paramstyle, len(some))
            if form not in self._statements:
                self._statements[form] = self._made(connection, len(some))
            values = [row[name] for row in some for name in self._names]
            connection.exec_driver_sql(self._statements[form], tuple(values))

    def _made(self, connection: sa.Connection, count: int) -> str:
        mark = _mark(connection.dialect.paramstyle)
        one = ", ".join([mark] * len(self._names))
        # PostgreSQL must be told what kind of values they are; the first row tells it.
        first = one if mark == "?" else ", ".join(f"{mark}::{self._kind(name)}" for name in self._names)
        values = ", ".join([f"({first})", *[f"({one})"] * (count - 1)])
        return f"WITH new({', '.join(self._names)}) AS (VALUES {values}) {self._end}"

    def _kind(self, name: str) -> str:
        column = self._table.columns.get(name)
        return "INTEGER" if column is None else column.type.compile(dialect=_POSTGRESQL)


def _parts(rows: Sequence[Row]) -> Iterator[Sequence[Row]]:
    start = 0
    for size in SIZES:
        while len(rows) - start >= size:
            yield rows[start : start + size]
            start += size


def _mark(style: str) -> str:
    return "?" if style == "qmark" else "%s"
