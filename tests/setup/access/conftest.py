"""Users with roles, each with a browser of their own."""

from __future__ import annotations

import re
from dataclasses import dataclass

import pyotp
import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from hub import schema
from hub.setup.access import links, passwords, sessions, users
from hub.setup.access.users import User

from ..conftest import World, world, world_on_any_database

__all__ = ["Browser", "joined", "world", "world_on_any_database"]

PASSWORD = "three words or four"
_HASHED: list[str] = []


def hashed() -> str:
    """The password's hash, worked out once: it takes a while on purpose."""
    if not _HASHED:
        _HASHED.append(passwords.hashed_password(PASSWORD))
    return _HASHED[0]


@dataclass
class Browser:
    """Somebody's browser."""

    world: World
    client: FlaskClient

    def get(self, path: str) -> TestResponse:
        return self.client.get(path, buffered=True)

    def send(self, path: str, **fields: str) -> TestResponse:
        """Sends a form as our own page would."""
        return self.client.post(path, data={"token": self.token(), **fields})

    def token(self) -> str:
        found = re.search(r'name="token" value="(\w+)"', self.get("/account").text)
        return found[1] if found else ""

    def enter(self, user: User, password: str = PASSWORD) -> TestResponse:
        return self.client.post("/sign-in", data={"email": user.email, "password": password, "next": "/"})


def browser(world: World) -> Browser:
    return Browser(world, world.browser.application.test_client())


def joined(world: World, role: str, email: str = "ada@example.com", workspace_id: int = 1) -> User:
    """A user with a role in a workspace."""
    with world.hub.database.write() as connection:
        user = users.add(world.hub, connection, email.partition("@")[0].capitalize(), email)
        users.give_role(connection, user.id, workspace_id, role)
        passwords.choose(connection, user.id, hashed())
    found = users.get(world.hub, user.id)
    assert found is not None
    return found


def signed_in(world: World, user: User) -> Browser:
    """A browser with a session of this user."""
    made = browser(world)
    with world.hub.database.write() as connection:
        made.client.set_cookie("regulars", sessions.begin(world.hub, connection, user.id))
    return made


def operator(world: World) -> Browser:
    """The browser of whoever runs the hub."""
    made = browser(world)
    made.get(links.new_link(world.hub).removeprefix(world.hub.settings.public_url))
    return made


def stored(world: World, table: sa.Table) -> list[sa.Row]:
    with world.hub.database.read() as connection:
        return list(connection.execute(sa.select(table)))


def code_of(world: World, secret: str, later: int = 0) -> str:
    """What an authenticator app shows, so many seconds later."""
    return pyotp.TOTP(secret).at(world.clock.now() // 1000 + later)


def forget(world: World, user: User) -> None:
    with world.hub.database.write() as connection:
        connection.execute(sa.delete(schema.hub_user).where(schema.hub_user.c.id == user.id))


@pytest.fixture
def ada(world: World) -> User:
    return joined(world, "owner")
