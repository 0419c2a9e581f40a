"""Workspaces: a key of its own for each business, wrapped by the hub's, which can be exchanged and never guessed."""

from __future__ import annotations

import threading
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa

from hub import schema
from hub.core import Hub
from hub.errors import KeyWrong, NotFound, SettingInvalid, SetupError
from hub.sealing import Keyring, load_keyring
from hub.settings import Settings
from tests.carriers import ByThreads, Carrier
from tests.world import KEY, World

FRESH = "a fresh secret key for tests that is as long as it must be"


@pytest.fixture
def carrier() -> Carrier:
    """Nobody is woken here: one carrier is enough."""
    return ByThreads()


def opened_with(world: World, secret: str) -> Hub:
    return Hub(replace(world.settings, secret_key=secret), clock=world.clock)


def contents(world: World) -> dict[str, list[tuple[object, ...]]]:
    return {table.name: [tuple(row) for row in world.rows(table)] for table in schema.metadata.sorted_tables}


# ---- businesses


def test_nothing_of_one_business_opens_or_compares_with_the_key_of_another(world: World) -> None:
    other = world.hub.workspaces.add("Another Bakery")
    with pytest.raises(KeyWrong):
        other.sealer.open(world.workspace.sealer.seal(b"ours", "x"), "x")
    assert other.hash("email", "ada@example.com") != world.workspace.hash("email", "ada@example.com")


def test_a_hash_tells_its_parts_apart(world: World) -> None:
    assert world.workspace.hash("ab", "c") != world.workspace.hash("a", "bc")
    assert len(world.workspace.hash("email", "ada@example.com")) == 16


def test_no_key_is_in_what_is_printed_of_a_workspace(world: World) -> None:
    assert world.workspace.hash_key.hex() not in repr(world.workspace)
    assert "sealer" not in repr(world.workspace) and "hash_key" not in repr(world.workspace)


@pytest.mark.parametrize("name", ["", "  ", "Crumb & Co.", "My\x1b[2J shop", "two\nlines"])
def test_a_name_that_is_empty_or_taken_or_no_text_is_refused(world: World, name: str) -> None:
    with pytest.raises(SettingInvalid):
        world.hub.workspaces.add(name)


def test_the_only_workspace_need_not_be_named(world: World) -> None:
    assert world.hub.workspaces.named(None) == world.hub.workspaces.named("Crumb & Co.") == world.workspace
    world.hub.workspaces.add("Another Bakery")
    with pytest.raises(NotFound, match=r"-w: there are Crumb & Co\., Another Bakery"):
        world.hub.workspaces.named(None)
    with pytest.raises(NotFound, match="no workspace 'Third'"):
        world.hub.workspaces.named("Third")


def test_how_long_payloads_are_kept_can_be_set(world: World) -> None:
    assert world.workspace.retention_days == 30
    world.hub.workspaces.keep_days(world.workspace, 0)
    assert world.hub.workspaces.get(world.workspace.id).retention_days == 0


# ---- the hub's key


def test_a_wrong_key_is_refused_and_writes_nothing(world: World) -> None:
    before = contents(world)
    with pytest.raises(KeyWrong, match="Nothing was changed"):
        opened_with(world, FRESH)
    assert contents(world) == before


def test_a_wrong_key_is_refused_before_anything_is_migrated(world: World) -> None:
    with world.hub.database.write() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '0000'"))
    with pytest.raises(KeyWrong):
        opened_with(world, FRESH)


def test_the_right_key_beside_a_newer_one_opens_everything(world: World) -> None:
    with closing(opened_with(world, f"{FRESH},{KEY}")) as hub:
        assert hub.workspaces.named(None).hash_key == world.workspace.hash_key


