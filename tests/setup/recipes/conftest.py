"""Somebody who is signed in."""

from __future__ import annotations

import pytest

from ..conftest import World


@pytest.fixture
def visited(world: World) -> World:
    world.sign_in()
    return world
