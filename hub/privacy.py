"""One person's data: told in an export, or erased everywhere at once, copies and backups included."""

from __future__ import annotations

import json
import logging
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import sqlalchemy as sa

from . import addresses, erasure, events, schema, values
from .core import Hub
from .effect.measure import UNITS
from .errors import HubError, NotFound, SettingInvalid
from .event import Event
from .people import place_from
from .sealing import Sealer
from .timing import iso
from .workspaces import Workspace

log = logging.getLogger("hub.privacy")

Note = Callable[[sa.Connection, Counter[str]], None]
"""Takes note of what an erasure found, in its transaction."""

DROP_TRIES, DROP_PAUSE_SECONDS = 5, 0.2


@dataclass(frozen=True)
class Receipt:
    """What an erasure removed, in numbers. `unreached`: backups that are there and could not be written to; the
    next erasure tries them again, and so does restoring one."""

    people: int
    events: int
    runs: int
    stopped: int
    backups: int
    unreached: int = 0


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
        return self.erase_named(workspace, self.hub.people.name_of(workspace, person))

    def erase_named(self, workspace: Workspace, name: bytes, note: Note | None = None) -> Receipt:
        """`erase` of whoever has this name, a keyed hash. `note` writes down what was found, where it is removed."""
        with self.hub.database.read() as connection:
            ids = erasure.known_by(connection, workspace.id, {name})
        return self._erase(workspace, {name}, ids, note)

    def _erase(self, workspace: Workspace, names: set[bytes], ids: set[int], note: Note | None = None) -> Receipt:
        from .backup import erase_from_backups

        with self.hub.database.read() as connection:
            told = names | erasure.names_of(connection, ids)
            mentions = erasure.mentioning(connection, workspace, told)
        found = self.hub.database.retrying(lambda: self._erase_rows(workspace, names, ids, mentions, note))
        reached, unreached = erase_from_backups(self.hub)
        self._drop_old_pages()
        return Receipt(found["people"], found["events"], found["runs"], found["stopped"], reached, unreached)

    def _erase_rows(
        self, workspace: Workspace, names: set[bytes], ids: set[int], mentions: Collection[int], note: Note | None
    ) -> dict[str, int]:
        now = self.hub.clock.now()
        with self.hub.database.write() as connection:
            self.hub.database.lock_people(connection, ids)
            all_names = names | erasure.names_of(connection, ids)
            everyone = ids | erasure.known_by_nothing_else(connection, workspace.id, all_names)
            self.hub.database.lock_people(connection, everyone)
            found = erasure.erase_people(connection, everyone, now)
            found += erasure.erase_mentions(connection, mentions, now)
            erasure.drop_deliveries(connection, workspace, all_names)
            erasure.forget_addresses(connection, workspace.id, all_names)
            erasure.tombstones(connection, workspace.id, all_names, now)
            if note:
                note(connection, found)
        self.hub.people.forget(everyone)
        self.hub.events.clear()
        return found

    def _drop_old_pages(self) -> None:
        for _ in range(DROP_TRIES):
            if self.hub.database.drop_old_pages():
                return
            self.hub.pause(DROP_PAUSE_SECONDS)
        log.warning("What was erased may still be in the database's log, as it is in use. The next sweep empties it.")

    # ---- telling

    def export(self, workspace: Workspace, person: str) -> dict[str, Any]:
        """Everything that is kept about a person, as plain data that is valid JSON.

        Raises NotFound if `person` is neither an e-mail nor a number, and SettingInvalid if several people share
        the number, as one must not be told about another.
        """
        name = self.hub.people.name_of(workspace, person)
        return self.export_named(workspace, name, shared=not addresses.email(person))

    def export_named(self, workspace: Workspace, name: bytes, *, shared: bool) -> dict[str, Any]:
        """`export` of whoever has this name, a keyed hash; `shared` if several people may have it, as a number."""
        with self.hub.database.read() as connection:
            ids = erasure.known_by(connection, workspace.id, {name})
            names = {name} | erasure.names_of(connection, ids)
            ids = ids | erasure.known_by_nothing_else(connection, workspace.id, names)
            if shared and are_several(connection, ids):
                raise SettingInvalid("Several people are known by this number. Ask with the person's e-mail address.")
            return self._tell(connection, workspace, names, ids)

    def _tell(
        self, connection: sa.Connection, workspace: Workspace, names: set[bytes], ids: set[int]
    ) -> dict[str, Any]:
        sealers = self.hub.people.sealers(connection, workspace, ids)
        return {
            "events": [
                _told_event(row, sealers[row.person_id])
                for row in connection.execute(_of(schema.event, workspace, ids).order_by(schema.event.c.id))
            ],
            "runs": [
                _told_run(connection, row, sealers[row.person_id])
                for row in connection.execute(_of(schema.run, workspace, ids).order_by(schema.run.c.id)).all()
            ],
            "consents": _consents(connection, workspace, names),
            "measured": [_told_measured(row) for row in connection.execute(_of(schema.participant, workspace, ids))],
            "mentions": _mentions(connection, workspace, names),
            "places": _places(connection, workspace, sealers),
            "complaints": [
                {"name": row.name, "opened_at": iso(row.opened_at)}
                for row in connection.execute(_of(schema.complaint, workspace, ids))
            ],
            "marketing": _marketing(connection, workspace, names, ids),
        }

    # ---- requests that came through a provider

    def act(self) -> int:
        """Does what open requests ask for; gives how many there were. What fails stays open and is tried again."""
        table = schema.privacy_request
        with self.hub.database.read() as connection:
            query = sa.select(table).where(table.c.state == "open").order_by(table.c.workspace_id, table.c.id)
            rows = connection.execute(query).all()
        for row in rows:
            try:
                self._act(row)
            except Exception as error:  # one that cannot be done must not hold up the others
                log.error("privacy request %s: %s; it is tried again", row.id, type(error).__name__)
        return len(rows)

    def answer(self, workspace: Workspace, request_id: int) -> dict[str, Any]:
        """What a request to be told found, as plain data that is valid JSON. Raises NotFound if it is gone."""
        table = schema.privacy_request
        query = sa.select(table.c.document).where(table.c.workspace_id == workspace.id, table.c.id == request_id)
        with self.hub.database.read() as connection:
            sealed = connection.execute(query).scalar()
        if sealed is None:
            raise NotFound("There is no such answer: its time was over, or its person was erased.")
        told: dict[str, Any] = json.loads(workspace.sealer.open(sealed, f"privacy request {request_id}"))
        return told

    def _act(self, row: Any) -> None:
        workspace = self.hub.workspaces.get(row.workspace_id)
        with self.hub.database.read() as connection:
            names, ids = self._meant(connection, workspace, row)
            done: dict[str, Any] = {"state": "done"}
            if row.kind == "export":
                told = self._tell(connection, workspace, names | erasure.names_of(connection, ids), ids)
                document = workspace.sealer.seal(values.write(told), f"privacy request {row.id}")
                done = {"state": "ready", "document": document}
        if row.kind != "export":
            self._erase(workspace, names, ids)
        table = schema.privacy_request
        with self.hub.database.write() as connection:
            connection.execute(sa.update(table).where(table.c.id == row.id, table.c.state == "open").values(done))

    def _meant(self, connection: sa.Connection, workspace: Workspace, row: Any) -> tuple[set[bytes], set[int]]:
        """Whom a request is about: the person of its event, or everyone whom this account told us of."""
        table = schema.event
        if row.kind == "erase_all":
            origin = schema.origin
            query = sa.select(table.c.person_id).where(
                table.c.workspace_id == workspace.id,
                table.c.connection_id == row.connection_id,
                table.c.person_id.is_not(None),
            )
            gone = sa.select(origin.c.person_id).where(origin.c.connection_id == row.connection_id)
            return set(), set(connection.execute(query.union(gone)).scalars())
        stored = connection.execute(sa.select(table).where(table.c.id == row.id)).one_or_none()
        if stored is None or stored.person_id is None:
            return set(), set()
        ids = {stored.person_id}
        event = self._opened(connection, workspace, stored)
        if event is None:
            return set(), ids
        # By a number alone somebody else may be known, who shares it; it counts only where there is nothing else.
        sure, all_names = self.hub.people.names(workspace, event.person)
        ids |= erasure.known_by(connection, workspace.id, sure)
        return all_names, ids | erasure.known_by_nothing_else(connection, workspace.id, all_names)

    def _opened(self, connection: sa.Connection, workspace: Workspace, stored: Any) -> Event | None:
        try:
            return events.opened(stored, self.hub.people.sealer(connection, workspace, stored.person_id))
        except HubError:
            return None


