"""Erasing and telling about one person, where others share names with them."""

from __future__ import annotations

import json
import shutil
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from hub import Person, schema
from hub.backup import make_backup, restore_backup
from hub.database import Database
from hub.errors import SettingInvalid
from tests.hub.privacy.canary import EMAIL, PHONE, come_back, openable, patient, sharing_a_phone
from tests.world import World


def test_somebody_else_with_the_same_phone_is_not_erased(world: World, start: Any, tmp_path: Path) -> None:
    start(patient)
    sharing_a_phone(world)
    make_backup(world.hub, tmp_path / "backup.db")
    shutil.copy(tmp_path / "backup.db", tmp_path / "old.db")
    receipt = world.hub.privacy.erase(world.workspace, EMAIL)
    assert (receipt.people, receipt.stopped) == (1, 1)
    assert [run.state for run in world.runs] == ["stopped", "waiting"]
    restore_backup(world.hub, tmp_path / "old.db")
    assert [run.state for run in world.runs] == ["stopped", "waiting"]
    with closing(Database(f"sqlite:///{tmp_path / 'backup.db'}")) as copy, copy.read() as connection:
        assert len(connection.execute(sa.select(schema.person)).all()) == 1


def test_somebody_known_only_by_the_same_names_is_erased_with_them(world: World, start: Any) -> None:
    start(email=None, phone=PHONE)
    world.settle()
    come_back(world, "2", email=EMAIL, phone="+14155550199")
    come_back(world, "3", email=EMAIL, phone=PHONE)
    assert len(world.rows(schema.person)) == 2
    assert world.hub.privacy.erase(world.workspace, EMAIL).people == 2


def test_an_id_that_turned_out_to_be_theirs_leads_to_them(world: World, start: Any) -> None:
    start(email=None, ids={"telling.id": "51"})
    world.settle()
    (row,) = world.rows(schema.person)
    with world.hub.database.write() as connection:
        world.hub.people.link(connection, world.workspace, [(row.id, Person(EMAIL, ids={"telling.id": "51"}))])
    assert world.hub.privacy.erase(world.workspace, EMAIL).people == 1
    assert openable(world, world.hub.database) == []


def test_the_same_address_in_another_business_stays(world: World, start: Any) -> None:
    start()
    world.settle()
    elsewhere = world.hub.workspaces.add("Another Bakery")
    assert world.hub.privacy.erase(elsewhere, EMAIL).people == 0
    assert openable(world, world.hub.database)


def test_who_shares_a_phone_is_not_told_about_the_other(world: World, start: Any) -> None:
    start()
    sharing_a_phone(world)
    with pytest.raises(SettingInvalid, match="e-mail address"):
        world.hub.privacy.export(world.workspace, PHONE)
    assert "of another" not in json.dumps(world.hub.privacy.export(world.workspace, EMAIL))
