"""What the tests of retention ask for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.hub.retention.keeping import happen, one_thing
from tests.world import World


@pytest.fixture
def start(world: World, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    def start(made: Any = one_thing, days: int | None = None, **data: Any) -> None:
        world.turn_on(monkeypatch, made)
        if days is not None:
            world.hub.workspaces.keep_days(world.workspace, days)
        happen(world, "1", **data)

    return start