def are_several(connection: sa.Connection, ids: set[int]) -> bool:
    """Whether people differ: nobody among them has all the names of the others."""
    names = {person_id: erasure.names_of(connection, {person_id}) for person_id in ids}
    return bool(ids) and not any(all(mine >= other for other in names.values()) for mine in names.values())


def _told_event(row: Any, sealer: Sealer | None) -> dict[str, Any]:
    event = events.opened(row, sealer)
    return {
        "type": row.type,
        "at": iso(row.at),
        "received_at": iso(row.received_at),
        "person": None if event is None else _told_person(event),
        "data": None if event is None else event.data,
    }


def _told_person(event: Event) -> dict[str, Any]:
    return {"email": event.person.email, "phone": event.person.phone, "ids": dict(event.person.ids)}


def _told_run(connection: sa.Connection, row: Any, sealer: Sealer | None) -> dict[str, Any]:
    query = sa.select(schema.step).where(schema.step.c.run_id == row.id).order_by(schema.step.c.position)
    return {
        "recipe": row.recipe,
        "state": row.state,
        "reason": row.reason,
        "started_at": iso(row.started_at),
        "ended_at": iso(row.ended_at),
        "steps": [_told_step(step, sealer) for step in connection.execute(query)],
    }


def _told_step(row: Any, sealer: Sealer | None) -> dict[str, Any]:
    def told(what: str) -> Any:
        sealed = getattr(row, what)
        if sealer is None or sealed is None:
            return None
        return json.loads(sealer.open(sealed, f"step {row.run_id} {row.position} {what}"))

    return {
        "action": row.action,
        "state": row.state,
        "reason": row.reason,
        "asked_at": iso(row.asked_at),
        "at": iso(row.ended_at),
        "inputs": told("inputs"),
        "answer": told("answer"),
    }


