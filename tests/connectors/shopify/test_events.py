"""Reading Shopify's deliveries, and telling genuine ones."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from connectors import shopify
from connectors.shopify.practice import checkout_payload, customer_payload, order_payload, service, signed
from hub.delivery import Delivery
from hub.errors import PayloadUnreadable, SecretMissing, SignatureMissing, SignatureWrong
from hub.event import UNKNOWN, Consent, Event
from tests.connectors.shopify import vendor

RECEIVED = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
SECRET = service.account["webhook_secret"]


def delivery(topic: str, payload: Any, **more: Any) -> Delivery:
    headers, body = signed(topic, payload, SECRET, **more)
    return Delivery(
        "POST",
        "https://hub.example/webhooks/shopify/7f3a",
        {name.lower(): value for name, value in headers.items()},
        body,
        RECEIVED,
    )


def without(given: Delivery, *headers: str) -> Delivery:
    kept = {name: value for name, value in given.headers.items() if name not in headers}
    return Delivery(given.method, given.url, kept, given.body, given.received_at)


def event(topic: str, payload: Any, **more: Any) -> Event:
    (found,) = shopify.connector.read(delivery(topic, payload, **more))
    return found


def order(**more: Any) -> dict[str, Any]:
    return order_payload(1042, **{"email": "ada@example.com", "phone": "+14155550123"} | more)


def test_the_declaration_is_complete():
    assert shopify.connector.faults() == []


@pytest.mark.parametrize("topic", shopify.TOPICS)
def test_every_trigger_reads_its_own_sample(topic):
    trigger = shopify.TOPICS[topic]
    assert trigger.sample.type == trigger.type
    assert trigger.sample_delivery.headers["x-shopify-topic"] == topic


@pytest.mark.parametrize("topic", shopify.TOPICS)
def test_every_topic_reads_the_vendors_own_sample(topic):
    payload = (
        vendor.sample(topic) if topic.replace("/", ".") in vendor.topics() else vendor.announced(topic)["response"]
    )
    found = event(topic, payload)
    assert found.type == shopify.TOPICS[topic].type
    assert found.data == payload


def test_an_order_tells_who_placed_it_and_keeps_its_64_bit_ids_exact():
    found = event("orders/create", vendor.sample("orders/create"))
    assert found.data["id"] == 820982911946154508
    assert found.person.ids == {"shopify.customer": "115310627314723954"}
    assert found.person.email == "jon@example.com"  # the order's own, not the customer's john@example.com
    assert found.person.phone == "+15555557447"  # the billing address has 555-555-SHIP


def test_a_delivery_captured_from_shopify_is_read_with_all_its_headers():
    captured = vendor.delivered("orders/create")
    headers = captured["headers"]
    body = json.dumps(captured["body"]).encode()
    (found,) = shopify.connector.read(Delivery("POST", "https://hub.example/w", headers, body, RECEIVED))
    assert found.type == shopify.order_created.type
    assert found.at == datetime(2024, 8, 7, 22, 57, 57, 290670, tzinfo=UTC)  # nine digits after the point
    assert found.key == "webhook:8a95126f-859a-4db9-b8f1-350e299e9ea0"


def test_both_families_of_headers_are_read():
    old = delivery("orders/create", order(), event_id="e1", webhook_id="w1", triggered_at="2026-11-22T11:00:00Z")
    renamed = {name.removeprefix("x-"): value for name, value in old.headers.items()}
    new = Delivery(old.method, old.url, renamed, old.body, old.received_at)
    shopify.connector.verify(new, {"webhook_secret": [SECRET]})
    assert list(shopify.connector.read(new)) == list(shopify.connector.read(old))
    assert shopify.keys(new) == shopify.keys(old) == ["event:orders/create:e1", "webhook:w1"]


def test_one_event_told_to_two_topics_makes_two_keys():
    assert event("orders/create", order(), event_id="e1").key != event("orders/paid", order(), event_id="e1").key


def test_a_retry_has_the_same_keys_and_the_same_event_key():
    first, again = (delivery("orders/create", order(), event_id="e1", webhook_id="w1") for _ in range(2))
    assert shopify.keys(first) == shopify.keys(again)
    assert list(shopify.connector.read(first))[0].key == list(shopify.connector.read(again))[0].key


def test_without_the_vendors_ids_the_body_is_the_key():
    plain = [
        without(delivery("orders/create", order(total=total)), "x-shopify-event-id", "x-shopify-webhook-id")
        for total in ("10.00", "10.00", "11.00")
    ]
    same, again, other = (list(shopify.connector.read(item))[0].key for item in plain)
    assert same == again != other
    assert shopify.keys(plain[0]) == []


@pytest.mark.parametrize(
    ("triggered", "payload", "at"),
    [
        ("2026-11-22T11:30:00.5Z", {}, datetime(2026, 11, 22, 11, 30, 0, 500000, UTC)),
        ("nonsense", {"updated_at": "2026-11-22T06:00:00-05:00"}, datetime(2026, 11, 22, 11, tzinfo=UTC)),
        (
            "nonsense",
            {"updated_at": None, "created_at": "2026-11-22T10:00:00Z"},
            datetime(2026, 11, 22, 10, tzinfo=UTC),
        ),
    ],
)
def test_the_time_is_the_triggers_else_the_payloads(triggered, payload, at):
    assert event("orders/create", order() | payload, triggered_at=triggered).at == at


def test_without_any_time_the_event_happened_when_it_was_received():
    assert event("shop/redact", {"shop_id": 1, "shop_domain": "s"}, triggered_at="nonsense").at == RECEIVED


def test_a_phone_is_read_by_the_country_of_the_billing_address():
    billing = {"phone": "030 901820", "country_code": "DE"}
    assert event("orders/create", order(phone=None) | {"billing_address": billing}).person.phone == "+4930901820"


def test_the_phone_of_a_delivery_address_is_nobodys():
    shipping = {"phone": "+14155550199", "country_code": "US"}
    assert event("orders/create", order(phone=None) | {"shipping_address": shipping}).person.phone is None


def test_an_order_without_a_customer_is_still_someones():
    found = event("orders/create", order() | {"customer": None})
    assert (found.person.email, found.person.ids) == ("ada@example.com", {})


def test_a_ticked_box_is_a_yes_from_when_the_order_was_made_however_late_it_is_told():
    made = datetime(2026, 11, 20, 10, tzinfo=UTC)
    later = order(accepts_marketing=True) | {"updated_at": "2026-11-25T10:00:00Z"}
    assert event("orders/fulfilled", later).consents == (Consent("email", "ada@example.com", True, made),)


def test_a_box_that_was_not_ticked_takes_nothing_back():
    assert event("orders/create", order(accepts_marketing=False)).consents == ()


def test_a_checkout_tells_consent_by_text_message_with_the_number_it_was_given_for():
    payload = checkout_payload("ab12" * 8, email=None, phone="+14155550123", accepts_sms=True)
    payload["sms_marketing_phone"] = "(415) 555-0177"
    (consent,) = event("checkouts/create", payload).consents
    assert (consent.channel, consent.address, consent.given) == ("sms", "+14155550177", True)


def consented(state: str | None, at: str | None = "2026-11-22T11:00:00Z") -> dict[str, Any]:
    return {"state": state, "opt_in_level": None, "consent_updated_at": at}


@pytest.mark.parametrize(
    ("state", "given"),
    [("subscribed", True), ("unsubscribed", False), ("redacted", False), ("not_subscribed", None), ("pending", None)],
)
def test_a_customers_record_is_a_yes_a_no_or_neither(state, given):
    payload = customer_payload(7, email="ada@example.com") | {"email_marketing_consent": consented(state)}
    assert [consent.given for consent in event("customers/update", payload).consents] == ([given] * (given is not None))


def test_a_customers_record_without_a_time_says_nothing_about_consent():
    payload = customer_payload(7, email="ada@example.com") | {"email_marketing_consent": consented("subscribed", None)}
    assert event("customers/update", payload).consents == ()


@pytest.mark.parametrize(
    ("state", "given"), [("subscribed", True), ("unsubscribed", False), ("not_subscribed", False), ("pending", False)]
)
def test_a_change_of_consent_to_anything_but_yes_is_a_no(state, given):
    email = {"customer_id": 7, "email_address": "Ada@Example.com", "email_marketing_consent": consented(state)}
    sms = {"id": 7, "phone": "+14155550123", "sms_marketing_consent": consented(state)}
    at = datetime(2026, 11, 22, 11, tzinfo=UTC)
    assert event("customers_email_marketing_consent/update", email).consents == (
        Consent("email", "ada@example.com", given, at),
    )
    assert event("customers_marketing_consent/update", sms).consents == (Consent("sms", "+14155550123", given, at),)


def test_our_own_change_of_consent_has_the_fingerprint_of_the_event_it_causes():
    at = datetime(2026, 11, 22, 11, tzinfo=UTC)
    step = shopify.update_marketing_consent("gid://shopify/Customer/7", "sms", False, at)
    payload = {"id": 7, "phone": "+14155550123", "sms_marketing_consent": consented("unsubscribed")}
    assert [event("customers_marketing_consent/update", payload).echo] == list(
        shopify.update_marketing_consent.echo(step.inputs)
    )


@pytest.mark.parametrize(
    "changed", [{"state": "subscribed"}, {"state": "redacted"}, {"consent_updated_at": "2026-11-22T11:00:09Z"}]
)
def test_the_customers_own_change_is_not_taken_for_ours(changed):
    ours = shopify.update_marketing_consent.echo(
        {"customer_id": 7, "channel": "sms", "given": False, "at": datetime(2026, 11, 22, 11, tzinfo=UTC)}
    )
    payload = {"id": 7, "phone": "+14155550123", "sms_marketing_consent": consented("unsubscribed") | changed}
    assert event("customers_marketing_consent/update", payload).echo not in list(ours)


def test_privacy_requests_name_the_person_by_all_that_shopify_tells():
    about = {"id": 191167, "email": "john@example.com", "phone": "+14155550123"}
    payload = redaction_of(about)
    for topic in ("customers/redact", "customers/data_request"):
        person = event(topic, payload).person
        assert (person.email, person.phone, person.ids) == (
            "john@example.com",
            "+14155550123",
            {"shopify.customer": "191167"},
        )
    privacy = {trigger.name: trigger.privacy for trigger in shopify.TOPICS.values() if trigger.privacy}
    assert privacy == {"data.requested": "export", "customer.redacted": "erase", "shop.redacted": "erase_all"}


def redaction_of(customer: dict[str, Any]) -> dict[str, Any]:
    return {"shop_id": 954889, "shop_domain": "s.myshopify.com", "customer": customer, "orders_to_redact": [299938]}


def test_the_shops_own_address_is_not_a_customers():
    assert not event("app/uninstalled", {"id": 1, "email": "owner@example.com", "phone": "+14155550100"}).person


def test_an_unknown_topic_is_an_event_that_keeps_everything():
    found = event("carts/create", {"id": "x", "line_items": []})
    assert (found.type, found.data) == (UNKNOWN, {"id": "x", "line_items": []})


@pytest.mark.parametrize(
    ("topic", "payload"),
    [
        ("orders/create", [order()]),
        ("orders/create", {}),
        ("orders/create", order() | {"id": "820982911946154508"}),
        ("orders/create", order() | {"id": True}),
        ("orders/create", order() | {"created_at": None}),
        ("orders/create", order() | {"email": ["ada@example.com"]}),
        ("orders/create", order() | {"customer": "ada"}),
        ("orders/create", order() | {"customer": {"email": "ada@example.com"}}),
        ("refunds/create", {"id": 1}),
        ("checkouts/create", {"email": "ada@example.com"}),
        ("customers/create", {"email": "ada@example.com"}),
        ("customers_email_marketing_consent/update", {"email_address": "ada@example.com"}),
        ("customers_marketing_consent/update", {"id": 7, "sms_marketing_consent": "subscribed"}),
        ("customers/redact", {"shop_domain": "s.myshopify.com"}),
        ("shop/redact", {"shop_id": 1}),
        ("carts/create", "text"),
    ],
)
def test_a_payload_of_another_shape_is_refused(topic, payload):
    with pytest.raises(PayloadUnreadable):
        event(topic, payload)


def test_a_delivery_without_a_topic_is_refused():
    with pytest.raises(PayloadUnreadable, match="X-Shopify-Topic"):
        list(shopify.connector.read(without(delivery("orders/create", order()), "x-shopify-topic")))


def test_any_of_the_secrets_may_have_signed():
    shopify.connector.verify(delivery("orders/create", order()), {"webhook_secret": ["newer", SECRET]})


@pytest.mark.parametrize(
    ("secrets", "missing", "error"),
    [
        ([], (), SecretMissing),
        (["another"], (), SignatureWrong),
        ([SECRET], ("x-shopify-hmac-sha256",), SignatureMissing),
    ],
)
def test_what_is_not_proven_is_refused(secrets, missing, error):
    with pytest.raises(error):
        shopify.connector.verify(without(delivery("orders/create", order()), *missing), {"webhook_secret": secrets})
