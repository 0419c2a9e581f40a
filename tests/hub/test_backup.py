"""Backup and restore: all of it or nothing, on both databases and from one to the other."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from hub import Consent, Event, Steps, recipe, schema, sleep
from hub.backup import make_backup, restore_backup
from hub.core import Hub
from hub.database import Database
from hub.errors import KeyWrong, SetupError
from hub.people import Word
from hub.sealing import Keyring
from hub.timing import to_datetime, to_ms
from tests import servers, telling
from tests.world import KEY, World, tell

FRESH = "a fresh secret key for tests that is as long as it must be"
EMAIL, PHONE = "ada@example.com", "+14155550100"
NOT_IN_IT = {"lease", "backup", "sign_in_link", "session"}


@recipe(on=telling.happened, title="Work over a day")
def over_a_day(event: Event) -> Steps:
    """Does something, and a day later something else."""
    yield telling.do("first")
    yield sleep(days=1)
    yield telling.do(event.data["then"])


@pytest.fixture
def used(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """A world with something in every table that a backup holds."""
    connection = world.turn_on(monkeypatch, over_a_day)
    yes = {"channel": "email", "address": EMAIL, "given": True}
    happen = {"type": "happened", "id": "1", "email": EMAIL, "data": {"then": "second"}, "consents": [yes]}
    world.deliver(connection, tell(events=[happen]), {"key": "d-1"})
    world.deliver(connection, tell(events=[{"type": "bad"}]))
    world.settle()
    return world


@contextmanager
def somewhere_else(world: World, kind: str, home: Path, request: pytest.FixtureRequest) -> Iterator[Hub]:
    """An empty hub with the same key, on a database of this kind."""
    if kind == "sqlite":
        with closing(elsewhere(world, f"sqlite:///{home / 'other.db'}", home)) as hub:
            yield hub
    else:
        with (
            servers.database(request.getfixturevalue("postgres_url")) as url,
            closing(elsewhere(world, url, home)) as hub,
        ):
            yield hub


def elsewhere(world: World, url: str, home: Path, key: str = KEY) -> Hub:
    settings = replace(world.settings, home=home, database_url=url, secret_key=key)
    hub = Hub(settings, clock=world.clock, wakeups=world.wakeups)
    hub.linger_seconds = hub.gather_seconds = 0.0
    return hub


def contents(database: Database) -> dict[str, list[tuple[Any, ...]]]:
    with database.read() as connection:
        return {
            table.name: [
                tuple(row) for row in connection.execute(sa.select(table).order_by(*table.primary_key.columns))
            ]
            for table in schema.metadata.sorted_tables
            if table.name not in NOT_IN_IT
        }


# ---- there and back


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_a_backup_brings_everything_to_another_database_and_the_runs_go_on(
    used: World, kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    size = make_backup(used.hub, tmp_path / "backup.db")
    assert size == (tmp_path / "backup.db").stat().st_size
    before = contents(used.hub.database)
    with somewhere_else(used, kind, tmp_path / "elsewhere", request) as hub:
        count = restore_backup(hub, tmp_path / "backup.db")
        assert contents(hub.database) == before
        assert count == sum(len(rows) for rows in before.values())
        telling.provider.done.clear()
        used.clock.advance(86_400)
        used.settle(hub)
        assert telling.provider.done == [("do", {"what": "second"})]


def test_a_backup_is_one_file_that_its_owner_alone_reads(used: World, tmp_path: Path) -> None:
    folder = tmp_path / "backups"
    make_backup(used.hub, folder / "backup.db")
    assert [file.name for file in folder.iterdir()] == ["backup.db"]
    assert (folder / "backup.db").stat().st_mode & 0o777 == 0o600


def test_a_restore_puts_back_what_was_and_takes_away_what_came_since(used: World, tmp_path: Path) -> None:
    make_backup(used.hub, tmp_path / "backup.db")
    before = contents(used.hub.database)
    used.hub.workspaces.add("Another Bakery")
    used.clock.advance(86_400)
    used.settle()
    assert contents(used.hub.database) != before
    restore_backup(used.hub, tmp_path / "backup.db")
    assert contents(used.hub.database) == before
    assert [workspace.name for workspace in used.hub.workspaces.list()] == ["Crumb & Co."]


def test_a_workspace_that_is_added_after_a_restore_gets_an_id_of_its_own(
    used: World, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    used.hub.workspaces.add("Another Bakery")
    make_backup(used.hub, tmp_path / "backup.db")
    with somewhere_else(used, used.hub.database.url.get_backend_name(), tmp_path / "elsewhere", request) as hub:
        restore_backup(hub, tmp_path / "backup.db")
        assert hub.workspaces.add("A Third").id == 3


def test_a_backup_is_of_one_moment_whatever_is_written_meanwhile(
    used: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from hub import backup

    copy, vacuum, before = backup._copy, backup._write_as_it_is, contents(used.hub.database)

    def copy_while_writing(source: sa.Connection, target: sa.Connection) -> int:
        source.execute(sa.select(sa.func.count()).select_from(schema.workspace)).all()
        used.hub.workspaces.add("Another Bakery")
        return copy(source, target)

    def vacuum_while_writing(hub: Hub, file: Path) -> None:
        with hub.database.write() as connection:
            connection.execute(sa.delete(schema.workspace))
            vacuum(hub, file)
        assert used.rows(schema.workspace) == []

    monkeypatch.setattr(backup, "_copy", copy_while_writing)
    monkeypatch.setattr(backup, "_write_as_it_is", vacuum_while_writing)
    make_backup(used.hub, tmp_path / "backup.db")
    with closing(Database(f"sqlite:///{tmp_path / 'backup.db'}")) as file:
        assert contents(file) == before


def test_what_a_backup_takes_of_memory_does_not_grow_with_it(used: World, tmp_path: Path) -> None:
    said: list[str] = []
    sa.event.listen(sa.Engine, "before_cursor_execute", note := lambda *told: said.append(told[2]))
    make_backup(used.hub, tmp_path / "backup.db")
    used.hub.privacy.erase(used.workspace, EMAIL)
    sa.event.remove(sa.Engine, "before_cursor_execute", note)
    assert "VACUUM" not in said, "With SQLite's temporary files in memory it holds a copy of all there."


def test_nobody_stays_signed_in_over_a_restore(used: World, tmp_path: Path) -> None:
    with used.hub.database.write() as connection:
        connection.execute(sa.insert(schema.session).values(hash=b"s", until=1 << 50))
    make_backup(used.hub, tmp_path / "backup.db")
    with closing(sqlite3.connect(tmp_path / "backup.db")) as file:
        assert file.execute("SELECT count(*) FROM session").fetchone() == (0,)
    restore_backup(used.hub, tmp_path / "backup.db")
    assert used.rows(schema.session) == []


def test_a_no_that_was_said_since_the_backup_still_counts(used: World, tmp_path: Path) -> None:
    make_backup(used.hub, tmp_path / "backup.db")
    later = to_datetime(used.clock.now() + 1000)
    with used.hub.database.write() as connection:
        said = (Consent("email", EMAIL, False, later), Consent("sms", PHONE, False, later))
        used.hub.people.record_consents(
            connection, used.workspace, [Word(no, "a.b", to_ms(later), True) for no in said]
        )
    restore_backup(used.hub, tmp_path / "backup.db")
    assert [row.given for row in used.rows(schema.consent)] == [False, False]


def test_who_was_erased_since_the_backup_is_erased_again(used: World, tmp_path: Path) -> None:
    make_backup(used.hub, tmp_path / "backup.db")
    (tmp_path / "backup.db").rename(tmp_path / "away.db")
    used.hub.privacy.erase(used.workspace, EMAIL)
    restore_backup(used.hub, tmp_path / "away.db")
    assert used.rows(schema.person) == []
    assert [run.state for run in used.runs] == ["stopped"]
    assert len(used.rows(schema.erasure)) == 1


# ---- what goes wrong


def test_a_file_that_is_there_already_is_not_written_over(used: World, tmp_path: Path) -> None:
    (tmp_path / "backup.db").write_text("precious")
    with pytest.raises(SetupError, match="exists already"):
        make_backup(used.hub, tmp_path / "backup.db")
    assert (tmp_path / "backup.db").read_text() == "precious"


def test_a_backup_that_cannot_be_written_leaves_nothing_behind(used: World, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(SetupError, match="could not be written"):
        make_backup(used.hub, tmp_path / "file" / "backup.db")
    assert used.rows(schema.backup) == []


def test_a_backup_that_breaks_off_leaves_nothing_behind(
    used: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hub.backup._make_one_file", lambda copy: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        make_backup(used.hub, tmp_path / "backups" / "backup.db")
    assert list((tmp_path / "backups").iterdir()) == []
    assert used.rows(schema.backup) == []


def cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def overwrite(file: Path) -> None:
    content = bytearray(file.read_bytes())
    for start in range(4096 * 3, len(content), 4096):
        content[start : start + 64] = bytes(64)
    file.write_bytes(content)


def not_a_database(file: Path) -> None:
    file.write_bytes(b"no database at all " * 500)


def empty(file: Path) -> None:
    file.write_bytes(b"")


def of_something_else(file: Path) -> None:
    file.unlink()
    with closing(sqlite3.connect(file)) as other:
        other.execute("CREATE TABLE cookies (id INTEGER PRIMARY KEY)")


def of_nobody(file: Path) -> None:
    with closing(sqlite3.connect(file)) as other:
        other.execute("DELETE FROM hub_key")
        other.commit()


def of_a_newer_release(file: Path) -> None:
    with closing(sqlite3.connect(file)) as other:
        other.execute("UPDATE alembic_version SET version_num = '9999'")
        other.commit()


@pytest.mark.parametrize(
    "damage", [cut, overwrite, not_a_database, empty, of_something_else, of_nobody, of_a_newer_release]
)
def test_a_file_that_is_no_whole_backup_changes_nothing_and_is_not_changed(
    used: World, tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    file = tmp_path / "backup.db"
    make_backup(used.hub, file)
    damage(file)
    before, looks = contents(used.hub.database), file.read_bytes()
    with pytest.raises(SetupError, match="backup"):
        restore_backup(used.hub, file)
    assert contents(used.hub.database) == before
    assert file.read_bytes() == looks
    assert [path.name for path in tmp_path.glob("backup.db*")] == ["backup.db"]
    assert list(used.settings.home.glob("restore-*")) == []


def test_a_file_that_is_not_there_is_told(used: World, tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="There is no file"):
        restore_backup(used.hub, tmp_path / "none.db")


def test_a_backup_of_another_key_changes_nothing(used: World, tmp_path: Path) -> None:
    with closing(elsewhere(used, f"sqlite:///{tmp_path / 'other.db'}", tmp_path / "other", FRESH)) as hub:
        hub.workspaces.add("Somebody else's")
        make_backup(hub, tmp_path / "backup.db")
    before = contents(used.hub.database)
    with pytest.raises(KeyWrong, match="Nothing was changed"):
        restore_backup(used.hub, tmp_path / "backup.db")
    assert contents(used.hub.database) == before


def test_a_restore_that_breaks_off_changes_nothing(
    used: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_backup(used.hub, tmp_path / "backup.db")
    before = contents(used.hub.database)

    def break_off(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("hub.backup._refuse_again", break_off)
    with pytest.raises(KeyboardInterrupt):
        restore_backup(used.hub, tmp_path / "backup.db")
    assert contents(used.hub.database) == before


def test_a_backup_from_before_an_exchange_of_keys_opens_with_both(used: World, tmp_path: Path) -> None:
    make_backup(used.hub, tmp_path / "backup.db")
    used.hub.workspaces.rotate(Keyring([FRESH, KEY]))
    with closing(elsewhere(used, used.settings.database, tmp_path, f"{FRESH},{KEY}")) as hub:
        restore_backup(hub, tmp_path / "backup.db")
        assert hub.workspaces.named(None).hash_key == used.workspace.hash_key
        assert hub.workspaces.rotate(hub.keyring) == 1


def test_an_erasure_reaches_a_backup_from_before_an_exchange_of_keys(used: World, tmp_path: Path) -> None:
    make_backup(used.hub, tmp_path / "backup.db")
    used.hub.workspaces.rotate(Keyring([FRESH, KEY]))
    with closing(elsewhere(used, used.settings.database, tmp_path, FRESH)) as hub:
        receipt = hub.privacy.erase(hub.workspaces.named(None), EMAIL)
    assert (receipt.backups, receipt.unreached) == (1, 0)
    with closing(sqlite3.connect(tmp_path / "backup.db")) as file:
        assert file.execute("SELECT count(*) FROM person").fetchone() == (0,)
