"""Worlds for tests of retention: recipes that end at once, wait and sleep, and what is kept of them."""

from __future__ import annotations

import os
from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from hub import Event, Steps, recipe, retention, schema, sleep, wait_for
from hub.ids import new_id
from tests import telling
from tests.world import World, tell


@recipe(on=telling.happened, title="Do one thing")
def one_thing(event: Event) -> Steps:
    """Does one thing."""
    yield telling.do(event.data.get("what"))


@recipe(on=telling.happened, title="Wait")
def patient(event: Event) -> Steps:
    """Waits for an end, for long."""
    yield wait_for(telling.ended, timeout=timedelta(days=100))
    yield telling.do("at last")


@recipe(on=telling.happened, title="Sleep")
def sleeper(event: Event) -> Steps:
    """Sleeps for long."""
    yield sleep(days=100)
    yield telling.do(event.data["what"])


@recipe(on=telling.happened, title="Wait for years")
def for_years(event: Event) -> Steps:
    """Waits for an end, for years."""
    yield wait_for(telling.ended, timeout=timedelta(days=2000))
    yield telling.do(event.data["what"])


@recipe(on=telling.happened, title="Do many things")
def many_things(event: Event) -> Steps:
    """Does many things, one after the other."""
    for number in range(event.data["count"]):
        yield telling.do(number)


def happen(world: World, key: str, kind: str = "happened", email: str | None = "ada@example.com", **data: Any) -> None:
    (connection,) = world.hub.connections.list(world.workspace)
    world.deliver(connection, tell(events=[{"type": kind, "id": key, "email": email, "data": data}]))
    world.settle()


def kept(world: World) -> dict[str, int]:
    """How many payloads there are still, by table."""
    events = [row for row in world.rows(schema.event) if row.content is not None]
    steps = [row for row in world.rows(schema.step) if row.inputs is not None or row.answer is not None]
    deliveries = [row for row in world.rows(schema.delivery) if row.content is not None]
    return {"events": len(events), "steps": len(steps), "deliveries": len(deliveries)}


def after(world: World, days: float) -> dict[str, int]:
    world.clock.advance(timedelta(days=days))
    retention.sweep(world.hub)
    return kept(world)


def store(world: World, workspace_id: int, count: int, size: int = 10) -> None:
    """Events of nobody, as many as asked for."""
    row = {"workspace_id": workspace_id, "connection_id": "c", "type": "unknown", "state": "unknown"}
    instants = {"at": world.clock.now(), "received_at": world.clock.now()}
    with world.hub.database.write() as connection:
        rows = [row | instants | {"id": number + 1, "content": bytes(size)} for number in range(count)]
        connection.execute(sa.insert(schema.event), rows)


def history(world: World) -> dict[str, int]:
    """How many rows of history there are, by table."""
    tables = (schema.run, schema.step, schema.event, schema.delivery, schema.waiter)
    return {table.name: len(world.rows(table)) for table in tables}


def dangling(world: World) -> dict[str, int]:
    """How many rows name another one that is not there."""
    run, step, event, delivery, waiter = schema.run, schema.step, schema.event, schema.delivery, schema.waiter
    names = {
        "step's run": (step, step.c.run_id, run.c.id),
        "step's event": (step, step.c.event_id, event.c.id),
        "run's event": (run, run.c.event_id, event.c.id),
        "event's delivery": (event, event.c.delivery_id, delivery.c.id),
        "waiter's run": (waiter, waiter.c.run_id, run.c.id),
        "identity's person": (schema.identity, schema.identity.c.person_id, schema.person.c.id),
        "origin's person": (schema.origin, schema.origin.c.person_id, schema.person.c.id),
    }
    with world.hub.database.read() as connection:
        counts = {
            name: connection.execute(
                sa.select(sa.func.count())
                .select_from(table)
                .where(column.is_not(None), column.not_in(sa.select(other)))
            ).scalar_one()
            for name, (table, column, other) in names.items()
        }
    return {name: count for name, count in counts.items() if count}


def orders(world: World, count: int, size: int) -> None:
    """Orders of nobody that were done just now, each with an event of `size` bytes and a step of a tenth of it."""
    now, same = world.clock.now(), {"workspace_id": world.workspace.id}
    ids = [new_id() for _ in range(count)]
    told = same | {"connection_id": "c", "received_at": now}
    event = told | {"type": "telling.happened", "at": now, "state": "taken"}
    run = same | {"enabled_id": 1, "recipe": "r", "version": "v", "event_at": now, "started_at": now, "ended_at": now}
    step = same | {"position": 0, "connection_id": "c", "action": "telling.do", "asked_at": now, "ended_at": now}
    contents = [os.urandom(size) for _ in ids]
    rows = {
        schema.delivery: [told | {"id": number, "state": "read", "events": 1} for number in ids],
        schema.event: [
            event | {"id": number, "delivery_id": number, "content": content}
            for number, content in zip(ids, contents, strict=True)
        ],
        schema.run: [run | {"id": number, "event_id": number, "state": "done"} for number in ids],
        schema.step: [
            step | {"run_id": number, "state": "done", "fingerprint": content[:16], "inputs": content[: size // 10]}
            for number, content in zip(ids, contents, strict=True)
        ],
    }
    with world.hub.database.write() as connection:
        for table, made in rows.items():
            connection.execute(sa.insert(table), made)
