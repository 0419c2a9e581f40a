"""Backup and restore: one file that holds every table, sealed as in the database, from SQLite or PostgreSQL alike.

The hub's key is not in it: keep that elsewhere. Who is erased is erased from the backups that can be reached, and
again when an older one is restored.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from . import schema
from .core import Hub
from .database import Database, new_id
from .errors import SetupError
from .migrations import bring_up_to_date
from .privacy import erase_rows

PAGE = 1000
_LEFT_OUT = {"lease", "backup", "sign_in_link", "session"}
"""What belongs to the running hub, not to its data. Who was signed in signs in again after a restore."""


def make_backup(hub: Hub, file: Path) -> int:
    """Writes a backup of one moment and gives its size in bytes. Raises SetupError if the file is there already."""
    file = file.resolve()
    if file.exists():
        raise SetupError(f"{file} exists already. Choose another name, so that no backup is lost.")
    fresh = file.with_name(file.name + ".part")
    fresh.unlink(missing_ok=True)
    copy = Database(f"sqlite:///{fresh}")
    try:
        bring_up_to_date(copy)
        with hub.database.read() as source, copy.write() as target:
            if not hub.database.is_sqlite:
                source.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            _copy(source, target)
        _close_file(copy)
    except BaseException:
        copy.close()
        fresh.unlink(missing_ok=True)
        raise
    os.chmod(fresh, 0o600)
    fresh.rename(file)
    with hub.database.write() as connection:
        hub.database.insert_new(connection, schema.backup, [{"path": str(file), "made_at": hub.clock.now()}])
    return file.stat().st_size


def restore_backup(hub: Hub, file: Path) -> int:
    """Puts a backup in place of everything, erases again who was erased since, and gives how many rows there are.

    In one transaction: a failure leaves the database as it was. Raises SetupError if the file is no backup, KeyWrong
    if it was sealed with another key.
    """
    if not file.is_file():
        raise SetupError(f"There is no file {file}.")
    copy = Database(f"sqlite:///{file.resolve()}")
    try:
        _check(hub, copy, file)
        with copy.read() as source, hub.database.write() as target:
            erased = target.execute(sa.select(schema.erasure)).all()
            for table in reversed(schema.metadata.sorted_tables):
                if table.name != "backup":
                    target.execute(sa.delete(table))
            count = _copy(source, target)
            _erase_again(target, erased, hub.clock.now())
    finally:
        copy.close()
    return count


def _check(hub: Hub, copy: Database, file: Path) -> None:
    try:
        bring_up_to_date(copy)
        with copy.read() as source:
            key = source.execute(sa.select(schema.hub_key.c.id)).scalar()
    except sa.exc.DBAPIError:
        raise SetupError(f"{file} is not a backup of this hub, or it is damaged.") from None
    if key is None:
        raise SetupError(f"{file} is empty: it is not a backup of this hub.")
    hub.keyring.named(key)


def _copy(source: sa.Connection, target: sa.Connection) -> int:
    count = 0
    for table in schema.metadata.sorted_tables:
        if table.name in _LEFT_OUT:
            continue
        result = source.execution_options(yield_per=PAGE).execute(sa.select(table))
        for rows in result.mappings().partitions(PAGE):
            target.execute(sa.insert(table), [dict(row) for row in rows])
            count += len(rows)
    if target.dialect.name == "postgresql":
        target.exec_driver_sql(
            "SELECT setval(pg_get_serial_sequence('workspace', 'id'), (SELECT COALESCE(MAX(id), 1) FROM workspace))"
        )
    return count


def _erase_again(target: sa.Connection, erased: Iterable[Any], now: int) -> None:
    known = set(target.execute(sa.select(schema.erasure.c.id)).scalars())
    for row in erased:
        if row.id in known:
            continue
        ids = set(
            target.execute(
                sa.select(schema.identity.c.person_id).where(
                    schema.identity.c.workspace_id == row.workspace_id, schema.identity.c.hash == row.hash
                )
            ).scalars()
        )
        erase_rows(target, row.workspace_id, {bytes(row.hash)}, ids, now)
        target.execute(
            sa.insert(schema.erasure).values(id=row.id, workspace_id=row.workspace_id, hash=row.hash, at=row.at)
        )


def erase_from_backups(hub: Hub, workspace_id: int, names: set[bytes], ids: set[int]) -> int:
    """Erases people from the backups that were made here and can still be reached; gives from how many."""
    with hub.database.read() as connection:
        paths = [Path(path) for path in connection.execute(sa.select(schema.backup.c.path)).scalars()]
    done = 0
    for path in paths:
        if not path.is_file() or not os.access(path, os.W_OK):
            continue
        copy = Database(f"sqlite:///{path}")
        try:
            with copy.write() as connection:
                erase_rows(connection, workspace_id, set(names), ids, hub.clock.now())
                rows = [
                    {"id": new_id(), "workspace_id": workspace_id, "hash": name, "at": hub.clock.now()}
                    for name in sorted(names)
                ]
                if rows:
                    connection.execute(sa.insert(schema.erasure), rows)
            _close_file(copy)
            done += 1
        finally:
            copy.close()
    return done


def _close_file(copy: Database) -> None:
    """Leaves one file that holds everything: no log beside it, no freed pages in it."""
    with copy.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA journal_mode = DELETE").all()
        connection.exec_driver_sql("VACUUM")
    copy.close()
