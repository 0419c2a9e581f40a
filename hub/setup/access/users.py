"""Users: whoever signs in to the pages. What they are called is wrapped by the hub's key."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from ... import addresses, schema
from ...core import Hub
from ...errors import SettingInvalid
from ...ids import new_id
from ..language import _
from .roles import OWNER, Right, rights

MOST_NAME = 100


@dataclass(frozen=True)
class User:
    """Somebody who signs in. `roles`: workspace id → role. `email` is empty until they chose one; `language`: what the
    pages speak to them, as "de", once they chose that."""

    id: int
    name: str = field(repr=False)
    email: str = field(repr=False)
    has_password: bool
    has_second_factor: bool
    runs_hub: bool
    roles: Mapping[int, str]
    language: str | None = None

    @property
    def called(self) -> str:
        return self.name or self.email or _("Somebody with the link")

    def rights_in(self, workspace_id: int) -> frozenset[Right]:
        return rights(self.roles.get(workspace_id), runs_hub=self.runs_hub)


def get(hub: Hub, user_id: int, connection: sa.Connection | None = None) -> User | None:
    """The user of this id; None if they were removed."""
    return next(iter(_found(hub, schema.hub_user.c.id == user_id, connection)), None)


def of_workspace(hub: Hub, workspace_id: int) -> list[User]:
    """Who has a role in a workspace, the earliest first."""
    mine = sa.select(schema.membership.c.user_id).where(schema.membership.c.workspace_id == workspace_id)
    return _found(hub, schema.hub_user.c.id.in_(mine))


def by_email(hub: Hub, email: str, connection: sa.Connection | None = None) -> User | None:
    """The user with this e-mail. There are few users, so all are opened to find out: no hash of an e-mail is kept."""
    wanted = addresses.email(email)
    return next((user for user in _found(hub, sa.true(), connection) if wanted and user.email == wanted), None)


def who_runs_the_hub(hub: Hub, connection: sa.Connection) -> User:
    """Whoever the hub's own links sign in: the first user who runs the hub, made if there is none."""
    found = _found(hub, schema.hub_user.c.runs_hub, connection)
    return found[0] if found else _add(hub, connection, "", "", runs_hub=True)


def add(hub: Hub, connection: sa.Connection, name: str, email: str) -> User:
    """A new user. Raises SettingInvalid for an e-mail that is none, or that somebody has already."""
    return _add(hub, connection, *_checked(hub, connection, name, email, None), runs_hub=False)


def rename(hub: Hub, user: User, name: str, email: str) -> None:
    """Gives a user another name and e-mail. Raises SettingInvalid."""
    with hub.database.write() as connection:
        name, email = _checked(hub, connection, name, email, user)
        table = schema.hub_user
        changed = sa.update(table).where(table.c.id == user.id)
        connection.execute(changed.values(told=_wrapped(hub, connection, user.id, name, email)))


def speak(hub: Hub, user: User, language: str | None) -> None:
    """Has the pages speak a language to somebody, or what their browser asks for."""
    table = schema.hub_user
    with hub.database.write() as connection:
        connection.execute(sa.update(table).where(table.c.id == user.id).values(language=language))


def give_role(connection: sa.Connection, user_id: int, workspace_id: int, role: str) -> None:
    """Gives somebody this role in a workspace, in place of the one they had."""
    take_role(connection, user_id, workspace_id)
    row = {"user_id": user_id, "workspace_id": workspace_id, "role": role}
    connection.execute(sa.insert(schema.membership).values(row))


def take_role(connection: sa.Connection, user_id: int, workspace_id: int) -> None:
    table = schema.membership
    mine = (table.c.user_id == user_id) & (table.c.workspace_id == workspace_id)
    connection.execute(sa.delete(table).where(mine))


