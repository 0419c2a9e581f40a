"""What tests of logging in by OAuth have in common: an owner who goes to the provider and comes back."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, urlsplit

import requests

from hub.connections import Connection
from hub.oauth.connecting import Connected, begin, finish
from hub.practice.server import PracticeServer
from hub.timing import SystemClock
from tests.world import World, happen

SESSION = "the word in the cookie of one browser"
Query = list[tuple[str, str]]

FIELDS = {"shopify": {"shop": "practice-shop.myshopify.com"}, "hubspot": {}, "mailchimp": {}}


class Owner:
    """Somebody at the hub's page who connects practice accounts, in one browser's session."""

    def __init__(self, world: World) -> None:
        self.world, self.hub = world, world.hub
        self.server = PracticeServer()
        self.base = self.server.start()
        for service in self.server.services.values():
            service.reset()
        # The services tell the time by the machine's clock.
        self.world.clock.advance((SystemClock().now() - world.clock.now()) / 1000)

    def close(self) -> None:
        self.server.stop()
        for service in self.server.services.values():
            service.reset()

    def begin(self, name: str, session: str = SESSION, **fields: str) -> str:
        given = FIELDS[name] | {"base_url": f"{self.base}/{name}"} | fields
        return begin(self.hub, self.world.workspace, name, given, session, "/accounts")

    def answer(self, address: str, answer: str = "allow") -> Query:
        """What the provider sends the browser back with, once the owner has clicked."""
        with requests.Session() as browser:
            browser.trust_env = False
            page = browser.get(address, timeout=10)
            assert page.status_code == 200, page.text
            assert 'value="allow"' in page.text
            back = browser.post(address, data={"answer": answer}, allow_redirects=False, timeout=10)
        assert back.status_code == 302, back.text
        return parse_qsl(urlsplit(back.headers["Location"]).query, keep_blank_values=True)

    def finish(self, name: str, query: Query, session: str = SESSION) -> Connected:
        return finish(self.hub, name, query, session)

    def connect(self, name: str) -> Connected:
        return self.finish(name, self.answer(self.begin(name)))

    def happen(self, name: str, what: str) -> Any:
        return self.server.services[name].happen(what, {})

    def asked(self, name: str, path: str) -> int:
        """How often a path of the provider was called."""
        return sum(call["path"] == path for call in list(self.server.services[name].calls))

    def token(self, name: str) -> int:
        """How often the token endpoint was called."""
        return self.asked(name, {"shopify": "/admin/oauth/access_token", "hubspot": "/oauth/v3/token"}[name])


def without(query: Query, name: str) -> Query:
    return [item for item in query if item[0] != name]


def changed(query: Query, **values: str) -> Query:
    """The same parameters with other values."""
    return [(name, values.get(name, value)) for name, value in query]


def fresh(owner: Owner, connection: Connection) -> Connection:
    return owner.hub.connections.get(connection.id, fresh=True)


def contacts(owner: Owner) -> list[str]:
    return sorted(owner.server.services["hubspot"].books["emails"])


def asked_for(owner: Owner, *emails: str) -> None:
    for email in emails:
        happen(owner.world, key=email, email=email)
