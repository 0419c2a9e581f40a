"""Puts steps into the outbox without a recipe, has them done, and tells what became of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta
from threading import Event
from typing import Any

import pytest
import sqlalchemy as sa

from hub import Person, Step, outbox, schema, values
from hub.connections import Connection
from hub.core import Hub
from hub.ids import new_id
from hub.wakeups import ADVANCE, perform
from tests import telling
from tests.world import World

ON_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
"""For what has nothing to do with the database: on one of them only."""

PRIORITY = {"transactional": 0, "marketing": 2}


class Slow:
    """How a provider answers whose calls take until the test lets them go on."""

    def __init__(self, answer: Any = None) -> None:
        self._answer = {} if answer is None else answer
        self._called, self._goes_on = Event(), Event()

    def __call__(self, name: str, inputs: dict[str, Any]) -> Any:
        self._called.set()
        assert self._goes_on.wait(10)
        return self._answer

    def until_called(self) -> None:
        assert self._called.wait(10)

    def go_on(self) -> None:
        self._goes_on.set()


@dataclass
class Became:
    """What became of a step, and of its run."""

    state: str
    reason: str | None
    attempts: int
    answer: Any
    run_state: str
    run_due: bool


class Desk:
    """One connection of `telling`, whose steps it puts in and takes out."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.connection: Connection = world.connect("telling", account="a")

    @property
    def hub(self) -> Hub:
        return self.world.hub

    @property
    def provider(self) -> telling.Provider:
        return telling.provider

    @property
    def did(self) -> list[Any]:
        """What the provider did, in order."""
        return [inputs.get("what", inputs.get("text")) for _, inputs in self.provider.done]

    def person(self, email: str) -> int:
        with self.hub.database.write() as database:
            (person_id,) = self.hub.people.resolve(database, self.world.workspace, [Person(email)])
        assert person_id is not None
        return person_id

    def put(self, *steps: Step, person: int | None = None) -> int:
        """Puts in a run that asks for these steps at once; gives the run."""
        return self.put_all([steps], person)[0]

    def put_all(self, runs: Iterable[Iterable[Step]], person: int | None = None) -> list[int]:
        """Puts in runs, each of which asks for its steps at once."""
        workspace, now = self.world.workspace, self.world.clock.now()
        run_rows, step_rows = [], []
        with self.hub.database.write() as database:
            sealer = self.hub.people.sealer(database, workspace, person)
            assert sealer is not None
            for steps in runs:
                run_id = new_id()
                run_rows.append(
                    {
                        "id": run_id,
                        "workspace_id": workspace.id,
                        "enabled_id": 0,
                        "recipe": "none",
                        "version": "none",
                        "event_id": run_id,
                        "event_at": now,
                        "person_id": person,
                        "state": "running",
                        "started_at": now,
                    }
                )
                for position, step in enumerate(steps):
                    written = values.write(step.inputs)
                    step_rows.append(
                        {
                            "run_id": run_id,
                            "position": position,
                            "workspace_id": workspace.id,
                            "person_id": person,
                            "connection_id": self.connection.id,
                            "action": step.action,
                            "state": "waiting",
                            "priority": PRIORITY.get(str(step.inputs.get("purpose")), 1),
                            "fingerprint": values.fingerprint(step.action, written),
                            "inputs": sealer.seal(written, f"step {run_id} {position} inputs"),
                            "asked_at": now,
                        }
                    )
            database.execute(sa.insert(schema.run), run_rows)
            database.execute(sa.insert(schema.step), step_rows)
        return [row["id"] for row in run_rows]

    def drain(
        self,
        hub: Hub | None = None,
        poke: outbox.Poke | None = None,
        stopping: Callable[[], bool] = lambda: False,
    ) -> None:
        """Wakes the connection's queue as the engine does, and does what waits there once the wake-up arrives. Whatever
        that makes a run go on with is told to the engine."""
        carrier, queue = self.world.carrier, perform(self.connection.id)
        carrier.wakeups.wake(queue)
        assert queue in carrier.take()
        due, woken = self._due(), carrier.times(ADVANCE)
        outbox.drain(hub or self.hub, self.connection.id, poke, stopping)
        if self._due() - due and carrier.times(ADVANCE) == woken:
            raise AssertionError("Runs can go on, and nobody told the engine.")

    def _due(self) -> set[int]:
        return {run.id for run in self.world.runs if run.due_at is not None}

    def later(self, **span: float) -> None:
        """Lets time pass, and has done what is due then."""
        self.world.clock.advance(timedelta(**span))
        self.drain()

    def of(self, run_id: int, position: int = 0) -> Became:
        row = self.world.steps(run_id)[position]
        run = next(run for run in self.world.runs if run.id == run_id)
        answer = self.world.opened(row, "answer") if row.answer is not None else None
        return Became(row.state, row.reason, row.attempts, answer, run.state, run.due_at is not None)

    def states(self) -> list[str]:
        return [row.state for row in self.world.rows(schema.step)]

    @property
    def account(self) -> Any:
        """The connection's row."""
        (row,) = self.world.rows(schema.connection, schema.connection.c.id == self.connection.id)
        return row
