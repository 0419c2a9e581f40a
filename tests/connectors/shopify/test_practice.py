"""The practice shop behaves as Shopify says that a shop does."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import jsonschema
import pytest
import requests

from connectors import shopify
from connectors.shopify import documents
from connectors.shopify.practice import order_payload, signed
from hub.errors import NotAuthorized, Rejected
from hub.practice.server import PracticeServer
from tests.connectors.shopify import vendor

ADA = {"email": "ada@example.com", "phone": "+14155550123", "name": "Ada Miller"}
GRAPHQL = f"/admin/api/{documents.VERSION}/graphql.json"
AT = datetime(2026, 11, 20, 10, tzinfo=UTC)


@pytest.mark.parametrize("name", documents.BY_NAME)
def test_every_document_is_valid_in_the_vendors_schema(name):
    assert vendor.document_faults(documents.BY_NAME[name].text) == []


def use_everything(shop: Any, client: Any) -> None:
    """Every action, with and without success, so that every document is sent."""
    url = "https://hub.example/webhooks/shopify/7f3a"
    shop.happen("signup", {"email": "grace@example.com"})
    number = shop.happen("order", ADA | {"email_consent": True, "sms_consent": False})
    customer = number["customer"]["id"]
    shop.happen("order", ADA | {"paid": False})
    shop.happen("fulfil", {})
    shop.happen("refund", {})
    shop.happen("cancel", {"order_id": number["id"]})
    shopify.check(client)
    shopify.get_customer.perform(client, customer)
    shopify.find_customer.perform(client, "ada@example.com")
    shopify.find_customer.perform(client, "nobody@example.com")
    shopify.find_customer_by_phone.perform(client, "+14155550123")
    shopify.customers.perform(client)
    shopify.get_order.perform(client, number["id"])
    shopify.orders_of.perform(client, customer_id=customer, email="ada@example.com", since=AT)
    shopify.add_customer_tags.perform(client, customer, ["vip"])
    shopify.remove_customer_tags.perform(client, customer, ["vip"])
    for channel in ("email", "sms"):
        for given in (True, False):
            shopify.update_marketing_consent.perform(client, customer, channel, given, datetime.now(UTC))
    code: dict[str, Any] = {"code": "BACK-1", "percentage": 15, "starts_at": AT}
    shopify.create_discount_code.perform(client, **code, ends_at=AT.replace(year=2030), usage_limit=1)
    shopify.create_discount_code.perform(client, **code | {"code": "BACK-2"}, customer_id=customer)
    shopify.create_discount_code.find(client, AT, **code)
    shopify.create_discount_code.find(client, AT, **code | {"code": "none"})
    shopify.add_order_note.perform(client, number["id"], "Called back")
    shopify.subscribe(client, "https://old.example/webhooks/shopify/7f3a")
    shopify.subscribe(client, url)
    for refused in (
        lambda: shopify.get_customer.perform(client, 1),
        lambda: shopify.get_order.perform(client, 1),
        lambda: shopify.add_customer_tags.perform(client, 1, "vip"),
        lambda: shopify.remove_customer_tags.perform(client, customer, ""),
        lambda: shopify.update_marketing_consent.perform(client, 1, "email", True, AT),
        lambda: shopify.update_marketing_consent.perform(client, 1, "sms", True, AT),
        lambda: shopify.create_discount_code.perform(client, **code),
        lambda: shopify.add_order_note.perform(client, number["id"], "x" * 6000),
    ):
        with pytest.raises(Rejected):
            refused()
    shopify.unsubscribe(client, url)


def test_all_traffic_is_what_the_vendors_schema_allows(shop, client, server):
    use_everything(shop, client)
    sent = set()
    for exchange in server.exchanges:
        asked, answer = exchange.request_body, exchange.response_body
        sent.add(asked["operationName"])
        assert (exchange.method, exchange.path, exchange.status) == ("POST", GRAPHQL, 200)
        assert vendor.variable_faults(asked["query"], asked["variables"]) == [], asked["operationName"]
        assert vendor.answer_faults(asked["query"], answer["data"]) == []
        assert set(answer["extensions"]["cost"]) == {"requestedQueryCost", "actualQueryCost", "throttleStatus"}
    assert sent == documents.BY_NAME.keys()


@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        ({"order": {"id": "gid://shopify/Order/1"}}, "asked for were"),
        ({"order": {"id": 1, "note": None}}, "is no ID"),
        ({"order": {"id": None, "note": None}}, "is null"),
    ],
)
def test_an_answer_that_differs_is_noticed(answer, fault):
    assert fault in vendor.answer_faults(documents.READ_NOTE.text, answer)[0]


SCHEMA_OF = {
    "orders/create": ["order"],
    "orders/paid": ["order"],
    "orders/fulfilled": ["fulfil"],
    "orders/cancelled": ["cancel"],
    "refunds/create": ["refund"],
    "checkouts/create": ["signup", "cart"],
    "checkouts/update": ["signup", "cart", "order of the cart"],
    "customers/create": ["signup"],
    "customers/update": ["signup without a phone", "order"],
    "customers/data_request": ["data_request"],
    "customers/redact": ["redact"],
    "shop/redact": ["redact_shop"],
    "app/uninstalled": ["uninstall"],
}
"""Topics that have a schema, and what must happen for them to be sent."""


def happen(shop: Any, what: str) -> None:
    details = ADA | {"phone": None} if what == "signup without a phone" else ADA
    if what == "order of the cart":
        details = {"checkout_token": next(iter(shop.books["checkouts"]))}
    shop.happen(what.split()[0], details)


def schema_faults(topic: str, payload: Any) -> set[str]:
    """What a payload breaks in its schema, without what the vendor's own sample breaks too."""
    validator = jsonschema.Draft202012Validator(vendor.webhook_schema(topic))

    def faults(given: Any) -> set[str]:
        return {
            "/".join(map(str, error.absolute_path)) + f" {error.validator}" for error in validator.iter_errors(given)
        }

    return faults(payload) - faults(vendor.sample(topic))


