"""Who may see the page: one-time links, sessions, and proof that a form is our own.

Only keyed hashes are stored, so neither the database nor a backup lets anybody in. A new secret key ends all of it.
"""

from __future__ import annotations

import hmac
from datetime import timedelta

import sqlalchemy as sa

from .. import schema
from ..core import Hub

LINK_LASTS = timedelta(minutes=15)
SESSION_LASTS = timedelta(days=14)

_WORD_BYTES = 32
_HASH_BYTES = 16


def new_link(hub: Hub) -> str:
    """A fresh link that signs in whoever opens it first, within a quarter of an hour."""
    word = hub.chance.token(_WORD_BYTES)
    row = {"hash": _hash(hub, "link", word), "until": _from_now(hub, LINK_LASTS)}
    with hub.database.write() as connection:
        _forget_expired(hub, connection)
        connection.execute(sa.insert(schema.sign_in_link).values(row))
    return f"{hub.settings.public_url}/sign-in/{word}"


def sign_in(hub: Hub, word: str) -> str | None:
    """Uses a link up, and gives the word of the session that it opens; None if it was used before, is too old, or
    never was. Of two that come at once, one is let in."""
    link, name = schema.sign_in_link, _hash(hub, "link", word)
    good = (link.c.hash == name) & (link.c.until > hub.clock.now())
    with hub.database.read() as connection:
        # A wrong link must not keep writers waiting.
        if connection.execute(sa.select(link.c.hash).where(good)).first() is None:
            return None
    session = hub.chance.token(_WORD_BYTES)
    row = {"hash": _hash(hub, "session", session), "until": _from_now(hub, SESSION_LASTS)}
    with hub.database.write() as connection:
        if connection.execute(sa.delete(link).where(good)).rowcount != 1:
            return None
        _forget_expired(hub, connection)
        connection.execute(sa.insert(schema.session).values(row))
    return session


def is_signed_in(hub: Hub, session: str | None) -> bool:
    """Whether this is the word of a session that goes on."""
    if not session:
        return False
    table = schema.session
    open_now = (table.c.hash == _hash(hub, "session", session)) & (table.c.until > hub.clock.now())
    with hub.database.read() as connection:
        return connection.execute(sa.select(table.c.hash).where(open_now)).first() is not None


def sign_out(hub: Hub, session: str) -> None:
    """Ends a session."""
    table = schema.session
    with hub.database.write() as connection:
        connection.execute(sa.delete(table).where(table.c.hash == _hash(hub, "session", session)))


def form_token(hub: Hub, session: str) -> str:
    """What every form of a session carries, so that no other site can send it for somebody signed in here."""
    return _hash(hub, "form", session).hex()


def is_form_token(hub: Hub, session: str, given: str) -> bool:
    return hmac.compare_digest(form_token(hub, session).encode(), given.encode(errors="replace"))


def _hash(hub: Hub, purpose: str, word: str) -> bytes:
    return hub.workspaces.hub_key().proof(f"{purpose}\x1f{word}".encode(errors="replace"))[:_HASH_BYTES]


def _from_now(hub: Hub, span: timedelta) -> int:
    return hub.clock.now() + round(span.total_seconds() * 1000)


def _forget_expired(hub: Hub, connection: sa.Connection) -> None:
    for table in (schema.sign_in_link, schema.session):
        connection.execute(sa.delete(table).where(table.c.until <= hub.clock.now()))
