"""A small world for tests: a hub on a fresh database, a connector that does as it is told, and time that obeys.

`settle()` does what the hub's threads would do, in this thread, wherever wake-ups lead, until nothing is left to do;
`pass_time` moves the clock and settles. With `practice()` the real connectors are connected to their practice services.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from hub import clock, registry, schema, values
from hub.connections import Connection
from hub.core import Hub
from hub.database import Database
from hub.delivery import Delivery
from hub.practice.server import PracticeServer
from hub.recipe import Recipe
from hub.rehearsal.driving import serve
from hub.settings import Settings
from hub.timing import Chance, FrozenClock, to_datetime
from hub.wakeups import READ, connection_of
from hub.workspaces import Workspace
from tests.carriers import ByThreads, Carrier
from webhooks.inbox import read_deliveries
from webhooks.intake import Intake

KEY = "a secret key for tests that is long enough to be one"


class WakingIntake(Intake):
    """The door's intake, which wakes the reader a moment after it has told that something was kept: here a test goes
    on only then."""

    def __init__(self, database: Database, carrier: Carrier) -> None:
        super().__init__(database, carrier.wakeups)
        self._carrier = carrier

    async def store(self, workspace: Workspace, connection: Connection, delivery: Delivery) -> bool:
        woken = self._carrier.times(READ)
        is_new = await super().store(workspace, connection, delivery)
        if is_new:
            self._carrier.until_woken(READ, woken)
        return is_new


def keep(intake: Intake, workspace: Workspace, connection: Connection, delivery: Delivery) -> bool:
    """Keeps a delivery, and waits for that; whether it is new."""
    return asyncio.run(intake.store(workspace, connection, delivery))


class World:
    """One hub with one workspace."""

    def __init__(self, database_url: str, home: Path, carrier: Carrier | None = None, *, seed: int = 7) -> None:
        self.clock = FrozenClock()
        self.carrier = carrier or ByThreads()
        self.wakeups = self.carrier.wakeups
        self._arrived: set[str] = set()
        self._ticked_at = self.clock.now()
        self.settings = Settings(
            home=home, database_url=database_url, secret_key=KEY, public_url="http://127.0.0.1:8000"
        )
        self.hub = self.another_hub(seed)
        self.workspace: Workspace = self.hub.workspaces.add("Crumb & Co.")
        self.intake = WakingIntake(self.hub.database, self.carrier)
        self._practice: PracticeServer | None = None

    def another_hub(self, seed: int = 8) -> Hub:
        """A second process's hub on the same database."""
        hub = Hub(self.settings, clock=self.clock, chance=Chance(seed), wakeups=self.wakeups)
        hub.linger_seconds = hub.gather_seconds = 0.0
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

    def turn_on(self, monkeypatch: Any, *recipes: Recipe) -> Connection:
        """Makes recipes known and enables them, with an account of `telling`; gives that."""
        self.use(monkeypatch, *recipes)
        connection = self.connect("telling", account="a")
        for recipe in recipes:
            self.enable(recipe.name)
        return connection

    # ---- happening

    def deliver(
        self,
        connection: Connection,
        body: bytes,
        headers: Mapping[str, str] | None = None,
        workspace: Workspace | None = None,
    ) -> bool:
        """Keeps a delivery as the door does once it is verified; whether it is new."""
        url = self.hub.connections.webhook_url(connection)
        delivery = Delivery("POST", url, dict(headers or {}), body, to_datetime(self.clock.now()))
        return keep(self.intake, workspace or self.workspace, connection, delivery)

    def hear(
        self,
        kind: str = "happened",
        key: str = "1",
        email: str | None = "ada@example.com",
        *,
        account: Connection | None = None,
        at: str | None = None,
        **data: Any,
    ) -> None:
        """Keeps a delivery with one event, of the `account` of `telling` or of the only one. `at`: when it was, in ISO
        8601; else it is now."""
        told = {"type": kind, "id": key, "email": email, "data": data} | ({"at": at} if at else {})
        if account is None:
            (account,) = (c for c in self.hub.connections.list(self.workspace) if c.connector.name == "telling")
        self.deliver(account, tell(events=[told]))

    def settle(self, hub: Hub | None = None) -> None:
        """Does everything that can be done now. Wake-ups lead to all of it; the clock is asked only if time passed.

        Raises AssertionError if something waits that no wake-up told of. What a person sets going tells nobody: that
        needs a `tick`.
        """
        hub = hub or self.hub
        self.follow(hub)
        if self.clock.now() != self._ticked_at:
            self.tick(hub)
        found = clock.wake_due(hub)
        self._arrived |= set(found)
        if self.follow(hub):
            raise AssertionError(f"Something waited at {found}, and no wake-up told of it.")

    def tick(self, hub: Hub | None = None) -> None:
        """Does what the clock finds on its next tick, and what follows."""
        self._ticked_at = self.clock.now()
        clock.wake_due(hub or self.hub)
        self.follow(hub)

    def follow(self, hub: Hub | None = None) -> int:
        """Does what wake-ups ask for, and what follows, until no more come; gives how much was done."""
        done = 0
        for _ in range(10_000):
            queues = sorted(self.arrived())
            if not queues:
                return done
            done += sum(self.look(queue, hub) for queue in queues)
        raise AssertionError("The hub never came to rest.")

    def arrived(self) -> set[str]:
        """The queues that wake-ups ask to be looked at."""
        self._arrived |= self.carrier.take()
        return self._arrived

    def look(self, queue: str, hub: Hub | None = None) -> int:
        """Looks at a queue, as a worker does that is poked; gives how much was done. Raises AssertionError if no
        wake-up asked for it."""
        if queue not in self.arrived():
            raise AssertionError(f"No wake-up asked to look at {queue}.")
        self._arrived.remove(queue)
        try:
            return _serve(hub or self.hub, queue)
        except Exception:
            self._arrived.add(queue)  # as a worker looks again after trouble
            raise

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


def happen(world: World, kind: str = "happened", key: str = "1", *args: Any, **more: Any) -> None:
    """Something happens (see `World.hear`), and all that follows now is done."""
    world.hear(kind, key, *args, **more)
    world.settle()


def _serve(hub: Hub, queue: str) -> int:
    """Does what waits in a queue; gives how much was done."""
    if connection_of(queue) is None:
        return serve(hub, queue)
    before = _moved(hub)
    serve(hub, queue)
    return _moved(hub) - before


def _moved(hub: Hub) -> int:
    """A number that grows whenever a step of the outbox moves."""
    step = schema.step
    with hub.database.read() as database:
        query = sa.select(sa.func.coalesce(sa.func.sum(step.c.attempts), 0) + sa.func.count(step.c.ended_at))
        return int(database.execute(query).scalar_one())


def read(hub: Hub) -> int:
    """Reads deliveries once, as the reader does; gives how many."""
    lease = hub.database.acquire(READ, 30)
    assert lease is not None
    try:
        return read_deliveries(hub, lease)
    finally:
        hub.database.release(lease)


def tell(**data: Any) -> bytes:
    """A delivery's body for the connector of `tests/telling.py`."""
    return json.dumps(data).encode()
