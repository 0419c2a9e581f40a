"""An owner, and the practice services over real HTTP."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from hub.connections import Connection
from tests.hub.oauth.going import Owner
from tests.hub.oauth.recipes import keep_contact
from tests.world import World


@pytest.fixture
def owner(world: World) -> Iterator[Owner]:
    made = Owner(world)
    yield made
    made.close()


@pytest.fixture
def account(owner: Owner, monkeypatch: pytest.MonkeyPatch) -> Connection:
    """A HubSpot account that was logged in to, with a recipe that writes there."""
    connection = owner.connect("hubspot").connection
    owner.world.turn_on(monkeypatch, keep_contact)
    return connection
