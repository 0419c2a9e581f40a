"""A database as it is after years: written in bulk, in the product's own shapes and sealed with its own keys.

As many days of orders lie in it as a hub keeps, each read, acted on and done: more would have been removed, and the hub
would do that while it is measured. Those of the last thirty days still have their payloads; of older ones retention
left what happened and when. Runs of another recipe sleep for some days yet.
"""

from __future__ import annotations

import json
import os
import random
import sqlite3
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from itertools import chain
from typing import Any

import sqlalchemy as sa

from .. import events, schema, values
from ..core import Hub
from ..event import Event, Person
from ..ids import Ids
from ..recipe import FOREVER
from ..retention.keys import KEYS_DAYS
from ..retention.portions import DAY
from ..sealing import Sealer, derived, new_key
from ..step import SLEEP
from ..timing import to_datetime
from ..workspaces import RETENTION_DAYS, Workspace
from . import orders
from .sizes import Sizes

ORDERS_PER_PERSON = 3
SLEEPS = timedelta(days=4)
CONNECTIONS_PER_WORKSPACE = 4
CHUNK = 20_000
QUICKLY = ("PRAGMA journal_mode = OFF", "PRAGMA synchronous = OFF", "PRAGMA cache_size = -400000")
"""Nobody else is there meanwhile, and a database that was only half filled is thrown away."""

SLEEPING = 1 << 21
"""What is added to the ids of sleeping runs, which may begin in the same millisecond as an order came."""

SLEEPERS_FROM = 1_000_000
"""The number of the first sleeping run's person, beyond those of all orders."""

STEPS = (("hubspot", "hubspot.upsert_contact", 1), ("mailchimp", "mailchimp.upsert_member", 1))
TEXT = ("twilio", "twilio.send_sms", 0)

Row = tuple[Any, ...]
Rows = dict[sa.Table, list[Row]]


@dataclass(frozen=True)
class Home:
    """The workspace that everything is about: its connections by connector, and what is on in it by recipe."""

    workspace: Workspace
    connections: dict[str, str]
    enabled: dict[str, tuple[int, str]]


def seed(hub: Hub, sleeper: str, sizes: Sizes) -> None:
    """Fills the database of a hub that does not run, and closes it. `sleeper`: the recipe whose runs sleep."""
    home, now = _home(hub), hub.clock.now()
    others = _connections(hub, sizes.connections, now)
    hub.close()  # how a database keeps its log can be changed by whoever has it alone
    with closing(sqlite3.connect(hub.settings.home / "hub.db", isolation_level=None)) as database:
        for pragma in QUICKLY:
            database.execute(pragma)
        for rows in chain([others], _all(home, sleeper, sizes, now, hub.settings.history_days)):
            database.execute("BEGIN IMMEDIATE")
            for table, some in rows.items():
                database.executemany(_INSERTS[table], some)
            database.execute("COMMIT")
        database.execute("PRAGMA journal_mode = WAL")
    os.sync()


def _home(hub: Hub) -> Home:
    workspace = hub.workspaces.named(None)
    connections = {found.connector.name: found.id for found in hub.connections.list(workspace)}
    table = schema.enabled_recipe
    query = sa.select(table).where(table.c.workspace_id == workspace.id, table.c.disabled_at.is_(None))
    with hub.database.read() as connection:
        enabled = {row.recipe: (row.id, row.version) for row in connection.execute(query)}
    return Home(workspace, connections, enabled)


