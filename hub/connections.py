"""Connections: saved accounts of services. Checked before they are saved, sealed while they are kept."""

from __future__ import annotations

import json
import secrets
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

import sqlalchemy as sa

from . import registry, schema
from .connection import (
    NEEDS_LOGIN,
    OFF,
    PAUSED,
    READY,
    Connection,
    bound,
    filled_in,
    for_connector,
    installed,
    label_of,
    make_client,
    of_another_login,
    renew_at,
    told_to_nobody,
    with_newest,
)
from .connector import Connector
from .database import Database
from .errors import ActionFailed, HubError, NotFound, scrubbed
from .oauth.apps import app_at
from .oauth.login import LOGIN
from .timing import Clock
from .workspaces import Workspace, Workspaces

__all__ = ["NEEDS_LOGIN", "OFF", "PAUSED", "READY", "Connection", "Connections"]

_FRESH_SECONDS = 5.0


class Connections:
    """All connections of the hub, and a client for each."""

    def __init__(self, database: Database, workspaces: Workspaces, clock: Clock, public_url: str) -> None:
        self.database, self.workspaces, self.clock = database, workspaces, clock
        self.public_url = public_url
        self._lock = threading.Lock()
        self._known: dict[str, tuple[float, Connection]] = {}
        self._clients: dict[str, tuple[int, Any]] = {}

    # ---- setting up

    def connect(self, workspace: Workspace, name: str, given: Mapping[str, str]) -> tuple[Connection, str | None]:
        """Checks an account and saves it, or renews the login of one that is saved already.

        Gives the connection, and why its events could not be subscribed to, if they could not.
        Raises SetupError, or the ActionFailed that the service answered the check with.
        """
        connector = registry.connector(name)
        return self.log_in(workspace, connector, filled_in(connector, given))

    def log_in(
        self, workspace: Workspace, connector: Connector, fields: dict[str, Any]
    ) -> tuple[Connection, str | None]:
        """What `connect` does, with fields that are whole: those of a login by OAuth have that among them."""
        try:
            label = label_of(connector, make_client(connector, fields))
        except ActionFailed as error:
            # A service may answer with what it was sent.
            error.args = (scrubbed(str(error), told_to_nobody(connector, fields)),)
            raise
        known = self._same_account(workspace, connector, label, fields)
        made: dict[str, str] = {}
        connection_id = known.id if known else secrets.token_hex(8)
        if known:
            kept = connector.fields.keys() - of_another_login(connector, fields)
            fields = {n: known.fields[n] for n in kept if n in known.fields} | fields
        else:
            fields |= {
                f.name: secrets.token_urlsafe(24) for f in connector.fields.values() if f.generated and f.required
            }
            declared = connector.fields.items()
            made = {name: item.made() for name, item in declared if item.made is not None and not fields.get(name)}
            fields |= {name: [value] if connector.fields[name].several else value for name, value in made.items()}
        self._save(workspace, connection_id, connector, label, fields, is_new=known is None)
        trouble = self.subscribe(connection_id)
        return replace(self.get(connection_id), made=made), trouble

    def put(
        self, workspace: Workspace, connector: Connector, label: str, fields: Mapping[str, Any], client: Any = None
    ) -> str:
        """Saves an account that nobody asks about, as nothing real is behind it; gives its id. `client`: what calls it,
        where the fields make none."""
        connection_id = secrets.token_hex(8)
        self._save(workspace, connection_id, connector, label, fields, is_new=True)
        if client is not None:
            self._clients[connection_id] = (self.get(connection_id).changed_at, client)
        return connection_id

    def subscribe(self, connection_id: str) -> str | None:
        """Has the service send its events here: makes and repairs subscriptions. Gives the trouble, if there was."""
        connection = self.get(connection_id)
        subscribe = connection.connector.function("subscribe")
        if subscribe is None:
            return None
        try:
            found = subscribe(self.client(connection), self.webhook_url(connection))
        except HubError as error:
            return scrubbed(str(error), connection.told_to_nobody)
        except Exception as error:
            return f"{connection.connector.title} could not be asked for its events ({type(error).__name__})."
        if found:
            declared = connection.connector.fields

            def change(fields: dict[str, Any]) -> dict[str, Any]:
                newest = {n: with_newest(fields.get(n), v) if declared[n].several else v for n, v in found.items()}
                return fields | newest

            self.change_fields(connection, change)
        return None

    def disconnect(self, connection_id: str) -> Connection:
        """Switches a connection off and takes its subscriptions back. Its history stays. Raises NotFound."""
        connection = self.get(connection_id)
        unsubscribe = connection.connector.function("unsubscribe")
        if unsubscribe is not None and connection.state == READY:
            # Whatever goes wrong there, and the login may be dead already: the connection is switched off here.
            with suppress(Exception):
                unsubscribe(self.client(connection), self.webhook_url(connection))
        self.set_state(connection_id, OFF, None)
        return connection

    def set_state(self, connection_id: str, state: str, reason: str | None) -> None:
        with self.database.write() as database:
            database.execute(
                sa.update(schema.connection)
                .where(schema.connection.c.id == connection_id)
                .values(state=state, reason=reason, changed_at=later(self.clock.now()))
            )
        self.forget(connection_id)

    def note_refusal(self, connection_id: str, why: str) -> None:
        """Takes note that a delivery was refused just now, so that whoever set the account up can find out why."""
        table = schema.connection
        with self.database.write() as database:
            values = {"refused_at": self.clock.now(), "refused_why": why}
            database.execute(sa.update(table).where(table.c.id == connection_id).values(values))

    def lose_login(self, connection: Connection, reason: str) -> None:
        """Says that a person must connect the account again, unless somebody did meanwhile."""
        table = schema.connection
        with self.database.write() as database:
            database.execute(
                sa.update(table)
                .where(table.c.id == connection.id, table.c.changed_at == connection.changed_at)
                .values(state=NEEDS_LOGIN, reason=reason)
            )
        self.forget(connection.id)

    def change_fields(self, connection: Connection, change: Callable[[dict[str, Any]], dict[str, Any] | None]) -> None:
        """Changes an account's fields as they are when nobody else changes them: what another process wrote since they
        were read is not undone. `change` gives them as they are to be, or None to leave them. The state stays."""
        table, about = schema.connection, f"connection {connection.id}"
        mine, sealer = table.c.id == connection.id, self.workspaces.get(connection.workspace_id).sealer
        with self.database.write() as database:
            sealed = database.execute(sa.select(table.c.fields).where(mine).with_for_update()).scalar_one()
            fields = change(json.loads(sealer.open(sealed, about)))
            if fields is not None:
                values = {"fields": sealer.seal(json.dumps(fields).encode(), about), "renew_at": renew_at(fields)}
                database.execute(sa.update(table).where(mine).values(**values, changed_at=later(self.clock.now())))
        self.forget(connection.id)

    def _save(
        self,
        workspace: Workspace,
        connection_id: str,
        connector: Connector,
        label: str,
        fields: Mapping[str, Any],
        *,
        is_new: bool,
    ) -> None:
        now = self.clock.now()
        sealed = workspace.sealer.seal(json.dumps(dict(fields)).encode(), f"connection {connection_id}")
        row = {
            "label": label,
            "state": PAUSED if connector.sends_messages and self._is_paused(workspace) else READY,
            "reason": None,
            "fields": sealed,
            "renew_at": renew_at(fields),
            "changed_at": now,
            "failures": 0,
            "paused_until": None,
        }
        table = schema.connection
        with self.database.write() as database:
            if is_new:
                row |= {
                    "id": connection_id,
                    "workspace_id": workspace.id,
                    "connector": connector.name,
                    "created_at": now,
                    "quota": "{}",
                }
                database.execute(sa.insert(table).values(row))
            else:
                changed = row | {"changed_at": later(now)}
                database.execute(sa.update(table).where(table.c.id == connection_id).values(changed))
        self.forget(connection_id)

    def _is_paused(self, workspace: Workspace) -> bool:
        """Whether all sending is paused in a workspace: see `pausing`."""
        table = schema.workspace
        with self.database.read() as database:
            query = sa.select(table.c.paused_at).where(table.c.id == workspace.id)
            return database.execute(query).scalar() is not None

    def _same_account(
        self, workspace: Workspace, connector: Connector, label: str, fields: Mapping[str, Any]
    ) -> Connection | None:
        """The saved connection of this account: its name and all that somebody fills in and is not secret are the
        same."""
        apart = (n for n, declared in connector.fields.items() if not (declared.secret or declared.adjustable))
        plain = [n for n in apart if not connector.fields[n].generated]
        plain.append("base_url")
        for connection in self.list(workspace):
            same = all(connection.fields.get(name) == fields.get(name) for name in plain)
            if connection.connector.name == connector.name and connection.label == label and same:
                return connection
        return None

    # ---- using

    def get(self, connection_id: str, *, fresh: bool = False) -> Connection:
        """The connection of this id; what was read in the last seconds is not read again. Raises NotFound."""
        known = None if fresh else self.at_hand(connection_id)
        if known:
            return known
        with self.database.read() as database:
            row = database.execute(
                sa.select(schema.connection).where(schema.connection.c.id == connection_id)
            ).one_or_none()
        if row is None:
            raise NotFound("There is no such connection. See: hub connections")
        connection = self._open(row)
        with self._lock:
            self._known[connection_id] = (self.clock.monotonic(), connection)
        return connection

    def at_hand(self, connection_id: str) -> Connection | None:
        """The connection of this id if it was read in the last seconds; never waits for the database."""
        with self._lock:
            known = self._known.get(connection_id)
        return known[1] if known and self.clock.monotonic() - known[0] < _FRESH_SECONDS else None

    def list(self, workspace: Workspace) -> list[Connection]:
        """The workspace's connections, oldest first."""
        table = schema.connection
        with self.database.read() as database:
            rows = database.execute(
                sa.select(table).where(table.c.workspace_id == workspace.id).order_by(table.c.created_at, table.c.id)
            ).all()
        return [self._open(row) for row in rows]

    def bind(self, workspace: Workspace, needs: tuple[str, ...], given: Mapping[str, str]) -> dict[str, str]:
        """Which connection serves each connector that a recipe needs: the given one, or the only one there is.

        Raises with everything that is missing in one message.
        """
        return bound([account for account in self.list(workspace) if account.state != OFF], needs, given)

    def client(self, connection: Connection) -> Any:
        """The connection's client, made once for each change of its fields."""
        with self._lock:
            known = self._clients.get(connection.id)
        if known and known[0] == connection.changed_at:
            return known[1]
        client = make_client(connection.connector, connection.fields)
        with self._lock:
            self._clients[connection.id] = (connection.changed_at, client)
        return client

    def webhook_url(self, connection: Connection) -> str:
        """The address that the service posts its events to."""
        url = f"{self.public_url}/webhooks/{connection.connector.name}/{connection.id}"
        extend: Callable[..., str] | None = connection.connector.function("webhook_url")
        return extend(url, **for_connector(connection.fields)) if extend else url

    def forget(self, connection_id: str | None = None) -> None:
        """Reads the connection again when it is next asked for; all, if it is not said which."""
        with self._lock:
            if connection_id is None:
                self._known.clear()
                self._clients.clear()
            else:
                self._known.pop(connection_id, None)

    def _open(self, row: Any) -> Connection:
        workspace = self.workspaces.get(row.workspace_id)
        fields = json.loads(workspace.sealer.open(row.fields, f"connection {row.id}"))
        connector, app = installed(row.connector, row.id), None
        if LOGIN in fields:
            app = app_at(self.workspaces, connector, fields.get("base_url"))
        return Connection(
            id=row.id,
            workspace_id=row.workspace_id,
            connector=connector,
            label=row.label,
            state=row.state,
            reason=row.reason,
            changed_at=row.changed_at,
            fields=fields,
            app_secrets=app.secrets if app else (),
        )


def later(now: int) -> sa.ColumnElement[int]:
    """Now, or just after the last change: no two states of a connection have the same instant, by which clients and
    holders tell them apart."""
    changed = schema.connection.c.changed_at
    return sa.case((changed >= now, changed + 1), else_=now)
