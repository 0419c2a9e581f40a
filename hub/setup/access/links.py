"""Links that let somebody in once: the hub's own, for whoever runs it, and invitations to a workspace."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from ... import schema
from ...core import Hub
from ...errors import HubError
from . import passwords, sessions, users
from .users import User
from .words import from_now, hashed, new_word

LASTS = timedelta(minutes=15)
INVITATION_LASTS = timedelta(days=7)


class LinkEnded(HubError):
    """This link was used before, is too old, or was taken back. Ask for a fresh one."""


@dataclass(frozen=True)
class Invitation:
    """What an invitation offers: a role in a workspace. `word` opens it."""

    word: str = field(repr=False)
    workspace_id: int
    role: str


def new_link(hub: Hub) -> str:
    """A fresh link that signs in who runs the hub: whoever opens it first, within a quarter of an hour."""
    return f"{hub.settings.public_url}/sign-in/{_new(hub, LASTS)}"


def sign_in(hub: Hub, word: str) -> str | None:
    """Uses the hub's own link up, and gives the word of the session that it begins; None if it was used before, is
    too old, or never was. Of two that come at once, one is let in."""
    if _find(hub, word, invites=False) is None:
        return None  # a wrong link must not keep writers waiting
    with hub.database.write() as connection:
        if not _use_up(hub, connection, word):
            return None
        return sessions.begin(hub, connection, users.who_runs_the_hub(hub, connection).id)


def invite(hub: Hub, workspace_id: int, role: str) -> str:
    """A fresh link for a colleague, who gets this role in this workspace; it is good once, for a week."""
    word = _new(hub, INVITATION_LASTS, workspace_id=workspace_id, role=role)
    return f"{hub.settings.public_url}/invitation/{word}"


def invitation(hub: Hub, word: str) -> Invitation:
    """What a link invites to. Raises LinkEnded."""
    row = _find(hub, word, invites=True)
    if row is None:
        raise LinkEnded
    return Invitation(word, row.workspace_id, row.role)


@dataclass(frozen=True)
class Newcomer:
    """Somebody who had no user here yet."""

    name: str = field(repr=False)
    email: str = field(repr=False)
    password_hash: str = field(repr=False)


def accept(hub: Hub, offered: Invitation, who: User | Newcomer) -> tuple[int, str]:
    """Uses an invitation up. Gives the user's id, and the word of a session that begins for a newcomer, else "".

    Raises LinkEnded, and SettingInvalid for an e-mail that is none, or that somebody signs in with already.
    """
    with hub.database.write() as connection:
        if not _use_up(hub, connection, offered.word):
            raise LinkEnded
        if isinstance(who, User):
            users.give_role(connection, who.id, offered.workspace_id, offered.role)
            return who.id, ""
        user = users.add(hub, connection, who.name, who.email)
        passwords.choose(connection, user.id, who.password_hash)
        users.give_role(connection, user.id, offered.workspace_id, offered.role)
        return user.id, sessions.begin(hub, connection, user.id)


def open_invitations(hub: Hub, workspace_id: int) -> list[Any]:
    """The invitations to a workspace that nobody accepted yet: rows with `role`, `until` and `hash`."""
    table = schema.sign_in_link
    mine = (table.c.workspace_id == workspace_id) & (table.c.until > hub.clock.now())
    with hub.database.read() as connection:
        return list(connection.execute(sa.select(table).where(mine).order_by(table.c.until)))


def take_back(hub: Hub, workspace_id: int, name: bytes) -> None:
    """Takes an invitation back, by the hash that names it."""
    table = schema.sign_in_link
    mine = (table.c.workspace_id == workspace_id) & (table.c.hash == name)
    with hub.database.write() as connection:
        connection.execute(sa.delete(table).where(mine))


def _new(hub: Hub, lasts: timedelta, **more: Any) -> str:
    word = new_word(hub)
    row = {"hash": hashed(hub, "link", word), "until": from_now(hub, lasts)}
    with hub.database.write() as connection:
        sessions.forget_ended(hub, connection)
        connection.execute(sa.insert(schema.sign_in_link).values(row | more))
    return word


def _good(hub: Hub, word: str) -> sa.ColumnElement[bool]:
    link = schema.sign_in_link
    return (link.c.hash == hashed(hub, "link", word)) & (link.c.until > hub.clock.now())


def _find(hub: Hub, word: str, *, invites: bool) -> Any:
    link = schema.sign_in_link
    of_kind = link.c.workspace_id.is_not(None) if invites else link.c.workspace_id.is_(None)
    with hub.database.read() as connection:
        return connection.execute(sa.select(link).where(_good(hub, word), of_kind)).first()


def _use_up(hub: Hub, connection: sa.Connection, word: str) -> bool:
    return connection.execute(sa.delete(schema.sign_in_link).where(_good(hub, word))).rowcount == 1
