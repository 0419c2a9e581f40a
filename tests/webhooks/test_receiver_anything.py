"""The door answers whatever comes, and what it keeps can always be dealt with."""

from __future__ import annotations

import base64
import hmac
import json
import random
from typing import Any

from connectors.twilio.practice_account import signed as signed_by_twilio
from hub import schema
from tests.webhooks.door import CANARY, PROVIDERS, SIGNATURES, Door, Signed


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
