"""Keys, backups, people's data, the sign-in link and `hub check`."""

from __future__ import annotations

import fcntl
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hub import Event, NotAuthorized, OutcomeUnknown, Steps, recipe
from hub.clock import CLOCK
from hub.sealing import HubKey
from tests import telling
from tests.cli.conftest import Command, refused, told
from tests.world import KEY, World, happen

NEW = "a new secret key for tests that is long enough too"


@recipe(on=telling.happened, title="Ring")
def ringer(event: Event) -> Steps:
    """Rings."""
    yield telling.ring("a bell")
    return None


@pytest.fixture
def ringing(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """A world in which one run was done."""
    world.turn_on(monkeypatch, ringer)
    happen(world, word="canary")
    return world


@pytest.fixture
def own_home(hub: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A home of its own, with its key in a file, and one workspace."""
    for name in ("DATABASE_URL", "HUB_SECRET_KEY"):
        monkeypatch.delenv(name)
    home = tmp_path / "own"
    monkeypatch.setenv("HUB_HOME", str(home))
    assert hub("workspace", "add", "Mill").exit_code == 0
    return home


@pytest.fixture
def ticking(world: World) -> Iterator[None]:
    """A clock that leads, as that of a running hub."""
    lease = world.hub.database.acquire(CLOCK, 60)
    assert lease is not None
    yield
    world.hub.database.release(lease)


# ---- people


def test_a_person_is_told_and_then_erased(hub: Command, ringing: World) -> None:
    before = told(hub("export", "ada@example.com"))
    assert "canary" in json.dumps(before)
    assert hub("backup", "copy").exit_code == 0
    receipt = told(hub("erase", "Ada@Example.com ", "--json"))
    assert (receipt["people"], receipt["events"], receipt["runs"], receipt["backups"]) == (1, 1, 1, 1)
    assert "canary" not in hub("export", "ada@example.com").stdout
    assert "Nothing was kept" in hub("erase", "ada@example.com").stdout


@pytest.mark.parametrize("option", [[], ["--json"]])
def test_an_erasure_that_did_not_reach_every_backup_is_refused_in_the_end(
    hub: Command, ringing: World, option: list[str]
) -> None:
    for name in ("one", "two"):
        hub("backup", name)
        Path(name).write_text("no database")
    result = hub("erase", "ada@example.com", *option)
    assert refused(result).startswith("2 backups could not be changed.")
    assert json.loads(result.stdout)["unreached"] == 2 if option else "Erased: 1 event and 1 run" in result.stdout
    assert "canary" not in hub("export", "ada@example.com").stdout


def test_a_person_is_named_by_an_address_or_a_number(hub: Command) -> None:
    for command in ("erase", "export"):
        assert "e-mail address" in refused(hub(command, "Ada"))


# ---- backups


def test_a_backup_is_put_back_in_place_of_everything(hub: Command, ringing: World) -> None:
    assert "only with the secret key (HUB_SECRET_KEY)" in hub("backup", "copy").stdout
    assert "exists already" in refused(hub("backup", "copy"))
    happen(ringing, key="2")
    assert len(told(hub("runs", "--json"))) == 2
    assert hub("restore", "copy").stdout.startswith("Restored: ")
    assert len(told(hub("runs", "--json"))) == 1


def test_nothing_is_restored_while_a_hub_has_the_home(hub: Command, ringing: World) -> None:
    hub("backup", "copy")
    ringing.settings.home.mkdir(exist_ok=True)
    with (ringing.settings.home / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert "A hub is running already" in refused(hub("restore", "copy"))
    assert hub("restore", "copy").exit_code == 0


def test_nothing_is_restored_while_a_clock_ticks_elsewhere(
    hub: Command, ringing: World, ticking: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub("backup", "copy")
    database = ringing.hub.database
    monkeypatch.setattr("time.sleep", lambda seconds: database.acquire(CLOCK, 60))  # it renews its lease meanwhile
    assert "A hub is running with this database" in refused(hub("restore", "copy"))


def test_a_clock_that_was_killed_does_not_hold_up_a_restore(
    hub: Command, ringing: World, ticking: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub("backup", "copy")
    passed = iter(range(100))
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    monkeypatch.setattr("time.monotonic", lambda: float(next(passed)))
    assert hub("restore", "copy").stdout.startswith("Restored: ")


def test_without_the_key_nothing_is_restored_and_no_key_is_made(
    hub: Command, own_home: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    hub("backup", "copy")
    other = tmp_path / "other"
    monkeypatch.setenv("HUB_HOME", str(other))
    assert "Put secret.key back" in refused(hub("restore", "copy"))
    assert not other.exists()
    other.mkdir()
    (other / "secret.key").write_text((own_home / "secret.key").read_text())
    assert hub("restore", "copy").exit_code == 0
    assert [item["name"] for item in told(hub("workspace", "list", "--json"))] == ["Mill"]


# ---- keys


def test_the_key_file_is_exchanged_and_the_old_key_opens_nothing(hub: Command, own_home: Path) -> None:
    file = own_home / "secret.key"
    old = file.read_text()
    result = hub("keys", "rotate")
    assert result.exit_code == 0
    (fresh,) = file.read_text().split()
    assert fresh not in result.output and fresh != old.strip()
    assert file.stat().st_mode & 0o777 == 0o600
    assert [item["name"] for item in told(hub("workspace", "list", "--json"))] == ["Mill"]
    file.write_text(old)
    assert "sealed with the secret key" in refused(hub("workspace", "list"))


def test_an_exchange_that_was_broken_off_is_finished_by_the_next(hub: Command, own_home: Path) -> None:
    """The file was written with both keys, the database not yet."""
    file = own_home / "secret.key"
    file.write_text(f"{NEW}".replace(" ", "-") + "\n" + file.read_text())
    assert told(hub("workspace", "list", "--json")) != []
    assert hub("keys", "rotate").exit_code == 0
    assert file.read_text().split() == [NEW.replace(" ", "-")]
    assert told(hub("workspace", "list", "--json")) != []


def test_no_key_is_exchanged_under_a_running_hub(hub: Command, own_home: Path) -> None:
    before = (own_home / "secret.key").read_text()
    with (own_home / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert "A hub is running already" in refused(hub("keys", "rotate"))
    assert (own_home / "secret.key").read_text() == before


def test_keys_of_the_environment_are_exchanged_in_two_steps(
    hub: Command, ringing: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "NEW,OLD" in refused(hub("keys", "rotate"))
    monkeypatch.setenv("HUB_SECRET_KEY", f"{NEW},{KEY}")
    assert hub("keys", "rotate").stdout.startswith("HUB_SECRET_KEY needs the old key no more")
    monkeypatch.setenv("HUB_SECRET_KEY", NEW)
    assert len(told(hub("runs", "--json"))) == 1
    monkeypatch.setenv("HUB_SECRET_KEY", KEY)
    assert HubKey(NEW).id in refused(hub("runs"))


# ---- signing in, checking


def test_a_sign_in_link_is_fresh_each_time(hub: Command) -> None:
    first, second = (hub("sign-in-link").stdout.strip() for _ in range(2))
    assert first.startswith("http://127.0.0.1:8000/sign-in/")
    assert first != second


def findings(hub: Command) -> tuple[int, dict[str, Any]]:
    result = hub("check", "--json")
    return result.exit_code, {item["what"]: item["ok"] for item in json.loads(result.stdout)}


def test_a_hub_that_is_well_is_told_so(hub: Command, ringing: World, ticking: None) -> None:
    code, found = findings(hub)
    assert code == 0
    assert set(found.values()) == {True}
    assert found["Crumb & Co., Telling (Telling account)"] is True
    assert "● ok" in hub("check").stdout


def test_a_clock_that_does_not_tick_needs_a_person(hub: Command, ringing: World) -> None:
    result = hub("check")
    assert result.exit_code == 1
    assert "▲ needs you  Clock: It does not tick" in result.stdout
    assert result.stderr == "1 thing needs you.\n"


def test_whatever_needs_a_person_is_told(hub: Command, ringing: World, ticking: None, monkeypatch: Any) -> None:
    telling.provider.answer = lambda name, inputs: OutcomeUnknown()
    happen(ringing, key="2")
    happen(ringing, kind="bad", key="3")

    def fails(client: object) -> str:
        raise RuntimeError("canary")

    monkeypatch.setitem(telling.connector._functions, "check", fails)
    result = hub("check")
    assert result.exit_code == 1
    assert "1 held for you. See: hub runs -w 'Crumb & Co.' --state held" in result.stdout
    assert "1 could not be read." in result.stdout
    assert "It could not be asked (RuntimeError)." in result.stdout
    assert "canary" not in result.output
    assert result.stderr == "3 things need you.\n"


def test_a_lost_login_is_told_with_the_command_that_renews_it(
    hub: Command, ringing: World, ticking: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    says = "It does not know us. Sign in again with: hub connect telling -w 'Crumb & Co.' account=a"

    def refuses(client: object) -> str:
        raise NotAuthorized("It does not know us.")

    with monkeypatch.context() as refusing:
        refusing.setitem(telling.connector._functions, "check", refuses)
        assert says in hub("check").stdout
    (connection,) = ringing.hub.connections.list(ringing.workspace)
    ringing.hub.connections.set_state(connection.id, "needs_login", "It does not know us.")
    assert says in hub("check").stdout


def test_the_room_that_the_database_takes_is_told(hub: Command, ringing: World, monkeypatch: Any) -> None:
    assert "● ok         Disk: The database takes" in hub("check").stdout
    if not ringing.hub.database.is_sqlite:
        return
    for used, says in ((60, "60 MB of the 100 MB"), (80, "80 MB of the 100 MB in HUB_DISK_MB. From 85% on the oldest")):
        monkeypatch.setenv("HUB_DISK_MB", "100")
        monkeypatch.setattr("hub.retention.disk.size", lambda database, used=used: used * 1_000_000)
        assert f"● ok         Disk: The database takes {says}" in hub("check").stdout
    monkeypatch.setattr("hub.retention.disk.size", lambda database: 101_000_000)
    assert "▲ needs you  Disk: The database takes 101 MB of the 100 MB" in hub("check").stdout


def test_an_account_that_is_off_on_purpose_needs_nobody(hub: Command, ringing: World, ticking: None) -> None:
    (connection,) = ringing.hub.connections.list(ringing.workspace)
    hub("disconnect", connection.id)
    hub("disable", "ringer")
    code, found = findings(hub)
    assert code == 0
    assert found["Crumb & Co., Telling (Telling account)"] is None
    assert found["Crumb & Co., recipes"] is None


def test_a_key_that_does_not_fit_is_found_out(hub: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUB_SECRET_KEY", NEW)
    result = hub("check")
    assert result.exit_code == 1
    assert "▲ needs you  Start: This database was sealed with" in result.stdout
