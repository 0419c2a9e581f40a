"""What the guards must know about marketing messages: a few queries along indexes for a batch, however large."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from .. import bulk, registry, schema
from ..core import Hub
from ..errors import HubError
from ..event import Channel, Place
from ..people import address_hash, place_from
from ..workspaces import Workspace
from .caps import KEPT, Left
from .hours import Hours, read_hours
from .messages import Message

OVERDUE, SOON = 15 * 60_000, 20 * 60_000
"""For how many milliseconds a more important message is waited for that should have left, or will."""


@dataclass(frozen=True)
class Brake:
    """How the brake stands for a recipe: since when a person is asked, and what was answered when. In milliseconds."""

    asked_at: int | None
    answered_at: int | None
    answer: str | None


@dataclass
class Facts:
    """What is known about the people of a batch, and about its recipes. Times are in milliseconds since 1970.

    left      what left to each person, and to each address, by what names either
    counted   the messages of the batch that are counted already, as an earlier call of theirs may have left
    ahead     when something more important to a person is due, by person and channel, with its priority
    """

    zone: str | None
    hours: Mapping[Channel, Hours]
    brakes: dict[str, Brake] = field(default_factory=dict)
    places: dict[int, Place] = field(default_factory=dict, repr=False)
    complaining: set[int] = field(default_factory=set)
    left: dict[object, dict[object, Left]] = field(default_factory=dict, repr=False)
    counted: set[object] = field(default_factory=set)
    ahead: dict[tuple[int, str], list[tuple[int, int]]] = field(default_factory=dict)

    def left_to(self, message: Message, name: bytes) -> list[Left]:
        """What left to the recipient of a message, by either name; each once, and not the message itself."""
        found = self.left.get(name, {}) | self.left.get(message.person_id, {})
        return [one for key, one in found.items() if key != message.name]

    def note(self, message: Message, name: bytes, at: int) -> None:
        """Counts a message that leaves now, for those after it in the batch."""
        for whom in {name, message.person_id} - {None}:
            self.left.setdefault(whom, {})[message.name] = Left(message.channel, at)


def gather(hub: Hub, database: sa.Connection, workspace: Workspace, messages: Sequence[Message]) -> Facts:
    """Reads what must be known about these messages. Two batches about the same people wait for each other from here
    on, so that what one lets leave, the other counts."""
    names = {message.name: name_of(workspace, message) for message in messages}
    people = sorted({message.person_id for message in messages if message.person_id is not None})
    _one_after_the_other(hub, database, [*names.values(), *(workspace.hash("person", str(one)) for one in people)])
    facts = _of_business(database, workspace, {message.recipe for message in messages})
    if people:
        _of_people(database, messages, people, facts)
        _ahead(hub, database, messages, people, facts)
    _left(hub, database, workspace, sorted(set(names.values())), people, facts)
    return facts


def name_of(workspace: Workspace, message: Message) -> bytes:
    """The keyed hash of whom a message goes to."""
    return address_hash(workspace, message.channel, message.recipient)


def _one_after_the_other(hub: Hub, database: sa.Connection, names: Iterable[bytes]) -> None:
    if not hub.database.is_sqlite:
        keys = sorted({int.from_bytes(name[:8], signed=True) for name in names})
        database.execute(_LOCK, {"keys": keys})


_LOCK = sa.text("SELECT pg_advisory_xact_lock(key) FROM (SELECT unnest(CAST(:keys AS bigint[])) AS key ORDER BY 1) k")


def _of_business(database: sa.Connection, workspace: Workspace, recipes: set[str]) -> Facts:
    rows = database.execute(_BUSINESS, {"workspace": workspace.id, "recipes": sorted(recipes)}).all()
    facts = Facts(rows[0].time_zone, read_hours(rows[0].hours))
    for row in rows:
        if row.recipe is not None:
            facts.brakes[row.recipe] = Brake(row.asked_at, row.answered_at, row.answer)
    return facts


_workspace, _brake = schema.workspace, schema.brake
_BUSINESS = (
    sa.select(_workspace.c.time_zone, _workspace.c.hours)
    .add_columns(_brake.c.recipe, _brake.c.asked_at, _brake.c.answered_at, _brake.c.answer)
    .outerjoin_from(
        _workspace,
        _brake,
        (_brake.c.workspace_id == _workspace.c.id) & _brake.c.recipe.in_(sa.bindparam("recipes", expanding=True)),
    )
    .where(_workspace.c.id == sa.bindparam("workspace"))
)


def _of_people(database: sa.Connection, messages: Sequence[Message], people: Sequence[int], facts: Facts) -> None:
    sealers = {message.person_id: message.step.sealer for message in messages}
    for row in database.execute(_PEOPLE, {"people": people}):
        if row.complains:
            facts.complaining.add(row.id)
        if row.place is not None:
            with suppress(HubError):  # a damaged one holds up nobody: then their number tells where they are
                facts.places[row.id] = place_from(sealers[row.id], row.id, row.place)


_person = schema.person
_PEOPLE = sa.select(
    _person.c.id,
    _person.c.place,
    sa.exists().where(schema.complaint.c.person_id == _person.c.id).label("complains"),
).where(_person.c.id.in_(sa.bindparam("people", expanding=True)))


def _ahead(hub: Hub, database: sa.Connection, messages: Sequence[Message], people: Sequence[int], facts: Facts) -> None:
    """What more important messages to these people are due about now, at any account."""
    now, mine = hub.clock.now(), {message.name for message in messages}
    for row in database.execute(_WAITING, {"people": people}):
        due = row.due_at if row.due_at is not None else row.asked_at
        if (row.run_id, row.position) not in mine and now - OVERDUE <= due <= now + SOON:
            channel = _channel(row.action)
            facts.ahead.setdefault((row.person_id, channel), []).append((row.priority, max(due, now)))


_run, _step = schema.run, schema.step
_WAITING = (
    sa.select(_step.c.run_id, _step.c.position, _step.c.action, _step.c.priority, _step.c.due_at, _step.c.asked_at)
    .add_columns(_run.c.person_id)
    .join_from(_run, _step, _step.c.run_id == _run.c.id)
    .where(
        _run.c.person_id.in_(sa.bindparam("people", expanding=True)),
        _run.c.ended_at.is_(None),
        _step.c.state == "waiting",
        _step.c.priority >= schema.MARKETING,
        _step.c.connection_id.is_not(None),
    )
)


def _channel(action: str) -> str:
    try:
        return registry.action(action).writes_by or ""
    except HubError:
        return ""


def _left(
    hub: Hub,
    database: sa.Connection,
    workspace: Workspace,
    names: Sequence[bytes],
    people: Sequence[int],
    facts: Facts,
) -> None:
    asked: dict[str, Any] = {"names": names, "people": people or [0], "workspace": workspace.id}
    asked["since"] = hub.clock.now() - KEPT
    for row in database.execute(_LEFT, asked):
        one = Left(row.channel, row.at)
        facts.counted.add((row.run_id, row.position))
        for whom in {bytes(row.hash), row.person_id} - {None}:
            facts.left.setdefault(whom, {})[row.run_id, row.position] = one


_marketing = schema.marketing
_recent = (_marketing.c.at > sa.bindparam("since")) & (_marketing.c.workspace_id == sa.bindparam("workspace"))
_LEFT = sa.union(
    sa.select(_marketing).where(_marketing.c.hash.in_(sa.bindparam("names", expanding=True)), _recent),
    sa.select(_marketing).where(_marketing.c.person_id.in_(sa.bindparam("people", expanding=True)), _recent),
)


def count(hub: Hub, database: sa.Connection, workspace: Workspace, messages: Iterable[Message]) -> None:
    """Counts messages as left, from the moment on from which they may have."""
    table, now = schema.marketing, hub.clock.now()
    rows = [
        {
            "run_id": message.name[0],
            "position": message.name[1],
            "workspace_id": workspace.id,
            "person_id": message.person_id,
            "hash": name_of(workspace, message),
            "channel": message.channel,
            "at": now,
        }
        for message in messages
    ]
    hub.database.insert_new(database, table, rows)
    _AGAIN.run(database, [{"run_id": row["run_id"], "position": row["position"], "at": now} for row in rows])


_AGAIN = bulk.Update(schema.marketing, ["run_id", "position"], ["at"], where="marketing.at < new.at")


def give_back(database: sa.Connection, names: Sequence[tuple[int, int]]) -> None:
    """Counts messages no longer of which it is certain that they did not leave."""
    if names:
        table = schema.marketing
        rows = sa.tuple_(table.c.run_id, table.c.position).in_(sorted(names))
        database.execute(sa.delete(table).where(rows))
