"""Steps that wait at a connection, opened, and the calls that carry them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import sqlalchemy as sa

from .. import registry, schema, values
from ..action import FOR_GUARDS
from ..connector import Action
from ..core import Hub
from ..errors import HubError
from ..sealing import Sealer
from ..workspaces import Workspace

Name = tuple[int, int]
"""A step's run and position."""

Lane = tuple[int, str, bytes]
"""What steps share that may go into one call: their priority, their action, and the inputs that it batches by."""

OPEN: sa.ColumnElement[bool] = sa.literal_column("step.state IN ('waiting', 'claimed')")
"""Steps that are not ended. SQLite takes the outbox's index only for these very words, not for bound values."""

CLAIMED: sa.ColumnElement[bool] = sa.literal_column("step.state = 'claimed'")
"""Steps whose call left, or was about to; in an index of their own, for the same reason in these very words."""


@dataclass(frozen=True)
class Waiting:
    """A step that waits, or whose outcome is not known, opened.

    left_at        when its last call left, at the earliest
    asked_back_at  when the provider is asked whether that call happened, if its outcome is in doubt
    held_until     until when a guard held it last, if one did
    """

    name: Name
    action: Action[Any, Any]
    inputs: dict[str, Any] = field(repr=False)
    written: bytes = field(repr=False)
    person_id: int | None
    priority: int
    attempts: int
    asked_at: int
    left_at: int
    asked_back_at: int | None
    lane: Lane = field(repr=False)
    sealer: Sealer = field(repr=False)
    held_until: int | None = None

    @property
    def about(self) -> str:
        """The place of what is sealed for this step."""
        return f"step {self.name[0]} {self.name[1]}"

    @property
    def turn(self) -> tuple[int, int, Name]:
        """Orders steps as they leave: the urgent first, then the oldest."""
        return self.priority, self.asked_at, self.name

    @cached_property
    def twin(self) -> tuple[str, bytes]:
        """What two steps share whose calls the provider cannot tell apart. What is for the guards, it is not told."""
        if self.action.writes_by is None:
            return self.action.name, self.written
        told = {name: value for name, value in self.inputs.items() if name not in FOR_GUARDS}
        return self.action.name, values.write(told)


@dataclass(frozen=True)
class Late:
    """That a step about somebody is settled at `due` or later: what comes after it in `turn` must wait for it."""

    person_id: int
    turn: tuple[int, int, Name]
    due: int

    @property
    def name(self) -> Name:
        return self.turn[2]


def late_of(step: Waiting, due: int) -> Late | None:
    """That this step is settled later; None if it is about nobody."""
    return None if step.person_id is None else Late(step.person_id, step.turn, due)


@dataclass(frozen=True)
class Broken:
    """A step that cannot be opened, and why. Without a sealer, whom it was about is erased."""

    name: Name
    reason: str
    sealer: Sealer | None = field(repr=False)
    left: bool = False


@dataclass(frozen=True)
class Call:
    """Steps that leave together."""

    steps: tuple[Waiting, ...]

    @property
    def action(self) -> Action[Any, Any]:
        return self.steps[0].action

    @property
    def lane(self) -> Lane:
        return self.steps[0].lane


def load(hub: Hub, workspace: Workspace, names: Iterable[Name]) -> list[Waiting | Broken]:
    """The steps of these names, opened, in the order in which they should leave."""
    table, wanted = schema.step, set(names)
    if not wanted:
        return []
    query = sa.select(table).where(table.c.run_id.in_({run_id for run_id, _ in wanted}), OPEN)
    with hub.database.read() as database:
        rows = [row for row in database.execute(query) if (row.run_id, row.position) in wanted]
        sealers = hub.people.sealers(database, workspace, {row.person_id for row in rows})
    rows.sort(key=lambda row: (row.priority, row.asked_at, row.run_id, row.position))
    return [_opened(row, sealers[row.person_id]) for row in rows]


def _opened(row: Any, sealer: Sealer | None) -> Waiting | Broken:
    name, left = (row.run_id, row.position), row.state == "claimed"
    if sealer is None or row.inputs is None:
        return Broken(name, "The person it is about was erased.", None, left)
    try:
        return _waiting(row, name, sealer)
    except HubError as error:
        return Broken(name, str(error), sealer, left)
    except Exception as error:  # a step of an older release may lack what its action asks for now
        return Broken(name, f"Its inputs do not fit {row.action} ({type(error).__name__}).", sealer, left)


def _waiting(row: Any, name: Name, sealer: Sealer) -> Waiting:
    written = sealer.open(row.inputs, f"step {row.run_id} {row.position} inputs")
    action, inputs = registry.action(row.action), values.read(written)
    return Waiting(
        name=name,
        action=action,
        inputs=inputs,
        written=written,
        person_id=row.person_id,
        priority=row.priority,
        attempts=row.attempts,
        asked_at=row.asked_at,
        left_at=row.asked_at if row.claimed_at is None else row.claimed_at,
        asked_back_at=row.due_at if row.state == "claimed" else None,
        lane=(row.priority, action.name, values.write([inputs[each] for each in action.batch_by])),
        sealer=sealer,
        held_until=row.held_until,
    )
