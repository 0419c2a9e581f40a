"""Having events sent: the shop's webhook subscriptions that lead to us.

https://shopify.dev/docs/api/admin-graphql/2026-07/queries/webhookSubscriptions
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from . import documents
from .client import Client, understood

Subscription = Mapping[str, Any]


def subscribe(client: Client, webhook_url: str, topics: Iterable[str]) -> None:
    """One right subscription per topic ("orders/create"): makes what is missing, repairs what differs, removes
    doubles. Ours are those whose address has our path; nobody else's are touched."""
    ours = list(_ours(client, webhook_url))
    right: dict[str, Any] = {"uri": webhook_url, "format": "JSON", "includeFields": [], "filter": None}
    for topic in map(_name, topics):
        # The right one first, then those at our address: repairing another into one of these would be refused.
        found = sorted(
            (item for item in ours if item["topic"] == topic),
            key=lambda item: (not _equal(item, right), item["uri"] != webhook_url),
        )
        if not found:
            client.change(
                documents.CREATE_SUBSCRIPTION, topic=topic, subscription={"uri": webhook_url, "format": "JSON"}
            )
        for double in found[1:]:
            client.change(documents.DELETE_SUBSCRIPTION, id=double["id"])
        if found and not _equal(found[0], right):
            client.change(documents.UPDATE_SUBSCRIPTION, id=found[0]["id"], subscription=right)


def unsubscribe(client: Client, webhook_url: str) -> None:
    """Removes every subscription whose address has our path."""
    for item in list(_ours(client, webhook_url)):
        client.change(documents.DELETE_SUBSCRIPTION, id=item["id"])


def _name(topic: str) -> str:
    """A topic as GraphQL calls it: "orders/create" is ORDERS_CREATE."""
    return topic.replace("/", "_").upper()


def _equal(item: Subscription, right: Subscription) -> bool:
    return all((item[name] or None) == (right[name] or None) for name in right)


def _ours(client: Client, webhook_url: str) -> Iterator[Subscription]:
    path = urlsplit(webhook_url).path
    for item in client.pages(documents.LIST_SUBSCRIPTIONS):
        with understood():
            ours = urlsplit(item["uri"]).path == path
        if ours:
            yield item
