"""A run and its steps, as the engine works with them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .. import events
from ..enabled import Enabled
from ..errors import HubError, Rejected
from ..event import Event
from ..recipe import Recipe
from ..replay import Asked, Entry
from ..sealing import Sealer
from ..step import COMPLAINT_CLOSED, COMPLAINT_OPENED, WAIT_FOR, Steps
from ..timing import to_ms
from ..workspaces import Workspace

OPEN = ("waiting", "claimed", "unknown")
"""The states of a step that has no answer yet."""


@dataclass
class Line:
    """One step of a run, as the engine works with it."""

    position: int
    action: str
    fingerprint: bytes
    state: str
    asked_at: int = 0
    due_at: int | None = None
    inputs: Any = None
    answer: Any = None
    error: Rejected | None = None
    event_id: int | None = None
    connection_id: str | None = None
    reason: str | None = None
    asked: Asked | None = None
    changed: bool = False

    @property
    def entry(self) -> Entry:
        return Entry(self.action, self.fingerprint, self.state not in OPEN, self.answer, self.error)


@dataclass
class Run:
    """One run, as the engine works with it.

    doubted_since   what it asks for may have happened since then already
    waited_since    where it moved to other code while it waited: when the waits that are asked for anew had begun
    """

    row: Any
    workspace: Workspace
    sealer: Sealer | None
    recipe: Recipe | None = None
    enabled: Enabled | None = None
    event: Event | None = None
    lines: dict[int, Line] = field(default_factory=dict)
    since: list[tuple[Any, Event]] = field(default_factory=list)
    doubted_since: int | None = None
    waited_since: dict[int, int] = field(default_factory=dict)
    problem: HubError | None = None
    state: str = "running"
    reason: str | None = None
    ended: bool = False
    due_at: int | None = None

    @property
    def waits_for(self) -> set[str]:
        """The types of events that this run must be woken for."""
        kinds = {match.type for match in self.recipe.stop_when} if self.recipe else set()
        for line in self.lines.values():
            if line.action == WAIT_FOR and line.state == "waiting":
                kinds |= {match["type"] for match in line.inputs["any"]}
        return kinds

    @property
    def complaints(self) -> list[tuple[str, str]]:
        """What it asks to be noted of complaints now: the step's action, and the complaint's name."""
        return [
            (line.action, str(line.asked.step.inputs["name"] or self.row.recipe))
            for line in self.lines.values()
            if line.asked and line.action in (COMPLAINT_OPENED, COMPLAINT_CLOSED)
        ]

    def begin(self) -> Steps:
        assert self.recipe is not None and self.event is not None and self.enabled is not None
        return self.recipe.begin(self.event, self.enabled.settings)


def event_as_data(event: Event) -> dict[str, Any]:
    return {"id": event.id, "type": event.type, "at": event.at, "content": events.packed(event).decode()}


def event_from(data: Mapping[str, Any]) -> Event:
    row = _EventRow(data["id"], data["type"], to_ms(data["at"]))
    return events.unpacked(row, data["content"].encode())


@dataclass(frozen=True)
class _EventRow:
    id: int
    type: str
    at: int
