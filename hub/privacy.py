"""One person's data: told in an export, or erased everywhere at once, copies and backups included."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from . import events, schema, values
from .core import Hub
from .database import new_id
from .errors import HubError
from .event import Event
from .timing import iso
from .workspaces import Workspace


@dataclass(frozen=True)
class Receipt:
    """What an erasure removed, in numbers."""

    people: int
    events: int
    runs: int
    stopped: int
    backups: int


class Privacy:
    """Acts on what people ask for, directly or through a provider."""

    def __init__(self, hub: Hub) -> None:
        self.hub = hub

    # ---- erasing

    def erase(self, workspace: Workspace, person: str) -> Receipt:
        """Erases everything about a person, given by e-mail or number: their keys, their payloads, what waits.

        That they opted out stays known, as a hash: nothing may be sent to them again. Raises NotFound if `person`
        is neither an e-mail nor a number.
        """
        with self.hub.database.read() as connection:
            name, ids = self.hub.people.find(connection, workspace, person)
        return self._erase(workspace, {name}, ids, person)

    def _erase(self, workspace: Workspace, names: set[bytes], ids: set[int], text: str | None) -> Receipt:
        from .backup import erase_from_backups

        with self.hub.database.write() as connection:
            names |= _names_of(connection, ids)
            self.hub.database.lock_people(connection, sorted(ids))
            receipt = erase_rows(connection, workspace.id, names, ids, self.hub.clock.now())
            if text is not None:
                _drop_unread(connection, workspace, text)
            rows = [
                {"id": new_id(), "workspace_id": workspace.id, "hash": name, "at": self.hub.clock.now()}
                for name in sorted(names)
            ]
            if rows:
                connection.execute(sa.insert(schema.erasure), rows)
        self.hub.people.forget(ids)
        backups = erase_from_backups(self.hub, workspace.id, names, ids)
        self._clear_log()
        return Receipt(**{**receipt, "backups": backups})

    def _clear_log(self) -> None:
        """Empties SQLite's log, where older pages would outlive their erasure."""
        if self.hub.database.is_sqlite:
            with self.hub.database.engine.connect() as connection:
                connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").all()

    # ---- telling

    def export(self, workspace: Workspace, person: str) -> dict[str, Any]:
        """Everything that is kept about a person, as plain data. Raises NotFound if `person` is neither an e-mail
        nor a number."""
        with self.hub.database.read() as connection:
            name, ids = self.hub.people.find(connection, workspace, person)
            return self._tell(connection, workspace, name, ids)

    def _tell(self, connection: sa.Connection, workspace: Workspace, name: bytes, ids: set[int]) -> dict[str, Any]:
        sealers = self.hub.people.sealers(connection, workspace, ids)
        told: dict[str, Any] = {"events": [], "runs": [], "consents": _consents(connection, workspace, name)}
        for row in connection.execute(_of(schema.event, workspace, ids).order_by(schema.event.c.id)):
            event = events.opened(row, sealers[row.person_id])
            told["events"].append(
                {
                    "type": row.type,
                    "at": iso(row.at),
                    "received_at": iso(row.received_at),
                    "data": event.data if event else None,
                }
            )
        for row in connection.execute(_of(schema.run, workspace, ids).order_by(schema.run.c.id)).all():
            steps = []
            query = sa.select(schema.step).where(schema.step.c.run_id == row.id).order_by(schema.step.c.position)
            for step in connection.execute(query):
                sealer = sealers[row.person_id]
                inputs = None
                if sealer is not None and step.inputs is not None:
                    inputs = json.loads(sealer.open(step.inputs, f"step {row.id} {step.position} inputs"))
                steps.append({"action": step.action, "state": step.state, "at": iso(step.ended_at), "inputs": inputs})
            told["runs"].append(
                {"recipe": row.recipe, "state": row.state, "started_at": iso(row.started_at), "steps": steps}
            )
        return told

    # ---- requests that came through a provider

    def act(self) -> int:
        """Does what open requests ask for; gives how many there were. What fails stays open and is tried again."""
        table = schema.privacy_request
        with self.hub.database.read() as connection:
            rows = connection.execute(sa.select(table).where(table.c.state == "open").order_by(table.c.id)).all()
        for row in rows:
            self._act(row)
        return len(rows)

    def _act(self, row: Any) -> None:
        workspace = self.hub.workspaces.get(row.workspace_id)
        table, document = schema.privacy_request, None
        with self.hub.database.read() as connection:
            stored = connection.execute(sa.select(schema.event).where(schema.event.c.id == row.id)).one_or_none()
            event = self._opened(connection, workspace, stored)
            people = self._meant(connection, workspace, row, stored)
            if row.kind == "export" and event is not None:
                names = _names_of(connection, people)
                told = [self._tell(connection, workspace, name, people) for name in sorted(names)[:1]]
                document = workspace.sealer.seal(values.write(told), f"privacy request {row.id}")
        if row.kind != "export":
            text = event.person.email if event is not None else None
            self._erase(workspace, set(), people, text)
        with self.hub.database.write() as connection:
            connection.execute(
                sa.update(table)
                .where(table.c.id == row.id)
                .values(state="ready" if row.kind == "export" else "done", document=document)
            )

    def _opened(self, connection: sa.Connection, workspace: Workspace, stored: Any) -> Event | None:
        if stored is None:
            return None
        try:
            return events.opened(stored, self.hub.people.sealer(connection, workspace, stored.person_id))
        except HubError:
            return None

    def _meant(self, connection: sa.Connection, workspace: Workspace, row: Any, stored: Any) -> set[int]:
        """Whom a request is about: the person of its event, or everyone whom this account told us of."""
        table = schema.event
        if row.kind == "erase_all":
            query = sa.select(table.c.person_id).where(
                table.c.workspace_id == workspace.id,
                table.c.connection_id == row.connection_id,
                table.c.person_id.is_not(None),
            )
            return set(connection.execute(query.distinct()).scalars())
        if stored is None or stored.person_id is None:
            return set()
        names = _names_of(connection, {stored.person_id})
        query = sa.select(schema.identity.c.person_id).where(
            schema.identity.c.workspace_id == workspace.id, schema.identity.c.hash.in_(names)
        )
        return set(connection.execute(query).scalars()) | {stored.person_id}


