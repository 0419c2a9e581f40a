"""The pages on SQLite and on PostgreSQL."""

from __future__ import annotations

import re

from hub.setup.words import HOUR

from .conftest import HOME, World
from .reading import heading, text_of


def test_the_pages_are_the_same_on_any_database(world_on_any_database: World) -> None:
    world = world_on_any_database
    world.enable_order_thanks()
    done = world.run({"action": "twilio.send_sms"})
    held = world.run({"action": "sleep", "due_at": world.clock.now() + HOUR}, state="held", reason="It changed.")
    world.sign_in()
    page = world.open(HOME).text
    assert heading(page) == "▲ One thing waits for you"
    assert re.findall(r'href="/w/1/runs/(\d+)"', page) == [str(held), str(done)]
    assert "Send a text message Done" in text_of(world.open(f"/w/1/runs/{done}").text)


def test_a_recipe_is_switched_on_looked_at_and_off_on_any_database(world_on_any_database: World) -> None:
    world = world_on_any_database
    world.sign_in()
    for connector in ("shopify", "mailchimp"):
        world.connection(connector)
    place = "/w/1/recipes"
    assert world.send(f"{place}/abandoned_cart/on", set_audience="a1").status_code == 303
    world.run({"action": "wait_for", "state": "waiting"}, recipe="abandoned_cart", state="waiting")
    for path in ("", "/abandoned_cart", "/abandoned_cart/settings", "/abandoned_cart/off", "/abandoned_cart_text/on"):
        assert world.open(f"{place}{path}").status_code == 200
    world.send(f"{place}/abandoned_cart/off", inside="stop")
    assert "It is off, and 1 that was under way ended." in world.open(f"{place}/abandoned_cart").text