def _told_measured(row: Any) -> dict[str, Any]:
    """That somebody is counted to measure a recipe's effect, and what was counted of them."""
    return {
        "recipe": row.recipe,
        "arms": row.arms.split(),
        "since": iso(row.entered_at),
        "until": iso(row.until),
        "reached": row.reached,
        "unsubscribed": row.unsubscribed,
        "value": row.value / UNITS,
        "currency": row.currency or None,
    }


def _consents(connection: sa.Connection, workspace: Workspace, names: set[bytes]) -> list[dict[str, Any]]:
    table = schema.consent
    query = sa.select(table).where(table.c.workspace_id == workspace.id, table.c.hash.in_(names))
    return [
        {"channel": row.channel, "given": row.given, "at": iso(row.at), "source": row.source}
        for row in connection.execute(query.order_by(table.c.at, table.c.channel))
    ]


def _places(
    connection: sa.Connection, workspace: Workspace, sealers: Mapping[int | None, Sealer | None]
) -> list[dict[str, Any]]:
    """Where they live, as far as it is kept."""
    table = schema.person
    query = sa.select(table.c.id, table.c.place).where(
        table.c.workspace_id == workspace.id, table.c.id.in_(sealers.keys() - {None}), table.c.place.is_not(None)
    )
    rows = connection.execute(query.order_by(table.c.id)).all()
    return [asdict(place_from(sealer, row.id, row.place)) for row in rows if (sealer := sealers[row.id])]


def _marketing(
    connection: sa.Connection, workspace: Workspace, names: set[bytes], ids: set[int]
) -> list[dict[str, Any]]:
    """When marketing left to them lately."""
    table = schema.marketing
    theirs = table.c.hash.in_(sorted(names)) | table.c.person_id.in_(sorted(ids))
    query = sa.select(table.c.channel, table.c.at).where(table.c.workspace_id == workspace.id, theirs)
    return [{"channel": row.channel, "at": iso(row.at)} for row in connection.execute(query.order_by(table.c.at))]


def _mentions(connection: sa.Connection, workspace: Workspace, names: set[bytes]) -> list[dict[str, Any]]:
    """Events about nobody that tell of the person, and of no one else."""
    table = schema.event
    found = erasure.mentioning(connection, workspace, names)
    rows = connection.execute(sa.select(table).where(table.c.id.in_(found)).order_by(table.c.id))
    told = [_told_event(row, workspace.sealer) for row in rows]
    others = [erasure.mentioned(workspace, json.dumps(item["data"]).encode()) for item in told]
    alone = [emails | numbers <= names for emails, numbers in others]
    return [item if mine else item | {"data": None, "person": None} for item, mine in zip(told, alone, strict=True)]


def _of(table: sa.Table, workspace: Workspace, ids: set[int]) -> sa.Select[Any]:
    return sa.select(table).where(table.c.workspace_id == workspace.id, table.c.person_id.in_(sorted(ids)))
