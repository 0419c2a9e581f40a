"""Having inbound messages sent to the hub, and leaving alone what is someone else's."""

from __future__ import annotations

import pytest

from connectors import twilio
from connectors.twilio.practice import service
from connectors.twilio.practice_account import NUMBER, SERVICE
from hub.errors import SetupError

URL = "https://hub.example/webhooks/twilio/c-1"
WANTED = f"{URL}#rc=5&rp=ct,rt,5xx"
FOREIGN = "https://desk.example/sms"

subscribe, unsubscribe = twilio.connector.function("subscribe"), twilio.connector.function("unsubscribe")


def changes() -> int:
    return sum(call["method"] == "POST" for call in service.calls)


def test_a_new_numbers_messages_come_to_the_hub(client, books):
    assert subscribe(client, URL) == {"status_url": URL}
    assert (books["numbers"][0]["sms_url"], books["numbers"][0]["sms_method"]) == (WANTED, "POST")
    assert books["numbers"][0]["voice_url"] == "https://demo.twilio.com/welcome/voice/"


def test_what_is_right_already_is_not_changed(client, connect):
    subscribe(client, URL)
    assert subscribe(connect(status_url=URL), URL) == {}
    assert changes() == 1


@pytest.mark.parametrize(
    "before", ["", URL, "https://old.example/webhooks/twilio/c-1#rc=1", WANTED.replace("5&", "1&")]
)
def test_an_address_that_is_free_or_was_ours_is_set_right(client, books, before):
    books["numbers"][0]["sms_url"] = before
    subscribe(client, URL)
    assert books["numbers"][0]["sms_url"] == WANTED


def test_an_address_asked_with_get_is_set_right(client, books):
    books["numbers"][0] |= {"sms_url": WANTED, "sms_method": "GET"}
    subscribe(client, URL)
    assert books["numbers"][0]["sms_method"] == "POST"


def test_an_address_of_someone_else_is_left_alone(client, books):
    books["numbers"][0]["sms_url"] = FOREIGN
    with pytest.raises(SetupError, match="desk.example"):
        subscribe(client, URL)
    unsubscribe(client, URL)
    assert (books["numbers"][0]["sms_url"], changes()) == (FOREIGN, 0)


def test_a_number_that_gives_its_messages_to_an_app_is_left_alone(client, books):
    books["numbers"][0]["sms_application_sid"] = "AP" + "0" * 32
    with pytest.raises(SetupError, match="TwiML app"):
        subscribe(client, URL)
    assert changes() == 0


def test_a_number_of_another_account_is_told_without_showing_it(connect):
    with pytest.raises(SetupError, match="ending in 0177") as told:
        subscribe(connect(from_number="+14155550177"), URL)
    assert "+14155550177" not in str(told.value)


def test_a_number_that_another_number_begins_with_is_not_mistaken_for_it(connect, books):
    books["numbers"].insert(0, books["numbers"][0] | {"phone_number": NUMBER + "9", "sid": "PN" + "0" * 32})
    subscribe(connect(), URL)
    assert [number["sms_url"] == WANTED for number in books["numbers"]] == [False, True]


@pytest.mark.parametrize("sender", ["ACME Shop", "12345"])
def test_for_a_name_or_a_short_code_nothing_is_changed(connect, sender):
    assert subscribe(connect(from_number=sender), URL) == {"status_url": URL}
    assert not service.calls


def test_a_services_messages_come_to_the_hub(connect, books):
    client = connect(from_number=None, messaging_service_sid=SERVICE)
    subscribe(client, URL)
    subscribe(client, URL)
    assert (books["service"]["inbound_request_url"], changes()) == (WANTED, 1)
    assert books["service"]["status_callback"] is None
    unsubscribe(client, URL)
    assert books["service"]["inbound_request_url"] == ""


def test_a_service_that_leaves_messages_to_its_numbers_has_each_number_set(connect, books):
    books["service"]["use_inbound_webhook_on_number"] = True
    subscribe(connect(from_number=None, messaging_service_sid=SERVICE), URL)
    assert books["numbers"][0]["sms_url"] == WANTED
    assert books["service"]["inbound_request_url"] is None


def test_a_service_of_very_many_numbers_has_each_of_them_set(connect, books):
    books["service"]["use_inbound_webhook_on_number"] = True
    more = [{"phone_number": f"+1415555{number}", "sid": f"PN{number:032}"} for number in range(1000, 1130)]
    books["numbers"] += [books["numbers"][0] | other for other in more]
    subscribe(connect(from_number=None, messaging_service_sid=SERVICE), URL)
    assert {number["sms_url"] for number in books["numbers"]} == {WANTED}


def test_nothing_is_changed_if_one_of_several_numbers_is_someone_elses(connect, books):
    books["service"]["use_inbound_webhook_on_number"] = True
    other = {"phone_number": "+14155550101", "sid": "PN" + "0" * 32, "sms_url": FOREIGN}
    books["numbers"].append(books["numbers"][0] | other)
    with pytest.raises(SetupError, match="ending in 0101"):
        subscribe(connect(from_number=None, messaging_service_sid=SERVICE), URL)
    assert changes() == 0


def test_on_disconnecting_our_address_is_taken_back(client, books):
    subscribe(client, URL)
    unsubscribe(client, URL)
    assert books["numbers"][0]["sms_url"] == ""
