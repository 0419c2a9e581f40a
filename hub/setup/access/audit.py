"""The record of who changed what. It names things by their ids and names, and nobody's data."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from ... import schema
from ...core import Hub
from ...ids import new_id
from . import users
from .users import User

WORDS = {
    "signed_in_by_link": "signed in with the hub's own link",
    "user_joined": "joined as {role}",
    "invited": "made an invitation for {role}",
    "invitation_taken_back": "took an invitation back",
    "role_changed": "made {who} {role}",
    "user_removed": "removed {who}",
    "password_chosen": "chose a new password",
    "second_factor_on": "switched the second step of signing in on",
    "second_factor_off": "switched the second step of signing in off",
    "recipe_on": "switched the recipe “{recipe}” on",
    "recipe_settings": "changed the settings of the recipe “{recipe}”",
    "recipe_off": "switched the recipe “{recipe}” off",
    "recipe_stopped": "switched the recipe “{recipe}” off, and ended {count} that were under way",
    "connected": "connected {account}",
    "app_saved": "saved the hub's own app at {service}",
    "app_forgotten": "removed the hub's own app at {service}",
    "account_exchanged": "had recipes use {account} instead of a practice account",
    "disconnected": "disconnected {account}",
    "settings_changed": "changed the settings of this workspace",
    "notices_changed": "changed who is told when something needs a person",
    "paused": "paused all sending",
    "went_on": "let messages leave again",
    "practice_order": "placed a practice order",
    "run_retried": "tried run {run} again",
    "run_ended": "ended run {run}",
    "step_skipped": "skipped step {step} of run {run}",
    "event_replayed": "acted on event {event} again",
    "delivery_read_again": "had delivery {delivery} read again",
    "runs_retry": "tried {runs} again",
    "runs_cancel": "ended {runs}",
    "work_stopped": "stopped work that was under way",
    "person_opened": "opened what is kept about a person",
    "person_exported": "downloaded what is kept about a person",
    "person_erased": "had a person erased, receipt {receipt}",
    "request_answered": "downloaded the answer to a request for somebody's data",
    "retention_changed": "set how long things are kept after a run to {days} days",
    "workspace_added": "added the workspace {name}",
}
"""What happened, as the end of a sentence that begins with a name."""


@dataclass(frozen=True)
class Entry:
    """One change, in words."""

    at: int
    who: str
    says: str


def note(hub: Hub, what: str, user: User | None, workspace_id: int | None = None, **about: Any) -> None:
    """Writes down that somebody changed something."""
    with hub.database.write() as connection:
        note_within(hub, connection, what, user.id if user else None, workspace_id, **about)


def note_within(
    hub: Hub, connection: sa.Connection, what: str, user_id: int | None, workspace_id: int | None, **about: Any
) -> None:
    """The same, together with the change itself."""
    row = {
        "id": new_id(),
        "workspace_id": workspace_id,
        "user_id": user_id,
        "at": hub.clock.now(),
        "what": what,
        "about": json.dumps(about),
    }
    connection.execute(sa.insert(schema.audit).values(row))


def latest(hub: Hub, workspace_id: int, limit: int, before: int | None = None) -> list[tuple[int, Entry]]:
    """The latest changes in a workspace, the newest first, with their ids: those older than `before`, if given."""
    table = schema.audit
    query = sa.select(table).where(table.c.workspace_id == workspace_id).order_by(table.c.id.desc()).limit(limit)
    if before is not None:
        query = query.where(table.c.id < before)
    with hub.database.read() as connection:
        rows = connection.execute(query).all()
    known: dict[int, User | None] = {}
    return [(row.id, Entry(row.at, _called(hub, row.user_id, known), _says(hub, row, known))) for row in rows]


def _says(hub: Hub, row: Any, known: dict[int, User | None]) -> str:
    about: Mapping[str, Any] = json.loads(row.about)
    words = {name: _called(hub, value, known) if name == "who" else value for name, value in about.items()}
    return WORDS[row.what].format_map(words) if row.what in WORDS else row.what.replace("_", " ")


def _called(hub: Hub, user_id: int | None, known: dict[int, User | None]) -> str:
    if user_id is None:
        return "The command line"
    if user_id not in known:
        known[user_id] = users.get(hub, user_id)
    user = known[user_id]
    return user.called if user else "Somebody who was removed"
