"""The hub's own apps: a hub that its owner runs registers its own app at each provider. One for all workspaces.

With a `base_url` an account is logged in to by the practice service's app, which everybody knows: the secret of the
hub's own app goes to the provider's own addresses only.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field

import sqlalchemy as sa

from .. import registry, schema
from ..connector import Connector
from ..errors import SettingInvalid
from ..workspaces import Workspaces

_LONGEST = 500


@dataclass(frozen=True)
class App:
    """The hub's app at a provider. `secrets`: newest first; the one before may sign webhooks for a while."""

    client_id: str
    secrets: tuple[str, ...] = field(repr=False)


def save_app(workspaces: Workspaces, name: str, client_id: str, client_secret: str) -> None:
    """Keeps the hub's app at the provider of the connector of this name. Of an app whose secret is exchanged, the one
    before is kept too.

    Raises NotFound, and SettingInvalid if the connector knows no OAuth, or a value cannot be one.
    """
    connector, client_id, client_secret = registry.connector(name), client_id.strip(), client_secret.strip()
    if connector.oauth is None:
        raise SettingInvalid(f"{connector.title} is not logged in to by OAuth. Connect the account with its fields.")
    for label, value in (("client id", client_id), ("client secret", client_secret)):
        if not value or not value.isprintable() or len(value) > _LONGEST:
            raise SettingInvalid(f"The app's {label} is missing, or is none. Copy it again from {connector.title}.")
    with workspaces.database.write() as database:
        key = workspaces.hub_key(database, lock=True)
        row = database.execute(sa.select(_app).where(_app.c.connector == name)).one_or_none()
        known = _opened(key.unwrap(row.content, _about(name))) if row else None
        before = known.secrets[:1] if known and known.client_id == client_id else ()
        secrets = [client_secret, *(secret for secret in before if secret != client_secret)]
        content = json.dumps({"client_id": client_id, "secrets": secrets}).encode()
        values = {"content": key.wrap(content, _about(name)), "changed_at": workspaces.clock.now()}
        statement = workspaces.database.insert(_app).values(connector=name, **values)
        database.execute(statement.on_conflict_do_update(index_elements=[_app.c.connector], set_=values))


def forget_app(workspaces: Workspaces, name: str) -> None:
    """Forgets the hub's app at this connector's provider. Logins by it last until they would be renewed."""
    with workspaces.database.write() as database:
        database.execute(sa.delete(_app).where(_app.c.connector == name))


def app_at(workspaces: Workspaces, connector: Connector, base_url: str | None = None) -> App | None:
    """The app by which accounts of this connector are logged in to; None if there is none."""
    if connector.oauth is None:
        return None
    if base_url:
        client_id, secret = connector.oauth.practice
        return App(client_id, (secret,))
    with workspaces.database.read() as database:
        query = workspaces.with_key(sa.select(_app))
        row = database.execute(query.where(_app.c.connector == connector.name)).one_or_none()
    if row is None:
        return None
    return _opened(workspaces.keyring.named(row.key_id).unwrap(row.content, _about(connector.name)))


_app = schema.oauth_app


def _opened(content: bytes) -> App:
    found = json.loads(content)
    return App(found["client_id"], tuple(found["secrets"]))


def _about(name: str) -> str:
    return f"oauth app {name}"
