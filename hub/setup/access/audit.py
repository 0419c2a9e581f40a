"""The record of who changed what. It names things by their ids and names, and nobody's data."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from markupsafe import Markup

from ... import schema
from ...core import Hub
from ...ids import new_id
from ..language import Lazy, _, in_markup, in_markup_counted
from . import users
from .roles import NOUNS
from .users import User

WORDS: dict[str, Lazy] = {
    "signed_in_by_link": Lazy("%(user)s signed in with the hub's own link"),
    "user_joined": Lazy("%(user)s joined as %(role)s"),
    "invited": Lazy("%(user)s made an invitation for %(role)s"),
    "invitation_taken_back": Lazy("%(user)s took an invitation back"),
    "role_changed": Lazy("%(user)s made %(who)s %(role)s"),
    "user_removed": Lazy("%(user)s removed %(who)s"),
    "password_chosen": Lazy("%(user)s chose a new password"),
    "second_factor_on": Lazy("%(user)s switched the second step of signing in on"),
    "second_factor_off": Lazy("%(user)s switched the second step of signing in off"),
    "recipe_on": Lazy("%(user)s switched the recipe “%(recipe)s” on"),
    "recipe_settings": Lazy("%(user)s changed the settings of the recipe “%(recipe)s”"),
    "recipe_off": Lazy("%(user)s switched the recipe “%(recipe)s” off"),
    "recipe_stopped": Lazy("%(user)s switched the recipe “%(recipe)s” off, and ended %(count)s that were under way"),
    "connected": Lazy("%(user)s connected %(account)s"),
    "app_saved": Lazy("%(user)s saved the hub's own app at %(service)s"),
    "app_forgotten": Lazy("%(user)s removed the hub's own app at %(service)s"),
    "account_exchanged": Lazy("%(user)s had recipes use %(account)s instead of a practice account"),
    "disconnected": Lazy("%(user)s disconnected %(account)s"),
    "settings_changed": Lazy("%(user)s changed the settings of this workspace"),
    "notices_changed": Lazy("%(user)s changed who is told when something needs a person"),
    "hours_changed": Lazy("%(user)s changed when marketing leaves: text messages %(sms)s, e-mails %(email)s"),
    "brake_go_on": Lazy("%(user)s let unusually many messages of “%(recipe)s” leave"),
    "brake_stop": Lazy("%(user)s stopped unusually many messages of “%(recipe)s”"),
    "complaint_opened": Lazy("%(user)s noted that a person complains"),
    "complaint_closed": Lazy("%(user)s noted that a person's complaint is settled"),
    "paused": Lazy("%(user)s paused all sending"),
    "went_on": Lazy("%(user)s let messages leave again"),
    "practice_order": Lazy("%(user)s placed a practice order"),
    "run_retried": Lazy("%(user)s tried run %(run)s again"),
    "run_ended": Lazy("%(user)s ended run %(run)s"),
    "step_skipped": Lazy("%(user)s skipped step %(step)s of run %(run)s"),
    "recipe_moved": Lazy("%(user)s moved %(count)s inside the recipe “%(recipe)s” to what is on"),
    "question_answered": Lazy("%(user)s answered what the recipe “%(recipe)s” asked"),
    "question_answered_by_link": Lazy("Somebody with the link answered what the recipe “%(recipe)s” asked"),
    "event_replayed": Lazy("%(user)s acted on event %(event)s again"),
    "delivery_read_again": Lazy("%(user)s had delivery %(delivery)s read again"),
    "work_stopped": Lazy("%(user)s stopped work that was under way"),
    "person_opened": Lazy("%(user)s opened what is kept about a person"),
    "person_exported": Lazy("%(user)s downloaded what is kept about a person"),
    "person_erased": Lazy("%(user)s had a person erased, receipt %(receipt)s"),
    "request_answered": Lazy("%(user)s downloaded the answer to a request for somebody's data"),
    "retention_changed": Lazy("%(user)s set how long things are kept after a run to %(days)s days"),
    "workspace_added": Lazy("%(user)s added the workspace %(name)s"),
}


@dataclass(frozen=True)
class Entry:
    """One change, in words: markup, as it begins with who it was."""

    at: int
    says: Markup


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
    return [(row.id, Entry(row.at, _says(hub, row, known))) for row in rows]


def _says(hub: Hub, row: Any, known: dict[int, User | None]) -> Markup:
    about: dict[str, Any] = json.loads(row.about)
    about["user"] = Markup("<strong>{}</strong>").format(_called(hub, row.user_id, known))
    if "who" in about:
        about["who"] = _called(hub, about["who"], known)
    if "role" in about:
        about["role"] = NOUNS.get(about["role"], about["role"])
    count, user = about.get("count", 0), about["user"]
    if row.what == "runs_retry":
        return in_markup_counted(
            "%(user)s tried %(num)s run again", "%(user)s tried %(num)s runs again", count, user=user
        )
    if row.what == "runs_skip":
        return in_markup_counted(
            "%(user)s had %(num)s run skip what was in doubt",
            "%(user)s had %(num)s runs skip what was in doubt",
            count,
            user=user,
        )
    if row.what == "runs_replay":
        return in_markup_counted(
            "%(user)s started %(num)s run anew", "%(user)s started %(num)s runs anew", count, user=user
        )
    if row.what == "runs_cancel":
        return in_markup_counted("%(user)s ended %(num)s run", "%(user)s ended %(num)s runs", count, user=user)
    if row.what in WORDS:
        # Ids are no quantities: they are told as they are.
        return in_markup(WORDS[row.what].source, **{name: _text(value) for name, value in about.items()})
    return Markup("{} {}").format(about["user"], row.what.replace("_", " "))


def _text(value: Any) -> Any:
    return str(value) if isinstance(value, int) else value


def _called(hub: Hub, user_id: int | None, known: dict[int, User | None]) -> str:
    if user_id is None:
        return _("The command line")
    if user_id not in known:
        known[user_id] = users.get(hub, user_id)
    user = known[user_id]
    return user.called if user else _("Somebody who was removed")
