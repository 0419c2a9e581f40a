"""Calls of the connector's actions, and whom they are about."""

from __future__ import annotations

from typing import Any

from connectors import mailchimp
from connectors.mailchimp.client import Client

ADA, GRACE = "ada@example.com", "grace@example.com"


def inputs(email: str, **others: Any) -> dict[str, Any]:
    given = {"list_id": "practice", "email": email, "tags": (), "merge_fields": None, "status_if_new": "subscribed"}
    return given | others


def batch(client: Client, *calls: dict[str, Any]) -> list[Any]:
    assert mailchimp.upsert_member.many is not None
    return list(mailchimp.upsert_member.many(client, calls))
