"""What came in, as the list of activity shows it: events, with the runs that they started or why they started none."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from .. import schema
from ..core import Hub
from ..workspaces import Workspace
from . import words
from .language import _, lazy
from .retold import told
from .words import Moment, State, Tool

NOTHING = State("over", "○", lazy("Started nothing"))
SKIPPED = State("over", "○", lazy("Skipped"))
_WHY = {
    "echo": lazy("The hub itself caused this by what it did, so it starts nothing."),
    "unknown": lazy("This kind of event is not known here, so no recipe starts with it."),
}
NO_RECIPE = lazy("No recipe that is on starts with this.")


@dataclass(frozen=True)
class EventRow:
    """An event as it is stored, without what it says. `skipped` has why recipes did not start."""

    id: int
    type: str
    state: str
    received_at: int
    skipped: dict[str, str]


@dataclass(frozen=True)
class EventLine:
    """An event that started nothing, or less than it might have. `can_be_replayed`: a person may have it start now.
    `times`: how many events in a row say the same, this the newest."""

    id: int
    at: Moment
    title: str
    reasons: tuple[str, ...]
    state: State
    tools: tuple[Tool, ...]
    can_be_replayed: bool
    times: int = 1

    def said_twice(self, other: EventLine) -> bool:
        """Whether another event says just the same, and there is nothing to do about either."""
        same = (self.title, self.reasons, self.tools) == (other.title, other.reasons, other.tools)
        return same and not self.can_be_replayed and not other.can_be_replayed


def events_before(hub: Hub, workspace: Workspace, before: int, limit: int, *, skipped: bool = False) -> list[EventRow]:
    """The newest events that are older than `before`; with `skipped` only those that were not taken, or that did not
    start a recipe which might have started."""
    table = schema.event
    query = sa.select(table.c.id, table.c.type, table.c.state, table.c.received_at, table.c.skipped)
    query = query.where(table.c.workspace_id == workspace.id, table.c.id < before)
    if skipped:
        # As the index has it, to the letter: SQLite uses it for nothing else.
        query = query.where(sa.literal_column("(event.skipped IS NOT NULL OR event.state != 'taken')"))
    with hub.database.read() as connection:
        return [_event(row) for row in connection.execute(query.order_by(table.c.id.desc()).limit(limit))]


def _event(row: Any) -> EventRow:
    return EventRow(row.id, row.type, row.state, row.received_at, json.loads(row.skipped or "{}"))


def event_line(event: EventRow, now: int, on: Collection[str], *, has_runs: bool) -> EventLine | None:
    """What an event did not start, and why; None if there is nothing to say besides its runs. `on`: the types of
    events that recipes start with just now."""
    if event.state in _WHY:
        reasons: Sequence[str] = [_WHY[event.state]]
    elif event.skipped:
        reasons = [
            _("%(recipe)s: %(why)s", recipe=words.recipe(name), why=told(why)) for name, why in event.skipped.items()
        ]
    elif has_runs:
        return None
    else:
        reasons = [NO_RECIPE]
    return EventLine(
        event.id,
        words.moment(event.received_at, now),
        words.upper_first(words.happening(event.type)) if event.state != "unknown" else _("Something came in"),
        tuple(reasons),
        SKIPPED if event.skipped else NOTHING,
        () if event.state == "unknown" else (words.tool(event.type.partition(".")[0]),),
        event.state == "taken" and event.type in on,
    )


@dataclass(frozen=True)
class Unread:
    """A delivery that could not be read."""

    id: int
    at: Moment
    tool: Tool
    reason: str


def unreadable(hub: Hub, workspace: Workspace, limit: int) -> list[Unread]:
    """The latest deliveries that could not be read, and that can still be read again."""
    table, account, now = schema.delivery, schema.connection, hub.clock.now()
    query = (
        sa.select(table.c.id, table.c.received_at, table.c.reason, account.c.connector)
        .join_from(table, account, account.c.id == table.c.connection_id)
        .where(
            table.c.workspace_id == workspace.id,
            table.c.state == sa.literal_column("'unreadable'"),
            table.c.content.is_not(None),
        )
        .order_by(table.c.received_at.desc(), table.c.id.desc())
        .limit(limit)
    )
    with hub.database.read() as connection:
        return [
            Unread(row.id, words.moment(row.received_at, now), words.tool(row.connector), told(row.reason or ""))
            for row in connection.execute(query)
        ]
