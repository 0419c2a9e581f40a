"""A desk for tests of the outbox."""

from __future__ import annotations

import pytest

from tests.hub.outbox.desk import Desk
from tests.world import World


@pytest.fixture
def desk(world: World) -> Desk:
    return Desk(world)