def erase_rows(
    connection: sa.Connection, workspace_id: int, names: set[bytes], ids: Iterable[int], now: int
) -> dict[str, int]:
    """Erases people from the tables: in the database itself, and in its backups."""
    event, run, step, identity = schema.event, schema.run, schema.step, schema.identity
    people = sorted(ids)
    found = {"people": len(people), "events": 0, "runs": 0, "stopped": 0, "backups": 0}
    for start in range(0, len(people), 500):
        some = people[start : start + 500]
        mine = sa.select(run.c.id).where(run.c.person_id.in_(some))
        found["runs"] += connection.execute(sa.select(sa.func.count()).select_from(mine.subquery())).scalar_one()
        connection.execute(
            sa.update(step)
            .where(step.c.run_id.in_(mine), step.c.state.in_(("waiting", "claimed", "unknown")))
            .values(state="dropped", ended_at=now)
        )
        connection.execute(sa.update(step).where(step.c.run_id.in_(mine)).values(inputs=None, answer=None))
        stopped = connection.execute(
            sa.update(run)
            .where(run.c.person_id.in_(some), run.c.ended_at.is_(None))
            .values(state="stopped", reason="The person was erased.", ended_at=now, due_at=None, fence=run.c.fence + 1)
        )
        found["stopped"] += stopped.rowcount
        connection.execute(sa.update(run).where(run.c.person_id.in_(some)).values(sealed=False))
        found["events"] += connection.execute(
            sa.update(event).where(event.c.person_id.in_(some)).values(content=None)
        ).rowcount
        connection.execute(sa.delete(schema.waiter).where(schema.waiter.c.person_id.in_(some)))
        connection.execute(sa.delete(schema.person).where(schema.person.c.id.in_(some)))
        connection.execute(sa.delete(identity).where(identity.c.person_id.in_(some)))
    consent = schema.consent
    for start in range(0, len(names), 500):
        part = sorted(names)[start : start + 500]
        connection.execute(
            sa.delete(consent).where(
                consent.c.workspace_id == workspace_id, consent.c.hash.in_(part), consent.c.given.is_(True)
            )
        )
    return found


def _names_of(connection: sa.Connection, ids: Iterable[int]) -> set[bytes]:
    table = schema.identity
    wanted = sorted(ids)
    found: set[bytes] = set()
    for start in range(0, len(wanted), 500):
        query = sa.select(table.c.hash).where(table.c.person_id.in_(wanted[start : start + 500]))
        found |= {bytes(name) for name in connection.execute(query).scalars()}
    return found


def _drop_unread(connection: sa.Connection, workspace: Workspace, text: str) -> None:
    """Removes kept deliveries that tell of the person: nobody knows yet whom those are about."""
    table = schema.delivery
    rows: Sequence[Any] = connection.execute(
        sa.select(table.c.id, table.c.content).where(
            table.c.workspace_id == workspace.id, table.c.content.is_not(None), table.c.state == "unreadable"
        )
    ).all()
    needle = text.strip().lower().encode()
    for row in rows:
        if needle in workspace.sealer.open(row.content, f"delivery {row.id}").lower():
            connection.execute(sa.update(table).where(table.c.id == row.id).values(content=None))


def _consents(connection: sa.Connection, workspace: Workspace, name: bytes) -> list[dict[str, Any]]:
    table = schema.consent
    query = sa.select(table).where(table.c.workspace_id == workspace.id, table.c.hash == name)
    return [
        {"channel": row.channel, "given": row.given, "at": iso(row.at), "source": row.source}
        for row in connection.execute(query)
    ]


def _of(table: sa.Table, workspace: Workspace, ids: set[int]) -> sa.Select[Any]:
    return sa.select(table).where(table.c.workspace_id == workspace.id, table.c.person_id.in_(sorted(ids)))
