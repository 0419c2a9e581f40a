"""Connections: saved accounts of services. Checked before they are saved, sealed while they are kept."""

from __future__ import annotations

import json
import secrets
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from . import registry, schema
from .connector import Connector
from .database import Database
from .errors import ActionFailed, ConnectionMissing, ConnectorInvalid, HubError, NotFound, SettingInvalid, scrubbed
from .timing import Clock
from .workspaces import Workspace, Workspaces

READY, NEEDS_LOGIN, OFF = "ready", "needs_login", "off"
_FRESH_SECONDS = 5.0
_MOST_VALUES = 1000
"""Values of one field: an account may have a secret for each of its audiences, and each delivery is tried with all."""


@dataclass(frozen=True)
class Connection:
    """One saved account. `fields` are open here, so it is never shown or logged whole."""

    id: str
    workspace_id: int
    connector: Connector
    label: str
    state: str
    reason: str | None
    changed_at: int
    fields: Mapping[str, Any] = field(repr=False)

    @property
    def secrets(self) -> dict[str, list[str]]:
        """Every secret field's values, newest first, for verifiers."""
        found = {}
        for name, declared in self.connector.fields.items():
            value = self.fields.get(name)
            if declared.secret and value:
                found[name] = list(value) if isinstance(value, list) else [value]
        return found


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
        fields = _filled_in(connector, given)
        try:
            label = _label(connector, make_client(connector, fields))
        except ActionFailed as error:
            # A service may answer with what it was sent.
            error.args = (scrubbed(str(error), _told_to_nobody(connector, fields)),)
            raise
        known = self._same_account(workspace, connector, label, fields)
        connection_id = known.id if known else secrets.token_hex(8)
        if known:
            fields = {n: known.fields[n] for n in connector.fields if n in known.fields} | fields
        else:
            fields |= {
                f.name: secrets.token_urlsafe(24) for f in connector.fields.values() if f.generated and f.required
            }
        self._save(workspace, connection_id, connector, label, fields, is_new=known is None)
        trouble = self.subscribe(connection_id)
        return self.get(connection_id), trouble

    def subscribe(self, connection_id: str) -> str | None:
        """Has the service send its events here: makes and repairs subscriptions. Gives the trouble, if there was."""
        connection = self.get(connection_id)
        subscribe = connection.connector.function("subscribe")
        if subscribe is None:
            return None
        try:
            found = subscribe(self.client(connection), self.webhook_url(connection))
        except HubError as error:
            return scrubbed(str(error), _told_to_nobody(connection.connector, connection.fields))
        except Exception as error:
            return f"{connection.connector.title} could not be asked for its events ({type(error).__name__})."
        if found:
            fields = dict(connection.fields)
            for name, value in found.items():
                several = connection.connector.fields[name].several
                fields[name] = _with_newest(fields.get(name), value) if several else value
            workspace = self.workspaces.get(connection.workspace_id)
            self._save(workspace, connection.id, connection.connector, connection.label, fields, is_new=False)
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
                .values(state=state, reason=reason, changed_at=_later(self.clock.now()))
            )
        self.forget(connection_id)

    def note_refusal(self, connection_id: str, why: str) -> None:
        """Takes note that a delivery was refused just now, so that whoever set the account up can find out why."""
        table = schema.connection
        with self.database.write() as database:
            values = {"refused_at": self.clock.now(), "refused_why": why}
            database.execute(sa.update(table).where(table.c.id == connection_id).values(values))

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
            "state": READY,
            "reason": None,
            "fields": sealed,
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
                changed = row | {"changed_at": _later(now)}
                database.execute(sa.update(table).where(table.c.id == connection_id).values(changed))
        self.forget(connection_id)

    def _same_account(
        self, workspace: Workspace, connector: Connector, label: str, fields: Mapping[str, Any]
    ) -> Connection | None:
        """The saved connection of this account: its name and everything that is not secret are the same."""
        plain = [name for name, declared in connector.fields.items() if not declared.secret] + ["base_url"]
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

        Raises ConnectionMissing, with everything that is missing in one message.
        """
        usable = [c for c in self.list(workspace) if c.state != OFF]
        bound, faults = {}, []
        for name in needs:
            candidates = [c.id for c in usable if c.connector.name == name]
            title = registry.connector(name).title
            if name in given and given[name] not in candidates:
                faults.append(f"{given[name]} is no {title} connection of this workspace")
            elif name in given:
                bound[name] = given[name]
            elif len(candidates) == 1:
                bound[name] = candidates[0]
            elif candidates:
                faults.append(f"there are {len(candidates)} {title} accounts: choose one with {name}=CONNECTION")
            else:
                faults.append(f"no {title} account is connected")
        if faults:
            raise ConnectionMissing("Not possible yet: " + "; ".join(faults) + ".")
        return bound

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
        return extend(url, **connection.fields) if extend else url

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
        return Connection(
            id=row.id,
            workspace_id=row.workspace_id,
            connector=_installed(row),
            label=row.label,
            state=row.state,
            reason=row.reason,
            changed_at=row.changed_at,
            fields=fields,
        )


def _later(now: int) -> sa.ColumnElement[int]:
    """Now, or just after the last change: no two states of a connection have the same instant, by which clients and
    holders tell them apart."""
    changed = schema.connection.c.changed_at
    return sa.case((changed >= now, changed + 1), else_=now)


def _told_to_nobody(connector: Connector, fields: Mapping[str, Any]) -> list[str]:
    """The values of secret fields."""
    found: list[str] = []
    for name, declared in connector.fields.items():
        value = fields.get(name)
        if declared.secret and value:
            found += value if isinstance(value, list) else [value]
    return found


def _installed(row: Any) -> Connector:
    try:
        return registry.connector(row.connector)
    except NotFound:
        # Not NotFound: the connection is known, and whoever posts to it must not be told otherwise.
        raise ConnectorInvalid(
            f"The connector {row.connector} of connection {row.id} is not installed here. Install its package again."
        ) from None


def make_client(connector: Connector, fields: Mapping[str, Any]) -> Any:
    """A client for an account with these fields. Raises SetupError if they do not make one."""
    connect = connector.function("connect")
    assert connect is not None  # the registry validated the connector
    return connect(**{"base_url": None, **fields})


def _label(connector: Connector, client: Any) -> str:
    check = connector.function("check")
    assert check is not None
    return str(check(client))[:200]


def _filled_in(connector: Connector, given: Mapping[str, str]) -> dict[str, Any]:
    """The given fields by their declaration. Raises SettingInvalid with every fault."""
    faults = [f"there is no field {name!r}" for name in given if name not in connector.fields and name != "base_url"]
    fields: dict[str, Any] = {}
    for name, declared in connector.fields.items():
        value = given.get(name, "").strip()
        if value:
            fields[name] = [part.strip() for part in value.split(",")] if declared.several else value
        elif declared.required and not declared.generated:
            faults.append(f"{name} is missing" + (f" ({declared.help})" if declared.help else ""))
    if given.get("base_url"):
        fields["base_url"] = given["base_url"]
    if faults:
        raise SettingInvalid(f"Check the fields for {connector.title}: " + "; ".join(faults) + ".")
    return fields


def _with_newest(known: Any, fresh: Any) -> list[str]:
    """Several values, the fresh ones first. The oldest go when there are too many: they were exchanged long ago."""
    newest, older = ([value] if isinstance(value, str) else list(value or ()) for value in (fresh, known))
    return (newest + [value for value in older if value not in newest])[:_MOST_VALUES]
