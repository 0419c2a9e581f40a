"""What an erasure must not leave behind, and what it must not take along."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from hub import schema
from hub.backup import make_backup, restore_backup
from hub.database import Database
from tests.hub.privacy.canary import EMAIL, OTHER, ids_of, of_another, told
from tests.webhooks.told import read
from tests.world import World, tell


def test_nothing_waits_for_events_of_somebody_who_was_erased(canary: World) -> None:
    ids = ids_of(canary, EMAIL)
    assert canary.rows(schema.waiter, schema.waiter.c.person_id.in_(ids))
    canary.hub.privacy.erase(canary.workspace, EMAIL)
    assert canary.rows(schema.waiter, schema.waiter.c.person_id.in_(ids)) == []
    assert canary.rows(schema.waiter), "Others still wait."


def unread(world: World) -> None:
    """Three deliveries that nobody has read: about the person, about another one, and about both."""
    connection = world.connect("telling", account="a")
    for events in ([told("1")], [of_another("2")], [told("3"), of_another("4")]):
        world.deliver(connection, tell(events=events))


def deliveries(database: Database) -> list[tuple[str, bool]]:
    """The state of each, and whether it can be read still."""
    with database.read() as connection:
        rows = connection.execute(sa.select(schema.delivery).order_by(schema.delivery.c.id))
        return [(row.state, row.content is not None) for row in rows]


def test_of_deliveries_that_a_backup_holds_unread_those_go_that_tell_of_nobody_else(
    world: World, tmp_path: Path
) -> None:
    unread(world)
    make_backup(world.hub, tmp_path / "backup.db")
    world.clock.advance(1)
    assert world.hub.privacy.erase(world.workspace, EMAIL).backups == 1
    with closing(Database(f"sqlite:///{tmp_path / 'backup.db'}")) as copy:
        assert deliveries(copy) == [("read", False), ("new", True), ("new", True)]


def test_deliveries_that_wait_to_be_read_are_left_to_the_reader(world: World) -> None:
    """Reading them finds out who was erased, and a no that they tell of still counts."""
    unread(world)
    world.clock.advance(1)
    world.hub.privacy.erase(world.workspace, EMAIL)
    assert deliveries(world.hub.database) == [("new", True)] * 3
    assert read(world.hub) == 3
    assert [row.content is not None for row in world.rows(schema.event)] == [False, True, False, True]


def test_after_a_restore_nothing_of_somebody_erased_since_is_read_from_what_waited(
    world: World, tmp_path: Path, start: Any
) -> None:
    unread(world)
    make_backup(world.hub, tmp_path / "backup.db")
    (tmp_path / "backup.db").rename(tmp_path / "away.db")
    world.clock.advance(1)
    world.hub.privacy.erase(world.workspace, EMAIL)
    restore_backup(world.hub, tmp_path / "away.db")
    world.settle()
    assert ids_of(world, EMAIL) == set()
    assert len(ids_of(world, OTHER)) == 1
    assert {row.content is not None for row in world.rows(schema.event)} == {True, False}
