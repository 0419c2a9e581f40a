"""Backup and restore: one file that holds every table, sealed as in the database, from SQLite or PostgreSQL alike.

The hub's key is not in it: keep that elsewhere. Who is erased is erased from the backups that can be reached, and
again when an older one is restored.
"""

from __future__ import annotations

import logging
import os
import sqlite3
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from . import erasure, schema
from .core import Hub
from .database import Database
from .errors import HubError, SetupError
from .migrations import bring_up_to_date

log = logging.getLogger("hub.backup")

PAGE = 1000
_LEFT_OUT = {"lease", "backup", "sign_in_link", "sign_in_attempt", "session", "oauth_attempt"}
"""What belongs to the running hub, not to its data. Who was signed in signs in again after a restore."""


def make_backup(hub: Hub, file: Path) -> int:
    """Writes a backup of one moment and gives its size in bytes.

    Raises SetupError if the file is there already, or cannot be written, or the database is a newer release's.
    """
    file = file.resolve()
    if file.exists():
        raise SetupError(f"{file} exists already. Choose another name, so that no backup is lost.")
    fresh = file.with_name(file.name + ".part")
    try:
        _remove(fresh)
        _write(hub, fresh)
        _take_note(hub, file)
        fresh.rename(file)
        _sync(file.parent)
    except (OSError, sa.exc.DBAPIError) as error:
        _remove(fresh)
        raise SetupError(f"The backup {file} could not be written ({_why(error)}). Nothing was changed.") from None
    except BaseException:
        _remove(fresh)
        raise
    # Somebody may have been erased while it was written.
    _erase_from(hub, file, _tombstones(hub))
    return file.stat().st_size


def _write(hub: Hub, file: Path) -> None:
    bring_up_to_date(hub.database)  # of the next release's database this one would keep but a part
    made_at = hub.clock.now()
    copy = Database(f"sqlite:///{file}")
    try:
        if hub.database.is_sqlite:
            _write_as_it_is(hub, file)
        bring_up_to_date(copy)
        with hub.database.read() as source, copy.write() as target:
            if hub.database.is_sqlite:
                for table in _LEFT_OUT:
                    target.execute(sa.delete(schema.metadata.tables[table]))
            else:
                source.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
                _copy(source, target)
            _tell_its_moment(source, target, file, made_at)
        _make_one_file(copy)
    finally:
        copy.close()


def _write_as_it_is(hub: Hub, file: Path) -> None:
    """Has SQLite write the whole database into an empty file. That is many times faster than row by row, and as long as
    anybody reads, nothing that was written since can leave the database's log."""
    with hub.database.engine.connect() as connection:
        connection.exec_driver_sql("VACUUM INTO ?", (str(file),))


def _take_note(hub: Hub, file: Path) -> None:
    with hub.database.write() as connection:
        hub.database.insert_new(connection, schema.backup, [{"path": str(file), "made_at": hub.clock.now()}])


def restore_backup(hub: Hub, file: Path) -> int:
    """Puts a backup in place of everything, erases again who was erased since, and gives how many rows there are.

    In one transaction: a failure leaves the database as it was, and the backup is never written to. Who said no since
    the backup was made is not asked again, and what was open then is not simply done again. Raises SetupError if the
    file is no backup, KeyWrong if it was sealed with another key.
    """
    if not file.is_file():
        raise SetupError(f"There is no file {file}.")
    bring_up_to_date(hub.database)
    with _opened_copy(hub, file.resolve()) as copy, copy.read() as source, hub.database.write() as target:
        erased = target.execute(sa.select(schema.erasure)).all()
        refusals = target.execute(sa.select(schema.consent).where(schema.consent.c.given.is_(False))).all()
        for table in reversed(schema.metadata.sorted_tables):
            if table.name != "backup":
                target.execute(sa.delete(table))
        count = _copy(source, target)
        erasure.catch_up(target, erased, hub.workspaces, hub.clock.now())
        _refuse_again(hub, target, refusals)
        _doubt_again(hub, source, target, file.resolve())
    hub.forget()
    hub.database.drop_old_pages()
    return count


@contextmanager
def _opened_copy(hub: Hub, file: Path) -> Iterator[Database]:
    """A copy of a backup, checked and brought up to date. Raises SetupError, or KeyWrong."""
    hub.settings.home.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="restore-", dir=hub.settings.home) as folder:
        path = Path(folder) / "backup"
        copy = None
        try:
            _copy_file(file, path)
            copy = Database(f"sqlite:///{path}")
            _check(hub, copy, file)
            yield copy
        except (sqlite3.DatabaseError, sa.exc.DatabaseError) as error:
            if isinstance(error, sa.exc.DatabaseError) and not isinstance(error.orig, sqlite3.DatabaseError):
                raise
            raise _unusable(file) from None
        finally:
            if copy is not None:
                copy.close()