@pytest.mark.parametrize("topic", SCHEMA_OF)
def test_webhooks_are_signed_and_shaped_as_the_vendors(topic, shop, client, receiver):
    shopify.subscribe(client, receiver.url)
    for what in SCHEMA_OF[topic]:
        happen(shop, what)
    delivery = receiver.wait_for(topic)[topic]
    shopify.connector.verify(delivery, {"webhook_secret": [shop.account["webhook_secret"]]})
    assert schema_faults(topic, delivery.json) == set()
    assert set(vendor.sample(topic)) <= set(delivery.json)
    (event,) = shopify.connector.read(delivery)
    assert event.type == shopify.TOPICS[topic].type


@pytest.mark.parametrize("topic", [topic for topic in shopify.TOPICS if "marketing" not in topic])
def test_samples_are_shaped_as_the_vendors(topic):
    assert schema_faults(topic, shopify.TOPICS[topic].sample_delivery.json) == set()


@pytest.mark.parametrize("topic", [topic for topic in shopify.TOPICS if "marketing" in topic])
def test_samples_of_consent_have_the_vendors_fields(topic, shop, client, receiver):
    theirs, ours = vendor.announced(topic)["response"], shopify.TOPICS[topic].sample_delivery.json
    consent = next(name for name in theirs if name.endswith("consent"))
    assert ours.keys() == theirs.keys()
    assert ours[consent].keys() == theirs[consent].keys()
    shopify.subscribe(client, receiver.url)
    shop.happen("consent", ADA | {"channel": "email" if consent.startswith("email") else "sms"})
    assert receiver.wait_for(topic)[topic].json.keys() == theirs.keys()


def test_the_headers_are_those_of_a_captured_delivery():
    captured = {name for name in vendor.delivered("orders/create")["headers"] if name.startswith("x-shopify")}
    headers, _ = signed("orders/create", {}, "secret")
    assert captured - {"x-shopify-test"} <= {name.lower() for name in headers}


def test_an_order_by_someone_new_tells_the_customer_the_order_and_the_payment(shop, client, receiver):
    shopify.subscribe(client, receiver.url)
    order = shop.happen("order", ADA | {"email_consent": True})
    found = receiver.wait_for(
        "customers/create", "orders/create", "orders/paid", "customers_email_marketing_consent/update"
    )
    assert found["orders/create"].json == order
    assert found["customers/create"].json["id"] == order["customer"]["id"] > 2**53


def test_cancelling_what_was_paid_refunds_it(shop, client, receiver):
    shopify.subscribe(client, receiver.url)
    order = shop.happen("order", ADA)
    shop.happen("cancel", {"order_id": order["id"]})
    found = receiver.wait_for("orders/cancelled", "refunds/create")
    assert found["orders/cancelled"].json["financial_status"] == "refunded"
    assert found["refunds/create"].json["order_id"] == order["id"]


def test_a_cart_becomes_an_order_of_the_same_person_and_token(shop, client, receiver):
    shopify.subscribe(client, receiver.url)
    cart = shop.happen("cart", ADA | {"total": "20.00"})
    order = shop.happen("order", {"checkout_token": cart["token"]})
    assert (order["checkout_token"], order["email"], order["total_price"]) == (cart["token"], ADA["email"], "20.00")
    assert receiver.wait_for("checkouts/update")["checkouts/update"].json["completed_at"] == order["created_at"]


def test_a_consent_written_through_the_api_comes_back_as_our_own_echo(shop, client, receiver):
    shopify.subscribe(client, receiver.url)
    inputs = {"customer_id": shop.happen("signup", ADA)["id"], "channel": "email", "given": True, "at": AT}
    shopify.update_marketing_consent.perform(client, **inputs)
    topic = "customers_email_marketing_consent/update"
    (event,) = shopify.connector.read(receiver.wait_for(topic)[topic])
    assert [event.echo] == shopify.update_marketing_consent.echo(inputs)


