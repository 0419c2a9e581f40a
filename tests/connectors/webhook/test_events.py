"""What the hub reads from what a tool posts, and whom it believes."""

from __future__ import annotations

import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from standardwebhooks.webhooks import Webhook

from connectors import webhook
from connectors.webhook.signing import new_secret, sign, verify
from hub import UNKNOWN, Delivery, Event, Place
from hub.errors import (
    DeliveryRefused,
    PayloadUnreadable,
    SecretMissing,
    SettingInvalid,
    SignatureMissing,
    SignatureWrong,
    TimestampOutOfWindow,
)
from hub.matching import fits

AT = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
SECRET = new_secret()
BODY = {"type": "appointment.booked", "id": "e1", "person": {"email": "Ada@Example.com"}, "data": {"appointment": "7"}}


def posted(body: Any, headers: dict[str, str] | None = None, at: datetime = AT) -> Delivery:
    text = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Delivery("POST", "https://hub.example/webhooks/webhook/c-1", headers or {}, text, at)


def read(**changes: Any) -> Event:
    (event,) = webhook.connector.read(posted(BODY | changes))
    return event


def standard(name: str = "msg_1", at: datetime = AT, body: Any = BODY) -> Delivery:
    text = json.dumps(body).encode()
    return posted(text, sign(SECRET, None, name, int(at.timestamp()), text))


def plain(text: str, body: Any = BODY, header: str = "x-signature") -> Delivery:
    return posted(body, {header: text})


def mac(digest: str = "hex") -> str:
    import base64

    made = hmac.new(b"owner's own", json.dumps(BODY).encode(), hashlib.sha256).digest()
    return made.hex() if digest == "hex" else base64.b64encode(made).decode()


GIVEN = {"signing_secret": [SECRET]}
PLAIN = {"signing_secret": ["owner's own"], "signature_header": ["X-Signature"]}


@pytest.mark.parametrize("trigger", webhook.connector.triggers.values(), ids=lambda trigger: trigger.name)
def test_each_sample_tells_its_trigger_and_whom_it_is_about(trigger: Any) -> None:
    assert trigger.sample.type == trigger.type
    assert (trigger.sample.person.email, trigger.sample.person.phone) == ("ada@example.com", "+14155550123")


def test_a_type_that_we_have_no_word_for_starts_what_asks_for_it() -> None:
    event = read(type="parcel.arrived")
    assert event.type == webhook.received.type
    assert fits(webhook.received.matching(where={"type": "parcel.arrived"}), event)
    assert not fits(webhook.received.matching(where={"type": "parcel.lost"}), event)
    assert fits(webhook.appointment_moved.matching(same="data.appointment"), read(type="appointment.moved"), event)


@pytest.mark.parametrize("kind", [None, "", 7, "Not a type", {}, "a/b"])
def test_what_names_no_type_is_kept_and_starts_nothing(kind: Any) -> None:
    assert read(type=kind).type == UNKNOWN


@pytest.mark.parametrize(
    ("told", "at"),
    [
        ("2026-11-22T12:30:00+01:00", datetime(2026, 11, 22, 11, 30, tzinfo=UTC)),
        ("2026-11-22T11:30:00Z", datetime(2026, 11, 22, 11, 30, tzinfo=UTC)),
        (AT.timestamp() - 60, AT - timedelta(minutes=1)),
        ((AT.timestamp() - 60) * 1000, AT - timedelta(minutes=1)),
        (None, AT),
        ("2026-11-24T17:00:00Z", AT),
    ],
)
def test_when_it_happened_is_told_or_is_when_it_came_and_never_later(told: Any, at: datetime) -> None:
    assert read(at=told).at == at


@pytest.mark.parametrize("told", ["2026-11-22T12:30:00", "yesterday", True, [], -1, 1e300])
def test_a_time_that_is_none_is_refused(told: Any) -> None:
    with pytest.raises(PayloadUnreadable, match="with its offset"):
        read(at=told)


def test_what_comes_again_is_known_by_the_signed_id_else_by_its_own_else_by_all_that_it_says() -> None:
    (signed,) = webhook.connector.read(standard("msg_9"))
    assert (signed.key, webhook.keys(standard("msg_9"))) == ("msg_9", ["msg_9"])
    unsigned = posted(BODY, {"webhook-id": "anybody's"})
    (own,) = webhook.connector.read(unsigned)
    assert (own.key, webhook.keys(unsigned)) == ("appointment.booked:e1", [])
    assert read(id=None).key == read(id=None).key != read(id=None, at="2026-11-22T11:30:00Z").key


