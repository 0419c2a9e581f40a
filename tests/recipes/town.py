"""A hub with the practice accounts, for tests of recipes on the real engine."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from tests.recipes.events import ADA, AUDIENCE, Sent
from tests.world import World


class Town:
    """A hub with the practice accounts, and Ada, who uses the services behind them."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.services = world.practice().services
        self.accounts = {c.connector.name: c for c in world.hub.connections.list(world.workspace)}

    def post(self, sent: Sent) -> None:
        """A delivery comes in."""
        headers = {name.lower(): value for name, value in sent[0].items()}
        told_by = {"x-shopify-topic": "shopify", "x-hubspot-signature-v3": "hubspot"}
        name = next((name for header, name in told_by.items() if header in headers), "mailchimp")
        self.world.deliver(self.accounts[name], sent[1], headers)

    def tell(self, *sent: Sent) -> None:
        """Deliveries come in one after the other, and all that follows at once is done."""
        for each in sent:
            self.post(each)
            self.world.settle()

    def pass_time(self, **span: float) -> None:
        self.world.pass_time(timedelta(**span))

    def happens(self, service: str, what: str, **details: Any) -> Any:
        return self.services[service].happen(what, {"email": ADA} | details)

    def member(self) -> dict[str, Any] | None:
        """Ada in the newsletter's books."""
        members = self.services["mailchimp"].books["lists"][AUDIENCE]["members"].values()
        return next((member for member in members if member["email_address"] == ADA), None)

    def mails(self) -> list[str]:
        member = self.member()
        return [event["name"] for event in member["events"]] if member else []

    def customer(self) -> dict[str, Any]:
        """Ada in the shop's books."""
        books = self.services["shopify"].books
        found: dict[str, Any] = books["customers"][books["known"][ADA]]
        return found

    def texts(self) -> list[Any]:
        return [message["body"] for message in self.services["twilio"].books["messages"]]

    def endings(self) -> list[tuple[str, str | None]]:
        return [(run.state, run.reason) for run in self.world.runs]
