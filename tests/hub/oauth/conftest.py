"""An owner, and the practice services over real HTTP."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.hub.oauth.going import Owner
from tests.world import World


@pytest.fixture
def owner(world: World) -> Iterator[Owner]:
    made = Owner(world)
    yield made
    made.close()