def test_what_standard_webhooks_own_library_signs_is_accepted() -> None:
    text, now = json.dumps(BODY), datetime.now(UTC)
    headers = {"webhook-id": "m", "webhook-timestamp": str(int(now.timestamp()))}
    headers["webhook-signature"] = Webhook(SECRET).sign("m", now, text)
    verify(posted(text.encode(), headers, now), GIVEN)
    ours = sign(SECRET, None, "m", int(now.timestamp()), text.encode())
    assert Webhook(SECRET).verify(text, ours) == BODY


@pytest.mark.parametrize("text", [mac(), f"sha256={mac()}", mac("base64"), f"sha256={mac('base64')}"])
def test_a_plain_signature_is_accepted_in_the_header_that_the_owner_names(text: str) -> None:
    verify(plain(text), PLAIN)
    with pytest.raises(SignatureMissing):
        verify(plain(text, header="x-other"), PLAIN)
    with pytest.raises(SignatureWrong):
        verify(plain(text, body=BODY | {"id": "e2"}), PLAIN)


@pytest.mark.parametrize(
    ("delivery", "given", "refusal"),
    [
        (standard(), {}, SecretMissing),
        (plain(mac()), PLAIN | {"signing_secret": []}, SecretMissing),
        (posted(BODY), GIVEN, SignatureMissing),
        (standard(at=AT - timedelta(minutes=6)), GIVEN, TimestampOutOfWindow),
        (standard(at=AT + timedelta(minutes=6)), GIVEN, TimestampOutOfWindow),
        (standard(), {"signing_secret": [new_secret()]}, SignatureWrong),
        (plain(mac()), {"signing_secret": [SECRET]}, SignatureMissing),
        (standard(), PLAIN | {"signing_secret": [SECRET]}, SignatureWrong),
    ],
)
def test_what_is_not_signed_as_the_connection_says_is_refused(
    delivery: Delivery, given: dict[str, list[str]], refusal: type[DeliveryRefused]
) -> None:
    with pytest.raises(refusal):
        verify(delivery, given)


THEIRS = {
    "event": "invitee.created",
    "created_at": "2026-11-22T11:00:00Z",
    "payload": {"invitee": {"email": "ada@example.com"}, "start_time": "2026-11-24T17:00:00+01:00"},
    "answers": [{"text": "by the window"}],
}
FIELDS = {
    "mapping": "type=event, at=created_at, person.email=payload.invitee.email\ndata.start=payload.start_time, "
    "data.wish=answers.0.text, data.missing=answers.7.text",
    "types": "invitee.created=appointment.booked",
}


def test_a_tool_with_a_shape_of_its_own_is_read_by_what_its_owner_says() -> None:
    adapted = webhook.connector.adapted(posted(THEIRS), FIELDS)
    (event,) = webhook.connector.read(adapted)
    assert event.type == webhook.appointment_booked.type
    assert (event.person.email, event.at) == ("ada@example.com", datetime(2026, 11, 22, 11, tzinfo=UTC))
    assert event.data["data"] == {"start": "2026-11-24T17:00:00+01:00", "wish": "by the window"}
    assert event.data["sent"] == THEIRS


def test_where_words_alone_differ_all_else_stays() -> None:
    adapted = webhook.connector.adapted(posted(BODY | {"type": "booked"}), {"types": "booked=appointment.booked"})
    (event,) = webhook.connector.read(adapted)
    assert (event.type, event.data["data"]) == (webhook.appointment_booked.type, BODY["data"])
    assert webhook.connector.adapted(posted(BODY), {}).body == posted(BODY).body


@pytest.mark.parametrize("body", [b"[]", b"7", b"{}", b'{"event": {"a": 1}}', b'{"payload": [1]}'])
def test_an_odd_body_is_mapped_to_something_odd_and_breaks_nothing(body: bytes) -> None:
    try:
        found = [event.type for event in webhook.connector.read(webhook.connector.adapted(posted(body), FIELDS))]
    except PayloadUnreadable:
        found = [UNKNOWN]
    assert found == [UNKNOWN]


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"mapping": "colour=event"}, "colour: there is no such field"),
        ({"mapping": "type"}, "does not say what stands where"),
        ({"types": "=x"}, "does not say what stands where"),
        ({"signing_secret": ["owner's own"]}, "begins with whsec_"),
        ({"signature_header": "X Signature:"}, "letters, digits and dashes"),
        ({"send_to": "http://example.com"}, "should begin with https://"),
    ],
)
def test_a_field_that_cannot_be_right_is_refused_with_the_way_out(fields: dict[str, Any], says: str) -> None:
    with pytest.raises(SettingInvalid, match=says):
        webhook.connect(**({"base_url": None, "name": "Booking tool", "signing_secret": [SECRET]} | fields))


def test_where_somebody_lives_is_told_by_their_zone() -> None:
    assert webhook.visit.sample.place == Place(time_zone="America/Los_Angeles")
    for zone in (None, "Berlin", 7, ""):
        assert read(person={"email": "ada@example.com", "zone": zone}).place is None
