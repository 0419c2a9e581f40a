"""Having a shop send us its events, and leaving everyone else's subscriptions alone."""

from __future__ import annotations

from typing import Any

from connectors import shopify


def url_of(path: str, host: str = "https://hub.example") -> str:
    return f"{host}/webhooks/shopify/{path}"


def subscriptions(shop: Any) -> list[tuple[str, str]]:
    return sorted((item["topic"], item["uri"]) for item in shop.books["subscriptions"].values())


def test_subscribing_asks_for_every_topic_but_those_of_privacy(shop, client):
    assert shopify.subscribe(client, url_of("7f3a")) == {}
    topics = [topic for topic, _ in subscriptions(shop)]
    assert len(topics) == len(set(topics)) == 12
    assert "CUSTOMERS_EMAIL_MARKETING_CONSENT_UPDATE" in topics
    assert not [topic for topic in topics if "REDACT" in topic or "DATA_REQUEST" in topic]


def test_subscribing_again_changes_nothing(shop, client):
    shopify.subscribe(client, url_of("7f3a"))
    before = dict(shop.books["subscriptions"])
    shop.calls.clear()
    shopify.subscribe(client, url_of("7f3a"))
    assert shop.books["subscriptions"] == before
    assert len(shop.calls) == 1


def put(shop: Any, topic: str, uri: str, **more: Any) -> str:
    number = f"gid://shopify/WebhookSubscription/{len(shop.books['subscriptions']) + 1}"
    item = {"id": number, "topic": topic, "uri": uri, "format": "JSON", "includeFields": [], "filter": None}
    shop.books["subscriptions"][number] = item | more
    return number


def test_a_hub_that_moved_repairs_its_subscriptions(shop, client):
    moved = put(shop, "ORDERS_CREATE", url_of("7f3a", "https://old.example"))
    narrowed = put(shop, "ORDERS_PAID", url_of("7f3a"), format="XML", includeFields=["id"], filter="total_price:>100")
    shopify.subscribe(client, url_of("7f3a"))
    right = {"uri": url_of("7f3a"), "format": "JSON", "includeFields": [], "filter": None}
    for number in (moved, narrowed):
        assert right.items() <= shop.books["subscriptions"][number].items()


def test_doubles_of_ours_go_and_the_right_one_stays(shop, client):
    wrong = put(shop, "ORDERS_CREATE", url_of("7f3a", "https://old.example"))
    right = put(shop, "ORDERS_CREATE", url_of("7f3a"))
    xml = put(shop, "ORDERS_PAID", url_of("7f3a"), format="XML")
    old = put(shop, "ORDERS_PAID", url_of("7f3a", "https://old.example"))
    shopify.subscribe(client, url_of("7f3a"))
    assert {right, xml} <= shop.books["subscriptions"].keys()
    assert not {wrong, old} & shop.books["subscriptions"].keys()
    assert shop.books["subscriptions"][xml]["format"] == "JSON"


def test_the_subscriptions_of_others_are_never_touched(shop, client):
    others = {
        put(shop, "ORDERS_CREATE", "https://other.example/hooks"),
        put(shop, "ORDERS_CREATE", url_of("another-connection")),
        put(shop, "ORDERS_CREATE", "pubsub://project:topic"),
        put(shop, "ORDERS_CREATE", "arn:aws:events:us-east-1::event-source/aws.partner/shopify.com/1/x"),
    }
    before = {number: dict(shop.books["subscriptions"][number]) for number in others}
    shopify.subscribe(client, url_of("7f3a"))
    shopify.unsubscribe(client, url_of("7f3a"))
    assert shop.books["subscriptions"] == before


def test_subscriptions_beyond_the_first_page_are_seen(shop, client):
    for number in range(130):
        put(shop, "ORDERS_CREATE", f"https://other.example/{number}")
    shopify.subscribe(client, url_of("7f3a"))
    shopify.subscribe(client, url_of("7f3a"))
    assert len([uri for _, uri in subscriptions(shop) if uri == url_of("7f3a")]) == 12
