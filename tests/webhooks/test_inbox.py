"""The inbox: deliveries become events, each once, whoever reads them and whatever happens meanwhile."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import sqlalchemy as sa

from connectors.hubspot.practice_webhooks import change, creations
from hub import Event, Steps, recipe, schema
from hub.core import Hub
from hub.database import LeaseLost
from hub.events import opened
from hub.wakeups import READ
from tests import telling
from tests.webhooks.door import Door
from tests.webhooks.told import ADA, BOB, Told, read
from tests.world import World
from webhooks import inbox, reading
from webhooks.inbox import read_deliveries

# ---- deliveries become events


def test_a_delivery_becomes_its_events_and_is_itself_kept_no_longer(told: Told) -> None:
    told.read({"id": 1}, {"id": 2, "email": BOB, "type": "ended"}, {"id": 3, "type": "none such"})
    (delivery,) = told.deliveries
    assert (delivery.state, delivery.events, delivery.content, delivery.reason) == ("read", 3, None, None)
    kinds = [(event.type, event.state, event.delivery_id) for event in told.events]
    assert kinds == [
        ("telling.happened", "taken", delivery.id),
        ("telling.ended", "taken", delivery.id),
        ("unknown", "unknown", delivery.id),
    ]
    (row,) = told.world.rows(schema.connection)
    assert row.last_event_at == told.world.clock.now()


def test_an_unknown_kind_of_event_is_kept_and_starts_nothing(told: Told) -> None:
    told.world.enable("rest")
    told.read({"id": 1, "type": "none such", "data": {"n": 2**70}})
    (row,) = told.events
    with told.world.hub.database.read() as connection:
        sealer = told.world.hub.people.sealer(connection, told.world.workspace, row.person_id)
    assert opened(row, sealer).data == {"n": 2**70}  # type: ignore[union-attr]
    assert told.world.runs == []


def test_an_event_that_its_connector_did_not_declare_is_kept_as_unknown(
    told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = Event("1", "telling." + "long" * 50, told.now, {})
    monkeypatch.setitem(telling.connector._functions, "events", lambda delivery: [event])
    told.read({"id": 1})
    assert [(row.type, row.state) for row in told.events] == [("unknown", "unknown")]


def test_an_event_that_comes_again_is_taken_once(told: Told) -> None:
    told.world.enable("rest")
    told.tell({"id": 1}, {"id": 1}, {"id": 2})
    told.tell({"id": 2}, {"id": 3})
    told.read()
    told.read({"id": 3}, {"id": 1})
    assert [delivery.events for delivery in told.deliveries] == [2, 1, 0]
    assert len(told.events) == len(told.world.runs) == 3


def test_names_with_half_a_character_are_names_too(told: Told) -> None:
    told.read({"id": "\ud83d", "echo": "\ud83d", "ids": {"some.id": "\ud83d"}}, {"id": "\ude42", "email": None})
    assert [(row.state, row.events) for row in told.deliveries] == [("read", 2)]
    told.read({"id": "\ud83d"})
    assert len(told.events) == 2


def test_events_are_found_whatever_their_number(told: Told) -> None:
    told.world.enable("rest")
    told.tell(*({"id": number, "email": f"p{number}@example.com"} for number in range(3000)))
    told.tell(*({"id": number, "email": f"p{number}@example.com"} for number in range(2000, 5000)))
    told.read()
    assert [delivery.events for delivery in told.deliveries] == [3000, 2000]
    assert len(told.world.runs) == 5000


def test_a_delivery_with_more_events_than_can_be_taken_is_told_so(told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MOST_EVENTS", 10)
    told.tell(*({"id": number} for number in range(11)))
    told.read({"id": 99})
    assert [(row.state, row.events) for row in told.deliveries] == [("unreadable", 0), ("read", 1)]
    assert told.deliveries[0].reason == "It holds more than 10 events."


def test_many_large_deliveries_are_taken_a_few_at_a_time(told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MOST_BYTES", 3000)
    sizes = []
    take = inbox._take_all

    def taking(hub: Hub, lease: Any, portion: Any) -> Any:
        sizes.append(sum(one.size for one in portion))
        return take(hub, lease, portion)

    monkeypatch.setattr(inbox, "_take_all", taking)
    for number in range(60):
        told.tell({"id": number, "data": {"x": "y" * 1000}})
    told.read()
    assert len(sizes) == 30 and max(sizes) <= 3000
    assert len(told.events) == 60


def test_more_deliveries_than_one_batch_are_read_in_order(told: Told) -> None:
    for number in range(inbox.BATCH + 5):
        told.tell({"id": number})
    assert [read(told.world.hub), read(told.world.hub), read(told.world.hub)] == [inbox.BATCH, 5, 0]
    assert [event.delivery_id for event in told.events] == [delivery.id for delivery in told.deliveries]


# ---- real payloads


def test_hubspots_hundred_changes_are_taken_once_however_they_come_again(world: World) -> None:
    door = Door(world)
    now = world.clock.now()
    all_of_them = creations(100, at_ms=now)
    again = [one | {"attemptNumber": 1} for one in all_of_them[40:]] + creations(3, at_ms=now, first=101)
    same_number = [change("contact.deletion", 100_000_001, at_ms=now, event_id=1)]
    for changes in (all_of_them, again, same_number):
        assert door.post("hubspot", door.changes(changes)).status_code == 200
    read(world.hub)
    assert [row.events for row in world.rows(schema.delivery)] == [100, 3, 1]
    assert [row.type for row in world.rows(schema.event)] == ["hubspot.contact.created"] * 103 + [
        "hubspot.contact.deleted"
    ]


def test_long_ids_stay_exact_into_the_recipe_and_its_steps(told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    @recipe(on=telling.happened, title="Pass on")
    def pass_on(event: Event) -> Steps:
        """Passes on what the event says."""
        yield telling.do({"id": event.data["id"], "name": event.data["name"], "person": event.person.ids["long"]})
        return str(event.data["id"])

    told.world.use(monkeypatch, pass_on)
    told.world.enable("pass_on")
    number, name = 706405506930370084, "\ud83d half, \0 and 🙂"
    told.tell({"id": number, "ids": {"long": str(number)}, "data": {"id": number, "name": name}})
    told.world.settle()
    (run,) = told.world.runs
    inputs = told.world.opened(told.world.steps(run.id)[0], "inputs")
    assert inputs == {"what": {"id": number, "name": name, "person": str(number)}}
    assert telling.provider.done[0][1]["what"]["id"] == number
    assert (run.state, run.reason) == ("done", str(number))


# ---- people who were erased meanwhile


def test_of_somebody_erased_after_a_delivery_came_nothing_is_taken_but_a_no(told: Told) -> None:
    told.world.enable("rest")
    told.read({"id": 1})
    no = {"channel": "email", "address": ADA, "given": False}
    told.tell({"id": 2, "consents": [no]}, {"id": 3, "email": BOB})
    told.world.clock.advance(1)
    told.world.hub.privacy.erase(told.world.workspace, ADA)
    told.read()
    _, erased, other = told.events
    assert (erased.person_id, erased.content, erased.state) == (None, None, "taken")
    assert other.content is not None
    assert [run.event_id for run in told.world.runs if run.ended_at is None] == [other.id]
    assert [row.given for row in told.world.rows(schema.consent)] == [False]


def test_an_erasure_between_finding_people_and_writing_is_noticed(told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    told.world.enable("rest")
    told.tell({"id": 1}, {"id": 2, "email": BOB})
    find_starts = inbox.find_starts
    erased = []

    def erasing(hub: Hub, taken: Any) -> None:
        if not erased:
            told.world.clock.advance(1)
            erased.append(hub.privacy.erase(told.world.workspace, ADA))
        find_starts(hub, taken)

    monkeypatch.setattr(inbox, "find_starts", erasing)
    told.read()
    assert [event.person_id is None for event in told.events] == [True, False]
    assert len(told.world.runs) == 1


# ---- one reader


def test_a_reader_that_lost_its_lease_writes_nothing(told: Told) -> None:
    told.world.enable("rest")
    told.tell({"id": 1})
    late = told.world.hub.database.acquire(READ, 30)
    assert late is not None
    with told.world.hub.database.write() as connection:
        connection.execute(sa.update(schema.lease).values(until=0))
    elsewhere = told.world.another_hub()
    current = elsewhere.database.acquire(READ, 30)
    with pytest.raises(LeaseLost):
        read_deliveries(told.world.hub, late)
    assert told.events == told.world.runs == told.world.rows(schema.person) == []
    assert current is not None and read_deliveries(elsewhere, current) == 1
    assert len(told.events) == len(told.world.runs) == 1
    elsewhere.close()


def test_a_lease_lost_while_reading_is_noticed_before_anything_is_written(
    told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    told.tell({"id": 1})
    find_starts = inbox.find_starts

    def losing(hub: Hub, taken: Any) -> None:
        with hub.database.write() as connection:
            connection.execute(sa.update(schema.lease).values(holder="another", fence=99))
        find_starts(hub, taken)

    monkeypatch.setattr(inbox, "find_starts", losing)
    with pytest.raises(LeaseLost):
        told.read()
    assert told.events == []
    assert told.deliveries[0].state == "new"


def test_readers_of_several_processes_at_once_read_each_delivery_once(told: Told) -> None:
    world = told.world
    world.enable("rest")
    for number in range(150):
        told.tell({"id": number, "email": f"p{number % 7}@example.com"}, {"id": number + 1, "email": BOB})
    hubs = [world.another_hub() for _ in range(4)]
    start = threading.Barrier(4)

    def read_all(hub: Hub) -> None:
        start.wait(20)
        while _are_new(world):
            lease = hub.database.acquire(READ, 30)
            if lease is None:
                continue
            try:
                read_deliveries(hub, lease)
            finally:
                hub.database.release(lease)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(read_all, hubs))
    assert {row.state for row in told.deliveries} == {"read"}
    assert len(told.events) == len(world.runs) == 151
    for hub in hubs:
        hub.close()


def _are_new(world: World) -> bool:
    with world.hub.database.read() as connection:
        table = schema.delivery
        return connection.execute(sa.select(table.c.id).where(table.c.state == "new").limit(1)).first() is not None
