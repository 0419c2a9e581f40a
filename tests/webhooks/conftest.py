"""What tests of the door ask for."""

from __future__ import annotations

import pytest

from tests.webhooks.door import Door
from tests.world import World


@pytest.fixture
def door(world: World) -> Door:
    """The application of a fresh world, with practice accounts connected."""
    return Door(world)
