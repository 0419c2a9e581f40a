"""Connections: checked before they are saved, renewed in place, and never telling their secrets."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any

import pytest

from hub import Connector, Event, Field, Limit, NotAuthorized, Rejected, Steps, recipe, registry, schema
from hub.connections import NEEDS_LOGIN, OFF, READY
from hub.errors import ConnectionMissing, NotFound, SettingInvalid
from tests import telling
from tests.world import World, happen

SECRET, FRESH = "s3cret-canary-token", "fr3sh-canary-token"


class Service:
    """What the service of the connector below knows, and what it was asked."""

    def __init__(self) -> None:
        self.name = "A shop"
        self.refuses: Exception | None = None
        self.subscribing: Any = None
        self.asked: list[tuple[str, str]] = []


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch, world: World) -> Service:
    """A connector with secrets and subscriptions, known as `vault`."""
    service = Service()
    connector = Connector(
        "vault",
        title="Vault",
        about="Keeps secrets.",
        fields=[
            Field("shop", "Shop"),
            Field("token", "Token", "In the settings.", secret=True),
            Field("signing", "Signing secrets", "Made here.", secret=True, several=True, generated=True),
            Field("note", "Note", required=False),
        ],
        verify=telling.verify,
        limit=Limit(concurrent=1),
    )

    @connector.connect
    def connect(*, base_url: str | None, **fields: Any) -> dict[str, Any]:
        return fields

    @connector.check
    def check(client: dict[str, Any]) -> str:
        if service.refuses:
            raise service.refuses
        return service.name

    @connector.subscribe
    def subscribe(client: dict[str, Any], url: str) -> dict[str, Any] | None:
        service.asked.append(("subscribe", url))
        if isinstance(service.subscribing, Exception):
            raise service.subscribing
        return service.subscribing

    @connector.unsubscribe
    def unsubscribe(client: dict[str, Any], url: str) -> None:
        service.asked.append(("unsubscribe", url))
        if service.refuses:
            raise service.refuses

    found = registry.connector
    monkeypatch.setattr(registry, "connector", lambda name: connector if name == "vault" else found(name))
    return service


def connect(world: World, shop: str = "crumb", token: str = SECRET, **more: str) -> Any:
    return world.hub.connections.connect(world.workspace, "vault", {"shop": shop, "token": token, **more})


# ---- saving


def test_an_account_is_checked_and_then_saved(world: World, service: Service) -> None:
    connection, trouble = connect(world)
    assert (connection.label, connection.state, trouble) == ("A shop", READY, None)
    assert world.hub.connections.list(world.workspace) == [connection]
    assert service.asked == [("subscribe", f"http://127.0.0.1:8000/webhooks/vault/{connection.id}")]


def test_an_account_that_the_service_refuses_is_not_saved_and_the_secret_not_repeated(
    world: World, service: Service
) -> None:
    service.refuses = NotAuthorized(f"The token {SECRET} is not known", status=401)
    with pytest.raises(NotAuthorized) as caught:
        connect(world)
    assert SECRET not in str(caught.value) and "is not known" in str(caught.value)
    assert caught.value.status == 401
    assert world.rows(schema.connection) == []


def test_wrong_fields_are_told_all_at_once_and_never_with_their_values(world: World, service: Service) -> None:
    with pytest.raises(SettingInvalid) as caught:
        world.hub.connections.connect(world.workspace, "vault", {"tokne": SECRET, "shop": " "})
    said = str(caught.value)
    assert "no field 'tokne'" in said and "shop is missing" in said and "token is missing (In the settings.)" in said
    assert SECRET not in said


def test_secrets_are_sealed_and_neither_printed_nor_logged(
    world: World, service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    connection, _ = connect(world)
    assert SECRET.encode() not in world.rows(schema.connection)[0].fields
    assert SECRET not in repr(connection) and SECRET not in str(connection)
    assert SECRET not in caplog.text
    assert connection.secrets["token"] == [SECRET]
    assert len(connection.secrets["signing"][0]) == 32, "Made here, as nobody was asked for it."


def test_one_business_does_not_open_the_account_of_another(world: World, service: Service) -> None:
    connect(world)
    other = world.hub.workspaces.add("Another Bakery")
    assert world.hub.connections.list(other) == []
    again, _ = world.hub.connections.connect(other, "vault", {"shop": "crumb", "token": SECRET})
    assert len(world.rows(schema.connection)) == 2
    assert again.workspace_id == other.id


# ---- connecting again


def test_connecting_the_same_account_again_renews_its_login_and_keeps_the_rest(world: World, service: Service) -> None:
    first, _ = connect(world, note="kept")
    world.hub.connections.client(first)
    second, _ = connect(world, token=FRESH, note="kept")
    assert second.id == first.id
    assert second.fields == first.fields | {"token": FRESH}
    assert second.secrets["signing"] == first.secrets["signing"]
    assert second.changed_at > first.changed_at, "Also within one millisecond, else the old client would be used."
    assert world.hub.connections.client(second)["token"] == FRESH


@pytest.mark.parametrize(("shop", "name"), [("another", "A shop"), ("crumb", "Another name")])
def test_another_account_is_never_taken_for_the_same(world: World, service: Service, shop: str, name: str) -> None:
    first, _ = connect(world)
    service.name = name
    second, _ = connect(world, shop=shop)
    assert first.id != second.id
    assert len(world.hub.connections.list(world.workspace)) == 2


@recipe(on=telling.happened, title="Do one thing")
def one_thing(event: Event) -> Steps:
    """Does one thing."""
    yield telling.do(event.data["n"])


def test_what_waits_for_a_login_goes_on_when_the_account_is_connected_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection = world.turn_on(monkeypatch, one_thing)
    telling.provider.answer = lambda name, inputs: NotAuthorized("the login is over")
    happen(world, n=1)
    lost = world.hub.connections.get(connection.id, fresh=True)
    assert (lost.state, lost.reason) == (NEEDS_LOGIN, "the login is over")
    telling.provider.answer = lambda name, inputs: {"id": "1"}
    world.pass_time(timedelta(hours=1))
    assert telling.provider.done == [], "Nobody connected the account again yet."
    again = world.connect("telling", account="a")
    assert (again.id, again.state, again.reason) == (connection.id, READY, None)
    world.tick()
    assert telling.provider.done == [("do", {"what": 1})]
    assert [run.state for run in world.runs] == ["done"]


# ---- subscriptions


def test_what_subscribing_tells_is_kept_the_newest_first(world: World, service: Service) -> None:
    service.subscribing = {"signing": "one"}
    connection, _ = connect(world)
    first, made_here = connection.secrets["signing"]
    assert first == "one"
    service.subscribing = {"signing": ["two", "one"]}
    world.hub.connections.subscribe(connection.id)
    assert world.hub.connections.get(connection.id).secrets["signing"] == ["two", "one", made_here]


def test_hundreds_of_secrets_are_in_use_at_once_and_of_more_the_newest_are_kept(world: World, service: Service) -> None:
    service.subscribing = {"signing": [str(number) for number in range(999)]}
    connection, _ = connect(world)
    *known, made_here = connection.secrets["signing"]
    assert known == service.subscribing["signing"]
    service.subscribing = {"signing": ["newer", "new"]}
    world.hub.connections.subscribe(connection.id)
    kept = world.hub.connections.get(connection.id).secrets["signing"]
    assert kept == ["newer", "new", *known[:998]]


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        (Rejected(f"Not allowed for {SECRET}"), "Not allowed for …"),
        (KeyError(SECRET), "Vault could not be asked for its events (KeyError)."),
    ],
)
def test_trouble_with_subscribing_is_told_without_secrets_and_the_account_is_saved(
    world: World, service: Service, fault: Exception, says: str
) -> None:
    service.subscribing = fault
    connection, trouble = connect(world)
    assert trouble == says
    assert connection.state == READY


# ---- switching off


def test_switching_off_takes_the_subscriptions_back_and_keeps_the_history(world: World, service: Service) -> None:
    connection, _ = connect(world)
    world.hub.connections.disconnect(connection.id)
    assert service.asked[-1][0] == "unsubscribe"
    assert world.hub.connections.get(connection.id).state == OFF


@pytest.mark.parametrize("fault", [NotAuthorized(), KeyError("bug")])
def test_an_account_can_be_switched_off_whatever_its_service_says(
    world: World, service: Service, fault: Exception
) -> None:
    connection, _ = connect(world)
    service.refuses = fault
    world.hub.connections.disconnect(connection.id)
    assert world.hub.connections.get(connection.id).state == OFF


def test_an_account_that_is_off_can_be_connected_again(world: World, service: Service) -> None:
    connection, _ = connect(world)
    world.hub.connections.disconnect(connection.id)
    again, _ = connect(world)
    assert (again.id, again.state) == (connection.id, READY)


def test_an_unknown_connection_is_told(world: World) -> None:
    with pytest.raises(NotFound, match="hub connections"):
        world.hub.connections.get("none")


# ---- who serves whom


def test_everything_that_is_missing_is_told_at_once(world: World, service: Service) -> None:
    connect(world)
    connect(world, shop="another")
    with pytest.raises(ConnectionMissing) as caught:
        world.hub.connections.bind(world.workspace, ("telling", "vault"), {})
    assert str(caught.value) == (
        "Not possible yet: no Telling account is connected; "
        "there are 2 Vault accounts: choose one with vault=CONNECTION."
    )


def test_the_only_account_is_taken_unless_it_is_off(world: World, service: Service) -> None:
    connection, _ = connect(world)
    assert world.hub.connections.bind(world.workspace, ("vault",), {}) == {"vault": connection.id}
    world.hub.connections.disconnect(connection.id)
    with pytest.raises(ConnectionMissing, match="no Vault account"):
        world.hub.connections.bind(world.workspace, ("vault",), {})


def test_an_account_of_another_business_or_service_cannot_be_chosen(world: World, service: Service) -> None:
    other = world.hub.workspaces.add("Another Bakery")
    theirs, _ = world.hub.connections.connect(other, "vault", {"shop": "crumb", "token": SECRET})
    ours = world.connect("telling", account="a")
    for chosen in (theirs.id, ours.id):
        with pytest.raises(ConnectionMissing, match="is no Vault connection of this workspace"):
            world.hub.connections.bind(world.workspace, ("vault",), {"vault": chosen})