def test_of_two_machines_that_start_on_an_empty_database_with_two_keys_one_is_refused(
    database_url: str, tmp_path: Path
) -> None:
    ended: list[object] = []
    together = threading.Barrier(2)

    def start(secret: str) -> None:
        settings = Settings(home=tmp_path, database_url=database_url, secret_key=secret)
        together.wait()
        try:
            Hub(settings).close()
            ended.append("started")
        except KeyWrong:
            ended.append("refused")

    Hub(Settings(home=tmp_path, database_url=database_url, secret_key=KEY)).close()
    with closing(Hub(Settings(home=tmp_path, database_url=database_url, secret_key=KEY))) as hub:
        with hub.database.write() as connection:
            connection.execute(sa.delete(schema.hub_key))
        threads = [threading.Thread(target=start, args=(secret,)) for secret in (KEY, FRESH)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        with hub.database.read() as connection:
            assert len(connection.execute(sa.select(schema.hub_key)).all()) == 1
    assert sorted(map(str, ended)) == ["refused", "started"]


def test_a_missing_key_file_is_not_made_anew_beside_a_database(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    Hub(settings).close()
    settings.key_file.unlink()
    with pytest.raises(SetupError, match=r"Put back the file secret\.key"):
        Hub(settings)
    assert not settings.key_file.exists()


# ---- exchanging it


@pytest.fixture
def rotated(world: World) -> Keyring:
    """Two workspaces and a recipe's code, wrapped anew with another key."""
    world.hub.workspaces.add("Another Bakery")
    with world.hub.database.write() as connection:
        wrapped = world.hub.workspaces.hub_key(connection).wrap(b"{}", "recipe r v")
        connection.execute(
            sa.insert(schema.recipe_version).values(hash="v", recipe="r", source=wrapped, created_at=world.clock.now())
        )
    ring = Keyring([FRESH, KEY])
    assert world.hub.workspaces.rotate(ring) == 2
    return ring


def test_after_an_exchange_the_new_key_alone_opens_everything(world: World, rotated: Keyring) -> None:
    with closing(opened_with(world, FRESH)) as hub:
        assert [w.name for w in hub.workspaces.list()] == ["Crumb & Co.", "Another Bakery"]
        assert hub.workspaces.named("Crumb & Co.").hash_key == world.workspace.hash_key
        (source,) = world.rows(schema.recipe_version)
        assert hub.workspaces.hub_key().unwrap(source.source, "recipe r v") == b"{}"


def test_after_an_exchange_the_old_key_opens_nothing(world: World, rotated: Keyring) -> None:
    with pytest.raises(KeyWrong):
        opened_with(world, KEY)
    old = Keyring([KEY]).current
    for row in world.rows(schema.workspace):
        with pytest.raises(KeyWrong):
            old.unwrap(row.key, f"workspace {row.name}")


def test_an_exchange_with_keys_of_which_none_is_the_old_one_changes_nothing(world: World) -> None:
    before = contents(world)
    with pytest.raises(KeyWrong):
        world.hub.workspaces.rotate(Keyring([FRESH]))
    assert contents(world) == before


def test_an_exchange_that_breaks_off_leaves_everything_under_the_old_key(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.hub.workspaces.add("Another Bakery")
    before = contents(world)
    ring = Keyring([FRESH, KEY])
    wrap, wrapped = ring.current.wrap, []

    def break_off(key: bytes, about: str) -> bytes:
        if wrapped:
            raise KeyboardInterrupt
        wrapped.append(about)
        return wrap(key, about)

    monkeypatch.setattr(ring.current, "wrap", break_off)
    with pytest.raises(KeyboardInterrupt):
        world.hub.workspaces.rotate(ring)
    assert contents(world) == before
    opened_with(world, KEY).close()
    opened_with(world, f"{FRESH},{KEY}").close()


def test_a_workspace_that_is_added_with_both_keys_is_wrapped_with_the_one_in_use(world: World) -> None:
    with closing(opened_with(world, f"{FRESH},{KEY}")) as hub:
        hub.workspaces.add("Another Bakery")
    with closing(opened_with(world, KEY)) as hub:
        assert len(hub.workspaces.list()) == 2


def test_the_environment_may_name_both_keys(tmp_path: Path) -> None:
    ring = load_keyring(f"{FRESH}, {KEY}", tmp_path / "none", may_create=False)
    assert [key.id for key in ring.keys] == [Keyring([FRESH]).current.id, Keyring([KEY]).current.id]
