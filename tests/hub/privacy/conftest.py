"""Worlds for tests of privacy."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import pytest

from tests import telling
from tests.hub.privacy.canary import (
    EMAIL,
    ORDER,
    OTHER,
    PHONE,
    answer,
    canary_run,
    of_another,
    one_thing,
    patient,
    told,
)
from tests.world import World, tell


@pytest.fixture
def canary(world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> World:
    """A world through which the canary flew along every way, with everything logged that can be logged."""
    caplog.set_level(logging.DEBUG)
    world.use(monkeypatch, canary_run, patient, one_thing)
    telling.provider.answer = answer
    connection = world.connect("telling", account="a")
    world.enable("canary_run")
    world.enable("patient")
    yes = {"channel": "email", "address": EMAIL, "given": True}
    no = {"channel": "sms", "address": PHONE, "given": False}
    world.deliver(connection, tell(events=[told("1", phone=PHONE, ids={"telling.id": "c-1"}, consents=[yes])]))
    world.settle()
    world.deliver(connection, tell(events=[told("2", "ended")]))
    world.settle()
    world.deliver(connection, tell(events=[told("3", data={"order": "another"}), told("4", "no such type")]))
    world.deliver(connection, tell(events=[{"type": "bad", "email": EMAIL}]), {"x-from": EMAIL})
    world.deliver(connection, tell(events=[{"type": "buggy", "id": "5", "email": EMAIL}]))
    world.deliver(connection, b"email=canary%40example.com&text=" + ORDER.encode())
    world.deliver(connection, tell(events=[told("6", "happened", None, data={"about": f"write to {EMAIL}"})]))
    world.deliver(connection, tell(events=[of_another("7", phone="+14155550188")]))
    world.deliver(connection, tell(events=[{"type": "bad", "email": OTHER}]))
    world.settle()
    world.deliver(connection, tell(events=[told("8", "ended", consents=[no])]))
    world.settle()
    assert {run.state for run in world.runs} >= {"held", "waiting"}, "The canary is to be caught on its way."
    return world


@pytest.fixture
def start(world: World, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Switches one recipe on, and lets one event happen without acting on it."""

    def start(made: Any = one_thing, **more: Any) -> None:
        world.deliver(world.turn_on(monkeypatch, made), tell(events=[told("1", **more)]))

    return start
