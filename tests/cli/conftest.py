"""The command line in this process, on the database of a small world."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from click.testing import CliRunner, Result

from hub.cli import main
from hub.practice.server import services
from tests.world import KEY, World

Command = Callable[..., Result]


@pytest.fixture
def hub(world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> Command:
    """Runs a command, `hub("runs", "--json")`, as another process would on the same database."""
    monkeypatch.chdir(tmp_path)
    for name in ("REDIS_URL", "PUBLIC_URL", "PORT", "HUB_DEBUG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HUB_HOME", str(world.settings.home))
    monkeypatch.setenv("DATABASE_URL", world.settings.database)
    monkeypatch.setenv("HUB_SECRET_KEY", KEY)

    def run(*words: object) -> Result:
        return CliRunner().invoke(main, [str(word) for word in words], prog_name="hub")

    return run


@pytest.fixture
def connect(hub: Command, practice: str) -> Command:
    """Connects the practice account of a service: `connect("twilio")`."""
    accounts = {name: service.account for name, service in services().items()}

    def connect(name: str, *more: str, **changed: str) -> Result:
        fields = accounts[name] | {"base_url": f"{practice}/{name}"} | changed
        return hub("connect", name, *(f"{field}={value}" for field, value in fields.items()), *more)

    return connect


def told(result: Result) -> Any:
    """The one JSON document that a command printed."""
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def refused(result: Result) -> str:
    """The one line that a refused command printed."""
    assert result.exit_code == 1, result.output
    (line,) = result.stderr.splitlines()
    return line
