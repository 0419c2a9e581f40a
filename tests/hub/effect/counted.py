"""Recipes whose effect is counted, and what is counted of them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from hub import Event, Steps, choose, recipe, schema, sleep
from hub.effect import counting
from tests import telling
from tests.world import World, happen

DAY = timedelta(days=1)
EMAIL = "ada@example.com"


@recipe(on=telling.happened, title="Write", goal=telling.ended, within=14 * DAY, value="total")
def write(event: Event) -> Steps:
    """Writes to people in one of two ways, twice."""
    yield telling.send("+14155550100", (yield choose("greeting", a="Hello", b="Hey")), purpose="transactional")
    yield sleep(days=1)
    yield telling.send("+14155550100", "Again", purpose="transactional")
    return None


@recipe(on=telling.happened, title="Write without a goal")
def plain(event: Event) -> Steps:
    """Writes to people."""
    yield telling.do("it")
    return None


def sums(world: World, *conditions: Any) -> dict[str, dict[str, Any]]:
    """What is counted, by arm and currency, without what is nothing."""
    found: dict[str, dict[str, Any]] = {}
    for row in world.rows(schema.tally, *conditions):
        name = " ".join(filter(None, [row.arm, row.currency]))
        known = found.setdefault(name, dict.fromkeys(counting._NUMBERS, 0))
        for number in counting._NUMBERS:
            known[number] += getattr(row, number)
    return {arm: {name: number for name, number in numbers.items() if number} for arm, numbers in found.items()}


def buy(world: World, key: str, total: str = "12.50", email: str = EMAIL, **more: Any) -> None:
    happen(world, "ended", key, email, total=total, currency="USD", **more)


def option(world: World) -> str:
    """The arm of the only run's test."""
    chosen = world.steps(world.runs[0].id)[0]
    return f"greeting={world.opened(chosen, 'answer')}"