def test_an_unanswered_webhook_comes_again_with_the_same_ids(shop, client, receiver):
    shopify.subscribe(client, receiver.url)
    receiver.status = 500
    shop.happen("redact_shop", {})
    receiver.wait_for("shop/redact")
    receiver.status = 200
    receiver.wait_until(lambda: len(receiver.deliveries) >= 2)
    first, again = receiver.deliveries[:2]
    assert shopify.keys(first) == shopify.keys(again)


def test_after_uninstalling_the_token_is_dead_and_only_privacy_requests_come(shop, client, server, receiver):
    shopify.subscribe(client, receiver.url)
    shop.happen("uninstall", {})
    with pytest.raises(NotAuthorized):
        shopify.check(client)
    shop.happen("order", ADA)
    shop.happen("redact_shop", {})
    assert set(receiver.wait_for("app/uninstalled", "shop/redact")) == {"app/uninstalled", "shop/redact"}


def post(server: PracticeServer, shop: Any, **asked: Any) -> requests.Response:
    return requests.post(
        server.address + GRAPHQL,
        json=asked,
        headers={"X-Shopify-Access-Token": shop.account["access_token"]},
        timeout=5,
    )


def test_a_wrong_token_is_refused_in_the_vendors_words(server, shop):
    answer = requests.post(server.address + GRAPHQL, json={}, timeout=5)
    assert answer.status_code == 401
    assert answer.json() == {"errors": "[API] Invalid API key or access token (unrecognized login or wrong password)"}


def test_another_version_of_the_api_is_not_there(server, shop):
    headers = {"X-Shopify-Access-Token": shop.account["access_token"]}
    answer = requests.post(f"{server.address}/admin/api/2019-04/graphql.json", json={}, headers=headers, timeout=5)
    assert (answer.status_code, answer.json()) == (404, {"errors": "Not Found"})


def test_a_document_that_is_not_ours_is_refused(server, shop):
    for asked in ({"query": "{ shop { id } }"}, {"query": "query Check { shop { id } }", "operationName": "Check"}):
        assert "own documents only" in post(server, shop, **asked).json()["errors"][0]["message"]


def test_variables_that_do_not_fit_are_refused(server, shop):
    document = documents.GET_ORDER
    answer = post(server, shop, query=document.text, operationName=document.name, variables={"order": 1})
    assert answer.json()["errors"][0]["extensions"] == {"code": "INVALID_VARIABLE"}


def test_the_bucket_is_enforced_as_the_vendor_enforces_it(server, shop):
    shop.books["bucket"] |= {"left": 7.0, "restore": 0.001}
    document = documents.CHECK
    answers = [
        post(server, shop, query=document.text, operationName=document.name, variables={}).json() for _ in range(3)
    ]
    assert ["data" in answer for answer in answers] == [True, True, False]  # 3 points each
    (error,) = answers[2]["errors"]
    assert (error["message"], error["extensions"]["code"]) == ("Throttled", "THROTTLED")
    assert answers[2]["extensions"]["cost"]["throttleStatus"]["currentlyAvailable"] == 1


@pytest.mark.parametrize("body", [b"", b"[]", b"{"])
def test_what_is_no_request_is_refused(server, shop, body):
    headers = {"X-Shopify-Access-Token": shop.account["access_token"]}
    answer = requests.post(server.address + GRAPHQL, data=body, headers=headers, timeout=5)
    assert (answer.status_code, answer.json()) == (400, {"errors": "Bad Request"})


def test_an_address_is_subscribed_to_a_topic_once(shop, client):
    wanted = {"topic": "ORDERS_CREATE", "subscription": {"uri": "https://hub.example/x", "format": "JSON"}}
    client.change(documents.CREATE_SUBSCRIPTION, **wanted)
    with pytest.raises(Rejected, match="already been taken"):
        client.change(documents.CREATE_SUBSCRIPTION, **wanted)


def test_an_order_has_a_realistic_size():
    assert 5_000 < len(json.dumps(order_payload(1, email="ada@example.com", phone="+14155550123"))) < 20_000


class Counting(dict[int, Any]):
    """Books that count how often something was looked up in them."""

    looked_up = 0

    def __getitem__(self, key: int) -> Any:
        self.looked_up += 1
        return super().__getitem__(key)


def test_somebody_who_ordered_often_costs_no_more_than_anybody_else(shop, client):
    for _ in range(120):
        order = shop.happen("order", ADA)
    shop.books["orders"] = counting = Counting(shop.books["orders"])
    assert shopify.get_customer.perform(client, order["customer"]["id"])["orders_count"] == 120
    assert counting.looked_up == 0
    assert len(shopify.orders_of.perform(client, email=ADA["email"], since=AT)) == 120
    assert counting.looked_up == 120  # over three pages


def test_every_payload_is_its_own(shop):
    first, second = shop.happen("order", ADA), shop.happen("order", ADA)
    assert first["id"] != second["id"]
    assert shop.happen("fulfil", {"order_id": first["id"]})["id"] == first["id"]
    assert shop.books["orders"][second["id"]]["fulfillment_status"] is None
