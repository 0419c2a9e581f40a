"""What the connector does at Twilio, against the practice service over HTTP."""

from __future__ import annotations

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from connectors import twilio
from connectors.twilio import practice_shapes as shapes
from connectors.twilio.practice import service
from connectors.twilio.practice_account import ACCOUNT, NUMBER, SERVICE, TOKEN
from hub import NotAuthorized, OutcomeUnknown, Person, RateLimited, Rejected, ServiceDown
from hub.errors import SetupError
from hub.practice import Response

ADA = "+14155550123"
MESSAGES = "/Messages.json"


def send(client, text="Your order is on its way.", to=ADA, purpose="transactional"):
    return twilio.send_sms.perform(client, to, text, purpose=purpose)


def find(client, since, text="Your order is on its way.", to=ADA):
    return twilio.send_sms.find(client, since, to=to, text=text, purpose="transactional")


def ago(**span) -> datetime:
    return datetime.now(UTC) - timedelta(**span)


def calls(method: str) -> list[str]:
    return [call["path"] for call in service.calls if call["method"] == method]


# ---- sending


def test_a_text_is_sent_once_and_answered_with_its_id_and_its_cost(client, books):
    answer = send(client, "Grüße 🙏" * 10)
    (message,) = books["messages"]
    assert answer == {"sid": message["sid"], "status": "queued", "segments": 2, "to": ADA}
    assert (message["to"], message["body"], message["from"]) == (ADA, "Grüße 🙏" * 10, NUMBER)


def test_a_number_without_its_country_code_is_one_of_the_senders_country(client):
    assert send(client, to="(415) 555-0123")["to"] == ADA


def test_the_connections_country_is_for_numbers_without_a_country_code(connect):
    assert send(connect(region="de"), to="030 23125 000")["to"] == "+493023125000"


@pytest.mark.parametrize("to", ["", "nobody", "123", "ada@example.com"])
def test_what_is_no_number_is_refused_without_a_call(client, to):
    with pytest.raises(Rejected, match="country code"):
        send(client, to=to)
    assert not service.calls


@pytest.mark.parametrize("text", ["", "  \n", "a" * 1601])
def test_a_text_that_twilio_would_not_send_is_refused_without_a_call(client, text):
    with pytest.raises(Rejected):
        send(client, text)
    assert not service.calls


def test_half_a_character_keeps_no_text_from_leaving(client, books):
    since, text = ago(seconds=0), "Hello \ud83d, \ud83d\ude4f"
    answer = send(client, text)
    assert books["messages"][0]["body"] == "Hello \ufffd, 🙏"
    assert [found["sid"] for found in find(client, since, text)] == [answer["sid"]]


def test_a_messaging_service_sends_with_the_text_as_it_is(connect, books, server):
    client = connect(from_number=None, messaging_service_sid=SERVICE)
    assert send(client)["status"] == "accepted"
    assert books["messages"][0]["messaging_service_sid"] == SERVICE
    assert server.exchanges[-1].request_body["SmartEncoded"] == ["false"]
    assert "From" not in server.exchanges[-1].request_body


def test_a_service_and_a_sender_go_together(connect, server):
    send(connect(messaging_service_sid=SERVICE))
    assert server.exchanges[-1].request_body["From"] == [NUMBER]
    assert server.exchanges[-1].request_body["MessagingServiceSid"] == [SERVICE]


def test_each_message_says_where_to_report_its_status(connect, server, inbox):
    send(connect(status_url=inbox.url))
    assert server.exchanges[-1].request_body["StatusCallback"] == [f"{inbox.url}#rc=5&rp=ct,rt,5xx"]
    assert {delivery.form["MessageStatus"] for delivery in inbox.take(2)} == {"sent", "delivered"}


def test_no_report_is_asked_for_before_the_hub_has_an_address(connect, server):
    send(connect(status_url="not-an-address"))
    assert "StatusCallback" not in server.exchanges[-1].request_body


def test_the_answer_says_whom_it_was_about(client):
    assert twilio.send_sms.identifies({"to": "(415) 555-0123"}, send(client)) == Person(phone=ADA)


def test_one_client_serves_many_threads(client, books):
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda number: send(client, f"Message {number}"), range(40)))
    assert {answer["sid"] for answer in answers} == {message["sid"] for message in books["messages"]}
    assert len(books["messages"]) == 40


def test_a_message_can_be_looked_up_later(client):
    sid = send(client)["sid"]
    assert twilio.get_message.perform(client, sid)["status"] == "delivered"
    with pytest.raises(Rejected) as refused:
        twilio.get_message.perform(client, "SM" + "0" * 32)
    assert (refused.value.status, refused.value.code) == (404, "20404")
    with pytest.raises(Rejected):
        twilio.get_message.perform(client, "../Calls")


