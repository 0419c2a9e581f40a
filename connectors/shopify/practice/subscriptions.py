"""The practice shop's webhook subscriptions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .books import Books, Tell, Variables, page_info, user_error


def list_subscriptions(books: Books, variables: Variables, tell: Tell) -> dict[str, Any]:
    found = list(books["subscriptions"].values())
    start = int(variables.get("after") or 0)
    page = found[start : start + 100]
    return {"webhookSubscriptions": {"nodes": page, "pageInfo": page_info(start, page, found)}}


def create_subscription(books: Books, variables: Variables, tell: Tell) -> dict[str, Any]:
    books["last_subscription"] += 1
    subscription_id = f"gid://shopify/WebhookSubscription/{1191543000000 + books['last_subscription']}"
    return _put_subscription(
        books, "webhookSubscriptionCreate", subscription_id, variables["topic"], variables["subscription"]
    )


def update_subscription(books: Books, variables: Variables, tell: Tell) -> dict[str, Any]:
    found = books["subscriptions"].get(variables["id"])
    if found is None:
        error = user_error(["id"], "Webhook subscription does not exist")
        return {"webhookSubscriptionUpdate": {"webhookSubscription": None, "userErrors": [error]}}
    wanted = found | variables["subscription"]
    return _put_subscription(books, "webhookSubscriptionUpdate", found["id"], found["topic"], wanted)


def _put_subscription(
    books: Books, root: str, subscription_id: str, topic: str, wanted: Mapping[str, Any]
) -> dict[str, Any]:
    made = {
        "id": subscription_id,
        "topic": topic,
        "uri": wanted["uri"],
        "format": wanted.get("format") or "JSON",
        "includeFields": wanted.get("includeFields") or [],
        "filter": wanted.get("filter"),
    }
    others = [item for item in books["subscriptions"].values() if item["id"] != subscription_id]
    if any((item["topic"], item["uri"]) == (topic, made["uri"]) for item in others):
        error = user_error(["webhookSubscription", "uri"], "Address for this topic has already been taken")
        return {root: {"webhookSubscription": None, "userErrors": [error]}}
    books["subscriptions"][subscription_id] = made
    return {root: {"webhookSubscription": {"id": subscription_id}, "userErrors": []}}


def delete_subscription(books: Books, variables: Variables, tell: Tell) -> dict[str, Any]:
    if books["subscriptions"].pop(variables["id"], None) is None:
        error = user_error(["id"], "Webhook subscription does not exist")
        return {"webhookSubscriptionDelete": {"deletedWebhookSubscriptionId": None, "userErrors": [error]}}
    return {"webhookSubscriptionDelete": {"deletedWebhookSubscriptionId": variables["id"], "userErrors": []}}
