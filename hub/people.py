"""People: who is who by keyed hashes, each with a key of their own, and what they said about marketing."""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from threading import Lock

import sqlalchemy as sa

from . import addresses, bulk, schema
from .database import Database
from .errors import NotFound
from .event import Channel, Consent, Person, Place
from .ids import new_id
from .sealing import Sealer, derived, new_key
from .timing import to_ms
from .workspaces import Workspace

_CACHED_KEYS = 20_000


@dataclass(frozen=True, slots=True)
class Word:
    """What a person said about marketing, as it came: the type of the event that told, when that came by the hub's
    clock, in milliseconds, and whether it was said to a service that itself `sends` on the channel."""

    consent: Consent
    source: str
    came_at: int
    sends: bool


@dataclass(frozen=True)
class Said:
    """What somebody last said about marketing on a channel, and the type of the event that told."""

    given: bool
    source: str


_PLACES = bulk.Update(schema.person, ["id"], ["place"])


class People:
    """Everyone that events were about. A person's sealer opens what is kept about them, until they are erased."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self._sealers: OrderedDict[int, Sealer] = OrderedDict()
        self._lock = Lock()

    def resolve(self, connection: sa.Connection, workspace: Workspace, persons: Sequence[Person]) -> list[int | None]:
        """The id of each person, made where nobody is known by any of their names; all names are remembered.

        Of several people known by one's names, the one known by the e-mail counts, then by the number, then by an id.
        """
        hashed = [[name for name, _ in _hashes(workspace, person)] for person in persons]
        known = self._known(connection, workspace, {name for names in hashed for name in names})
        links: list[dict[str, object]] = []
        made: list[dict[str, object]] = []
        found: list[int | None] = []
        for names in hashed:
            if not names:
                found.append(None)
                continue
            person_id = next((min(known[name]) for name in names if known.get(name)), None)
            if person_id is None:
                person_id = new_id()
                made.append(self._new(workspace, person_id))
            for name in names:
                if person_id not in known.setdefault(name, set()):
                    known[name].add(person_id)
                    links.append({"workspace_id": workspace.id, "hash": name, "person_id": person_id})
            found.append(person_id)
        if made:
            bulk.insert(connection, schema.person, made)
        self.database.insert_new(connection, schema.identity, links)
        return found

    def link(self, connection: sa.Connection, workspace: Workspace, found: Iterable[tuple[int, Person]]) -> None:
        """Remembers further names of people, as an action's answer told them."""
        told = list(found)
        # An answer may come back after the person was erased: then nothing of it is kept.
        here = self.database.lock_people(connection, [person_id for person_id, _ in told])
        rows = [
            {"workspace_id": workspace.id, "hash": name, "person_id": person_id}
            for person_id, person in told
            for name, _ in _hashes(workspace, person)
            if person_id in here
        ]
        self.database.insert_new(connection, schema.identity, rows)

    def erased_since(
        self, connection: sa.Connection, workspace: Workspace, told: Sequence[tuple[Person, int]]
    ) -> list[bool]:
        """Whether each person was erased after the instant at which they were told of: that is not taken up again.
        The most telling of their names counts."""
        if not told:
            return []
        table = schema.erasure
        query = sa.select(table.c.hash, table.c.at).where(
            table.c.workspace_id == workspace.id, table.c.at >= min(at for _, at in told)
        )
        erased: dict[bytes, int] = {}
        for row in connection.execute(query):
            erased[bytes(row.hash)] = max(row.at, erased.get(bytes(row.hash), row.at))
        firsts = [next(iter(_hashes(workspace, person)), (b"", ""))[0] for person, _ in told]
        return [erased.get(first, at - 1) >= at for first, (_, at) in zip(firsts, told, strict=True)]

    def find(self, connection: sa.Connection, workspace: Workspace, text: str) -> tuple[bytes, set[int]]:
        """The keyed hash of an e-mail or number, and everyone known by it. Raises NotFound if it is neither."""
        name = self.name_of(workspace, text)
        return name, self._known(connection, workspace, {name}).get(name, set())

    def name_of(self, workspace: Workspace, text: str) -> bytes:
        """The keyed hash of an e-mail or number. Raises NotFound if it is neither."""
        email, phone = addresses.email(text), addresses.phone(text)
        if email:
            return workspace.hash("email", email)
        if phone:
            return workspace.hash("phone", phone)
        raise NotFound("Give a person's e-mail address, or their number with its country code (+14155550100).")

    def names(self, workspace: Workspace, person: Person) -> tuple[set[bytes], set[bytes]]:
        """A person's names as keyed hashes: those that are nobody else's, and all. A number may be shared, so it is
        among the first only if there is nothing else."""
        named = dict(_hashes(workspace, person))
        return {name for name, kind in named.items() if kind != "phone"} or set(named), set(named)

    def sealer(self, connection: sa.Connection, workspace: Workspace, person_id: int | None) -> Sealer | None:
        """What opens a person's payloads; the workspace's own for None; None if the person was erased."""
        return self.sealers(connection, workspace, [person_id])[person_id]

    def sealers(
        self, connection: sa.Connection, workspace: Workspace, person_ids: Iterable[int | None]
    ) -> dict[int | None, Sealer | None]:
        """`sealer` for many at once."""
        found: dict[int | None, Sealer | None] = {None: workspace.sealer}
        wanted = {person_id for person_id in person_ids if person_id is not None}
        found |= dict.fromkeys(wanted)
        if wanted:
            # Always asked, whatever is remembered: another process may have erased the person meanwhile.
            table = schema.person
            query = sa.select(table.c.id, table.c.key).where(
                table.c.id.in_(wanted), table.c.workspace_id == workspace.id
            )
            for row in connection.execute(query):
                found[row.id] = self._remembered(row.id) or self._remember(
                    row.id, workspace.sealer.open(row.key, f"person {row.id}")
                )
        return found

    def note_places(
        self, connection: sa.Connection, sealers: Mapping[int | None, Sealer | None], told: Mapping[int, Place]
    ) -> None:
        """Keeps where people live, as events told it last."""
        table = schema.person
        if not told:
            return
        fresh = []
        for row in connection.execute(sa.select(table.c.id, table.c.place).where(table.c.id.in_(told))).all():
            sealer, place = sealers[row.id], told[row.id]
            if sealer is None or (row.place is not None and place_from(sealer, row.id, row.place) == place):
                continue
            written = json.dumps([place.time_zone, place.country, place.province]).encode()
            fresh.append({"id": row.id, "place": sealer.seal(written, f"place {row.id}")})
        _PLACES.run(connection, fresh)

    def forget(self, person_ids: Iterable[int] | None = None) -> None:
        """Drops keys that were deleted; all, if it is not said whose."""
        with self._lock:
            for person_id in list(self._sealers) if person_ids is None else person_ids:
                self._sealers.pop(person_id, None)

    def _new(self, workspace: Workspace, person_id: int) -> dict[str, object]:
        key = new_key()
        self._remember(person_id, key)
        wrapped = workspace.sealer.seal(key, f"person {person_id}")
        return {"id": person_id, "workspace_id": workspace.id, "key": wrapped}

    def _remembered(self, person_id: int) -> Sealer | None:
        with self._lock:
            if found := self._sealers.get(person_id):
                self._sealers.move_to_end(person_id)
            return found

    def _remember(self, person_id: int, key: bytes) -> Sealer:
        sealer = Sealer(derived(key, "seal"))
        with self._lock:
            self._sealers[person_id] = sealer
            if len(self._sealers) > _CACHED_KEYS:
                self._sealers.popitem(last=False)
        return sealer

    def _known(self, connection: sa.Connection, workspace: Workspace, names: set[bytes]) -> dict[bytes, set[int]]:
        table = schema.identity
        found: dict[bytes, set[int]] = {}
        if names:
            # Only people who are still there: a name may have been written down just as its person was erased.
            query = (
                sa.select(table.c.hash, table.c.person_id)
                .join(schema.person, schema.person.c.id == table.c.person_id)
                .where(table.c.workspace_id == workspace.id, table.c.hash.in_(names))
            )
            for row in connection.execute(query):
                found.setdefault(bytes(row.hash), set()).add(row.person_id)
        return found

    # ---- consent

    def record_consents(self, connection: sa.Connection, workspace: Workspace, said: Iterable[Word]) -> None:
        """Keeps what people said, in the order in which it came: the latest word counts, at the same instant the no.

        A no that is dated by when it came counts whatever the hub's clock was then: it may have been ahead as a yes
        came, or behind the provider's that dated one. A no that was said to a service that sends is one to all its
        messages: a later no to marketing alone takes nothing of it back.
        """
        table = schema.consent
        rows = [
            {
                "workspace_id": workspace.id,
                "hash": address_hash(workspace, word.consent.channel, word.consent.address),
                "channel": word.consent.channel,
                "given": word.consent.given,
                "at": to_ms(word.consent.at),
                "source": word.source[:40],
                "sends": word.sends,
                "sure": not word.consent.given and to_ms(word.consent.at) == word.came_at,
            }
            for word in said
        ]
        if rows:
            statement = self.database.insert(table)
            fresh = statement.excluded
            later = (fresh.at > table.c.at) | ((fresh.at == table.c.at) & fresh.given.is_(False))
            again = table.c.given.is_(False) & fresh.given.is_(False)
            source = sa.case((again & ~_flag("sends"), table.c.source), else_=fresh.source)
            latest = sa.case((fresh.at > table.c.at, fresh.at), else_=table.c.at)
            connection.execute(
                statement.on_conflict_do_update(
                    index_elements=[table.c.workspace_id, table.c.hash, table.c.channel],
                    set_={"given": fresh.given, "at": latest, "source": source},
                    where=later | _flag("sure") | (again & _flag("sends")),
                ),
                rows,
            )

    def consents(
        self, connection: sa.Connection, workspace: Workspace, channel: Channel, recipients: Iterable[str]
    ) -> dict[str, Said]:
        """What each recipient last said; who never said anything is missing."""
        names = {address_hash(workspace, channel, recipient): recipient for recipient in recipients}
        table = schema.consent
        query = sa.select(table.c.hash, table.c.given, table.c.source).where(
            table.c.workspace_id == workspace.id, table.c.channel == channel, table.c.hash.in_(list(names))
        )
        return {names[bytes(row.hash)]: Said(row.given, row.source) for row in connection.execute(query)}


def _flag(name: str) -> sa.ColumnElement[bool]:
    return sa.bindparam(name, type_=sa.Boolean)


def place_from(sealer: Sealer, person_id: int, sealed: bytes) -> Place:
    """Where somebody lives, as it is kept with them."""
    return Place(*json.loads(sealer.open(sealed, f"place {person_id}")))


def address_hash(workspace: Workspace, channel: Channel, address: str) -> bytes:
    """The keyed hash of an address on a channel: the one that its owner is known by."""
    if channel == "email":
        return workspace.hash("email", addresses.email(address) or address)
    return workspace.hash("phone", addresses.phone(address) or address)


def _hashes(workspace: Workspace, person: Person) -> Iterable[tuple[bytes, str]]:
    """A person's names as keyed hashes, each with its kind, the most telling first."""
    if email := addresses.email(person.email):
        yield workspace.hash("email", email), "email"
    if person.phone:
        yield workspace.hash("phone", addresses.phone(person.phone) or person.phone), "phone"
    for kind in sorted(person.ids):
        yield workspace.hash(kind, str(person.ids[kind])), kind