# ---- refusals and faults


@pytest.mark.parametrize(
    ("to", "code"),
    [
        ("+15005550001", "21211"),
        ("+15005550002", "21612"),
        ("+15005550003", "21408"),
        ("+15005550004", "21610"),
        ("+15005550009", "21614"),
    ],
)
def test_a_refused_recipient_is_refused_for_good_with_twilios_code(client, to, code):
    with pytest.raises(Rejected) as refused:
        send(client, to=to)
    assert (refused.value.code, refused.value.status) == (code, 400)
    assert to not in str(refused.value)


def test_who_texted_stop_gets_nothing_until_they_text_start(client, books):
    service.happen("stop", {"from": ADA})
    with pytest.raises(Rejected, match="opted out"):
        send(client)
    service.happen("start", {"from": ADA})
    assert send(client)["to"] == ADA


def test_a_sender_that_the_account_does_not_have_is_refused(connect):
    with pytest.raises(Rejected) as refused:
        send(connect(from_number="+14155550177"))
    assert refused.value.code == "21606"


def test_a_login_that_twilio_no_longer_takes_needs_a_new_one(connect, client, books):
    with pytest.raises(NotAuthorized) as lost:
        send(connect(auth_token=["wrong-and-secret"]))
    assert (lost.value.status, lost.value.code) == (401, "20003")
    assert "wrong-and-secret" not in str(lost.value)
    books["status"] = "suspended"
    with pytest.raises(NotAuthorized, match="suspended"):
        twilio.connector.function("check")(client)


def test_the_newest_of_several_tokens_is_the_one_that_calls(connect):
    check = twilio.connector.function("check")
    assert check(connect(auth_token=[TOKEN, "older"])) == "Practice account"
    with pytest.raises(NotAuthorized):
        check(connect(auth_token=["newer", TOKEN]))


def test_too_many_calls_at_once_are_tried_again_when_twilio_says(client, books):
    service.add_fault({"kind": "status", "status": 429, "seconds": 3})
    with pytest.raises(RateLimited) as limited:
        send(client)
    assert (limited.value.after, limited.value.code) == (3, "20429")
    service.concurrent = 0
    with pytest.raises(RateLimited):
        send(client)
    assert books["messages"] == []


@pytest.mark.parametrize(
    ("fault", "sent"),
    [
        ({"kind": "status", "status": 500}, 0),
        ({"kind": "status", "status": 503, "seconds": 5}, 0),
        ({"kind": "html"}, 0),
        ({"kind": "malformed"}, 0),
        ({"kind": "drop_before"}, 0),
        ({"kind": "drop_after"}, 1),
    ],
    ids=lambda value: value["kind"] if isinstance(value, dict) else "",
)
def test_after_a_fault_nobody_knows_until_it_is_read_back(client, books, fault, sent):
    since = ago(seconds=0)
    service.add_fault(fault)
    with pytest.raises(OutcomeUnknown):
        send(client)
    assert [answer["sid"] for answer in find(client, since)] == [message["sid"] for message in books["messages"]]
    assert len(books["messages"]) == sent


def test_a_service_that_cannot_be_reached_did_certainly_not_do_it(connect):
    with pytest.raises(ServiceDown):
        send(connect(base_url="http://127.0.0.1:9"))


NAMELESS = {"direction": "outbound-api", "from": NUMBER, "body": "Your order is on its way."}
NAMELESS["date_created"] = "Tue, 22 Nov 2050 12:00:00 +0000"
SHAPES = ["[]", '"sent"', "{}", '{"messages": 3}', '{"messages": [3]}', '{"messages": [{"sid": "SM1"}]}']


@pytest.mark.parametrize("body", [*SHAPES, json.dumps({"messages": [NAMELESS]})])
def test_an_answer_of_another_shape_is_no_answer(client, monkeypatch, body):
    monkeypatch.setattr(service, "_broken", lambda fault: Response(body, 200, mimetype="application/json"))
    service.add_fault({"kind": "status", "times": 2})
    with pytest.raises(OutcomeUnknown):
        send(client)
    with pytest.raises(OutcomeUnknown):
        find(client, ago(seconds=0))


# ---- reading back


def test_what_was_sent_is_found_as_it_was_answered(client):
    since, answer = ago(seconds=0), send(client)
    assert find(client, since) == [answer | {"status": "delivered"}]


