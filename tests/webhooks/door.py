"""The hub's web application with practice accounts connected, and what their providers post to it."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from connectors.hubspot import practice as hubspot
from connectors.hubspot.practice_webhooks import creations
from connectors.hubspot.practice_webhooks import signed as signed_by_hubspot
from connectors.mailchimp.practice import signed as signed_by_mailchimp
from connectors.shopify.practice import order_payload
from connectors.shopify.practice import signed as signed_by_shopify
from connectors.twilio.practice_account import signed as signed_by_twilio
from hub import schema
from hub.connections import Connection
from hub.core import Hub
from hub.site import create_site
from tests.calling import Answer, Client
from tests.world import World
from webhooks.intake import Intake

Signed = tuple[dict[str, str], bytes]

PROVIDERS = ["shopify", "hubspot", "mailchimp", "twilio"]
SIGNATURES = ("x-shopify-hmac-sha256", "x-hubspot-signature-v3", "x-mailchimp-signature", "x-twilio-signature")

CANARY = "canary.ada@example.com"
KEPT = [schema.delivery, schema.seen_key, schema.event, schema.run, schema.person]


class Door:
    """Posts to the application of a world, as the providers of its practice accounts would.

    `hub` and `intake` stand for another process on the same database.
    """

    def __init__(self, world: World, hub: Hub | None = None, intake: Intake | None = None) -> None:
        world.practice()
        self.world, self.hub = world, hub or world.hub
        self.client = Client(create_site(self.hub, intake or world.intake))

    def connection(self, name: str) -> Connection:
        connections = self.hub.connections.list(self.world.workspace)
        return next(one for one in connections if one.connector.name == name)

    def path(self, name: str) -> str:
        return self.hub.connections.webhook_url(self.connection(name)).removeprefix(self.hub.settings.public_url)

    def secret(self, name: str, field: str) -> str:
        return self.connection(name).secrets[field][0]

    def post(self, name: str, signed: Signed, **more: Any) -> Answer:
        headers, body = signed
        return self.client.post(self.path(name), data=body, headers=headers, **more)

    def order(self, number: int = 1, topic: str = "orders/create", **ids: str) -> Signed:
        secret = self.secret("shopify", "webhook_secret")
        return signed_by_shopify(topic, order_payload(number, email=CANARY), secret, **ids)

    def json(self, body: bytes, topic: str = "orders/create", **headers: str) -> Signed:
        """Any bytes, signed as Shopify signs."""
        mac = hmac.digest(self.secret("shopify", "webhook_secret").encode(), body, "sha256")
        signature = base64.b64encode(mac).decode()
        return {"X-Shopify-Topic": topic, "X-Shopify-Hmac-Sha256": signature, **headers}, body

    def changes(
        self, changes: Sequence[Mapping[str, Any]] | None = None, secret: str = hubspot.CLIENT_SECRET
    ) -> Signed:
        now = self.world.clock.now()
        url = self.hub.settings.public_url + self.path("hubspot")
        return signed_by_hubspot(creations(2, at_ms=now) if changes is None else changes, url, secret, now)

    def member(self, email: str = CANARY) -> Signed:
        """What Mailchimp posts from a webhook that it does not sign: the address vouches for it."""
        form = {"type": "subscribe", "fired_at": "2026-11-22 12:00:00"}
        form |= {"data[id]": hashlib.md5(email.encode()).hexdigest(), "data[email]": email, "data[list_id]": "practice"}
        return signed_by_mailchimp(form, self.path("mailchimp"), None, datetime(2026, 11, 22, 12, tzinfo=UTC))

    def text(self, said: str = "Hello") -> Signed:
        sid = "SM" + hashlib.md5(said.encode()).hexdigest()
        form = {"MessageSid": sid, "SmsStatus": "received", "From": "+14155550123", "To": "+14155550100", "Body": said}
        url = self.hub.settings.public_url + self.path("twilio")
        return signed_by_twilio(form, url, self.secret("twilio", "auth_token"))

    def genuine(self, name: str) -> Signed:
        """A delivery of this provider that the hub takes."""
        return {"shopify": self.order, "hubspot": self.changes, "mailchimp": self.member, "twilio": self.text}[name]()

    def kept(self) -> dict[str, int]:
        """How much is in each table that a delivery could leave something in."""
        with self.world.hub.database.read() as database:
            counts = {t.name: database.execute(sa.select(sa.func.count()).select_from(t)).scalar_one() for t in KEPT}
        return {name: count for name, count in counts.items() if count}


def one_text(value: Any) -> str:
    """A field's value as it is given to connect."""
    return value if isinstance(value, str) else ",".join(value)
