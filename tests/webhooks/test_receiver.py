"""The door: what it takes, what it refuses, what it answers, and that nothing is kept of what it refused."""

from __future__ import annotations

import base64
import hmac
import io
import json
import logging
import random
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from werkzeug.test import EnvironBuilder, run_wsgi_app

from connectors.twilio.practice_account import signed as signed_by_twilio
from hub import registry, schema
from hub.connections import OFF, READY
from hub.delivery import Delivery
from hub.timing import to_datetime
from tests import telling
from tests.webhooks.door import CANARY, Door, Signed
from tests.world import World, tell
from webhooks.intake import Intake, unpacked
from webhooks.receiver import MOST_BYTES

PROVIDERS = ["shopify", "hubspot", "mailchimp", "twilio"]
SIGNATURES = ("x-shopify-hmac-sha256", "x-hubspot-signature-v3", "x-mailchimp-signature", "x-twilio-signature")
TWIML = b'<?xml version="1.0" encoding="UTF-8"?><Response></Response>'


@pytest.fixture(autouse=True)
def _no_canary_in_the_log(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    caplog.set_level(logging.DEBUG)
    yield
    assert CANARY not in caplog.text


# ---- what is taken


@pytest.mark.parametrize("name", PROVIDERS)
def test_a_genuine_delivery_is_kept_before_it_is_answered(door: Door, name: str) -> None:
    headers, body = door.genuine(name)
    answer = door.post(name, (headers, body))
    assert (answer.status_code, answer.data) == (200, TWIML if name == "twilio" else b"")
    assert answer.mimetype == ("text/xml" if name == "twilio" else "text/plain")
    (row,) = door.world.rows(schema.delivery)
    assert (row.state, row.connection_id, row.workspace_id) == ("new", door.connection(name).id, 1)
    kept = unpacked(door.world.workspace.sealer.open(row.content, f"delivery {row.id}"))
    assert kept.body == body and kept.received_at == to_datetime(door.world.clock.now())
    assert kept.url == door.hub.settings.public_url + door.path(name)
    assert {key.lower(): value for key, value in headers.items()}.items() <= kept.headers.items()
    assert door.world.wakeups.queues == ["read"]


def test_what_is_kept_cannot_be_read_without_the_key(door: Door) -> None:
    door.post("shopify", door.order())
    (row,) = door.world.rows(schema.delivery)
    assert not any(CANARY.encode() in bytes(value) for value in row if isinstance(value, bytes))


@pytest.mark.parametrize("kind", ["text/plain", "application/octet-stream", "", "application/json; charset=utf-8"])
def test_json_is_taken_for_what_it_is_whatever_its_content_type_says(door: Door, kind: str) -> None:
    assert door.post("shopify", door.json(b'{"id": 1}', **{"Content-Type": kind})).status_code == 200


def test_as_many_bytes_as_are_allowed_are_taken_also_in_chunks(door: Door) -> None:
    body = b'"' + b"a" * (MOST_BYTES - 2) + b'"'
    assert door.post("shopify", door.json(body)).status_code == 200
    assert _chunked(door, *door.json(body + b" "[:0])) == 200
    assert [_size(door, row) for row in door.world.rows(schema.delivery)] == [MOST_BYTES] * 2


def _size(door: Door, row: Any) -> int:
    return len(unpacked(door.world.workspace.sealer.open(row.content, f"delivery {row.id}")).body)


def _chunked(door: Door, headers: dict[str, str], body: bytes) -> int:
    """The status that a body without its length is answered with."""
    environ = EnvironBuilder(door.path("shopify"), method="POST", headers=headers).get_environ()
    environ.pop("CONTENT_LENGTH", None)
    environ |= {"wsgi.input": io.BytesIO(body), "wsgi.input_terminated": True}
    chunks, status, _ = run_wsgi_app(door.client.application, environ)
    assert chunks is not None
    return int(status.split()[0])


def test_a_repeat_is_answered_like_the_first_and_kept_once(door: Door) -> None:
    signed = door.order()
    assert [door.post("shopify", signed).status_code for _ in range(3)] == [200] * 3
    assert door.kept()["delivery"] == 1


@pytest.mark.parametrize(
    ("ids", "kept"),
    [
        ({"event_id": "e-1", "webhook_id": "w-1"}, 1),
        ({"event_id": "e-1", "webhook_id": "w-2"}, 1),
        ({"event_id": "e-2", "webhook_id": "w-1"}, 1),
        ({"event_id": "e-1", "webhook_id": "w-2", "topic": "orders/paid"}, 2),
        ({"event_id": "e-2", "webhook_id": "w-2"}, 2),
    ],
)
def test_shopifys_ids_tell_what_is_a_repeat(door: Door, ids: dict[str, str], kept: int) -> None:
    for signed in (door.order(event_id="e-1", webhook_id="w-1"), door.order(**ids)):
        assert door.post("shopify", signed).status_code == 200
    assert door.kept()["delivery"] == kept


def test_another_connection_with_the_same_ids_gets_its_own_delivery(door: Door) -> None:
    other = door.world.hub.workspaces.add("Other")
    own = door.connection("shopify")
    again, _ = door.hub.connections.connect(other, "shopify", {k: _one(v) for k, v in own.fields.items()})
    signed = door.order(event_id="e-1", webhook_id="w-1")
    for connection in (own, again):
        path = f"/webhooks/shopify/{connection.id}"
        assert door.client.post(path, data=signed[1], headers=signed[0]).status_code == 200
    assert {row.workspace_id for row in door.world.rows(schema.delivery)} == {1, other.id}


def _one(value: Any) -> str:
    return value if isinstance(value, str) else ",".join(value)


# ---- what is refused


def _without_signature(signed: Signed) -> Signed:
    return {name: value for name, value in signed[0].items() if name.lower() not in SIGNATURES}, signed[1]


def _changed(signed: Signed) -> Signed:
    return signed[0], signed[1].replace(b"1", b"2", 1)


@pytest.mark.parametrize("forge", [_without_signature, _changed])
@pytest.mark.parametrize("name", ["shopify", "hubspot", "twilio"])
def test_a_forged_delivery_is_refused_and_nothing_of_it_kept(
    door: Door, name: str, forge: Callable[[Signed], Signed]
) -> None:
    answer = door.post(name, forge(door.genuine(name)))
    assert answer.status_code == 401
    assert CANARY not in answer.text
    assert door.kept() == {}


def test_an_address_with_the_wrong_secret_in_it_is_refused(door: Door) -> None:
    headers, body = door.member()
    for path in (door.path("mailchimp") + "x", door.path("mailchimp").partition("?")[0]):
        assert door.client.post(path, data=body, headers=headers).status_code == 401
    assert door.kept() == {}


def test_an_old_signature_is_refused(door: Door) -> None:
    signed = door.changes()
    door.world.clock.advance(timedelta(minutes=6))
    assert door.post("hubspot", signed).status_code == 401
    assert door.kept() == {}


def test_without_a_secret_nothing_is_taken_signed_or_not(door: Door) -> None:
    other = door.world.hub.workspaces.add("Other")
    own = door.connection("hubspot").fields
    bare, _ = door.hub.connections.connect(other, "hubspot", {n: own[n] for n in ("access_token", "base_url")})
    for headers, body in (door.changes(), door.changes(secret="")):
        answer = door.client.post(f"/webhooks/hubspot/{bare.id}", data=body, headers=headers)
        assert answer.status_code == 401
        assert "Add the secret" in answer.text
    assert door.kept() == {}


NO_JSON = [
    b"",
    b"{",
    b'{"email": "' + CANARY.encode(),
    b"{} {}",
    b'{"a": NaN}',
    b"[-Infinity]",
    b'{"a": "\xff"}',
    "\ufeff{}".encode(),
    b"9" * 5000,
    b"[" * 100_000,
    b"[" * 100_000 + b"]" * 100_000,
    b'{"a":' * 201 + b"1" + b"}" * 201,
    b"email=" + CANARY.encode() + b"&id=1",
    b"\0",
]


@pytest.mark.parametrize("body", NO_JSON, ids=lambda body: repr(body[:9]))
def test_a_signed_body_that_is_no_json_is_refused(door: Door, body: bytes) -> None:
    answer = door.post("shopify", door.json(body, **{"Content-Type": "application/json"}))
    assert answer.status_code == 400
    assert CANARY not in answer.text
    assert door.kept() == {}


def test_two_hundred_levels_are_read_and_can_be_written_down_again(door: Door) -> None:
    body = b'{"created_at": "2026-11-22T12:00:00Z", "x":' + b"[" * 199 + b"]" * 199 + b"}"
    assert door.post("shopify", door.json(body, topic="none/such")).status_code == 200
    door.world.settle()
    (row,) = door.world.rows(schema.event)
    assert row.state == "unknown"


NO_FORM = [
    (b"nothing", "application/x-www-form-urlencoded"),
    (b"a=%FF", "application/x-www-form-urlencoded"),
    (b"a=\xff", ""),
    (b"a=1&" * 2001 + b"a=1", "application/x-www-form-urlencoded"),
    (b'{"type": "subscribe"}', "application/json"),
    (b'{"a": "b=c"}', "application/json"),
    (b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n--x--', "multipart/form-data; boundary=x"),
]


@pytest.mark.parametrize(("body", "kind"), NO_FORM, ids=lambda value: repr(value[:9]))
def test_a_body_that_is_no_form_is_refused(door: Door, body: bytes, kind: str) -> None:
    assert door.post("mailchimp", ({"Content-Type": kind}, body)).status_code == 400
    assert door.kept() == {}


def test_a_body_that_breaks_off_is_refused(door: Door) -> None:
    headers, body = door.order()
    builder = EnvironBuilder(door.path("shopify"), method="POST", headers=headers, data=body[:-9])
    environ = builder.get_environ() | {"CONTENT_LENGTH": str(len(body))}
    _, status, _ = run_wsgi_app(door.client.application, environ)
    assert status.startswith("400")
    assert door.kept() == {}


def test_what_is_too_large_is_refused_also_in_chunks(door: Door) -> None:
    headers, body = door.json(b'"' + b"a" * (MOST_BYTES - 1) + b'"')
    assert door.post("shopify", (headers, body)).status_code == 413
    assert _chunked(door, headers, body) == 413
    assert door.kept() == {}


@pytest.mark.parametrize(
    "path",
    [
        "/webhooks/shopify/0000000000000000",
        "/webhooks/shopify/%00",
        "/webhooks/shopify/%ff%fe",
        "/webhooks/shopify/%C3%A4",
        "/webhooks/shopify/" + "a" * 5000,
        "/webhooks/shopify/a'%20OR%201=1--",
        "/webhooks/nobody/{id}",
        "/webhooks/hubspot/{id}",
        "/webhooks/Shopify/{id}",
        "/webhooks/shopify/{id}/",
        "/webhooks/shopify/",
    ],
)
def test_an_unknown_address_is_answered_with_404(door: Door, path: str) -> None:
    headers, body = door.order()
    path = path.format(id=door.connection("shopify").id)
    assert door.client.post(path, data=body, headers=headers).status_code == 404
    assert door.client.get(path).status_code == 404
    assert door.client.head(path).status_code == 404
    assert door.kept() == {}


@pytest.mark.parametrize("name", PROVIDERS)
def test_probes_of_a_known_connection_are_answered(door: Door, name: str) -> None:
    assert door.client.get(door.path(name)).status_code == 200
    assert door.client.head(door.path(name)).status_code == 200
    assert door.client.get(door.path(name).partition("?")[0] + "?key=another").status_code == 200
    assert door.kept() == {}


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH"])
def test_other_methods_are_not_allowed(door: Door, method: str) -> None:
    headers, body = door.order()
    assert door.client.open(door.path("shopify"), method=method, data=body, headers=headers).status_code == 405


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
    fields = {n: _one(v) for n, v in door.connection(name).fields.items() if n != "status_url"} | changed
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


# ---- whatever comes


def test_whatever_comes_is_answered_and_nothing_that_is_not_genuine_is_kept(door: Door) -> None:
    chance = random.Random(20261122)
    genuine = {name: door.genuine(name) for name in PROVIDERS}
    urls = {name: door.path(name) for name in PROVIDERS}
    answers = {
        status
        for _ in range(600)
        for status in [_random_post(door, chance, urls, genuine)]
        if status not in (400, 401, 404, 405)
    }
    assert answers == set()
    assert door.kept() == {}


def _random_post(door: Door, chance: random.Random, urls: dict[str, str], genuine: dict[str, Signed]) -> int:
    name = chance.choice(PROVIDERS)
    headers, body = genuine[chance.choice(PROVIDERS)]
    path = urls[name].partition("?")[0] + chance.choice(["", "?key=", "?%", "?key=%ff&key", "?a[=;b", "?bodySHA256=0"])
    noise = [chance.choice(_NOISE) for _ in range(4)]
    some = {key: value for key, value in headers.items() if chance.random() < 0.8} | {
        chance.choice([*headers, *SIGNATURES, "X-HubSpot-Request-Timestamp", "Content-Type", "X-Shopify-Topic"]): noise[
            0
        ]
    }
    text = chance.choice([body[: chance.randrange(len(body))], noise[1].encode(), chance.randbytes(50), b"\0" * 9])
    method = chance.choice(["POST"] * 9 + ["PUT"])
    answer = door.client.open(path, method=method, data=text, headers=list(some.items()))
    assert CANARY not in answer.text
    return answer.status_code


_NOISE = [
    "",
    "0",
    "-1",
    "9" * 400,
    "\x7f",
    "ä",
    "\xff\xfe",
    "t=1,v1=",
    "t=,v1=,v1=",
    "v1,",
    "==",
    "null",
    "[[[[",
    "a=b&c",
]


def test_a_signed_delivery_of_any_text_is_kept_or_refused_as_unreadable(door: Door) -> None:
    chance = random.Random(7)
    values: list[Any] = [
        None,
        True,
        -1,
        1e400,
        2**70,
        "",
        "\0",
        "\ud800",
        "ä" * 99,
        [],
        {},
        [[]],
        {"": None},
        "+1",
        0.1,
    ]
    topics = ["orders/create", "customers/update", "none/such", "x" * 300, "app/uninstalled", "\x7f"]
    names = [
        "id",
        "email",
        "created_at",
        "customer",
        "token",
        "updated_at",
        "phone",
        "line_items",
        "sms_marketing_consent",
    ]
    for _ in range(150):
        body = json.dumps({name: chance.choice(values) for name in names if chance.random() < 0.7})
        signed = door.json(body.replace("Infinity", "1e999").encode(), topic=chance.choice(topics))
        assert door.post("shopify", signed).status_code == 200
    for number, value in enumerate(values):
        told = {"eventId": number, "subscriptionType": "contact.propertyChange", "objectId": 1, "occurredAt": 1}
        told |= {"propertyName": "email", "propertyValue": value}
        changes = [told | {"propertyName": value}, told, told | {"objectId": value}, told | {"occurredAt": value}]
        for change in changes:
            body = json.dumps([change]).replace("Infinity", "1e999").encode()
            assert door.post("hubspot", _as_hubspot(door, body)).status_code == 200
    form = {"MessageSid": "SM1", "Body": "\ud800\0".encode("utf-8", "replace").decode(), "From": "\0", "To": "+1"}
    url = door.hub.settings.public_url + door.path("twilio")
    signed = signed_by_twilio(form, url, door.secret("twilio", "auth_token"))
    assert door.post("twilio", signed).status_code == 200
    door.world.settle()
    states = {row.state for row in door.world.rows(schema.delivery)}
    assert states == {"read", "unreadable"}


def _as_hubspot(door: Door, body: bytes) -> Signed:
    at = str(door.world.clock.now())
    text = b"POST" + (door.hub.settings.public_url + door.path("hubspot")).encode() + body + at.encode()
    mac = hmac.digest(door.secret("hubspot", "client_secret").encode(), text, "sha256")
    signature = base64.b64encode(mac).decode()
    return {"X-HubSpot-Request-Timestamp": at, "X-HubSpot-Signature-v3": signature}, body