def test_a_message_that_is_still_queued_is_found(client, books):
    books["delivers"] = False
    since, answer = ago(seconds=0), send(client)
    assert books["messages"][0]["date_sent"] is None
    assert find(client, since) == [answer]


def test_equal_texts_to_one_number_are_all_found_oldest_first(client):
    since = ago(seconds=0)
    sent = [send(client)["sid"] for _ in range(3)]
    assert [answer["sid"] for answer in find(client, since)] == sent


def test_other_texts_other_people_and_other_senders_are_not_found(client, connect, books):
    since = ago(seconds=0)
    send(client, "Another text.")
    send(client, to="+14155550124")
    send(connect(from_number=None, messaging_service_sid=SERVICE))
    books["messages"][-1]["from"] = "+14155550177"
    service.happen("reply", {"from": ADA, "text": "Your order is on its way."})
    assert find(client, since) == []


def test_a_service_finds_its_own_messages_only(client, connect):
    since, by_service = ago(seconds=0), connect(from_number=None, messaging_service_sid=SERVICE)
    send(client)
    sid = send(by_service)["sid"]
    assert [answer["sid"] for answer in find(by_service, since)] == [sid]


def test_what_was_sent_before_is_not_found(client, books):
    send(client)
    books["messages"][0]["date_created"] = "Sun, 22 Nov 2020 12:00:00 +0000"
    assert find(client, datetime(2020, 11, 22, 12, 0, 1, tzinfo=UTC)) == []
    assert len(find(client, datetime(2020, 11, 22, 12, 0, 0, 999_999, tzinfo=UTC))) == 1


def test_what_a_trial_account_puts_before_a_text_does_not_matter(client, books):
    since = ago(seconds=0)
    send(client)
    books["messages"][0]["body"] = "Sent from your Twilio trial account - " + books["messages"][0]["body"]
    assert len(find(client, since)) == 1


def fill(count: int, made: str) -> None:
    """So many other messages to the same number."""
    one = shapes.message(
        ACCOUNT, to=ADA, body="x", sender=NUMBER, service=None, direction="outbound-api", status="sent", segments=1
    )
    one |= {"date_sent": made, "date_created": made}
    for _ in range(count):
        service.keep(one | {"sid": shapes.sid("SM")})


def test_it_reads_on_while_pages_are_recent_and_stops_where_they_are_old(client):
    since = ago(seconds=0)
    fill(2500, "Sun, 22 Nov 2020 12:00:00 +0000")
    sid = send(client)["sid"]
    fill(1500, shapes.rfc2822())
    assert [answer["sid"] for answer in find(client, since)] == [sid]
    # 4001 messages are five pages: the first and half the second are recent, the third is the first that is all old.
    assert len(calls("GET")) == 3


# ---- connecting


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"from_number": None}, "Give a sender"),
        ({"from_number": "call me maybe later"}, "sender number"),
        ({"account_sid": "SK" + "0" * 32}, "account SID"),
        ({"account_sid": ACCOUNT + "/x"}, "account SID"),
        ({"messaging_service_sid": "MG1"}, "messaging service SID"),
        ({"auth_token": []}, "auth token is missing"),
        ({"region": "UK"}, "'UK' is no country"),
        ({"region": "Germany"}, "'Germany' is no country"),
    ],
)
def test_a_field_that_cannot_be_right_is_told_at_once(connect, fields, says):
    with pytest.raises(SetupError, match=says):
        connect(**fields)


@pytest.mark.parametrize(
    ("given", "sender"), [("(415) 555-0100", NUMBER), ("ACME Shop", "ACME Shop"), ("12345", "12345")]
)
def test_a_sender_may_be_a_number_a_short_code_or_a_name(connect, given, sender):
    assert connect(from_number=given, region="US").sender == {"From": sender}


def test_a_client_shows_neither_token_nor_numbers(connect):
    shown = repr(connect(status_url="https://hub.example/webhooks/twilio/c-1"))
    assert TOKEN not in shown
    assert NUMBER not in shown
    assert "hub.example" not in shown


def test_without_a_base_url_the_real_twilio_is_called():
    client = twilio.connect(base_url=None, account_sid=ACCOUNT, auth_token=[TOKEN], from_number=NUMBER)
    assert client.account_url == f"https://api.twilio.com/2010-04-01/Accounts/{ACCOUNT}"
    assert client.messaging == "https://messaging.twilio.com"
    client.session.close()


def test_declaring_the_connector_loads_no_http_library():
    code = "import sys, connectors.twilio; sys.exit(sum(name in sys.modules for name in ('requests', 'twilio')))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
