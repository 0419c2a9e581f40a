"""The practice service is Twilio as far as it goes: by the published contract, and by Twilio's own library."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from twilio.base.exceptions import TwilioRestException
from twilio.http.http_client import TwilioHttpClient
from twilio.request_validator import RequestValidator
from twilio.rest import Client as VendorClient

from connectors import twilio
from connectors.twilio.practice import service
from connectors.twilio.practice_account import ACCOUNT, NUMBER, SERVICE, TOKEN
from hub import Rejected
from tests.connectors.contract import Contract, vendor_file

ADA = "+14155550123"
UNREACHABLE = "+14155550199"


def send(client, text="Hello", to=ADA):
    return twilio.send_sms.perform(client, to, text, purpose="transactional")


# ---- the contract


def test_all_traffic_keeps_to_the_published_contract(server, client, connect, books, inbox):
    contracts = [
        Contract(vendor_file("twilio", name), undocumented_errors=True)
        for name in ("twilio_api_v2010.messaging.json", "twilio_messaging_v1.services.json")
    ]
    url, by_service = inbox.url, connect(messaging_service_sid=SERVICE, status_url=inbox.url)
    subscribe, unsubscribe = twilio.connector.function("subscribe"), twilio.connector.function("unsubscribe")
    for each in (client, by_service):
        subscribe(each, url)
        unsubscribe(each, url)
    books["service"]["use_inbound_webhook_on_number"] = True
    subscribe(by_service, url)
    sid = [send(each)["sid"] for each in (client, by_service, client)][0]
    send(client, to=UNREACHABLE)
    service.happen("stop", {"from": "+14155550124"})
    with pytest.raises(Rejected):
        send(client, to="+14155550124")
    twilio.get_message.perform(client, sid)
    since = datetime.now(UTC) - timedelta(minutes=1)
    twilio.send_sms.find(client, since, to=ADA, text="Hello", purpose="transactional")
    twilio.send_sms.find(client, since, to="+14155550124", text="STOP", purpose="transactional")

    for exchange in server.exchanges:
        held = [contract for contract in contracts if contract.knows(exchange.method, exchange.path)]
        assert len(held) == 1, f"{exchange.method} {exchange.path} is in no contract, or in two"
        held[0].check_exchange(exchange)
    assert len({(exchange.method, exchange.path) for exchange in server.exchanges}) == 8


# ---- Twilio's own library as a client


class ToPractice(TwilioHttpClient):
    """Twilio's own transport, which calls the practice service."""

    def __init__(self, base_url: str) -> None:
        super().__init__()
        self.base_url = base_url

    def request(self, method, url, *args, **kwargs):
        for host in ("https://api.twilio.com", "https://messaging.twilio.com"):
            url = url.replace(host, self.base_url)
        return super().request(method, url, *args, **kwargs)


@pytest.fixture
def vendor(server):
    made = VendorClient(ACCOUNT, TOKEN, http_client=ToPractice(server.base_url))
    yield made
    made.http_client.session.close()


def test_twilios_library_sends_and_reads_messages(vendor, books):
    made = vendor.messages.create(to=ADA, from_=NUMBER, body="Hello")
    assert (made.status, made.date_sent, made.num_segments) == ("queued", None, "1")
    assert vendor.messages(made.sid).fetch().status == "delivered"
    by_service = vendor.messages.create(to=ADA, messaging_service_sid=SERVICE, body="Hello")
    assert (by_service.status, by_service.num_segments) == ("accepted", "0")
    assert vendor.messages(by_service.sid).fetch().from_ == NUMBER


def test_twilios_library_pages_through_messages_newest_first(vendor):
    sent = [vendor.messages.create(to=ADA, from_=NUMBER, body=f"Message {n}").sid for n in range(7)]
    listed = vendor.messages.list(to=ADA, page_size=3)
    assert [message.sid for message in listed] == sent[::-1]


