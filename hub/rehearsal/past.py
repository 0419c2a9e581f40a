"""What a recipe would have done with the events of the last days, as far as they are kept, and how that differs from
the recipe that is on. Nothing leaves, and nothing personal is told: events are named by their ids.

Services answer as the practice services do, which know what the events told; whether people agreed to messages is what
they said last.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import zip_longest
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from .. import schema
from ..core import Hub
from ..enabled import Enabled
from ..errors import RecipeMissing
from ..event import Channel, Event
from ..events import opened
from ..people import Said
from ..recipe import Recipe
from ..timing import to_datetime
from ..workspaces import Workspace
from .playing import Play, Played, Rehearsed
from .timeline import Entry

MOST_EVENTS = 2_000
"""Events that are played, the latest ones: each takes some hundredths of a second."""


@dataclass(frozen=True)
class Instance:
    """What becomes of one event: with the draft, and with what is on; None where that is not on. `differs` says how, in
    a sentence; None if it is the same."""

    event_id: int
    at: datetime
    draft: Rehearsed
    live: Rehearsed | None
    differs: str | None


@dataclass(frozen=True)
class Past:
    """What became of the events since then, oldest first. `events` were played, `is_cut` says that there were more;
    `is_on` whether there is anything to compare with."""

    since: datetime
    events: int
    is_cut: bool
    is_on: bool
    instances: tuple[Instance, ...]


def past(hub: Hub, workspace: Workspace, recipe: Recipe, settings: Mapping[str, Any], span: timedelta) -> Past:
    """Plays the last events of a workspace. Raises what `Play.events` raises."""
    since = to_datetime(hub.clock.now()) - span
    live = next((entry for _, entry in hub.enabled.of(workspace) if entry.recipe == recipe.name), None)
    last = live or hub.enabled.latest(workspace, recipe.name)
    came, is_cut = _events(hub, workspace, since, last.connections if last else {})
    zone = workspace.zone

    def said(channel: Channel, recipients: Iterable[str]) -> dict[str, Said]:
        with hub.database.read() as connection:
            return hub.people.consents(connection, workspace, channel, recipients)

    draft = Play(recipe, settings, agreed=False, zone=zone, said=said).arriving(came)
    before = _live(hub, live, came, zone, said) if live is not None else {}
    instances = [_instance(played, before, live is not None) for played in draft]
    shown = tuple(each for each in instances if each.draft.state != "skipped" or each.differs)
    return Past(since, len(came), is_cut, live is not None, shown)


def _live(
    hub: Hub, live: Enabled, came: Sequence[tuple[datetime, Event]], zone: ZoneInfo | None, said: Any
) -> dict[int, Played]:
    try:
        recipe = hub.versions.load(live.recipe, live.version)
    except RecipeMissing:
        return {}
    played = Play(recipe, live.settings, agreed=False, zone=zone, said=said).arriving(came)
    return {each.event.id: each for each in played if each.event.id is not None}


def _events(
    hub: Hub, workspace: Workspace, since: datetime, bound: Mapping[str, str]
) -> tuple[list[tuple[datetime, Event]], bool]:
    """The events that are still kept, with when they came in, oldest first; whether there were more."""
    table = schema.event
    query = sa.select(table).where(
        table.c.workspace_id == workspace.id,
        table.c.received_at >= round(since.timestamp() * 1000),
        table.c.state == "taken",
        table.c.content.is_not(None),
    )
    with hub.database.read() as connection:
        rows = connection.execute(query.order_by(table.c.id.desc()).limit(MOST_EVENTS + 1)).all()
        sealers = hub.people.sealers(connection, workspace, {row.person_id for row in rows})
    found = []
    for row in reversed(rows[:MOST_EVENTS]):
        is_of_account = bound.get(row.type.partition(".")[0], row.connection_id) == row.connection_id
        event = opened(row, sealers[row.person_id]) if is_of_account else None
        if event is not None:
            found.append((to_datetime(row.received_at), replace(event, key=str(row.id))))
    return found, len(rows) > MOST_EVENTS


def _instance(played: Played, before: Mapping[int, Played], is_on: bool) -> Instance:
    assert played.event.id is not None
    live = before[played.event.id].run if played.event.id in before else None
    differs = _difference(played.run, live) if is_on else None
    return Instance(played.event.id, played.event.at, played.run, live, differs)


def _difference(draft: Rehearsed, live: Rehearsed | None) -> str | None:
    """How the draft's run differs from that of what is on, by the first step that does; None if it does not."""
    starts, started = draft.state != "skipped", live is not None and live.state != "skipped"
    if live is None or not (starts and started):
        if starts and not started:
            return "It would start, and does not as it is on."
        return f"It would not start. {draft.says or ''}".rstrip() if started else None
    steps = zip_longest(draft.steps, live.steps)
    shown = zip_longest(draft.timeline, live.timeline)
    first = next((pair for pair in shown if _kind(pair[0]) != _kind(pair[1])), None)
    if first is not None:
        return f"{_says(first[0])}, instead of: {_says(first[1])}."
    if any(one != other for one, other in steps):
        return "It does the same, with other words or values."
    return None if (draft.state, draft.says) == (live.state, live.says) else f"It ends otherwise: {draft.says}"


def _kind(entry: Entry | None) -> tuple[Any, ...] | None:
    return (entry.at, entry.action, entry.outcome, entry.says) if entry else None


def _says(entry: Entry | None) -> str:
    if entry is None:
        return "nothing more"
    return f"{entry.says}, {entry.at.day} {entry.at:%b, %H:%M}" + (" (left out)" if entry.outcome == "skipped" else "")
