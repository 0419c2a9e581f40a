"""How far a hub is, as its database tells beside it: what is open, whether that is the truth, and what comes next."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from hub import schema
from hub.connections import NEEDS_LOGIN, READY
from hub.wakeups import READ, perform


@dataclass(frozen=True)
class Standing:
    """One look, `now` being the true time in milliseconds."""

    now: int
    unread: int
    runs: Sequence[Any]
    steps: Sequence[Any]
    connections: Sequence[Any]
    leases: Sequence[Any]

    @property
    def at_rest(self) -> bool:
        """Everything is done, or held for a person."""
        held = {run.id for run in self.runs if run.state == "held"}
        return not self.unread and len(held) == len(self.runs) and all(step.run_id in held for step in self.steps)

    @property
    def is_claimed(self) -> bool:
        """Whether a step is on its way, or nobody knows yet what became of it."""
        return any(step.state == "claimed" for step in self.steps)

    @property
    def lost(self) -> list[str]:
        """The connectors whose account must be connected again."""
        return [connection.connector for connection in self.connections if connection.state == NEEDS_LOGIN]

    @property
    def fingerprint(self) -> object:
        """What changes when something goes on."""
        steps = [(step.run_id, step.position, step.state, step.due_at, step.attempts) for step in self.steps]
        return self.unread, [(run.id, run.state, run.due_at) for run in self.runs], steps

    def untrue(self) -> list[str]:
        """What is not as it is told: events that nobody read, runs that should go on and do not, steps on their way
        that nobody waits for. A run that waits says for what and until when, and then that is so."""
        waits = {run.id for run in self.runs if run.due_at is not None and run.due_at > self.now}
        found = [f"{self.unread} deliveries not read"] if self.unread else []
        found += [
            f"run {run.id} should go on"
            for run in self.runs
            if run.id not in waits and run.state != "held" and run.due_at is not None and not self._is_held_back(run)
        ]
        later = [step for step in self.steps if step.due_at is not None and step.due_at > self.now]
        # One person's steps wait for each other at one place.
        behind = {(step.person_id, step.connection_id) for step in later}
        found += [
            f"step {step.position} of run {step.run_id} is {step.state}"
            for step in self.steps
            if step.run_id not in waits
            and step.connection_id not in self._resting
            and (step.person_id, step.connection_id) not in behind
            and step.state != "unknown"
        ]
        return found

    def next_at(self) -> int | None:
        """When something goes on by itself, if it does not at once."""
        return min((at for at in self._instants() if at > self.now), default=None)

    @property
    def held(self) -> dict[tuple[object, int], int]:
        """The leases, and until when they are held. Each turn of a holder is another one."""
        found: dict[tuple[object, int], int] = {(one.name, one.fence): one.until for one in self.leases}
        found |= {(run.id, run.fence): run.leased_until for run in self.runs if run.due_at is not None}
        return {name: until for name, until in found.items() if until > self.now}

    @property
    def claims(self) -> dict[tuple[object, int], int]:
        """Those of the leases that the work waits for."""
        wanted = {
            perform(step.connection_id)
            for step in self.steps
            if step.state == "claimed"
            or (step.state == "waiting" and step.connection_id not in self._resting and (step.due_at or 0) <= self.now)
        }
        others = {one.name for one in self.leases} - wanted - ({READ} if self.unread else set())
        return {name: until for name, until in self.held.items() if name[0] not in others}

    def _instants(self) -> Iterator[int]:
        yield from (run.due_at for run in self.runs if run.due_at is not None)
        yield from (step.due_at for step in self.steps if step.due_at is not None)
        for one in self.connections:
            yield one.paused_until or 0
            yield _not_before(one)

    @property
    def _resting(self) -> set[str]:
        return {one.id for one in self.connections if one.state != READY or self._holds(one)}

    def _holds(self, connection: Any) -> bool:
        return bool((connection.paused_until or 0) > self.now or _not_before(connection) > self.now)

    def _is_held_back(self, run: Any) -> bool:
        """By an earlier run of the same person."""
        return any(
            other.person_id == run.person_id
            and other.state == "running"
            and (other.event_at, other.event_id) < (run.event_at, run.event_id)
            for other in self.runs
        )


def _not_before(connection: Any) -> int:
    return int(json.loads(connection.quota).get("not_before", 0))


def look(engine: sa.Engine, now: int) -> Standing | None:
    """None if the database does not answer just now."""
    run, step, connection, delivery = schema.run, schema.step, schema.connection, schema.delivery
    open_steps = step.c.state.in_(("waiting", "claimed", "unknown"))
    try:
        with engine.connect() as database:
            unread = database.execute(
                sa.select(sa.func.count()).select_from(delivery).where(delivery.c.state == "new")
            ).scalar_one()
            return Standing(
                now,
                unread,
                database.execute(sa.select(run).where(run.c.ended_at.is_(None)).order_by(run.c.id)).all(),
                database.execute(sa.select(step).where(open_steps).order_by(step.c.run_id, step.c.position)).all(),
                database.execute(sa.select(connection)).all(),
                database.execute(sa.select(schema.lease)).all(),
            )
    except DBAPIError:
        return None