def _all(home: Home, sleeper: str, sizes: Sizes, now: int, days: int) -> Iterator[Rows]:
    keys = [new_key() for _ in range(max(1, sizes.stored // ORDERS_PER_PERSON))]
    began = now - days * DAY
    for start in range(0, len(keys), CHUNK):
        rows: Rows = defaultdict(list)
        for number in range(start, min(start + CHUNK, len(keys))):
            _person(rows, home.workspace, _id(began - DAY, number), keys[number], number)
        yield rows
    chance = random.Random(1)
    every = days * DAY / max(1, sizes.stored)
    content = _order_content()
    for start in range(0, sizes.stored, CHUNK):
        rows = defaultdict(list)
        for number in range(start, min(start + CHUNK, sizes.stored)):
            who = chance.randrange(len(keys))
            order = _Order(home, round(began + number * every), number, _id(began - DAY, who), keys[who], content)
            order.add(rows, now)
        yield rows
    for start in range(0, sizes.sleeping, CHUNK):
        rows = defaultdict(list)
        for number in range(start, min(start + CHUNK, sizes.sleeping)):
            _sleeping(rows, home, sleeper, number, now - round((number % 1000) / 1000 * 3 * DAY), now)
        yield rows


def _id(at: int, number: int) -> int:
    """An id as rows of that instant have it."""
    return (at - Ids.EPOCH << 22) + number


def _insert(table: sa.Table, columns: Sequence[str]) -> str:
    assert {c.name for c in table.columns if not c.nullable} <= set(columns), table.name
    return f"INSERT INTO {table.name} ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})"


_COLUMNS: dict[sa.Table, str] = {
    schema.person: "id workspace_id key",
    schema.identity: "workspace_id hash person_id",
    schema.connection: "id workspace_id connector label state fields created_at changed_at failures quota",
    schema.delivery: "id workspace_id connection_id received_at state events",
    schema.seen_key: "connection_id hash at",
    schema.once_key: "workspace_id recipe hash until",
    schema.event: "id workspace_id connection_id delivery_id type at received_at person_id state content",
    schema.run: "id workspace_id enabled_id recipe version event_id event_at person_id state started_at ended_at due_at"
    " fence leased_until sealed",
    schema.step: "run_id position workspace_id person_id connection_id action state priority attempts due_at fence"
    " fingerprint inputs answer answer_id asked_at claimed_at ended_at",
    schema.waiter: "workspace_id person_id type run_id",
}
_INSERTS = {table: _insert(table, columns.split()) for table, columns in _COLUMNS.items()}


def _connections(hub: Hub, count: int, now: int) -> Rows:
    """Accounts of other businesses, a few each. HubSpot's: they need no subscriptions, so none is asked for."""
    rows: Rows = defaultdict(list)
    for first in range(0, count, CONNECTIONS_PER_WORKSPACE):
        workspace = hub.workspaces.add(f"Business {first // CONNECTIONS_PER_WORKSPACE}")
        for number in range(first, min(first + CONNECTIONS_PER_WORKSPACE, count)):
            id, fields = f"{number:016x}", json.dumps({"access_token": f"token-{number}"}).encode()
            sealed = workspace.sealer.seal(fields, f"connection {id}")
            rows[schema.connection].append(
                (id, workspace.id, "hubspot", f"Account {number}", "ready", sealed, now, now, 0, "{}")
            )
    return rows


def _person(rows: Rows, workspace: Workspace, id: int, key: bytes, number: int) -> None:
    rows[schema.person].append((id, workspace.id, workspace.sealer.seal(key, f"person {id}")))
    names = (("email", orders.email(-number)), ("phone", orders.phone(-number)), ("shopify.customer", str(number)))
    for kind, name in names:
        rows[schema.identity].append((workspace.id, workspace.hash(kind, name), id))


def _order_content() -> bytes:
    """What is sealed of an order: the size counts here, and not whose it is."""
    data = json.loads(orders.order(0)[1])
    person = Person(orders.email(0), orders.phone(0), {"shopify.customer": "0"})
    return events.packed(Event("order", "shopify.order.created", to_datetime(0), data, person))


@dataclass(frozen=True)
class _Order:
    """An order that was read, acted on and done."""

    home: Home
    at: int
    number: int
    person_id: int
    key: bytes
    content: bytes

    def add(self, rows: Rows, now: int) -> None:
        """Adds what is left of it now."""
        home, at, id = self.home, self.at, _id(self.at, self.number % 4096)
        workspace, shop = home.workspace.id, home.connections["shopify"]
        kept = at > now - RETENTION_DAYS * DAY
        sealer = Sealer(derived(self.key, "seal")) if kept else None
        content = sealer.seal(self.content, f"event {id}") if sealer else None
        enabled, version = home.enabled["order_thanks"]
        rows[schema.delivery].append((id, workspace, shop, at, "read", 1))
        if at > now - KEYS_DAYS * DAY:
            rows[schema.seen_key] += [(shop, os.urandom(16), at) for _ in range(3)]
        rows[schema.once_key].append(
            (workspace, "order_thanks", os.urandom(16), at + round(FOREVER.total_seconds() * 1000))
        )
        rows[schema.event].append(
            (id, workspace, shop, id, "shopify.order.created", at, at, self.person_id, "taken", content)
        )
        run = (id, workspace, enabled, "order_thanks", version, id, at, self.person_id, "done", at, at + 400, None)
        rows[schema.run].append((*run, 2, 0, kept))
        for position, (connector, action, priority) in enumerate((*STEPS, TEXT)):
            about = f"step {id} {position}"
            inputs = sealer.seal(b"x" * 250, f"{about} inputs") if sealer else None
            answer = sealer.seal(b"x" * 120, f"{about} answer") if sealer else None
            fingerprint = os.urandom(16) if kept else b""
            unique = os.urandom(16) if connector == "twilio" else None
            step = (id, position, workspace, self.person_id, home.connections[connector], action, "done", priority)
            sealed = (fingerprint, inputs, answer, unique)
            rows[schema.step].append((*step, 1, None, 1, *sealed, at + 50, at + 60, at + 300))


def _sleeping(rows: Rows, home: Home, recipe: str, number: int, at: int, now: int) -> None:
    """A run that was started by a new customer and sleeps before its only text."""
    id, person_id, key = _id(at, SLEEPING + number), _id(now - 4 * DAY, SLEEPING + number), new_key()
    workspace, shop, who = home.workspace, home.connections["shopify"], SLEEPERS_FROM + number
    sealer = Sealer(derived(key, "seal"))
    _person(rows, workspace, person_id, key, -who)
    person = Person(orders.email(who), orders.phone(who), {"shopify.customer": str(-who)})
    told = {"id": who, "email": person.email, "phone": person.phone, "first_name": "Ada", "last_name": "Miller"}
    event = events.packed(Event(f"customer-{who}", "shopify.customer.created", to_datetime(at), told, person))
    rows[schema.delivery].append((id, workspace.id, shop, at, "read", 1))
    content = sealer.seal(event, f"event {id}")
    rows[schema.event].append(
        (id, workspace.id, shop, id, "shopify.customer.created", at, at, person_id, "taken", content)
    )
    enabled, version = home.enabled[recipe]
    due = at + round(SLEEPS.total_seconds() * 1000)
    run = (id, workspace.id, enabled, recipe, version, id, at, person_id, "waiting", at, None, due)
    rows[schema.run].append((*run, 1, 0, True))
    rows[schema.waiter].append((workspace.id, person_id, "shopify.order.cancelled", id))
    inputs = values.write({"for": SLEEPS})
    sealed = (values.fingerprint(SLEEP, inputs), sealer.seal(inputs, f"step {id} 0 inputs"), None, None)
    step = (id, 0, workspace.id, person_id, None, SLEEP, "waiting", 1, 0, due, 0)
    rows[schema.step].append((*step, *sealed, at, None, None))
