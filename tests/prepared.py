"""The hub's tables in an empty database, quickly: migrations run once for all tests, and once more only where they are
what is tested."""

from __future__ import annotations

import shutil
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import sqlalchemy as sa

from hub.database import Database
from hub.migrations import bring_up_to_date


class Prepared:
    """Fills empty databases. `folder`: where it keeps the file that it copies."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "prepared.db"
        self._statements = ""

    def fill(self, url: str) -> None:
        """Makes the tables in a database that is empty; the first one of each kind is migrated."""
        place = sa.make_url(url)
        if place.get_backend_name() == "postgresql":
            self._fill_postgres(url)
            return
        if not self._file.exists():
            with closing(Database(f"sqlite:///{self._file}")) as database:
                bring_up_to_date(database)
        assert place.database is not None
        shutil.copyfile(self._file, place.database)

    def _fill_postgres(self, url: str) -> None:
        if self._statements:
            with psycopg.connect(url.replace("+psycopg", "")) as connection:
                connection.execute(self._statements)
            return
        seen: list[str] = []

        def note(connection: Any, cursor: Any, statement: str, *_: Any) -> None:
            if statement.split()[0] in ("CREATE", "COMMENT", "INSERT", "UPDATE", "ALTER", "DROP"):
                seen.append(statement.replace("%%", "%"))

        with closing(Database(url)) as database:
            sa.event.listen(database.engine, "before_cursor_execute", note)
            bring_up_to_date(database)
        self._statements = ";\n".join(seen)
