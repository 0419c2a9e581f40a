"""The key is exchanged while other processes read what is wrapped with it: they have both keys, and notice nothing."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa

from hub import Event, Steps, recipe, registry, schema
from hub.core import Hub
from hub.sealing import Keyring
from tests import telling
from tests.world import KEY, World

FRESH = "a fresh secret key for tests that is as long as it must be"


@recipe(on=telling.happened, title="Do it")
def simple(event: Event) -> Steps:
    """Does it."""
    yield telling.do("it")


def rotated_after(hub: Hub, table: str, work: Callable[[], Any], world: World) -> Any:
    """What the work gives if the key is exchanged right after its first look at a table."""
    looked: list[str] = []

    def rotate(_: Any, __: Any, statement: str, *___: Any) -> None:
        if not looked and f"FROM {table} " in " ".join(statement.split()):
            looked.append(statement)
            world.hub.workspaces.rotate(Keyring([FRESH, KEY]))

    sa.event.listen(hub.database.engine, "after_cursor_execute", rotate)
    given = work()
    assert looked
    return given


@pytest.fixture
def other(world: World, monkeypatch: pytest.MonkeyPatch) -> Any:
    world.turn_on(monkeypatch, simple)
    with closing(Hub(replace(world.settings, secret_key=f"{FRESH},{KEY}"), clock=world.clock)) as hub:
        yield hub


def test_a_workspace_that_is_opened_in_that_very_moment_is_opened(world: World, other: Hub) -> None:
    found = rotated_after(other, "workspace", lambda: other.workspaces.get(world.workspace.id), world)
    assert found.hash_key == world.workspace.hash_key


def test_a_recipe_whose_kept_code_is_opened_in_that_very_moment_is_run(
    world: World, other: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    (row,) = world.rows(schema.recipe_version)
    monkeypatch.setattr(registry, "recipes", lambda: {})
    found = rotated_after(other, "recipe_version", lambda: other.versions.load("simple", row.hash), world)
    assert found.name == "simple"
