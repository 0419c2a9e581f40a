"""Webhooks as Shopify posts them."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import uuid
from collections.abc import Mapping
from typing import Any

from hub.practice import moment

from ..documents import VERSION
from .people import SHOP


def signed(
    topic: str,
    payload: Mapping[str, Any],
    secret: str,
    *,
    event_id: str | None = None,
    webhook_id: str | None = None,
    triggered_at: str | None = None,
    shop: str = SHOP,
) -> tuple[dict[str, str], bytes]:
    """One webhook as Shopify posts it: headers with a true signature, and the body."""
    body = json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode()
    digest = hmac.new(secret.encode(), body, hashlib.sha256).digest()
    return {
        "Content-Type": "application/json",
        "User-Agent": "Shopify-Captain-Hook",
        "X-Shopify-API-Version": VERSION,
        "X-Shopify-Event-Id": event_id or str(uuid.uuid4()),
        "X-Shopify-Hmac-Sha256": base64.b64encode(digest).decode(),
        "X-Shopify-Shop-Domain": shop,
        "X-Shopify-Topic": topic,
        "X-Shopify-Triggered-At": triggered_at or moment.now().isoformat().replace("+00:00", "Z"),
        "X-Shopify-Webhook-Id": webhook_id or str(uuid.uuid4()),
    }, body


def now() -> str:
    """The time as Shopify's payloads write it: `2026-11-22T12:00:00+00:00`."""
    return moment.now().isoformat(timespec="seconds")
