"""Migrations: bring a database to the tables of `hub/schema.py`, from nothing or from an older release."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import sqlalchemy as sa

from ..database import Database
from ..errors import SetupError

HEAD = "0002"
"""The newest migration. A database that is there already is opened without loading any."""

_LOCK = 7_305_014  # of PostgreSQL's advisory locks: one process migrates, the others wait


def bring_up_to_date(database: Database) -> None:
    """Runs the migrations that a database lacks. Raises SetupError if it is newer than this code."""
    if _version(database) == HEAD:
        return
    from alembic import command
    from alembic.config import Config
    from alembic.util import CommandError

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    with database.write() as connection:
        if not database.is_sqlite:
            connection.execute(sa.text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
        config.attributes["connection"] = connection
        try:
            command.upgrade(config, "head")
        except CommandError:
            raise SetupError(
                "This database was written by a newer release of the hub. Start that release, or restore a backup "
                "made with this one."
            ) from None


def _version(database: Database) -> Any:
    with database.read() as connection:
        if not sa.inspect(connection).has_table("alembic_version"):
            return None
        return connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()
