"""Erasing from backups: those that are at hand, those that come back, and those that are restored."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from hub import schema
from hub.backup import erase_from_backups, make_backup
from hub.database import Database
from tests.hub.privacy.canary import EMAIL, in_file
from tests.world import World


def test_a_backup_that_could_not_be_reached_is_caught_up_with_at_the_next_erasure(
    canary: World, tmp_path: Path
) -> None:
    backup, away = tmp_path / "backup.db", tmp_path / "away.db"
    make_backup(canary.hub, backup)
    backup.rename(away)
    assert canary.hub.privacy.erase(canary.workspace, EMAIL).backups == 0
    away.rename(backup)
    canary.clock.advance(1)
    assert canary.hub.privacy.erase(canary.workspace, "nobody@example.com").backups == 1
    assert in_file(canary, backup) == []


def test_a_file_that_is_no_backup_of_ours_is_not_touched_and_is_told(canary: World, tmp_path: Path) -> None:
    damaged, foreign = tmp_path / "damaged.db", tmp_path / "foreign.db"
    make_backup(canary.hub, damaged)
    make_backup(canary.hub, foreign)
    damaged.write_bytes(b"not a database at all")
    foreign.unlink()
    with closing(Database(f"sqlite:///{foreign}")) as other, other.write() as connection:
        connection.exec_driver_sql("CREATE TABLE workspace (id INTEGER, created_at INTEGER)")
        connection.exec_driver_sql("INSERT INTO workspace VALUES (1, 1)")
    receipt = canary.hub.privacy.erase(canary.workspace, EMAIL)
    assert (receipt.people, receipt.backups, receipt.unreached) == (1, 0, 2)
    assert damaged.read_bytes() == b"not a database at all"


def test_somebody_erased_while_a_backup_is_written_is_not_in_it(
    canary: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from hub import backup

    write = backup._write

    def write_and_erase(hub: Any, file: Path) -> None:
        write(hub, file)
        canary.hub.privacy.erase(canary.workspace, EMAIL)

    monkeypatch.setattr(backup, "_write", write_and_erase)
    make_backup(canary.hub, tmp_path / "backup.db")
    assert in_file(canary, tmp_path / "backup.db") == []


def test_a_backup_is_erased_from_once(canary: World, tmp_path: Path) -> None:
    make_backup(canary.hub, tmp_path / "backup.db")
    canary.hub.privacy.erase(canary.workspace, EMAIL)
    stones = {tuple(row) for row in canary.rows(schema.erasure)}
    assert erase_from_backups(canary.hub) == (1, 0)
    with closing(Database(f"sqlite:///{tmp_path / 'backup.db'}")) as copy, copy.read() as connection:
        assert {tuple(row) for row in connection.execute(sa.select(schema.erasure))} == stones