def remove_from(hub: Hub, user: User, workspace_id: int) -> None:
    """Takes somebody's role in a workspace; who has none left and does not run the hub is forgotten whole.

    Raises SettingInvalid if nobody would be left who may let others in.
    """
    with hub.database.write() as connection:
        _lock(hub, connection)
        _require_another_owner(connection, user, workspace_id)
        take_role(connection, user.id, workspace_id)
        left = sa.select(schema.membership.c.user_id).where(schema.membership.c.user_id == user.id)
        if not user.runs_hub and connection.execute(left).first() is None:
            connection.execute(sa.delete(schema.session).where(schema.session.c.user_id == user.id))
            connection.execute(sa.delete(schema.hub_user).where(schema.hub_user.c.id == user.id))


def change_role(hub: Hub, user: User, workspace_id: int, role: str) -> None:
    """Gives somebody another role. Raises SettingInvalid if nobody would be left who may let others in."""
    with hub.database.write() as connection:
        _lock(hub, connection)
        if role != OWNER:
            _require_another_owner(connection, user, workspace_id)
        give_role(connection, user.id, workspace_id, role)


def _require_another_owner(connection: sa.Connection, user: User, workspace_id: int) -> None:
    table = schema.membership
    owners = sa.select(table.c.user_id).where(table.c.workspace_id == workspace_id, table.c.role == OWNER)
    found = set(connection.execute(owners).scalars())
    if found == {user.id}:
        raise SettingInvalid(f"{user.called} is the only owner here. Make somebody else an owner first.")


def _add(hub: Hub, connection: sa.Connection, name: str, email: str, *, runs_hub: bool) -> User:
    user_id = new_id()
    row = {
        "id": user_id,
        "told": _wrapped(hub, connection, user_id, name, email),
        "runs_hub": runs_hub,
        "created_at": hub.clock.now(),
    }
    connection.execute(sa.insert(schema.hub_user).values(row))
    return User(user_id, name, email, has_password=False, has_second_factor=False, runs_hub=runs_hub, roles={})


def _checked(hub: Hub, connection: sa.Connection, name: str, email: str, user: User | None) -> tuple[str, str]:
    name, address = name.strip()[:MOST_NAME], addresses.email(email)
    if not address:
        raise SettingInvalid("This is no e-mail address. Write one such as: ada@example.com")
    _lock(hub, connection)
    other = by_email(hub, address, connection)
    if other is not None and (user is None or other.id != user.id):
        raise SettingInvalid("Somebody signs in with this e-mail already. Sign in with it, or choose another one.")
    return name, address


def _lock(hub: Hub, connection: sa.Connection) -> None:
    """One after the other: of two who take the same e-mail at once, one gets it. SQLite has one writer anyway."""
    if not hub.database.is_sqlite:
        connection.exec_driver_sql(f"LOCK TABLE {schema.hub_user.name} IN EXCLUSIVE MODE")


def _wrapped(hub: Hub, connection: sa.Connection, user_id: int, name: str, email: str) -> bytes:
    told = json.dumps({"name": name, "email": email}).encode()
    return hub.workspaces.hub_key(connection, lock=True).wrap(told, f"user {user_id}")


def _found(hub: Hub, which: Any, connection: sa.Connection | None = None) -> list[User]:
    if connection is None:
        with hub.database.read() as fresh:
            return _found(hub, which, fresh)
    table, membership = schema.hub_user, schema.membership
    rows = connection.execute(sa.select(table).where(which).order_by(table.c.id)).all()
    if not rows:
        return []
    key = hub.workspaces.hub_key(connection)
    roles: dict[int, dict[int, str]] = {row.id: {} for row in rows}
    for row in connection.execute(sa.select(membership).where(membership.c.user_id.in_(roles))):
        roles[row.user_id][row.workspace_id] = row.role
    return [_opened(row, json.loads(key.unwrap(row.told, f"user {row.id}")), roles[row.id]) for row in rows]


def _opened(row: Any, told: Mapping[str, str], roles: Mapping[int, str]) -> User:
    return User(
        id=row.id,
        name=told["name"],
        email=told["email"],
        has_password=row.password is not None,
        has_second_factor=row.second_factor is not None,
        runs_hub=row.runs_hub,
        roles=roles,
        language=row.language,
    )
