"""The door knows its connections and their secrets, through restarts, changes elsewhere, and faults."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from hub import registry
from hub.connections import OFF, READY
from hub.delivery import Delivery
from tests import telling
from tests.webhooks.door import CANARY, PROVIDERS, Door, one_text
from tests.world import World, tell
from webhooks.intake import Intake

# ---- whoever is known stays known


def test_a_known_connection_is_never_answered_with_404_across_restarts(door: Door) -> None:
    paths = {name: door.path(name) for name in PROVIDERS}
    for number in range(8):
        hub = door.world.another_hub()
        intake = Intake(hub.database, hub.wakeups)
        again = Door(door.world, hub, intake)
        assert [again.client.get(path).status_code for path in paths.values()] == [200] * 4
        assert again.post("shopify", again.order(number)).status_code == 200
        intake.close()
        hub.close()
    assert door.kept()["delivery"] == 8


def test_a_disconnected_connection_is_not_known_and_one_connected_again_is_at_once(door: Door) -> None:
    elsewhere = door.world.another_hub()
    connection = door.connection("shopify")
    elsewhere.connections.set_state(connection.id, OFF, None)
    door.hub.connections.forget(connection.id)
    assert door.client.get(f"/webhooks/shopify/{connection.id}").status_code == 404
    assert door.client.post(f"/webhooks/shopify/{connection.id}", data=b"{}").status_code == 404
    elsewhere.connections.set_state(connection.id, READY, None)
    assert door.client.get(f"/webhooks/shopify/{connection.id}").status_code == 200
    elsewhere.close()


def test_a_connection_that_needs_a_new_login_still_takes_deliveries(door: Door) -> None:
    door.hub.connections.set_state(door.connection("shopify").id, "needs_login", "The token was revoked.")
    assert door.post("shopify", door.order()).status_code == 200


def test_a_connector_that_is_not_installed_is_no_reason_for_404(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    path, signed = door.path("shopify"), door.order()
    installed = registry._modules("regulars.connectors")
    monkeypatch.setattr(registry, "_modules", lambda group: {n: m for n, m in installed.items() if n != "shopify"})
    registry.connector.cache_clear()
    door.hub.connections.forget(path.rpartition("/")[2])
    assert door.client.post(path, data=signed[1], headers=signed[0]).status_code == 503


# ---- secrets


def _reconnect(door: Door, name: str, **changed: str) -> None:
    """Changes fields of a connection as another process does."""
    elsewhere = door.world.another_hub()
    fields = {n: one_text(v) for n, v in door.connection(name).fields.items() if n != "status_url"} | changed
    elsewhere.connections.connect(door.world.workspace, name, fields)
    elsewhere.close()


def test_while_a_secret_is_exchanged_both_count(door: Door) -> None:
    old = door.secret("shopify", "webhook_secret")
    signed_before = door.order(1)
    _reconnect(door, "shopify", webhook_secret=f"a fresh secret,{old}")
    door.hub.connections.forget(door.connection("shopify").id)
    assert door.secret("shopify", "webhook_secret") == "a fresh secret"
    assert door.post("shopify", signed_before).status_code == 200
    assert door.post("shopify", door.order(2)).status_code == 200


def test_a_secret_that_was_added_a_moment_ago_counts_at_once(door: Door) -> None:
    assert door.post("shopify", door.order(1)).status_code == 200
    known = door.hub.connections.get(door.connection("shopify").id)
    _reconnect(door, "shopify", webhook_secret="a fresh secret")
    assert door.hub.connections.get(known.id) is known  # this process has not heard of it yet
    signed = door.order(2)
    assert door.post("shopify", signed).status_code == 200


def test_a_secret_that_was_taken_away_counts_no_more(door: Door) -> None:
    signed = door.order()
    _reconnect(door, "shopify", webhook_secret="a fresh secret")
    door.world.clock.advance(timedelta(seconds=6))
    assert door.post("shopify", signed).status_code == 401


# ---- faults


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_database_that_cannot_be_read_is_no_reason_for_404(
    door: Door, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    path, signed = door.path("shopify"), door.order()
    door.hub.connections.forget(path.rpartition("/")[2])

    def broken() -> Any:
        raise sa.exc.OperationalError("select", {}, Exception(CANARY))

    monkeypatch.setattr(door.hub.database, "read", broken)
    answer = door.client.open(path, method=method, data=signed[1], headers=signed[0])
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "10")
    assert CANARY not in answer.text


def test_a_verifiers_bug_lets_nothing_in(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    door, connection = Door(world), world.connect("telling", account="a")

    def buggy(delivery: Delivery, secrets: Any) -> None:
        raise KeyError(CANARY)

    monkeypatch.setattr(telling.connector, "verify", buggy)
    answer = door.client.post(f"/webhooks/telling/{connection.id}", data=tell(events=[]))
    assert answer.status_code == 503
    assert CANARY not in answer.text
    assert door.kept() == {}


def test_a_bug_in_telling_repeats_keeps_nobody_out(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    door, connection = Door(world), world.connect("telling", account="a")

    def buggy(delivery: Delivery) -> list[str]:
        raise KeyError(CANARY)

    monkeypatch.setitem(telling.connector._functions, "keys", buggy)
    told = tell(events=[{"type": "happened", "id": "1", "email": CANARY}])
    for _ in range(2):
        assert door.client.post(f"/webhooks/telling/{connection.id}", data=told).status_code == 200
    world.settle()
    assert door.kept()["event"] == 1
