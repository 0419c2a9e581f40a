"""What the hub reads from what Twilio posts."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlencode

import pytest
from twilio.request_validator import RequestValidator

from connectors import twilio
from connectors.twilio.keywords import meaning
from connectors.twilio.practice import service, signed
from hub import UNKNOWN, Consent, Delivery
from hub.errors import PayloadUnreadable, SecretMissing, SignatureMissing, SignatureWrong
from tests.connectors.contract import SHARED, vendor_file

AT = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
SID = "SM" + "0" * 31 + "7"
INBOUND = {
    "MessageSid": SID,
    "SmsStatus": "received",
    "From": "+14155550123",
    "To": "+14155550100",
    "Body": "Hello",
    "NumMedia": "0",
}
STATUS = {"MessageSid": SID, "MessageStatus": "sent", "SmsStatus": "sent", "To": "+14155550123", "From": "+14155550100"}


def delivery(form: dict[str, str], headers: dict[str, str] | None = None) -> Delivery:
    return Delivery("POST", "https://hub.example/webhooks/twilio/c-1", headers or {}, urlencode(form).encode(), AT)


def read(**changes: str) -> list:
    return list(twilio.connector.read(delivery(INBOUND | changes)))


@pytest.mark.parametrize("trigger", twilio.connector.triggers.values(), ids=lambda trigger: trigger.name)
def test_each_sample_tells_its_trigger(trigger):
    assert trigger.sample.type == trigger.type
    assert trigger.sample.person.phone == "+14155550123"


def test_the_declaration_is_complete():
    assert twilio.connector.faults() == []


def test_a_message_is_one_event_with_all_that_twilio_sent():
    (event,) = read()
    assert (event.key, event.type, event.at) == (SID, twilio.message_received.type, AT)
    assert event.data == INBOUND
    assert event.person.phone == "+14155550123"
    assert event.consents == ()


def test_a_message_with_pictures_keeps_each_of_them():
    (event,) = read(NumMedia="2", MediaUrl0="https://media.example/0", MediaUrl1="https://media.example/1", Body="")
    assert (event.data["MediaUrl0"], event.data["MediaUrl1"]) == ("https://media.example/0", "https://media.example/1")


@pytest.mark.parametrize(
    "status", ["queued", "sending", "sent", "delivered", "undelivered", "failed", "read", "canceled", "one_of_tomorrow"]
)
def test_each_status_of_a_message_is_an_event_of_its_own_about_its_recipient(status):
    (event,) = twilio.connector.read(delivery(STATUS | {"MessageStatus": status}))
    assert (event.key, event.type) == (f"{SID}:{status}", twilio.message_status.type)
    assert event.person.phone == "+14155550123"
    assert event.data["MessageStatus"] == status


def test_stop_is_a_message_and_then_an_opt_out():
    first, second = read(Body="STOP")
    assert [first.type, second.type] == [twilio.message_received.type, twilio.opted_out.type]
    assert first.key != second.key
    assert (first.consents, second.consents) == ((), (Consent("sms", "+14155550123", False, AT),))


def test_start_is_a_message_and_then_an_opt_in():
    _, second = read(Body="start")
    assert (second.type, second.consents) == (twilio.opted_in.type, (Consent("sms", "+14155550123", True, AT),))


def test_help_asks_for_help_and_says_nothing_of_consent():
    _, second = read(Body="Info?")
    assert (second.type, second.consents) == (twilio.help_requested.type, ())


WORDS = [
    *((word, "stop") for word in ("STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "REVOKE", "OPTOUT")),
    *((word, "stop") for word in ("stop", " Stop! ", "STOP.", "stop all", "opt-out", "‘stop’", "STOP 🙏")),
    *((word, "start") for word in ("START", "unstop", "Start.")),
    *((word, "help") for word in ("HELP", "info")),
    *((word, None) for word in ("please stop", "stop please", "don't stop", "ending", "yes", "YES", "", "!", "🙏")),
]


@pytest.mark.parametrize(("text", "expected"), WORDS)
def test_only_a_message_that_is_nothing_but_the_word_counts(text, expected):
    assert meaning(text) == expected


@pytest.mark.parametrize(
    ("text", "told", "expected"),
    [("Arrêter", "STOP", "stop"), ("STOP", "HELP", "help"), ("YES", "START", "start"), ("STOP", "NEW", "stop")],
)
def test_twilios_own_judgement_wins_where_it_is_sent(text, told, expected):
    assert meaning(text, told) == expected


def test_stop_on_whatsapp_stops_text_messages_too():
    _, second = read(Body="STOP", From="whatsapp:+14155550123")
    assert second.consents == (Consent("sms", "+14155550123", False, AT),)


def test_start_on_whatsapp_is_no_consent_to_text_messages():
    (only,) = read(Body="START", From="whatsapp:+14155550123")
    assert only.type == twilio.message_received.type
    assert only.person.phone == "+14155550123"


def test_stop_from_a_sender_without_a_number_names_nobody():
    _, second = read(Body="STOP", From="Somebody")
    assert (second.type, bool(second.person), second.consents) == (twilio.opted_out.type, False, ())


def test_what_is_not_known_is_kept_and_starts_nothing():
    call = {"CallSid": "CA1", "CallStatus": "ringing", "From": "+14155550123"}
    (event,) = twilio.connector.read(delivery(call))
    (again,) = twilio.connector.read(delivery(call))
    (with_token,) = twilio.connector.read(delivery(call, {"i-twilio-idempotency-token": "t-1"}))
    assert (event.type, event.data, event.key) == (UNKNOWN, call, again.key)
    assert with_token.key == "t-1"


@pytest.mark.parametrize(
    "form",
    [
        {key: value for key, value in INBOUND.items() if key != "MessageSid"},
        {key: value for key, value in INBOUND.items() if key != "From"},
        INBOUND | {"MessageSid": ""},
        {key: value for key, value in STATUS.items() if key != "MessageSid"},
        STATUS | {"MessageStatus": ""},
        STATUS | {"To": ""},
        {},
    ],
)
def test_a_delivery_without_what_makes_it_an_event_is_refused(form):
    with pytest.raises(PayloadUnreadable):
        list(twilio.connector.read(delivery(form)))


def test_a_delivery_is_known_again_by_twilios_token():
    keys = twilio.connector.function("keys")
    assert keys(delivery(INBOUND, {"i-twilio-idempotency-token": "t-1"})) == ["t-1"]
    assert keys(delivery(INBOUND)) == []


def vendor_samples() -> list[Path]:
    return sorted((SHARED / "specs" / "twilio" / "samples-handwritten").glob("*.form.json"))


@pytest.mark.parametrize("file", vendor_samples(), ids=lambda file: file.name)
def test_every_sample_form_of_twilio_is_read(file):
    found = list(twilio.connector.read(delivery(json.loads(file.read_text())["params"])))
    assert found
    assert UNKNOWN not in {event.type for event in found}


def test_there_are_sample_forms_of_twilio():
    vendor_file("twilio")
    assert len(vendor_samples()) == 7


# ---- signatures, with Twilio's own validator as referee

URL, TOKEN = "https://hub.example/webhooks/twilio/c-1", "practice-token"


def signed_delivery(form: dict[str, str], token: str = TOKEN) -> Delivery:
    headers, body = signed(form, URL, token)
    return Delivery("POST", URL, {name.lower(): value for name, value in headers.items()}, body, AT)


@pytest.mark.parametrize("form", [INBOUND, STATUS, INBOUND | {"Body": "Größe & 50 % = 🙏+1"}, INBOUND | {"Body": ""}])
def test_a_signed_delivery_is_genuine_to_us_and_to_twilio(form):
    sent = signed_delivery(form)
    assert RequestValidator(TOKEN).validate(URL, sent.form, sent.headers["x-twilio-signature"])
    twilio.connector.verify(sent, {"auth_token": [TOKEN]})


def test_what_twilio_signs_is_genuine_to_us():
    body = urlencode(INBOUND).encode()
    headers = {"x-twilio-signature": RequestValidator(TOKEN).compute_signature(URL, INBOUND)}
    twilio.connector.verify(Delivery("POST", URL, headers, body, AT), {"auth_token": [TOKEN]})


def test_while_the_token_is_exchanged_either_fits():
    twilio.connector.verify(signed_delivery(INBOUND, "old"), {"auth_token": ["new", "old"]})
    twilio.connector.verify(signed_delivery(INBOUND, "new"), {"auth_token": ["new", "old"]})


def test_another_token_or_another_body_or_no_signature_is_refused():
    good = signed_delivery(INBOUND)
    other = Delivery("POST", URL, good.headers, urlencode(INBOUND | {"Body": "Other"}).encode(), AT)
    bare = Delivery("POST", URL, {}, good.body, AT)
    with pytest.raises(SignatureWrong):
        twilio.connector.verify(good, {"auth_token": ["another"]})
    with pytest.raises(SignatureWrong):
        twilio.connector.verify(other, {"auth_token": [TOKEN]})
    with pytest.raises(SignatureMissing):
        twilio.connector.verify(bare, {"auth_token": [TOKEN]})
    with pytest.raises(SecretMissing):
        twilio.connector.verify(good, {"auth_token": []})


def test_the_practice_account_has_the_fields_that_are_asked_for():
    needed = {name for name, field in twilio.connector.fields.items() if field.required and not field.generated}
    assert needed <= service.account.keys() <= twilio.connector.fields.keys()
