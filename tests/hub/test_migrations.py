"""Migrations: a fresh database has the tables of the schema, exactly, and an unknown one is left alone."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from hub import migrations, schema
from hub.database import Database
from hub.errors import SetupError
from hub.migrations import HEAD, bring_up_to_date

MIGRATE = """
import sys
from hub.database import Database
from hub.migrations import bring_up_to_date
sys.stdin.read(1)
bring_up_to_date(Database(sys.argv[1]))
"""


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    made = Database(database_url)
    yield made
    made.close()


def versions(database: Database) -> list[str]:
    with database.read() as connection:
        return list(connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalars())


def test_a_fresh_database_has_the_tables_of_the_schema_exactly(database: Database) -> None:
    bring_up_to_date(database)
    options = {"compare_type": True, "compare_server_default": True}
    with database.read() as connection:
        assert compare_metadata(MigrationContext.configure(connection, opts=options), schema.metadata) == []


def sorted_by_name(rows: Any) -> list[Any]:
    return sorted(rows, key=lambda row: row[0])


def described(database: Database) -> dict[str, Any]:
    """Every table with its columns, keys and indexes, and on SQLite every word that made it."""
    with database.read() as connection:
        look = sa.inspect(connection)
        found: dict[str, Any] = {
            name: {
                "columns": [(c["name"], str(c["type"]), c["nullable"]) for c in look.get_columns(name)],
                "key": look.get_pk_constraint(name),
                "unique": look.get_unique_constraints(name),
                "indexes": sorted_by_name(
                    (i["name"], i["column_names"], {k: str(v) for k, v in i.get("dialect_options", {}).items()})
                    for i in look.get_indexes(name)
                ),
            }
            for name in look.get_table_names()
            if name != "alembic_version"
        }
        if database.is_sqlite:
            query = "SELECT name FROM sqlite_master WHERE type = 'table' AND sql LIKE '%WITHOUT ROWID%'"
            found["without rowid"] = set(connection.execute(sa.text(query)).scalars())
    return found


def test_migrating_and_making_the_tables_at_once_come_to_the_same(database: Database) -> None:
    bring_up_to_date(database)
    migrated = described(database)
    with database.write() as connection:
        schema.metadata.drop_all(connection)
        schema.metadata.create_all(connection)
    assert described(database) == migrated


def test_the_newest_migration_is_the_one_that_the_code_expects(database: Database) -> None:
    scripts = ScriptDirectory(str(Path(migrations.__file__).parent))
    assert scripts.get_heads() == [HEAD]
    bring_up_to_date(database)
    assert versions(database) == [HEAD]


def test_a_database_that_is_up_to_date_is_left_as_it_is(database: Database) -> None:
    bring_up_to_date(database)
    with database.write() as connection:
        connection.execute(sa.insert(schema.erasure).values(id=1, workspace_id=1, hash=b"h", at=1))
    bring_up_to_date(database)
    with database.read() as connection:
        assert connection.execute(sa.select(schema.erasure.c.id)).scalars().all() == [1]


def set_version(database: Database, version: str) -> None:
    with database.write() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = :version"), {"version": version})


NEXT, AFTER_NEXT = f"{int(HEAD) + 1:04}", f"{int(HEAD) + 2:04}"


@pytest.mark.parametrize("or_next", [False, True])
@pytest.mark.parametrize("version", [AFTER_NEXT, "9999", "8f3a_of_another_program"])
def test_a_database_of_a_newer_release_is_refused_and_left_as_it_is(
    database: Database, version: str, or_next: bool
) -> None:
    bring_up_to_date(database)
    set_version(database, version)
    with pytest.raises(SetupError, match="newer release"):
        bring_up_to_date(database, or_next=or_next)
    assert versions(database) == [version]


def test_the_next_releases_database_is_taken_where_both_run_side_by_side_and_nowhere_else(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    bring_up_to_date(database)
    set_version(database, NEXT)
    bring_up_to_date(database, or_next=True)
    assert "upgrade this part too" in caplog.text
    with pytest.raises(SetupError, match="newer release"):
        bring_up_to_date(database)
    assert versions(database) == [NEXT]


def test_migrations_are_numbered_one_by_one() -> None:
    scripts = ScriptDirectory(str(Path(migrations.__file__).parent))
    revisions = [script.revision for script in scripts.walk_revisions()]
    assert revisions == [f"{number:04}" for number in range(len(revisions), 0, -1)]


def test_processes_that_migrate_at_the_same_time_do_it_once(database: Database, database_url: str) -> None:
    started = [
        subprocess.Popen([sys.executable, "-c", MIGRATE, database_url], stdin=subprocess.PIPE, stderr=subprocess.PIPE)
        for _ in range(3)
    ]
    for process in started:
        assert process.stdin is not None
        process.stdin.write(b"go")
        process.stdin.flush()
    assert [process.communicate()[1] for process in started] == [b"", b"", b""]
    assert versions(database) == [HEAD]
