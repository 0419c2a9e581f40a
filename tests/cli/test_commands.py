"""The command line as a whole: help, errors in one line, exit codes, JSON."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from sqlalchemy.exc import OperationalError

from hub.cli import SECTIONS, in_words, main
from hub.core import Hub
from hub.errors import SetupError
from tests.cli.conftest import Command, refused, told

NAMES = [name for names in SECTIONS.values() for name in names]


def test_help_names_every_command_and_says_what_it_is_for() -> None:
    _, _, text = CliRunner().invoke(main, ["--help"]).stdout.partition("Run:")
    for name in NAMES:
        assert f"\n  {name} " in text
    assert "..." not in text, "a first line of help is cut off"


@pytest.mark.parametrize("name", NAMES)
def test_every_command_has_help(name: str) -> None:
    result = CliRunner().invoke(main, [name, "--help"], prog_name="hub")
    assert result.exit_code == 0
    assert result.stdout.startswith(f"Usage: hub {name} ")


def test_help_loads_nothing_that_it_does_not_need() -> None:
    heavy = ["sqlalchemy", "flask", "granian", "requests", "cryptography", "alembic"]
    program = (
        "import sys; from click.testing import CliRunner; from hub.cli import main; "
        "assert CliRunner().invoke(main, ['--help']).exit_code == 0; "
        f"print([name for name in {heavy} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


@pytest.mark.parametrize(
    "words",
    [
        ["nonsense"],
        ["runs", "--state", "asleep"],
        ["run", "not-a-number"],
        ["run", str(2**63)],
        ["run", "0"],
        ["replay", "²"],
        ["enable", "order_thanks", "audience"],
        ["enable", "order_thanks", "tag=a", "tag=b"],
        ["connect", "hubspot", "access_token=x", "base_url=api.example"],
        ["workspace", "add", "Shop", "--retention-days", "-1"],
        ["up", "--port", "70000"],
    ],
)
def test_what_is_not_understood_ends_with_2(hub: Command, words: list[str]) -> None:
    result = hub(*words)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert "Usage: hub " in result.stderr


def test_what_is_no_id_is_told_with_where_to_find_one(hub: Command) -> None:
    assert "'ID' is no id. Take one from: hub runs" in hub("run", "ID").stderr
    assert "'ID' is no id. Take one from: hub events, hub deliveries" in hub("replay", "ID").stderr


@pytest.mark.parametrize("word", ["shpat_secret", "=shpat_secret"])
def test_a_secret_whose_field_was_forgotten_is_not_echoed(hub: Command, word: str) -> None:
    result = hub("connect", "shopify", word)
    assert result.exit_code == 2
    assert "secret" not in result.output


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["runs", "-w", "Nobody"], "There is no workspace 'Nobody'. See: hub workspace list"),
        (["run", "5"], "There is no such run. See: hub runs"),
        (["retry", "5"], "There is no such run. See: hub runs"),
        (["cancel", "5"], "There is no such run. See: hub runs"),
        (["replay", "5"], "There is no event or delivery of this id. See: hub events, hub deliveries"),
        (["disconnect", "5"], "There is no such connection. See: hub connections"),
        (
            ["disable", "order_thanks"],
            "The recipe 'order_thanks' is not on in 'Crumb & Co.'. See which are: hub recipes -w 'Crumb & Co.'",
        ),
        (["workspace", "add", "Crumb & Co."], "There is a workspace 'Crumb & Co.' already. Choose another name."),
        (["restore", "nothing"], "There is no file nothing."),
    ],
)
def test_a_refusal_is_one_line_that_says_what_to_do(hub: Command, words: list[str], says: str) -> None:
    assert refused(hub(*words)) == says


def test_an_error_that_nobody_thought_of_is_one_line_and_tells_no_data(hub: Command, monkeypatch: Any) -> None:
    def broken(*_: object) -> None:
        raise ValueError("ada@example.com\nand more")

    monkeypatch.setattr(Hub, "__init__", broken)
    line = refused(hub("runs"))
    assert "ValueError" in line and "hub check" in line
    assert "ada" not in line
    monkeypatch.setenv("HUB_DEBUG", "1")
    assert isinstance(hub("runs").exception, ValueError)


def test_ctrl_c_is_quiet(hub: Command, monkeypatch: Any) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Hub, "__init__", interrupted)
    result = hub("runs")
    assert (result.exit_code, result.output) == (130, "")


def test_a_database_that_does_not_answer_is_told_without_its_address(hub: Command, monkeypatch: Any) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://regulars:pw-canary@127.0.0.1:1/hub")
    line = refused(hub("runs"))
    assert line.startswith("The database does not answer")
    assert "canary" not in line
    monkeypatch.setenv("DATABASE_URL", "no address, canary")
    line = refused(hub("runs"))
    assert line.startswith("DATABASE_URL cannot be used.")
    assert "canary" not in line


def test_errors_in_words() -> None:
    assert in_words(SetupError("Do this.")) == "Do this."
    assert in_words(PermissionError(13, "canary", "/x/y")) == "/x/y: Permission denied."
    assert in_words(OSError(28, "canary")) == "This machine: No space left on device."
    assert "canary" not in in_words(OSError("canary"))
    assert "canary" not in in_words(OperationalError("SELECT canary", {}, Exception("canary")))
    assert "canary" not in in_words(KeyError("canary"))


def test_a_wrong_key_refuses_every_command(hub: Command, monkeypatch: Any) -> None:
    monkeypatch.setenv("HUB_SECRET_KEY", "another key that is long enough to be one")
    assert "sealed with the secret key" in refused(hub("runs"))


@pytest.mark.parametrize("listing", ["runs", "events", "deliveries", "connections"])
def test_an_empty_listing_teaches_people_and_is_an_empty_list_for_scripts(hub: Command, listing: str) -> None:
    assert told(hub(listing, "--json")) == []
    assert "hub " in hub(listing).stdout


def test_the_env_file_of_the_folder_is_read(hub: Command, monkeypatch: Any, tmp_path: Any) -> None:
    for name in ("DATABASE_URL", "HUB_SECRET_KEY", "HUB_HOME"):
        monkeypatch.delenv(name)
    (tmp_path / ".env").write_text("HUB_HOME=elsewhere\n")
    assert hub("workspace", "add", "Shop").exit_code == 0
    assert (tmp_path / "elsewhere" / "hub.db").exists()


def test_a_terminal_without_our_signs_is_told_everything_else(tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONIOENCODING": "latin-1", "PYTHONUTF8": "0", "HUB_HOME": str(tmp_path)}
    for name in ("DATABASE_URL", "REDIS_URL", "HUB_SECRET_KEY"):
        environment.pop(name, None)
    done = subprocess.run([sys.executable, "-m", "hub.cli", "check"], env=environment, capture_output=True, check=False)
    assert b"? ok         Database: It answers." in done.stdout
    assert done.stderr == b"1 thing needs you.\n"
