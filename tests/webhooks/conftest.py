"""What tests of the door and the inbox ask for. None of them may leave a person's address in the log."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from tests.webhooks.door import CANARY, Door
from tests.webhooks.told import ASLEEP, Told
from tests.world import World


@pytest.fixture(autouse=True)
def _nobody_is_in_the_log(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    caplog.set_level(logging.DEBUG)
    yield
    assert CANARY not in caplog.text


@pytest.fixture
def door(world: World) -> Door:
    """The application of a fresh world, with practice accounts connected."""
    return Door(world)


@pytest.fixture
def told(world: World, monkeypatch: pytest.MonkeyPatch) -> Told:
    """A world where things happen, with an account, and with recipes known that rest."""
    world.use(monkeypatch, *ASLEEP)
    return Told(world, world.connect("telling", account="a"))
