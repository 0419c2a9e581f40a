"""Migrations: bring a database to the tables of `hub/schema.py`, from nothing or from an older release.

They are numbered one by one, and a release adds one at most, so that a release runs with its own database and with
that of the next one. What a migration may do for that, `hub/README.md` says.
"""

from __future__ import annotations

import logging
import math
import time
from pathlib import Path

import sqlalchemy as sa

from ..database import Database
from ..errors import SetupError

log = logging.getLogger("hub.migrations")

HEAD = "0005"
"""The newest migration. A database that is there already is opened without loading any."""

NEWER = (
    "This database was written by a newer release of the hub. Start that release, or restore a backup "
    "made with this one."
)
BUSY = (
    "The tables could not be changed for a minute, as something keeps them busy, such as a backup that is being made. "
    "Start again when it is done. Nothing was changed."
)

_LOCK = 7_305_014  # of PostgreSQL's advisory locks: one process migrates, the others wait
_LOCK_SECONDS, _PAUSE_SECONDS, _TRIES = 1, 1, 30
_IN_USE = ("55P03", "40P01")  # lock_not_available, deadlock_detected


def bring_up_to_date(database: Database, *, or_next: bool = False) -> None:
    """Runs the migrations that a database lacks. Raises SetupError if it is newer than this code, or too busy.

    `or_next`: the next release's database will do, as this release may run beside that one while a hub is upgraded.
    """
    version = _version(database)
    if version == HEAD:
        return
    if version is not None and _steps_ahead(version) > 0:
        if not (or_next and _steps_ahead(version) == 1):
            raise SetupError(NEWER)
        log.warning("The database is the next release's already. This release goes on with it; upgrade this part too.")
        return
    _insist(database)


def _insist(database: Database) -> None:
    for _ in range(_TRIES):
        try:
            _migrate(database)
            return
        except sa.exc.OperationalError as error:
            if getattr(error.orig, "sqlstate", None) not in _IN_USE:
                raise
            time.sleep(_PAUSE_SECONDS)  # for those who waited behind
    raise SetupError(BUSY)


def _steps_ahead(version: str) -> float:
    """How many migrations a database is ahead of this code."""
    return int(version) - int(HEAD) if version.isdecimal() else math.inf


def _migrate(database: Database) -> None:
    from alembic import command
    from alembic.config import Config
    from alembic.util import CommandError

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    with database.write() as connection:
        if not database.is_sqlite:
            connection.execute(sa.text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
            # Whoever waits for a whole table makes everybody else wait behind: better to let go, and ask again.
            connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{_LOCK_SECONDS}s'")
        config.attributes["connection"] = connection
        try:
            command.upgrade(config, "head")
        except CommandError:  # a newer release was faster
            raise SetupError(NEWER) from None


def _version(database: Database) -> str | None:
    with database.read() as connection:
        if not sa.inspect(connection).has_table("alembic_version"):
            return None
        found: str | None = connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()
        return found
