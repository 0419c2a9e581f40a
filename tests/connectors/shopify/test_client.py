"""Logging in, and what a shop's answers mean to the hub."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
import requests

from connectors import shopify
from connectors.shopify import documents
from connectors.shopify.client import Client, graphql_failure, http_failure, shop_domain
from hub.errors import NotAuthorized, OutcomeUnknown, RateLimited, Rejected, ServiceDown, SetupError
from hub.quota import Observation, observing

LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)


def test_the_check_names_the_shop(client):
    assert shopify.check(client) == "Practice Mill"


def test_the_check_names_the_scopes_that_are_missing(shop, client):
    shop.books["scopes"] = ["write_customers", "write_orders"]
    with pytest.raises(NotAuthorized, match="all that the hub needs: write_discounts"):
        shopify.check(client)


def test_a_wrong_token_is_a_lost_login(connect):
    with pytest.raises(NotAuthorized, match="token") as error:
        shopify.check(connect(access_token="shpat_wrong"))
    assert error.value.status == 401
    assert "shpat_wrong" not in str(error.value)


@pytest.mark.parametrize("text", ["my-shop.myshopify.com", " https://My-Shop.myshopify.com/ "])
def test_a_shops_address_is_read_as_people_write_it(text):
    assert shop_domain(text) == "my-shop.myshopify.com"


@pytest.mark.parametrize("text", ["", "my-shop", "evil.example", "a.myshopify.com.evil.example", "x@a.myshopify.com"])
def test_the_token_never_goes_to_another_host(text):
    with pytest.raises(SetupError):
        shopify.connect(shop=text, access_token="shpat_1", webhook_secret=["s"])


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ({"kind": "status", "status": 500}, OutcomeUnknown),
        ({"kind": "status", "status": 503}, OutcomeUnknown),
        ({"kind": "status", "status": 503, "seconds": 3}, ServiceDown),
        ({"kind": "status", "status": 429, "seconds": 2}, RateLimited),
        ({"kind": "status", "status": 400}, Rejected),
        ({"kind": "status", "status": 401}, NotAuthorized),
        ({"kind": "status", "status": 402}, NotAuthorized),
        ({"kind": "status", "status": 403}, NotAuthorized),
        ({"kind": "status", "status": 404}, NotAuthorized),
        ({"kind": "status", "status": 423}, NotAuthorized),
        ({"kind": "status", "status": 301}, NotAuthorized),
        ({"kind": "html"}, OutcomeUnknown),
        ({"kind": "malformed"}, OutcomeUnknown),
        ({"kind": "drop_before"}, OutcomeUnknown),
        ({"kind": "drop_after"}, OutcomeUnknown),
    ],
)
def test_every_failure_is_what_the_hub_calls_it(shop, client, fault, error):
    shop.add_fault(fault)
    with pytest.raises(error) as raised:
        shopify.check(client)
    assert type(raised.value) is error
    if fault.get("seconds"):
        assert raised.value.after == fault["seconds"]


def test_a_service_that_cannot_be_reached_did_nothing(connect):
    with pytest.raises(ServiceDown):
        shopify.check(connect(base_url="http://127.0.0.1:1"))


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ({"errors": [{"message": "no", "extensions": {"code": "ACCESS_DENIED"}}], "data": {"x": None}}, NotAuthorized),
        ({"errors": [{"message": "no", "extensions": {"code": "SHOP_INACTIVE"}}]}, NotAuthorized),
        ({"errors": [{"message": "no", "extensions": {"code": "MAX_COST_EXCEEDED"}}]}, Rejected),
        ({"errors": [{"message": "Field 'x' does not exist"}]}, Rejected),
        ({"errors": "a text"}, Rejected),
        ({"errors": [{"message": "no", "extensions": {"code": "INTERNAL_SERVER_ERROR"}}]}, OutcomeUnknown),
        ({"errors": [{"message": "no", "extensions": {"code": "TIMEOUT"}}]}, OutcomeUnknown),
        ({"errors": [{"message": "no"}], "data": {"tagsAdd": None}}, OutcomeUnknown),
    ],
)
def test_graphql_errors_say_what_happened(answer, error):
    assert type(graphql_failure(answer)) is error


def test_an_answer_of_another_shape_is_an_unknown_outcome(connect, responses_from):
    def saying(body: str) -> Client:
        return connect(base_url=responses_from(body))

    for body in ("[]", '{"data": null}', '{"data": {}}', '{"data": {"tagsAdd": null}}', '{"data": {"tagsAdd": []}}'):
        with pytest.raises(OutcomeUnknown):
            shopify.add_customer_tags.perform(saying(body), 7, "vip")
    with pytest.raises(OutcomeUnknown):
        shopify.get_customer.perform(saying('{"data": {"customer": {"id": 7}}}'), 7)


@pytest.mark.parametrize("end", [None, "c"])
def test_a_list_that_leads_back_to_itself_ends(connect, responses_from, end):
    page = {"orders": {"nodes": [], "pageInfo": {"hasNextPage": True, "endCursor": end}}}
    client = connect(base_url=responses_from(json.dumps({"data": page})))
    with pytest.raises(OutcomeUnknown):
        shopify.orders_of.perform(client, email="a@example.com", since=LONG_AGO)


def test_a_used_up_bucket_says_when_to_come_back(shop, client):
    shop.books["bucket"] |= {"left": 1.0, "restore": 1.0}
    with pytest.raises(RateLimited) as error:
        shopify.add_customer_tags.perform(client, 7, "vip")
    assert error.value.code == "THROTTLED"
    assert 8 <= error.value.after <= 9  # (10 points asked - 1 there) / 1 per second


def test_every_answer_tells_the_quota_what_is_left_of_the_bucket(shop, client):
    shop.books["bucket"] |= {"left": 103.0, "restore": 0.001}
    seen: list[Observation] = []
    with observing(seen.append):
        shopify.check(client)
    # 100 points are left: 10 calls at 10 points, of which 3 are kept for calls under way on other threads
    assert [(item.remaining, item.restore) for item in seen] == [(7.0, 0.1)]


def test_redirects_are_not_followed_as_they_would_take_the_token_along():
    response = requests.Response()
    response.status_code = 307
    assert type(http_failure(response, None)) is NotAuthorized


def test_no_repr_holds_the_token(client, shop):
    assert shop.account["access_token"] not in f"{client!r} {vars(client)!r}"


def test_a_document_is_known_by_the_name_in_its_text():
    assert all(f" {name}" in document.text.split("{")[0] for name, document in documents.BY_NAME.items())
