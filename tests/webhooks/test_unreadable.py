"""What cannot be read is kept with its reason, tells nothing personal, and holds up nothing else."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa

from hub import Event, PayloadUnreadable, registry, schema
from hub.event import Consent, Person
from tests import telling
from tests.webhooks.door import CANARY
from tests.webhooks.told import ADA, BOB, Told
from tests.world import read
from webhooks import inbox
from webhooks.again import read_again


@pytest.mark.parametrize("kind", ["bad", "buggy"])
def test_what_cannot_be_read_is_kept_with_the_reason_and_read_after_a_fix(
    told: Told, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    told.tell({"id": 1})
    told.tell({"id": 2, "type": kind, "email": CANARY})
    told.read({"id": 3})
    first, bad, last = told.deliveries
    assert (first.state, last.state) == ("read", "read")
    reasons = {
        "bad": "The event is bad.",
        "buggy": "The connector could not read it (KeyError). It can be read again after a fix.",
    }
    assert (bad.state, bad.reason, bad.events) == ("unreadable", reasons[kind], 0)
    assert bad.content is not None and CANARY.encode() not in bad.content
    assert read(told.world.hub) == 0

    fixed = Event("2", telling.happened.type, told.now, {}, Person(email=CANARY))
    monkeypatch.setitem(telling.connector._functions, "events", lambda delivery: [fixed])
    read_again(told.world.workspace, told.world.hub, bad.id)
    read(told.world.hub)
    bad = told.deliveries[1]
    assert (bad.state, bad.reason, bad.events, bad.content) == ("read", None, 1, None)


def test_a_refusal_tells_nothing_personal_and_nothing_that_cannot_be_kept(
    told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(delivery: Any) -> Any:
        raise PayloadUnreadable(f"No {CANARY} \0 \ud800 +1 415 555 0100")

    monkeypatch.setitem(telling.connector._functions, "events", refuse)
    told.read({"id": 1})
    assert told.deliveries[0].reason == "No …  ? …"


FAULTY: dict[str, dict[str, Any]] = {
    "a time without its zone": {"at": "naive"},
    "a key that is no text": {"key": 7},
    "data that cannot be written down": {"data": {"x": object()}},
    "data that holds itself": {"data": "itself"},
    "no person": {"person": None},
    "an address that is no text": {"person": Person(email=7)},  # type: ignore[arg-type]
    "an id that is no mapping": {"person": Person(ids=7)},  # type: ignore[arg-type]
    "a consent without an address": {"consents": (Consent("email", None, True, None),)},  # type: ignore[arg-type]
    "a consent on no channel": {"consents": "channel"},
    "a consent without its zone": {"consents": "naive"},
    "a time that no database has": {"at": "never"},
    "a type that is no text": {"type": ["x"]},
    "no event at all": {"event": "nothing"},
}


@pytest.mark.parametrize("what", sorted(FAULTY))
def test_whatever_a_connector_makes_of_a_delivery_holds_up_no_other(
    told: Told, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    good = telling.connector._functions["events"]

    def events(delivery: Any) -> Any:
        if b"faulty" not in delivery.body:
            yield from good(delivery)
            return
        yield _faulty(told, FAULTY[what])

    monkeypatch.setitem(telling.connector._functions, "events", events)
    told.world.enable("once_a_day")
    told.tell({"id": 1})
    told.tell({"id": 2, "data": {"faulty": CANARY}})
    told.tell({"id": 3, "email": BOB})
    told.read()
    assert [row.state for row in told.deliveries] == ["read", "unreadable", "read"]
    assert "can be read again" in told.deliveries[1].reason and CANARY not in told.deliveries[1].reason
    assert told.recipes() == ["once_a_day"] * 2
    assert told.skipped() == [{}, {}]


def _faulty(told: Told, parts: dict[str, Any]) -> Any:
    at = told.now
    if parts.get("event"):
        return {"key": "2"}
    if parts.get("at"):
        parts = {"at": at.replace(tzinfo=None) if parts["at"] == "naive" else "never"}
    if parts.get("data") == "itself":
        data: dict[str, Any] = {}
        data["x"] = data
        parts = {"data": data}
    if parts.get("consents") == "channel":
        parts = {"consents": (Consent("a channel that is too long", ADA, True, at),)}  # type: ignore[arg-type]
    if parts.get("consents") == "naive":
        parts = {"consents": (Consent("email", ADA, True, at.replace(tzinfo=None)),)}
    return Event(**{"key": "2", "type": telling.happened.type, "at": at, "data": {}, "person": Person(ADA), **parts})


def test_a_connection_whose_connector_is_gone_holds_up_no_other(told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    told.world.practice()
    shopify = next(c for c in told.world.hub.connections.list(told.world.workspace) if c.connector.name == "shopify")
    told.world.deliver(shopify, b"{}")
    told.tell({"id": 1})
    installed = registry._modules("regulars.connectors")
    monkeypatch.setattr(registry, "_modules", lambda group: {n: m for n, m in installed.items() if n != "shopify"})
    registry.connector.cache_clear()
    told.world.hub.connections.forget(shopify.id)
    told.read()
    first, second = told.deliveries
    assert (first.state, second.state) == ("unreadable", "read")
    assert "connector shopify" in first.reason


def test_the_databases_trouble_is_not_blamed_on_deliveries(told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    told.tell({"id": 1})

    def broken(*args: Any) -> Any:
        raise sa.exc.OperationalError("insert", {}, Exception("disk full"))

    with monkeypatch.context() as patch:
        patch.setattr(told.world.hub.connections, "get", broken)
        with pytest.raises(sa.exc.OperationalError):
            told.read()
    with monkeypatch.context() as patch:
        patch.setattr(inbox, "noted", broken)
        with pytest.raises(sa.exc.OperationalError):
            told.read()
    assert told.deliveries[0].state == "new"
    told.read()
    assert told.deliveries[0].state == "read"


def test_reading_an_old_delivery_again_does_not_set_back_when_it_was_last_heard_of(told: Told) -> None:
    told.read({"id": 1, "type": "bad"})
    told.world.clock.advance(60)
    told.read({"id": 2})
    read_again(told.world.workspace, told.world.hub, told.deliveries[0].id)
    read(told.world.hub)
    (row,) = told.world.rows(schema.connection)
    assert row.last_event_at == told.world.clock.now()