def _copy_file(file: Path, path: Path) -> None:
    with (
        closing(sqlite3.connect(f"{file.as_uri()}?mode=ro", uri=True)) as source,
        closing(sqlite3.connect(path)) as target,
    ):
        source.backup(target)
        if target.execute("PRAGMA integrity_check").fetchone() != ("ok",):
            raise _unusable(file)
        tables = {name for (name,) in target.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        if not {"alembic_version", "hub_key", "workspace"} <= tables:
            raise _unusable(file)


def _check(hub: Hub, copy: Database, file: Path) -> None:
    """That the copy holds a hub's data, and that the hub's keys open it."""
    bring_up_to_date(copy)
    with copy.read() as source:
        key = source.execute(sa.select(schema.hub_key.c.id)).scalar()
        if key is None:
            raise SetupError(f"{file} is empty: it is not a backup of this hub.")
        opening = hub.workspaces.keyring.named(key)
        for row in source.execute(sa.select(schema.workspace)):
            opening.unwrap(row.key, f"workspace {row.name}")


def _unusable(file: Path) -> SetupError:
    return SetupError(f"{file} is not a backup of this hub, or it is damaged. Nothing was changed.")


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


def _refuse_again(hub: Hub, target: sa.Connection, refusals: Sequence[Any]) -> None:
    """Keeps what people said no to since the backup was made."""
    if refusals:
        table = schema.consent
        statement = hub.database.insert(table)
        fresh = statement.excluded
        target.execute(
            statement.on_conflict_do_update(
                index_elements=[table.c.workspace_id, table.c.hash, table.c.channel],
                set_={"given": fresh.given, "at": fresh.at, "source": fresh.source},
                where=fresh.at >= table.c.at,
            ),
            [dict(row._mapping) for row in refusals],
        )


# ---- not twice


def _tell_its_moment(source: sa.Connection, target: sa.Connection, file: Path, made_at: int) -> None:
    """Writes into a backup when it was made, and from which backups its own database was put back."""
    table = schema.backup
    rows = [dict(row._mapping) for row in source.execute(sa.select(table).where(table.c.restored_at.is_not(None)))]
    rows = [row for row in rows if row["path"] != str(file)] + [{"path": str(file), "made_at": made_at}]
    for row in rows:
        target.execute(sa.insert(table).values(row))


def _doubt_again(hub: Hub, source: sa.Connection, target: sa.Connection, file: Path) -> None:
    """What was open when the backup was made may have left since: it counts as left and never recorded, so that it is
    asked about before it is done. What comes next of what came in before, the engine takes so too. And what was being
    tried again is left to whoever asked for it: they did so on what they knew then."""
    table, step, task = schema.backup, schema.step, schema.task
    rows = [dict(row._mapping) for row in source.execute(sa.select(table))]
    made_at = max((row["made_at"] for row in rows if row["restored_at"] is None), default=0)
    hub.database.insert_new(target, table, [row for row in rows if row["restored_at"] is not None])
    here = {"path": str(file), "made_at": made_at, "restored_at": hub.clock.now()}
    target.execute(hub.database.insert(table).values(here).on_conflict_do_update(index_elements=["path"], set_=here))
    target.execute(
        sa.update(step)
        .where(step.c.state == "waiting", step.c.connection_id.is_not(None))
        .values(state="claimed", claimed_at=made_at, due_at=None)
    )
    again = (task.c.state == "going") & (task.c.kind == "retry")
    target.execute(sa.update(task).where(again).values(state="stopped", ended_at=hub.clock.now()))


# ---- erasing


def erase_from_backups(hub: Hub) -> tuple[int, int]:
    """Erases who was erased here from the backups that can be reached: from how many that was done, and how many
    are there but could not be written to."""
    with hub.database.read() as connection:
        paths = [Path(path) for path in connection.execute(sa.select(schema.backup.c.path)).scalars()]
    stones = _tombstones(hub)
    done = [_erase_from(hub, path, stones) for path in paths if path.is_file()]
    return done.count(True), done.count(False)


def _tombstones(hub: Hub) -> Sequence[Any]:
    with hub.database.read() as connection:
        return connection.execute(sa.select(schema.erasure)).all()


def _erase_from(hub: Hub, path: Path, stones: Sequence[Any]) -> bool:
    """Whether a backup is free of everyone who was erased."""
    copy = None
    try:
        if not _is_ours(hub, path):
            return False
        copy = Database(f"sqlite:///{path}")
        bring_up_to_date(copy)
        with copy.write() as connection:
            erasure.catch_up(connection, stones, hub.workspaces, hub.clock.now())
        _make_one_file(copy)
    except (HubError, OSError, sqlite3.Error, sa.exc.DBAPIError) as error:
        log.warning("The backup %s could not be written to (%s).", path, _why(error))
        return False
    finally:
        if copy is not None:
            copy.close()
    return True


def _is_ours(hub: Hub, path: Path) -> bool:
    """Whether a file is a backup of this hub, rather than another one that came to lie in its place."""
    if not os.access(path, os.W_OK):
        return False
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as copy:
        theirs = set(copy.execute("SELECT id, created_at FROM workspace"))
    with hub.database.read() as connection:
        ours = {
            tuple(row) for row in connection.execute(sa.select(schema.workspace.c.id, schema.workspace.c.created_at))
        }
    return not theirs or bool(theirs & ours)


def _make_one_file(copy: Database) -> None:
    """Leaves one file that holds everything: no log beside it, no freed pages in it. What was deleted is overwritten
    with zeros already."""
    with copy.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA journal_mode = DELETE").all()
        # Not VACUUM, which would build a second copy in memory. In a script it goes on to the last page.
        driver: Any = connection.connection.driver_connection
        driver.executescript("PRAGMA incremental_vacuum")


def _remove(file: Path) -> None:
    for ending in ("", "-wal", "-shm", "-journal"):
        with suppress(OSError):
            file.with_name(file.name + ending).unlink()


def _sync(folder: Path) -> None:
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def _why(error: BaseException) -> str:
    return getattr(error, "strerror", None) or type(error).__name__