def test_twilios_library_filters_messages_by_people_and_by_day(vendor, books):
    vendor.messages.create(to=ADA, from_=NUMBER, body="Today")
    vendor.messages.create(to="+14155550124", from_=NUMBER, body="Someone else")
    old = vendor.messages.create(to=ADA, from_=NUMBER, body="Long ago").sid
    books["messages"][-1]["date_sent"] = "Sun, 22 Nov 2020 23:59:00 +0000"
    books["delivers"] = False
    vendor.messages.create(to=ADA, from_=NUMBER, body="Still queued")

    def bodies(**filters):
        return [message.body for message in vendor.messages.list(to=ADA, **filters)]

    assert bodies() == ["Still queued", "Long ago", "Today"]
    assert bodies(date_sent=date(2020, 11, 22)) == ["Long ago"]
    assert bodies(date_sent_before=date(2020, 11, 22)) == ["Long ago"]
    assert bodies(date_sent_after=date(2020, 11, 23)) == ["Today"]
    assert [message.sid for message in vendor.messages.list(from_=NUMBER, date_sent=date(2020, 11, 22))] == [old]


def test_twilios_library_changes_the_number_and_the_service(vendor, books):
    (number,) = vendor.incoming_phone_numbers.list(phone_number=NUMBER)
    assert number.update(sms_url="https://hub.example/sms").sms_url == "https://hub.example/sms"
    assert vendor.incoming_phone_numbers.list(phone_number="+14155550177") == []
    held = vendor.messaging.v1.services(SERVICE)
    assert held.update(use_inbound_webhook_on_number=True).use_inbound_webhook_on_number is True
    assert held.fetch().inbound_request_url is None
    books["numbers"].append(books["numbers"][0] | {"phone_number": "+14155550101", "sid": "PN" + "0" * 32})
    assert [item.phone_number for item in held.phone_numbers.list(page_size=1)] == [NUMBER, "+14155550101"]
    assert books["service"]["sid"] == SERVICE


def test_twilios_library_reads_the_account(vendor):
    account = vendor.api.v2010.accounts(ACCOUNT).fetch()
    assert (account.friendly_name, account.status) == ("Practice account", "active")


REFUSALS = [
    ({}, 21603),
    ({"from_": NUMBER}, 21602),
    ({"from_": "nobody", "body": "x"}, 21212),
    ({"from_": "+14155550177", "body": "x"}, 21606),
    ({"from_": NUMBER, "body": "x" * 1601}, 21617),
    ({"from_": NUMBER, "body": "x", "to": "12"}, 21211),
    ({"messaging_service_sid": "MG" + "0" * 32, "body": "x"}, 21701),
]


@pytest.mark.parametrize(("fields", "code"), REFUSALS, ids=[str(code) for _, code in REFUSALS])
def test_a_message_that_twilio_would_refuse_is_refused_with_its_code(vendor, books, fields, code):
    with pytest.raises(TwilioRestException) as refused:
        vendor.messages.create(**({"to": ADA} | fields))
    assert (refused.value.status, refused.value.code) == (400, code)
    assert books["messages"] == []


def test_a_message_to_nobody_is_refused(client):
    answer = client.session.post(f"{client.account_url}/Messages.json", data={"From": NUMBER, "Body": "x"})
    assert (answer.status_code, answer.json()["code"]) == (400, 21604)


def test_what_is_not_there_is_answered_as_twilio_answers(vendor):
    for fetch in (vendor.messages("SM" + "0" * 32), vendor.api.v2010.accounts("AC" + "0" * 32)):
        with pytest.raises(TwilioRestException) as refused:
            fetch.fetch()
        assert (refused.value.status, refused.value.code) == (404, 20404)
    with pytest.raises(TwilioRestException) as missing:
        vendor.incoming_phone_numbers("PN" + "0" * 32).update(sms_url="https://hub.example/sms")
    assert missing.value.status == 404


