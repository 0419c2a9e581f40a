"""Passwords: kept as Argon2 hashes, tried a few times in a row at most, and never told apart by how long it takes."""

from __future__ import annotations

import threading
from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING

import sqlalchemy as sa

from ... import addresses, schema
from ...core import Hub
from ...errors import SettingInvalid, SetupError
from . import users, words
from .users import User

if TYPE_CHECKING:
    from argon2 import PasswordHasher

LEAST, MOST = 10, 200
"""Characters of a password. Length is what makes one hard to guess, so there are no other rules:
https://pages.nist.gov/800-63-4/sp800-63b.html"""

TRIES = 5
FORGOTTEN_AFTER = timedelta(minutes=15)

_AT_ONCE = threading.Semaphore(2)
"""Each takes 64 MB for a moment: whoever sends many must not take all memory."""


class TooManyTries(SetupError):
    """There were too many tries with this e-mail. Wait a quarter of an hour, or make a link: hub sign-in-link"""


def hashed_password(password: str) -> str:
    """What is kept of a password. It takes a while, so nobody holds a transaction meanwhile. Raises SettingInvalid
    for one that is easy to guess."""
    check(password)
    with _AT_ONCE:
        return _hasher().hash(password)


def choose(connection: sa.Connection, user_id: int, hashed: str) -> None:
    """Gives somebody a password, by its hash, in place of the one they had."""
    table = schema.hub_user
    connection.execute(sa.update(table).where(table.c.id == user_id).values(password=hashed))


def check(password: str) -> None:
    """Raises SettingInvalid if this is no password to choose."""
    if len(password) < LEAST:
        raise SettingInvalid(f"Choose a longer one, of at least {LEAST} characters: three or four words are good.")
    if len(password) > MOST:
        raise SettingInvalid(f"Choose a shorter one, of at most {MOST} characters.")
    if len(set(password)) < 4:
        raise SettingInvalid("Choose another one: this one is easy to guess.")


def sign_in(hub: Hub, email: str, password: str) -> User | None:
    """Who signs in with these; None if they are not right. Raises TooManyTries."""
    subject = f"password {addresses.email(email) or email[:200]}"
    note_try(hub, subject)
    user = users.by_email(hub, email)
    if not is_right(hub, user, password):
        return None
    forget_tries(hub, subject)
    return user


def is_right(hub: Hub, user: User | None, password: str) -> bool:
    """Whether this is somebody's password. It takes as long where there is nobody, or no password."""
    from argon2.exceptions import InvalidHashError, VerificationError

    table = schema.hub_user
    with hub.database.read() as connection:
        known = connection.execute(sa.select(table.c.password).where(table.c.id == user.id)).scalar() if user else None
    with _AT_ONCE:
        try:
            _hasher().verify(known or _nobodys(), password[: MOST + 1])
        except (VerificationError, InvalidHashError):
            return False
    return known is not None


def note_try(hub: Hub, subject: str) -> None:
    """Counts a try before it is known whether it is right, so that many at once are counted too.

    Raises TooManyTries.
    """
    table = schema.sign_in_attempt
    row = {"hash": words.hashed(hub, "attempt", subject), "count": 1, "until": words.from_now(hub, FORGOTTEN_AFTER)}
    counted = hub.database.insert(table).values(row)
    counted = counted.on_conflict_do_update(index_elements=[table.c.hash], set_={"count": table.c.count + 1})
    with hub.database.write() as connection:
        connection.execute(sa.delete(table).where(table.c.until <= hub.clock.now()))
        if connection.execute(counted.returning(table.c.count)).scalar_one() > TRIES:
            raise TooManyTries


def forget_tries(hub: Hub, subject: str) -> None:
    """Whoever came in may be wrong again as often as before."""
    table = schema.sign_in_attempt
    with hub.database.write() as connection:
        connection.execute(sa.delete(table).where(table.c.hash == words.hashed(hub, "attempt", subject)))


@cache
def _hasher() -> PasswordHasher:
    from argon2 import PasswordHasher  # a hub where nobody signs in does without it

    return PasswordHasher()


@cache
def _nobodys() -> str:
    return _hasher().hash("nobody has this password")
