"""What somebody is told who starts for the first time."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from hub.cli.newcomer import own_command, welcome
from hub.cli.run import keep_log
from hub.settings import Settings
from hub.setup.access.links import sign_in
from tests.cli.conftest import Command, refused
from tests.world import World


@pytest.fixture
def script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The command line as it was installed below the folder that we are in, and started from there."""
    made = tmp_path / ".venv" / "bin" / "hub"
    made.parent.mkdir(parents=True)
    made.touch(0o755)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", [".venv/bin/hub", "up"])
    return made


def test_commands_are_told_as_they_can_be_typed_here(script: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert own_command() == ".venv/bin/hub"
    monkeypatch.setenv("PATH", str(script.parent))
    assert own_command() == "hub"
    monkeypatch.setenv("PATH", "")
    elsewhere = script.parents[2] / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    monkeypatch.setattr("sys.argv", [str(script), "up"])
    assert own_command() == str(script)


def test_the_first_words_hold_a_link_that_signs_in_and_the_next_commands(world: World, script: Path) -> None:
    said = welcome(world.hub, practice=True)
    link = next(word for word in said.split() if "/sign-in/" in word)
    assert sign_in(world.hub, link.rpartition("/")[2])
    assert ".venv/bin/hub practice order; then: .venv/bin/hub runs" in said
    assert "Where it says hub, here that is .venv/bin/hub." in said


def test_without_practice_the_first_words_hold_no_link_but_how_to_get_one(
    world: World, script: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(script.parent))
    said = welcome(world.hub, practice=False)
    assert "/sign-in/" not in said and "For a link to sign in: hub sign-in-link" in said
    assert "Where it says" not in said


def test_what_is_logged_is_kept_in_the_home(tmp_path: Path) -> None:
    logger = logging.getLogger()
    before = list(logger.handlers)
    keep_log(Settings(home=tmp_path))
    (handler,) = (each for each in logger.handlers if each not in before)
    try:
        assert not list(tmp_path.iterdir()), "nothing is made in a home that may be another hub's"
        logging.getLogger("hub.clock").error("It stands still.")
        assert (tmp_path / "hub.log").read_text().endswith(" hub.clock: It stands still.\n")
    finally:
        logger.removeHandler(handler)
        handler.close()


@pytest.mark.parametrize("content", ["", "[8020]", '{"port": null}', '{"part": 1}'])
def test_a_damaged_note_of_the_practice_port_is_told_with_the_way_out(hub: Command, world: World, content: str) -> None:
    file = world.settings.home / "practice.json"
    file.parent.mkdir(exist_ok=True)
    file.write_text(content)
    assert refused(hub("up", "--practice")) == f"{file} does not say a port any more. Remove it, then start again."
