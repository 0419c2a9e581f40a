"""Our webhooks in the account: one in each audience. https://mailchimp.com/developer/marketing/api/list-webhooks/"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from hub.errors import ActionFailed

from .listing import listed

if TYPE_CHECKING:
    from .client import Client

EVENTS = {
    "subscribe": True,
    "unsubscribe": True,
    "profile": True,
    "cleaned": True,
    "upemail": True,
    "campaign": True,
}
SOURCES = {"user": True, "admin": True, "api": False}
"""Without `api` our own writes do not come back to us."""


def subscribe(client: Client, webhook_url: str) -> dict[str, list[str]]:
    """Makes the webhooks that are missing, repairs those that differ, removes doubles.

    Gives `webhook_ids` and `signing_secret` of those it made, newest first. Mailchimp tells a secret only once, so
    whatever else leads to our address is made anew: what it sends could not be checked. If it fails halfway, what it
    made is taken back for the same reason.
    """
    made: list[dict[str, Any]] = []
    try:
        for audience in _audiences(client):
            _arrange(client, audience, webhook_url, made)
    except ActionFailed:
        with suppress(ActionFailed):
            for webhook in made:
                client.lists.delete_list_webhook(webhook["list_id"], webhook["id"])
        raise
    made.reverse()
    signing = [webhook["signing_secret"] for webhook in made if webhook.get("signing_secret")]
    return {"webhook_ids": [webhook["id"] for webhook in made], "signing_secret": signing} if made else {}


def unsubscribe(client: Client, webhook_url: str) -> None:
    """Removes all webhooks that lead to this address."""
    for audience in _audiences(client):
        for webhook in _ours(client, audience, webhook_url):
            client.lists.delete_list_webhook(audience, webhook["id"])


def _arrange(client: Client, audience: str, webhook_url: str, made: list[dict[str, Any]]) -> None:
    """One audience. A webhook that had to be made is added to `made`."""
    ours = _ours(client, audience, webhook_url)
    kept = next((webhook for webhook in ours if webhook["id"] in client.webhook_ids), None)
    for webhook in ours:
        if webhook is not kept:
            client.lists.delete_list_webhook(audience, webhook["id"])
    wanted = {"url": webhook_url, "events": EVENTS, "sources": SOURCES}
    if kept is None:
        made.append(client.lists.create_list_webhook(audience, {**wanted, "signing_enabled": True}))
    elif any(kept.get(name) != value for name, value in wanted.items()):
        client.lists.update_list_webhook(audience, kept["id"], wanted)


def _ours(client: Client, audience: str, webhook_url: str) -> list[dict[str, Any]]:
    """Those with our address, whatever secret it carries: that changes when it is exchanged."""
    found = client.lists.get_list_webhooks(audience)["webhooks"]
    return [webhook for webhook in found if webhook["url"].split("?")[0] == webhook_url.split("?")[0]]


def _audiences(client: Client) -> Iterable[str]:
    found = listed(client.lists.get_all_lists, name="lists", fields=["lists.id", "total_items"])
    return [audience["id"] for audience in found]