def test_a_wrong_login_is_answered_as_twilio_answers(server):
    stranger = VendorClient(ACCOUNT, "wrong", http_client=ToPractice(server.base_url))
    with pytest.raises(TwilioRestException) as refused:
        stranger.messages("SM" + "0" * 32).fetch()
    assert (refused.value.status, refused.value.code) == (401, 20003)
    stranger.http_client.session.close()


# ---- what it sends


def is_genuine(delivery) -> bool:
    return RequestValidator(TOKEN).validate(delivery.url, delivery.form, delivery.headers["x-twilio-signature"])


def test_a_reply_reaches_the_hub_signed_and_readable(client, inbox):
    twilio.connector.function("subscribe")(client, inbox.url)
    made = service.happen("reply", {"from": "(415) 555-0124", "text": "Grüße & 1+1"})
    (delivery,) = inbox.take()
    assert is_genuine(delivery)
    twilio.connector.verify(delivery, {"auth_token": [TOKEN]})
    (event,) = twilio.connector.read(delivery)
    assert (event.key, event.person.phone, event.data["Body"]) == (made["sid"], "+14155550124", "Grüße & 1+1")
    assert "#" not in delivery.url


def test_stop_reaches_the_hub_through_the_service_too(connect, inbox, books):
    twilio.connector.function("subscribe")(connect(messaging_service_sid=SERVICE), inbox.url)
    service.happen("stop", {})
    (delivery,) = inbox.take()
    assert delivery.form["MessagingServiceSid"] == SERVICE
    assert [event.type for event in twilio.connector.read(delivery)][1:] == [twilio.opted_out.type]
    assert books["opted_out"] == [ADA]


@pytest.mark.parametrize(
    ("fields", "to", "statuses"),
    [
        ({}, ADA, {"sent", "delivered"}),
        ({}, UNREACHABLE, {"sent", "undelivered"}),
        ({"messaging_service_sid": SERVICE}, ADA, {"queued", "sent", "delivered"}),
    ],
)
def test_each_status_after_the_first_is_reported_signed(connect, inbox, fields, to, statuses):
    sid = send(connect(status_url=inbox.url, **fields), to=to)["sid"]
    came = inbox.take(len(statuses))
    assert all(is_genuine(delivery) for delivery in came)
    assert {(delivery.form["MessageSid"], delivery.form["MessageStatus"]) for delivery in came} == {
        (sid, status) for status in statuses
    }
    codes = {delivery.form["MessageStatus"]: delivery.form.get("ErrorCode") for delivery in came}
    assert codes.get("undelivered", "30003") == "30003"
    assert codes["sent"] is None


def test_reports_can_be_switched_off_and_messages_are_delivered_all_the_same(connect, books, monkeypatch):
    sent = []
    monkeypatch.setattr(service, "send", lambda *args, **kwargs: sent.append(args))
    service.adjust({"reports": False})
    send(connect(status_url="https://hub.example/webhooks/twilio/c-1"))
    assert (books["messages"][0]["status"], sent) == ("delivered", [])
    assert service.counts()["holds"] == {"messages": 1, "opted_out": 0}


def test_a_delivery_that_failed_comes_again_under_the_same_token(connect, inbox):
    inbox.answers = [503]
    twilio.connector.function("subscribe")(connect(), inbox.url)
    service.happen("reply", {})
    first, second = inbox.take(2)
    keys = twilio.connector.function("keys")
    assert keys(first) == keys(second) != []
    assert first.body == second.body


def test_nothing_is_sent_where_nobody_listens(client, monkeypatch):
    sent = []
    monkeypatch.setattr(service, "send", lambda *args, **kwargs: sent.append(args))
    send(client)
    service.happen("reply", {})
    assert sent == []
    twilio.connector.function("subscribe")(client, "https://hub.example/webhooks/twilio/c-1")
    service.happen("reply", {})
    assert len(sent) == 1
