"""`hub effect`: what a recipe brings about, in words and as JSON."""

from __future__ import annotations

import pytest

from hub import Event, Steps, choose, recipe
from tests import telling
from tests.cli.conftest import Command, refused, told
from tests.world import World


@recipe(on=telling.happened, title="Greet", goal=telling.ended, value="total")
def greet(event: Event) -> Steps:
    """Greets in one of two ways."""
    yield telling.do((yield choose("greeting", a="Hello", b="Hey")))
    return None


@recipe(on=telling.happened, title="Nothing in particular")
def plain(event: Event) -> Steps:
    """Does one thing."""
    yield telling.do("it")
    return None


def test_what_is_counted_is_told(hub: Command, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.turn_on(monkeypatch, greet)
    assert "It leaves out 50 in a hundred people" in hub("enable", "greet", "--hold-out", "50").stdout
    for number in range(12):
        world.hear(key=str(number), email=f"person{number}@example.com")
    world.settle()
    world.clock.advance(60)
    world.hear("ended", "bought", "person0@example.com", total="12.50", currency="EUR")
    world.settle()
    shown = hub("effect", "greet").stdout
    assert "not enough data yet. The goal: Something ended within 14 days." in shown
    assert "Left out (50 %)" in shown
    document = told(hub("effect", "greet", "--json"))
    assert (document["goal"], document["hold_out"], document["currency"]) == ("telling.ended", 50, "EUR")
    arms = document["with_it"], document["without"]
    assert sum(arm["people"] for arm in arms) == document["waiting"] == 12
    assert sum(arm["reached"] for arm in arms) == 1
    assert sum(arm["value"] for arm in arms) == 12.5
    assert (document["compared"]["verdict"], document["compared"]["lacks"]) == ("early", "days")
    assert {name for test in document["tests"] for name in test["options"]} <= {"a", "b"}


def test_what_is_not_counted_is_refused_with_how_it_would_be(
    hub: Command, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.turn_on(monkeypatch, plain)
    assert "hub enable plain -w 'Crumb & Co.' --hold-out 10" in refused(hub("effect", "plain"))
    assert "Connect a shop" in refused(hub("enable", "plain", "--hold-out", "10"))
    assert "no recipe" in refused(hub("effect", "nothing")).lower()
