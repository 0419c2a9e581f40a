"""A canary that is sent along every way through the hub, and ways to look for it afterwards.

It is an address, a number, a name and a word of an order. It is looked for as plain bytes in every file, and with the
hub's own keys in every sealed value.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from hub import Event, OutcomeUnknown, Rejected, Steps, recipe, schema, wait_for
from hub.database import Database
from hub.errors import KeyWrong
from hub.sealing import Sealer, derived
from tests import telling
from tests.world import World, tell

EMAIL, PHONE, NAME, ORDER = "canary@example.com", "+14155550177", "Canarina Vogel", "one yellow feather"
CANARIES = [EMAIL.encode(), PHONE[1:].encode(), NAME.encode(), ORDER.encode()]
OTHER = "other@example.com"


@recipe(on=telling.happened, title="Tell the canary everywhere")
def canary_run(event: Event) -> Steps:
    """Sends what the event says along every way that a step can go."""
    person, data = event.person, event.data
    yield telling.do({"name": data["name"], "order": data["order"], "to": person.email})
    try:
        yield telling.pay({"refused": person.email, "name": data["name"]})
    except Rejected:
        yield telling.do("it was refused")
    yield telling.send(person.phone, f"Dear {data['name']}", purpose="transactional")
    yield wait_for(telling.ended.matching(same="order"), timeout=timedelta(days=2))
    yield telling.ring({"unknown": person.email, "name": data["name"]})
    return f"told {person.email}"


@recipe(on=telling.happened, title="Wait for days")
def patient(event: Event) -> Steps:
    """Waits until something ends, then does something."""
    yield wait_for(telling.ended.matching(same="order"), timeout=timedelta(days=9))
    yield telling.do(event.data["order"])


@recipe(on=telling.happened, title="Do one thing")
def one_thing(event: Event) -> Steps:
    """Does one thing."""
    yield telling.do(event.data.get("order", "nothing"))


def answer(name: str, inputs: dict[str, Any]) -> Any:
    """A provider that repeats what it was told, in its answers and in its refusals."""
    if name == "pay":
        what = inputs["what"]
        return Rejected(f"{what['name']} <{what['refused']}> is known as {PHONE}", status=400, code="KNOWN")
    if name == "ring":
        what = inputs["what"]
        return OutcomeUnknown(f"no word from {what['name']}, {what['unknown'].upper()}")
    return {"id": name, "echo": inputs, "owner": NAME if NAME in str(inputs) else "Otto"}


def told(key: str, kind: str = "happened", email: str | None = EMAIL, **more: Any) -> dict[str, Any]:
    data = {"name": NAME, "order": ORDER} | more.pop("data", {})
    return {"type": kind, "id": key, "email": email, "data": data} | more


def of_another(key: str, **more: Any) -> dict[str, Any]:
    return told(key, email=OTHER, data={"name": "Otto", "order": "of another"}, **more)


@recipe(on=telling.happened, title="Say who it was")
def indiscreet(event: Event) -> Steps:
    """Ends with whom it was about."""
    yield telling.do("it")
    return f"did it for {event.person.email}, {event.person.phone}"


def come_back(world: World, key: str = "9", **more: Any) -> None:
    world.clock.advance(1)
    ask(world, key=key, **more)


def sharing_a_phone(world: World) -> None:
    """Two people are known, and then both give the same number."""
    world.settle()
    other = {"name": "Otto", "order": "of another"}
    come_back(world, "2", email=OTHER, data=other)
    come_back(world, "3", kind="no such type", phone=PHONE)
    come_back(world, "4", kind="no such type", phone=PHONE, email=OTHER, data=other)


def ask(world: World, kind: str = "happened", key: str = "80", **more: Any) -> None:
    (connection,) = world.hub.connections.list(world.workspace)
    world.deliver(connection, tell(events=[told(key, kind, **more)]))
    world.settle()


def ids_of(world: World, text: str) -> set[int]:
    with world.hub.database.read() as connection:
        return world.hub.people.find(connection, world.workspace, text)[1]


# ---- looking for it


def columns(world: World) -> Iterator[tuple[str, Any]]:
    for table in schema.metadata.sorted_tables:
        for row in world.rows(table):
            for column in table.columns:
                yield f"{table.name}.{column.name}", row._mapping[column.name]


def readable(world: World, canaries: list[bytes] = CANARIES) -> list[str]:
    """Where a canary can be read without any key: columns, and files of the home."""
    found = []
    for name, value in columns(world):
        content = value if isinstance(value, bytes) else str(value).encode()
        found += [f"{name}: {value!r}" for canary in canaries if canary.lower() in content.lower()]
    for folder in (world.settings.home, world.settings.home.parent):
        for file in folder.rglob("*"):
            if file.is_file():
                content = file.read_bytes()
                found += [str(file) for canary in canaries if canary in content]
    return found


@dataclass
class Keys:
    """Everything that anybody with the hub's key and an old look at the database could open sealed values with."""

    sealers: list[Sealer]

    def open(self, sealed: bytes, about: str) -> bytes | None:
        for sealer in self.sealers:
            try:
                return sealer.open(sealed, about)
            except KeyWrong:
                continue
        return None


def opened(world: World, database: Database) -> list[bytes]:
    """Every sealed value that the hub's key and the keys in this database still open."""
    with database.read() as connection:
        workspace = world.hub.workspaces.within(connection, world.workspace.id)
        assert workspace is not None
        people = connection.execute(sa.select(schema.person)).all()
        keys = [workspace.sealer.open(row.key, f"person {row.id}") for row in people]
        ring = Keys([workspace.sealer, *(Sealer(derived(key, "seal")) for key in keys)])
        found = []
        for about, sealed in _sealed(connection):
            content = ring.open(sealed, about)
            if content is not None:
                found.append(content)
        return found


def _sealed(connection: sa.Connection) -> Iterator[tuple[str, bytes]]:
    for row in connection.execute(sa.select(schema.event)):
        if row.content:
            yield f"event {row.id}", row.content
    for row in connection.execute(sa.select(schema.delivery)):
        if row.content:
            yield f"delivery {row.id}", row.content
    for row in connection.execute(sa.select(schema.step)):
        for what in ("inputs", "answer"):
            if getattr(row, what):
                yield f"step {row.run_id} {row.position} {what}", getattr(row, what)
    for row in connection.execute(sa.select(schema.privacy_request)):
        if row.document:
            yield f"privacy request {row.id}", row.document


def openable(world: World, database: Database) -> list[bytes]:
    needles = [*CANARIES, b"canary%40example.com"]
    return [content for content in opened(world, database) if any(needle in content for needle in needles)]


def in_file(world: World, file: Path) -> list[bytes]:
    with closing(Database(f"sqlite:///{file}")) as copy:
        return openable(world, copy)
