"""Workspaces: one per business. Each has its own key, and nothing of one is readable with another's."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from . import schema
from .database import Database
from .errors import KeyWrong, NotFound, SettingInvalid
from .sealing import HubKey, Keyring, Sealer, derived, new_key
from .timing import Clock, known_zones

RETENTION_DAYS = 30


@dataclass(frozen=True)
class Workspace:
    """One business. `sealer` is for what belongs to no person; `hash` keys what may be compared but not read.

    `time_zone` is the one its people live by, as IANA names it, "Europe/Berlin"; None if nobody said so yet. `hours`
    are those in which it sends marketing, as `hub.guards.hours` reads them; None for the usual ones.
    """

    id: int
    name: str
    retention_days: int
    time_zone: str | None
    hours: str | None
    sealer: Sealer = field(repr=False)
    hash_key: bytes = field(repr=False)

    @property
    def zone(self) -> ZoneInfo | None:
        """Its time zone; None if nobody said so yet."""
        return ZoneInfo(self.time_zone) if self.time_zone else None

    def hash(self, *parts: str) -> bytes:
        """Sixteen bytes that tell whether two values are equal, and nothing else, to nobody without the key."""
        text = "\x1f".join(parts).encode("utf-8", "surrogatepass")
        return hashlib.blake2b(text, key=self.hash_key, digest_size=16).digest()


class Workspaces:
    """All workspaces of the hub, opened with its key."""

    def __init__(self, database: Database, keyring: Keyring, clock: Clock) -> None:
        self.database, self.keyring, self.clock = database, keyring, clock
        self._lock = threading.Lock()
        self._open: dict[int, Workspace] = {}

    def require_key(self) -> None:
        """Raises KeyWrong if the database is sealed with another key. Writes nothing, and takes an empty one."""
        with self.database.read() as connection:
            if sa.inspect(connection).has_table(schema.hub_key.name):
                known = connection.execute(sa.select(schema.hub_key.c.id)).scalar()
                if known is not None:
                    self.keyring.named(known)

    def check_key(self) -> None:
        """Takes note of the key in an empty database; else raises KeyWrong if it is another one."""
        with self.database.read() as connection:
            known = connection.execute(sa.select(schema.hub_key.c.id)).scalar()
        if known is None:
            known = self._take_note()
        self.keyring.named(known)

    def _take_note(self) -> str:
        """Writes down the key, unless another process was faster; gives the one that is written down."""
        table = schema.hub_key
        with self.database.write() as connection:
            if not self.database.is_sqlite:
                connection.exec_driver_sql(f"LOCK TABLE {table.name} IN EXCLUSIVE MODE")
            known: str | None = connection.execute(sa.select(table.c.id)).scalar()
            if known is None:
                known = self.keyring.current.id
                connection.execute(sa.insert(table).values(id=known, created_at=self.clock.now()))
            return known

    def add(self, name: str, retention_days: int = RETENTION_DAYS) -> Workspace:
        """A new workspace. Raises SettingInvalid if the name is taken, empty, or holds what cannot be printed."""
        with self.database.write() as connection:
            self._require_free(connection, name)
            hub_key = self.hub_key(connection, lock=True)
            row = {
                "name": name,
                "key": hub_key.wrap(new_key(), f"workspace {name}"),
                "retention_days": retention_days,
                "created_at": self.clock.now(),
            }
            made = connection.execute(sa.insert(schema.workspace).values(row)).inserted_primary_key
            assert made is not None
            # Read here: right after, another process may exchange the hub's key for one that is unknown here.
            added = self.within(connection, made[0])
        assert added is not None
        with self._lock:
            self._open[added.id] = added
        return added

    def list(self) -> list[Workspace]:
        """All workspaces, the oldest first, called as they are called now."""
        with self.database.read() as connection:
            query = self.with_key(sa.select(schema.workspace).order_by(schema.workspace.c.id))
            rows = connection.execute(query).all()
        return [self._known(row) or self._keep(row) for row in rows]

    def get(self, workspace_id: int) -> Workspace:
        with self._lock:
            if found := self._open.get(workspace_id):
                return found
        with self.database.read() as connection:
            query = self.with_key(sa.select(schema.workspace))
            row = connection.execute(query.where(schema.workspace.c.id == workspace_id)).one()
        return self._keep(row)

    def _known(self, row: Any) -> Workspace | None:
        """The workspace of this row, if it was opened before and nothing was changed since, by any process."""
        with self._lock:
            found = self._open.get(row.id)
        told = (row.name, row.retention_days, row.time_zone, row.hours)
        mine = found and (found.name, found.retention_days, found.time_zone, found.hours)
        return found if mine == told else None

    def _keep(self, row: Any) -> Workspace:
        found = _opened(row, self.keyring.named(row.key_id))
        with self._lock:
            self._open[found.id] = found
        return found

    def within(self, connection: sa.Connection, workspace_id: int) -> Workspace | None:
        """The workspace as it is in a copy of the database; None if it is not there, or not openable with our keys."""
        row = connection.execute(sa.select(schema.workspace).where(schema.workspace.c.id == workspace_id)).one_or_none()
        try:
            return None if row is None else _opened(row, self.hub_key(connection))
        except KeyWrong:
            return None

    def forget(self) -> None:
        """Reads every workspace again when it is next asked for."""
        with self._lock:
            self._open.clear()

    def named(self, name: str | None) -> Workspace:
        """The workspace of this name, or the only one. Raises NotFound."""
        listed = self.list()
        if name is None:
            if len(listed) == 1:
                return listed[0]
            names = ", ".join(w.name for w in listed)
            raise NotFound(
                f"Say which workspace is meant with -w: there are {names}."
                if listed
                else "There is no workspace yet. Make one with: hub workspace add NAME"
            )
        for workspace in listed:
            if workspace.name == name:
                return workspace
        raise NotFound(f"There is no workspace {name!r}. See: hub workspace list")

    def keep_days(self, workspace: Workspace, days: int) -> None:
        """Sets how long payloads are kept after a run has ended; 0 means not at all."""
        self._change(workspace, retention_days=days)

    def live_by(self, workspace: Workspace, time_zone: str) -> None:
        """Sets the time zone. Raises SettingInvalid if there is none of this name."""
        if time_zone not in known_zones():
            raise SettingInvalid("There is no such time zone. Choose one such as: Europe/Berlin")
        self._change(workspace, time_zone=time_zone)

    def send_within(self, workspace: Workspace, hours: str) -> None:
        """Sets the hours in which marketing leaves, as `hub.guards.hours` writes them."""
        self._change(workspace, hours=hours)

    def note_rehearsal(self, workspace: Workspace) -> None:
        """Takes note that a recipe was rehearsed, the first time."""
        if not self.was_rehearsed(workspace):
            table = schema.workspace
            with self.database.write() as connection:
                rehearsed = sa.update(table).where(table.c.id == workspace.id, table.c.rehearsed_at.is_(None))
                connection.execute(rehearsed.values(rehearsed_at=self.clock.now()))

    def was_rehearsed(self, workspace: Workspace) -> bool:
        """Whether a recipe was rehearsed here."""
        table = schema.workspace
        with self.database.read() as connection:
            query = sa.select(table.c.rehearsed_at).where(table.c.id == workspace.id)
            return connection.execute(query).scalar() is not None

    def rename(self, workspace: Workspace, name: str) -> None:
        """Gives a workspace another name. Raises SettingInvalid if it is taken, empty, or cannot be printed."""
        if name == workspace.name:
            return
        table = schema.workspace
        with self.database.write() as connection:
            self._require_free(connection, name)
            key, mine = self.hub_key(connection, lock=True), table.c.id == workspace.id
            row = connection.execute(sa.select(table).where(mine).with_for_update()).one()
            # A key is wrapped for the workspace of this name, so that none can be put in another's place.
            wrapped = key.wrap(key.unwrap(row.key, f"workspace {row.name}"), f"workspace {name}")
            connection.execute(sa.update(table).where(mine).values(name=name, key=wrapped))
        self._forget(workspace)

    def _change(self, workspace: Workspace, **values: Any) -> None:
        with self.database.write() as connection:
            table = schema.workspace
            connection.execute(sa.update(table).where(table.c.id == workspace.id).values(values))
        self._forget(workspace)

    def _forget(self, workspace: Workspace) -> None:
        with self._lock:
            self._open.pop(workspace.id, None)

    def _require_free(self, connection: sa.Connection, name: str) -> None:
        if not name.strip() or not name.isprintable():
            raise SettingInvalid("A workspace needs a name that can be printed, such as: Crumb & Co.")
        if connection.execute(sa.select(schema.workspace.c.id).where(schema.workspace.c.name == name)).scalar():
            raise SettingInvalid(f"There is a workspace {name!r} already. Choose another name.")

    def rotate(self, fresh: Keyring) -> int:
        """Wraps all that the hub's key wraps with the first key of `fresh`, in one transaction; gives how many
        workspaces there were.

        Raises KeyWrong if none of `fresh` is the key that they are wrapped with now.
        """
        with self.database.write() as connection:
            old = self.hub_key(connection, fresh, lock=True)
            count, *_ = [item.exchange(connection, old, fresh.current) for item in _WRAPPED]
            # The same row, so that whoever waits for it finds the new key rather than none.
            connection.execute(sa.update(schema.hub_key).values(id=fresh.current.id, created_at=self.clock.now()))
        self.keyring = fresh
        self.database.drop_old_pages()
        return count

    def with_key(self, query: sa.Select[Any]) -> sa.Select[Any]:
        """The query, whose rows tell as `key_id` with which of the hub's keys they are wrapped. In one query, because
        the key may be exchanged between two."""
        return query.add_columns(sa.select(schema.hub_key.c.id).scalar_subquery().label("key_id"))

    def hub_key(
        self, connection: sa.Connection | None = None, ring: Keyring | None = None, *, lock: bool = False
    ) -> HubKey:
        """The key that this database is sealed with, of the hub's keys or of `ring`. Raises KeyWrong.

        `lock` for whoever wraps something with it: the key is not rotated before that is committed.
        """
        if connection is None:
            with self.database.read() as fresh:
                return self.hub_key(fresh, ring)
        query = sa.select(schema.hub_key.c.id)
        known = connection.execute(query.with_for_update() if lock else query).scalar()
        if known is None:
            raise KeyWrong("The database does not say which key it is sealed with. Restore it from a backup.")
        return (ring or self.keyring).named(known)


@dataclass(frozen=True)
class _Wrapped:
    """A column that is wrapped by the hub's key itself. `about` names a row's value, as it was wrapped with."""

    column: sa.Column[Any]
    about: Callable[[Any], str]

    def exchange(self, connection: sa.Connection, old: HubKey, new: HubKey) -> int:
        """Wraps every value with another key; gives how many there are."""
        table = self.column.table
        rows = connection.execute(sa.select(table).where(self.column.is_not(None))).all()
        for row in rows:
            about = self.about(row)
            wrapped = new.wrap(old.unwrap(getattr(row, self.column.name), about), about)
            mine = [key == getattr(row, key.name) for key in table.primary_key.columns]
            connection.execute(sa.update(table).where(*mine).values({self.column: wrapped}))
        return len(rows)


_WRAPPED = (
    _Wrapped(schema.workspace.c.key, lambda row: f"workspace {row.name}"),
    _Wrapped(schema.recipe_version.c.source, lambda row: f"recipe {row.recipe} {row.hash}"),
    _Wrapped(schema.hub_user.c.told, lambda row: f"user {row.id}"),
    _Wrapped(schema.hub_user.c.second_factor, lambda row: f"second factor {row.id}"),
    _Wrapped(schema.oauth_app.c.content, lambda row: f"oauth app {row.connector}"),
)


def _opened(row: Any, hub_key: HubKey) -> Workspace:
    key = hub_key.unwrap(row.key, f"workspace {row.name}")
    sealer, hash_key = Sealer(derived(key, "seal")), derived(key, "hash")
    return Workspace(row.id, row.name, row.retention_days, row.time_zone, row.hours, sealer, hash_key)
