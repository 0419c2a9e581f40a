"""What happens in a world, told by the connector of `tests/telling`, and recipes that start and then rest."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from hub import Event, Steps, recipe, schema, sleep
from hub.connections import Connection
from hub.timing import to_datetime
from hub.wakeups import READ
from tests import telling
from tests.world import World, tell
from tests.world import read as read

ADA, BOB = "ada@example.com", "bob@example.com"


@recipe(on=telling.happened, title="Rest")
def rest(event: Event) -> Steps:
    """Does nothing for long."""
    yield sleep(days=365)
    return None


@recipe(on=telling.happened, title="Once a day", once_per="person", cool_down=timedelta(days=1))
def once_a_day(event: Event) -> Steps:
    """Starts once a day for each person."""
    yield sleep(days=365)
    return None


@recipe(on=telling.happened, title="Once per order", once_per="order.id")
def once_per_order(event: Event) -> Steps:
    """Starts once per order, for ever."""
    yield sleep(days=365)
    return None


def is_large(event: Event) -> bool:
    """The order
    is large."""
    return bool(event.data["size"] > 3)


@recipe(on=telling.happened, title="Large orders", filters=[is_large])
def large(event: Event) -> Steps:
    """Starts for large orders."""
    yield sleep(days=365)
    return None


@recipe(on=telling.happened, title="Odd", once_per=lambda event: 7)  # type: ignore[arg-type, return-value]
def odd(event: Event) -> Steps:
    """Has a once_per that gives no text."""
    yield sleep(days=365)
    return None


@recipe(on=telling.happened, title="Leave", stop_when=telling.ended)
def leaver(event: Event) -> Steps:
    """Stops when it ends."""
    yield sleep(days=365)
    return None


ASLEEP = [rest, once_a_day, once_per_order, large, odd, leaver]


@dataclass
class Told:
    """A world that tells of what happens, with the recipes above."""

    world: World
    connection: Connection

    def tell(self, *events: dict[str, Any], connection: Connection | None = None, workspace: Any = None) -> bool:
        body = tell(events=[{"type": "happened", "email": ADA} | event for event in events])
        return self.world.deliver(connection or self.connection, body, workspace=workspace)

    def read(self, *events: dict[str, Any]) -> None:
        """Tells and reads as the wake-up asks, and lets no run advance."""
        if events:
            self.tell(*events)
        self.world.look(READ)

    @property
    def now(self) -> datetime:
        return to_datetime(self.world.clock.now())

    @property
    def events(self) -> list[Any]:
        return self.world.rows(schema.event)

    @property
    def deliveries(self) -> list[Any]:
        return self.world.rows(schema.delivery)

    def recipes(self) -> list[str]:
        return [run.recipe for run in self.world.runs]

    def skipped(self) -> list[dict[str, str]]:
        return [json.loads(event.skipped or "{}") for event in self.events]
