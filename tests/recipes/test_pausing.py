"""All sending paused by one tap: nothing leaves, nothing is lost, and it goes on in its order."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from connectors.twilio.practice import service as twilio
from hub import pausing
from hub.timing import to_datetime
from recipes.order_thanks import order_thanks
from tests.carriers import ByThreads, Carrier
from tests.recipes.events import AUDIENCE, order
from tests.world import World


@dataclass
class Shop:
    """A shop where somebody orders, and what comes of it elsewhere."""

    place: Callable[[], None]
    texts: Callable[[], int]
    crm: Mapping[str, Any]


@pytest.fixture
def carrier() -> Carrier:
    return ByThreads()


@pytest.fixture
def shop(world: World, monkeypatch: pytest.MonkeyPatch) -> Shop:
    """Practice accounts of everything, and the recipe that thanks for orders."""
    services = world.practice().services
    world.use(monkeypatch, order_thanks)
    world.enable("order_thanks", audience=AUDIENCE)
    (account,) = (found for found in world.hub.connections.list(world.workspace) if found.connector.name == "shopify")

    def place() -> None:
        headers, body = order(to_datetime(world.clock.now()))
        world.deliver(account, body, {name.lower(): value for name, value in headers.items()})

    return Shop(place, lambda: len(services["twilio"].books["messages"]), services["hubspot"].books)


def states(world: World) -> dict[str, str]:
    return {found.connector.name: found.state for found in world.hub.connections.list(world.workspace)}


def test_nothing_leaves_while_paused_and_all_of_it_goes_on_afterwards(world: World, shop: Shop) -> None:
    pausing.pause(world.hub, world.workspace)
    assert states(world) == {
        "shopify": "ready",
        "hubspot": "ready",
        "mailchimp": "paused",
        "twilio": "paused",
        "webhook": "paused",
    }
    shop.place()
    world.settle()
    assert shop.texts() == 0
    assert len(shop.crm["objects"]["contacts"]) == 1, "who sends nothing goes on"
    pausing.go_on(world.hub, world.workspace)
    world.settle()
    assert shop.texts() == 1
    assert set(states(world).values()) == {"ready"}


def test_what_is_paused_says_since_when_and_stays_so(world: World, shop: Shop) -> None:
    assert pausing.paused_at(world.hub, world.workspace) is None
    pausing.pause(world.hub, world.workspace)
    at = world.clock.now()
    world.clock.advance(60)
    pausing.pause(world.hub, world.workspace)
    assert pausing.paused_at(world.hub, world.workspace) == at


def test_an_account_that_is_connected_meanwhile_sends_nothing_either(world: World, shop: Shop) -> None:
    pausing.pause(world.hub, world.workspace)
    account = next(c for c in world.hub.connections.list(world.workspace) if c.connector.name == "twilio")
    fields = twilio.account | {"base_url": str(account.fields["base_url"])}
    made, _ = world.hub.connections.connect(world.workspace, "twilio", fields)
    assert (made.id, made.state) == (account.id, "paused")


def test_a_lost_login_is_no_way_round_it(world: World, shop: Shop) -> None:
    account = next(c for c in world.hub.connections.list(world.workspace) if c.connector.name == "twilio")
    world.hub.connections.set_state(account.id, "needs_login", "It was revoked.")
    pausing.pause(world.hub, world.workspace)
    fields = twilio.account | {"base_url": str(account.fields["base_url"])}
    made, _ = world.hub.connections.connect(world.workspace, "twilio", fields)
    assert made.state == "paused"
    pausing.go_on(world.hub, world.workspace)
    assert states(world)["twilio"] == "ready"


def test_what_was_switched_off_stays_off(world: World, shop: Shop) -> None:
    account = next(c for c in world.hub.connections.list(world.workspace) if c.connector.name == "twilio")
    world.hub.connections.disconnect(account.id)
    pausing.pause(world.hub, world.workspace)
    pausing.go_on(world.hub, world.workspace)
    assert states(world)["twilio"] == "off"


def test_another_business_goes_on(world: World, shop: Shop) -> None:
    other = world.hub.workspaces.add("Bike Repair Nord")
    pausing.pause(world.hub, other)
    shop.place()
    world.settle()
    assert shop.texts() == 1
    assert pausing.paused_at(world.hub, world.workspace) is None
