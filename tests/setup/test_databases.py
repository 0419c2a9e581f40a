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
