"""A small world for tests: a hub on a fresh database, a connector that does as it is told, and time that obeys.

`settle()` does what the hub's threads would do, in this thread, until nothing is left to do; `pass_time` moves the
clock and settles. With `practice()` the real connectors are connected to their practice services.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from hub import clock, engine, outbox, registry, schema, values
from hub.connections import Connection
from hub.core import Hub
from hub.delivery import Delivery
from hub.practice.server import PracticeServer
from hub.recipe import Recipe
from hub.settings import Settings
from hub.timing import Chance, FrozenClock, to_datetime
from hub.wakeups import ADVANCE, READ, connection_of
from hub.workspaces import Workspace
from webhooks.inbox import read_deliveries
from webhooks.intake import Intake

KEY = "a secret key for tests that is long enough to be one"


@dataclass
class Remembering:
    """Wake-ups that are only written down."""

    queues: list[str] = field(default_factory=list)

    def wake(self, queue: str) -> None:
        self.queues.append(queue)


class World:
    """One hub with one workspace."""

    def __init__(self, database_url: str, home: Path, *, seed: int = 7) -> None:
        self.clock = FrozenClock()
        self.wakeups = Remembering()
        self.settings = Settings(
            home=home, database_url=database_url, secret_key=KEY, public_url="http://127.0.0.1:8000"
        )
        self.hub = self.another_hub(seed)
        self.workspace: Workspace = self.hub.workspaces.add("Crumb & Co.")
        self.intake = Intake(self.hub.database, self.wakeups)
        self._practice: PracticeServer | None = None

    def another_hub(self, seed: int = 8) -> Hub:
        """A second process's hub on the same database."""
        hub = Hub(self.settings, clock=self.clock, chance=Chance(seed), wakeups=self.wakeups)
        hub.linger_seconds = 0.0
        return hub

    def close(self) -> None:
        self.intake.close()
        self.hub.close()
        if self._practice is not None:
            self._practice.stop()

    # ---- setting up

    def connect(self, connector: str, **fields: str) -> Connection:
        connection, _ = self.hub.connections.connect(self.workspace, connector, fields)
        return connection

    def practice(self) -> PracticeServer:
        """Connects every practice account, and gives the server."""
        if self._practice is None:
            self._practice = PracticeServer()
            base = self._practice.start()
            for name, service in self._practice.services.items():
                service.reset()
                self.connect(name, **service.account, base_url=f"{base}/{name}")
        return self._practice

    def use(self, monkeypatch: Any, *recipes: Recipe) -> None:
        """Makes recipes known, as if a package brought them."""
        known = dict(registry.recipes()) | {recipe.name: recipe for recipe in recipes}
        monkeypatch.setattr(registry, "recipes", lambda: known)

    def enable(self, name: str, **settings: str) -> int:
        return self.hub.enabled.enable(self.workspace, name, settings).id

    # ---- happening

    def deliver(self, connection: Connection, body: bytes, headers: Mapping[str, str] | None = None) -> bool:
        """Keeps a delivery as the door does once it is verified; whether it is new."""
        url = self.hub.connections.webhook_url(connection)
        delivery = Delivery("POST", url, dict(headers or {}), body, to_datetime(self.clock.now()))
        return self.intake.store(self.workspace, connection, delivery)

    def settle(self, hub: Hub | None = None) -> None:
        """Does everything that can be done now."""
        hub = hub or self.hub
        for _ in range(10_000):
            queues = set(clock.wake_due(hub)) | set(self.wakeups.queues)
            self.wakeups.queues.clear()
            if not sum(self._serve(hub, queue) for queue in sorted(queues)):
                return
        raise AssertionError("The hub never came to rest.")

    def _serve(self, hub: Hub, queue: str) -> int:
        if queue == READ:
            lease = hub.database.acquire(READ, 30)
            assert lease is not None
            return read_deliveries(hub, lease)
        if queue == ADVANCE:
            return engine.advance(hub)
        connection_id = connection_of(queue)
        assert connection_id is not None
        before = self._calls_made()
        outbox.drain(hub, connection_id)
        return self._calls_made() - before

    def _calls_made(self) -> int:
        """A number that grows whenever a step of the outbox moves."""
        with self.hub.database.read() as database:
            query = sa.select(sa.func.coalesce(sa.func.sum(schema.step.c.attempts), 0))
            ended = sa.select(sa.func.count()).where(schema.step.c.ended_at.is_not(None))
            return int(database.execute(query).scalar_one()) + int(database.execute(ended).scalar_one())

    def pass_time(self, span: timedelta) -> None:
        self.clock.advance(span)
        self.settle()

    # ---- looking

    def rows(self, table: sa.Table, *conditions: Any) -> list[Any]:
        with self.hub.database.read() as database:
            return list(database.execute(sa.select(table).where(*conditions).order_by(*table.primary_key.columns)))

    @property
    def runs(self) -> list[Any]:
        return self.rows(schema.run)

    def steps(self, run_id: int) -> list[Any]:
        return self.rows(schema.step, schema.step.c.run_id == run_id)

    def opened(self, row: Any, what: str) -> Any:
        """A step's inputs or answer, opened."""
        with self.hub.database.read() as database:
            sealer = self.hub.people.sealer(database, self.workspace, row.person_id)
        assert sealer is not None
        sealed = getattr(row, "inputs" if what == "inputs" else "answer")
        return values.read(sealer.open(sealed, f"step {row.run_id} {row.position} {what}"))


def tell(**data: Any) -> bytes:
    """A delivery's body for the connector of `tests/telling.py`."""
    return json.dumps(data).encode()


Answering = Callable[..., Any]
