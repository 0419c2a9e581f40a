"""The door: what it takes, what it refuses and how, and that nothing is kept of what it refused."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from hub import schema
from hub.timing import to_datetime
from hub.wakeups import READ
from tests.webhooks.door import CANARY, PROVIDERS, SIGNATURES, Door, Signed, one_text
from webhooks.intake import unpacked
from webhooks.receiver import MOST_BYTES

TWIML = b'<?xml version="1.0" encoding="UTF-8"?><Response></Response>'


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
    assert door.world.arrived() == {READ}


def test_what_is_kept_cannot_be_read_without_the_key(door: Door) -> None:
    door.post("shopify", door.order())
    (row,) = door.world.rows(schema.delivery)
    assert not any(CANARY.encode() in bytes(value) for value in row if isinstance(value, bytes))


def test_json_is_taken_for_what_it_is_whatever_its_content_type_says(door: Door) -> None:
    for kind in ("text/plain", "application/octet-stream", "", "application/json; charset=utf-8"):
        assert door.post("shopify", door.json(b'{"id": 1}', **{"Content-Type": kind})).status_code == 200, kind


def test_the_public_address_is_what_providers_sign_whatever_a_proxy_made_of_it(door: Door) -> None:
    headers, body = door.text()
    through_a_proxy = {**headers, "Host": "10.0.0.7:3000", "X-Forwarded-Proto": "https", "X-Forwarded-Host": "x"}
    assert door.post("twilio", (through_a_proxy, body), base_url="http://10.0.0.7:3000").status_code == 200


def test_as_many_bytes_as_are_allowed_are_taken_also_in_chunks(door: Door) -> None:
    body = b'"' + b"a" * (MOST_BYTES - 2) + b'"'
    assert door.post("shopify", door.json(body)).status_code == 200
    assert _chunked(door, *door.json(body + b" "[:0])) == 200
    assert [_size(door, row) for row in door.world.rows(schema.delivery)] == [MOST_BYTES] * 2


def _size(door: Door, row: Any) -> int:
    return len(unpacked(door.world.workspace.sealer.open(row.content, f"delivery {row.id}")).body)


def _chunked(door: Door, headers: dict[str, str], body: bytes) -> int:
    """The status that a body without its length is answered with."""
    return door.client.post(door.path("shopify"), data=body, headers=headers, chunked=True).status_code


def test_a_repeat_is_answered_like_the_first_and_kept_once(door: Door) -> None:
    signed = door.order()
    assert [door.post("shopify", signed).status_code for _ in range(3)] == [200] * 3
    assert door.kept()["delivery"] == 1


def test_shopifys_ids_tell_what_is_a_repeat(door: Door) -> None:
    for ids, kept in [
        ({"event_id": "e-1", "webhook_id": "w-1"}, 1),
        ({"event_id": "e-1", "webhook_id": "w-1"}, 1),
        ({"event_id": "e-1", "webhook_id": "w-2"}, 1),
        ({"event_id": "e-2", "webhook_id": "w-1"}, 1),
        ({"event_id": "e-1", "webhook_id": "w-3", "topic": "orders/paid"}, 2),
        ({"event_id": "e-3", "webhook_id": "w-4"}, 3),
    ]:
        assert door.post("shopify", door.order(**ids)).status_code == 200
        assert door.kept()["delivery"] == kept, ids


def test_another_connection_with_the_same_ids_gets_its_own_delivery(door: Door) -> None:
    other = door.world.hub.workspaces.add("Other")
    own = door.connection("shopify")
    again, _ = door.hub.connections.connect(other, "shopify", {k: one_text(v) for k, v in own.fields.items()})
    signed = door.order(event_id="e-1", webhook_id="w-1")
    for connection in (own, again):
        path = f"/webhooks/shopify/{connection.id}"
        assert door.client.post(path, data=signed[1], headers=signed[0]).status_code == 200
    assert {row.workspace_id for row in door.world.rows(schema.delivery)} == {1, other.id}


# ---- what is refused


def _without_signature(signed: Signed) -> Signed:
    return {name: value for name, value in signed[0].items() if name.lower() not in SIGNATURES}, signed[1]


def _changed(signed: Signed) -> Signed:
    return signed[0], signed[1].replace(b"1", b"2", 1)


@pytest.mark.parametrize("name", ["shopify", "hubspot", "twilio"])
def test_a_forged_delivery_is_refused_and_nothing_of_it_kept(door: Door, name: str) -> None:
    for forge in (_without_signature, _changed):
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


def test_a_signed_body_that_is_no_json_is_refused(door: Door) -> None:
    for body in NO_JSON:
        answer = door.post("shopify", door.json(body, **{"Content-Type": "application/json"}))
        assert answer.status_code == 400, body[:20]
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


def test_a_body_that_is_no_form_is_refused(door: Door) -> None:
    for body, kind in NO_FORM:
        assert door.post("mailchimp", ({"Content-Type": kind}, body)).status_code == 400, body[:20]
    assert door.kept() == {}


def test_a_body_that_breaks_off_is_refused(door: Door) -> None:
    headers, body = door.order()
    answer = door.client.post(door.path("shopify"), data=body[:-9], headers=headers, announced=len(body))
    assert answer.status_code == 400
    assert door.kept() == {}


def test_what_is_too_large_is_refused_also_in_chunks(door: Door) -> None:
    headers, body = door.json(b'"' + b"a" * (MOST_BYTES - 1) + b'"')
    assert door.post("shopify", (headers, body)).status_code == 413
    assert _chunked(door, headers, body) == 413
    assert door.kept() == {}


UNKNOWN = [
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
]


def test_an_unknown_address_is_answered_with_404(door: Door) -> None:
    headers, body = door.order()
    for path in (path.format(id=door.connection("shopify").id) for path in UNKNOWN):
        assert door.client.post(path, data=body, headers=headers).status_code == 404, path
        assert door.client.get(path).status_code == door.client.head(path).status_code == 404, path
    assert door.kept() == {}


def test_probes_of_a_known_connection_are_answered(door: Door) -> None:
    for name in PROVIDERS:
        bare = door.path(name).partition("?")[0]
        for path in (door.path(name), bare, f"{bare}?key=another"):
            assert door.client.get(path).status_code == door.client.head(path).status_code == 200, path
    assert door.kept() == {}


def test_other_methods_are_not_allowed(door: Door) -> None:
    headers, body = door.order()
    for method in ("PUT", "DELETE", "PATCH"):
        assert door.client.open(door.path("shopify"), method=method, data=body, headers=headers).status_code == 405
