"""Workspaces: one per business. Each has its own key, and nothing of one is readable with another's."""

from __future__ import annotations

import hashlib
import threading
from dataclasses import dataclass, field

import sqlalchemy as sa

from . import schema
from .database import Database
from .errors import KeyWrong, NotFound, SettingInvalid
from .sealing import HubKey, Keyring, Sealer, derived, new_key
from .timing import Clock

RETENTION_DAYS = 30


@dataclass(frozen=True)
class Workspace:
    """One business. `sealer` is for what belongs to no person; `hash` keys what may be compared but not read."""

    id: int
    name: str
    retention_days: int
    sealer: Sealer = field(repr=False)
    hash_key: bytes = field(repr=False)

    def hash(self, *parts: str) -> bytes:
        """Sixteen bytes that tell whether two values are equal, and nothing else, to nobody without the key."""
        text = "\x1f".join(parts).encode()
        return hashlib.blake2b(text, key=self.hash_key, digest_size=16).digest()


class Workspaces:
    """All workspaces of the hub, opened with its key."""

    def __init__(self, database: Database, keyring: Keyring, clock: Clock) -> None:
        self.database, self.keyring, self.clock = database, keyring, clock
        self._lock = threading.Lock()
        self._open: dict[int, Workspace] = {}

    def check_key(self) -> None:
        """Takes note of the key in an empty database; else raises KeyWrong if it is another one."""
        with self.database.read() as connection:
            known = connection.execute(sa.select(schema.hub_key.c.id)).scalar()
        if known is not None:
            self.keyring.named(known)
            return
        with self.database.write() as connection:
            row = {"id": self.keyring.current.id, "created_at": self.clock.now()}
            self.database.insert_new(connection, schema.hub_key, [row])

    def add(self, name: str, retention_days: int = RETENTION_DAYS) -> Workspace:
        """A new workspace. Raises SettingInvalid if the name is taken or empty."""
        if not name.strip():
            raise SettingInvalid("A workspace needs a name.")
        with self.database.write() as connection:
            if connection.execute(sa.select(schema.workspace.c.id).where(schema.workspace.c.name == name)).scalar():
                raise SettingInvalid(f"There is a workspace {name!r} already. Choose another name.")
            hub_key = self.hub_key(connection)
            row = {
                "name": name,
                "key": hub_key.wrap(new_key(), f"workspace {name}"),
                "retention_days": retention_days,
                "created_at": self.clock.now(),
            }
            made = connection.execute(sa.insert(schema.workspace).values(row)).inserted_primary_key
            assert made is not None
        return self.get(made[0])

    def list(self) -> list[Workspace]:
        with self.database.read() as connection:
            ids = connection.execute(sa.select(schema.workspace.c.id).order_by(schema.workspace.c.id)).scalars().all()
        return [self.get(workspace_id) for workspace_id in ids]

    def get(self, workspace_id: int) -> Workspace:
        with self._lock:
            if found := self._open.get(workspace_id):
                return found
        with self.database.read() as connection:
            row = connection.execute(sa.select(schema.workspace).where(schema.workspace.c.id == workspace_id)).one()
            key = self.hub_key(connection).unwrap(row.key, f"workspace {row.name}")
        found = Workspace(row.id, row.name, row.retention_days, Sealer(derived(key, "seal")), derived(key, "hash"))
        with self._lock:
            self._open[workspace_id] = found
        return found

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
        with self.database.write() as connection:
            table = schema.workspace
            connection.execute(sa.update(table).where(table.c.id == workspace.id).values(retention_days=days))
        with self._lock:
            self._open.pop(workspace.id, None)

    def rotate(self, fresh: Keyring) -> int:
        """Wraps every workspace's key with the first key of `fresh`, in one transaction; gives how many there were."""
        with self.database.write() as connection:
            old = self.hub_key(connection, fresh)
            rows = connection.execute(
                sa.select(schema.workspace.c.id, schema.workspace.c.name, schema.workspace.c.key)
            ).all()
            for row in rows:
                about = f"workspace {row.name}"
                wrapped = fresh.current.wrap(old.unwrap(row.key, about), about)
                connection.execute(
                    sa.update(schema.workspace).where(schema.workspace.c.id == row.id).values(key=wrapped)
                )
            sources = connection.execute(sa.select(schema.recipe_version)).all()
            for source in sources:
                about = f"recipe {source.recipe} {source.hash}"
                table = schema.recipe_version
                connection.execute(
                    sa.update(table)
                    .where(table.c.hash == source.hash, table.c.recipe == source.recipe)
                    .values(source=fresh.current.wrap(old.unwrap(source.source, about), about))
                )
            connection.execute(sa.delete(schema.hub_key))
            connection.execute(sa.insert(schema.hub_key).values(id=fresh.current.id, created_at=self.clock.now()))
        self.keyring = fresh
        return len(rows)

    def hub_key(self, connection: sa.Connection | None = None, ring: Keyring | None = None) -> HubKey:
        """The key that this database is sealed with, of the hub's keys or of `ring`. Raises KeyWrong."""
        if connection is None:
            with self.database.read() as fresh:
                return self.hub_key(fresh, ring)
        known = connection.execute(sa.select(schema.hub_key.c.id)).scalar()
        if known is None:
            raise KeyWrong("The database does not say which key it is sealed with. Restore it from a backup.")
        return (ring or self.keyring).named(known)
