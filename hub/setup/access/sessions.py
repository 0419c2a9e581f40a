"""Sessions: a browser in which somebody is signed in, until it ends by itself or is ended."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

import sqlalchemy as sa

from ... import schema
from ...core import Hub
from . import users
from .users import User
from .words import from_now, hashed, new_word

LASTS = timedelta(days=14)
PROVING_LASTS = timedelta(minutes=10)
"""How long somebody may take from their password to their authenticator app's code."""


@dataclass(frozen=True)
class Session:
    """A session that goes on. Without its proof it lets nobody see anything but the question for it."""

    word: str = field(repr=False)
    user: User
    is_proven: bool


def begin(hub: Hub, connection: sa.Connection, user_id: int, *, is_proven: bool = True) -> str:
    """Begins a session; gives the word for the browser's cookie."""
    word = new_word(hub)
    forget_ended(hub, connection)
    row = {
        "hash": hashed(hub, "session", word),
        "until": from_now(hub, LASTS if is_proven else PROVING_LASTS),
        "user_id": user_id,
        "is_proven": is_proven,
    }
    connection.execute(sa.insert(schema.session).values(row))
    return word


def find(hub: Hub, word: str | None) -> Session | None:
    """The session with this word; None if it has ended or never was."""
    if not word:
        return None
    table = schema.session
    query = sa.select(table.c.user_id, table.c.is_proven).where(
        table.c.hash == hashed(hub, "session", word), table.c.until > hub.clock.now()
    )
    with hub.database.read() as connection:
        row = connection.execute(query).first()
        user = users.get(hub, row.user_id, connection) if row and row.user_id else None
    return Session(word, user, bool(row.is_proven)) if row and user else None


def end(hub: Hub, word: str) -> None:
    table = schema.session
    with hub.database.write() as connection:
        connection.execute(sa.delete(table).where(table.c.hash == hashed(hub, "session", word)))


def end_others(hub: Hub, connection: sa.Connection, user_id: int, word: str) -> int:
    """Ends every session of somebody but this one; gives how many there were."""
    table = schema.session
    others = (table.c.user_id == user_id) & (table.c.hash != hashed(hub, "session", word))
    return connection.execute(sa.delete(table).where(others)).rowcount


def count_others(hub: Hub, session: Session) -> int:
    """In how many other browsers somebody is signed in."""
    table = schema.session
    query = sa.select(sa.func.count()).where(
        table.c.user_id == session.user.id,
        table.c.hash != hashed(hub, "session", session.word),
        table.c.until > hub.clock.now(),
    )
    with hub.database.read() as connection:
        return connection.execute(query).scalar_one()


def forget_ended(hub: Hub, connection: sa.Connection) -> None:
    for table in (schema.session, schema.sign_in_link, schema.sign_in_attempt):
        connection.execute(sa.delete(table).where(table.c.until <= hub.clock.now()))
