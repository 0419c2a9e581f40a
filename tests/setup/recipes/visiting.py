"""What tests of the recipes' pages do in front of them."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

from werkzeug.test import TestResponse

from hub.setup.access import audit
from hub.setup.words import DAY

from ..conftest import World

PLACE = "/w/1/recipes"
CART = {"set_audience": "a1", "set_event_name": "left", "set_wait": ["90", "minutes"], "set_discount_percent": "5"}


def connected(world: World, *names: str) -> None:
    for name in names or ("shopify", "hubspot", "mailchimp", "twilio"):
        world.connection(name, created_at=world.clock.now() - 90 * DAY)


def send(world: World, path: str, fields: Any, **more: Any) -> TestResponse:
    return world.browser.post(f"{PLACE}/{path}", data={"token": world.token(), **fields, **more})


def on(world: World) -> dict[str, Any]:
    return {entry.recipe: dict(entry.settings) for _, entry in world.hub.enabled.of(world.workspace)}


def hidden(page: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, value in re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)">', page):
        found.setdefault(name, []).append(unescape(value))
    return found


def told(world: World) -> list[str]:
    """What was done with recipes, without who did it."""
    said = [entry.says for _, entry in audit.latest(world.hub, 1, 10)]
    return [re.sub(r"^<strong>.*?</strong> ", "", says) for says in said if "recipe" in says]
