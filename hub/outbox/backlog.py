"""The steps that wait at one connection, grouped into the calls that could carry them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from .. import registry, schema, values
from ..connector import Action
from ..core import Hub
from ..errors import HubError
from ..sealing import Sealer
from ..workspaces import Workspace

PAGE = 1000
"""Steps taken from the database at once."""

Name = tuple[int, int]
"""A step's run and position."""


@dataclass
class Waiting:
    """A step that waits, opened."""

    name: Name
    action: Action[Any, Any]
    inputs: dict[str, Any]
    written: bytes
    person_id: int | None
    priority: int
    attempts: int
    asked_at: int
    sealer: Sealer = field(repr=False)

    @property
    def about(self) -> str:
        return f"step {self.name[0]} {self.name[1]}"

    @property
    def group(self) -> tuple[str, ...]:
        """What steps share that go into one call; a step that goes alone is its own group."""
        if self.action.many is None:
            return (self.action.name, *map(str, self.name))
        shared = values.write([self.inputs[name] for name in self.action.batch_by]).decode()
        return (self.action.name, str(self.priority), shared)


@dataclass
class Broken:
    """A step that cannot be opened any more, and why."""

    name: Name
    reason: str


@dataclass(frozen=True)
class Call:
    """Steps that leave together."""

    steps: tuple[Waiting, ...]

    @property
    def action(self) -> Action[Any, Any]:
        return self.steps[0].action

    @property
    def group(self) -> tuple[str, ...]:
        return self.steps[0].group


class Backlog:
    """What waits at one connection. Read from the database page by page, and only when there is room for more."""

    def __init__(self, hub: Hub, workspace: Workspace, connection_id: str) -> None:
        self.hub, self.workspace, self.connection_id = hub, workspace, connection_id
        self.broken: list[Broken] = []
        self._groups: dict[tuple[str, ...], list[Waiting]] = {}
        self._known: set[Name] = set()
        self._more = True

    def __len__(self) -> int:
        return len(self._known)

    def look(self) -> None:
        """There may be new steps: reads them when the next call is looked for."""
        self._more = True

    def fill(self) -> None:
        """Reads waiting steps, the urgent and the oldest first."""
        if not self._more or len(self._known) >= PAGE:
            return
        table = schema.step
        query = (
            sa.select(table)
            .where(
                table.c.connection_id == self.connection_id,
                table.c.state == "waiting",
                sa.or_(table.c.due_at.is_(None), table.c.due_at <= self.hub.clock.now()),
            )
            .order_by(table.c.priority, table.c.asked_at, table.c.run_id, table.c.position)
            .limit(PAGE + len(self._known))
        )
        with self.hub.database.read() as connection:
            rows = [row for row in connection.execute(query) if (row.run_id, row.position) not in self._known]
            sealers = self.hub.people.sealers(connection, self.workspace, {row.person_id for row in rows})
        self._more = len(rows) >= PAGE
        for row in rows:
            self._add(row, sealers[row.person_id])

    def _add(self, row: Any, sealer: Sealer | None) -> None:
        name = (row.run_id, row.position)
        self._known.add(name)
        try:
            if sealer is None:
                raise HubError("The person it is about was erased.")
            step = opened(row, sealer)
        except HubError as error:
            self.broken.append(Broken(name, str(error)))
            return
        self._groups.setdefault(step.group, []).append(step)

    def calls(self, busy: set[tuple[str, ...]]) -> Iterator[Call]:
        """The calls that could leave now, the urgent and the oldest first. Of a group of which a call is on its way
        (`busy`) another leaves only when it is full: what arrives meanwhile goes together."""
        first = sorted(
            self._groups.items(), key=lambda item: (item[1][0].priority, item[1][0].asked_at, item[1][0].name)
        )
        for group, steps in first:
            limit = steps[0].action.batch_limit
            if group not in busy or len(steps) >= limit:
                yield Call(tuple(steps[:limit]))

    def take(self, call: Call) -> None:
        """Removes a call's steps: they are on their way, or need not go."""
        taken = {step.name for step in call.steps}
        left = [step for step in self._groups.get(call.group, ()) if step.name not in taken]
        if left:
            self._groups[call.group] = left
        else:
            self._groups.pop(call.group, None)
        self._known -= taken

    def take_broken(self) -> list[Broken]:
        broken, self.broken = self.broken, []
        self._known -= {item.name for item in broken}
        return broken


def opened(row: Any, sealer: Sealer) -> Waiting:
    """A step's row, opened. Raises HubError if its action is not here any more or its inputs cannot be opened."""
    written = sealer.open(row.inputs, f"step {row.run_id} {row.position} inputs")
    return Waiting(
        name=(row.run_id, row.position),
        action=registry.action(row.action),
        inputs=values.read(written),
        written=written,
        person_id=row.person_id,
        priority=row.priority,
        attempts=row.attempts,
        asked_at=row.asked_at,
        sealer=sealer,
    )
