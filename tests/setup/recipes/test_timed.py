"""Recipes that begin by the clock, on the pages: their way, when they begin next, and how far one is through a list."""

from __future__ import annotations

import pytest

from hub import registry, schedules, schema
from hub.setup.recipes.way import ways

from ..conftest import HOME, World
from ..reading import text_of
from .test_way import text
from .timed import tell_the_till, wish_well
from .visiting import PLACE, connected


@pytest.fixture
def timed(visited: World, monkeypatch: pytest.MonkeyPatch) -> World:
    known = {recipe.name: recipe for recipe in (wish_well, tell_the_till)}
    monkeypatch.setattr(registry, "recipes", lambda: known)
    connected(visited, "mailchimp", "shopify")
    return visited


def test_their_way_begins_with_the_time_and_whom_it_is_for() -> None:
    (way,) = ways(wish_well, {})
    assert [text(line) for line in way.lines] == [
        "Every day at 06:00, for each member in Mailchimp",
        "Only if: it is their birthday",
        "Add tags to a member",
        "Wait 1 day",
        "Remove tags from a member",
        "It is done",
    ]
    (first, *_) = [text(way.lines[0]) for way in ways(tell_the_till, {})]
    assert first == "Every Monday at 08:00 (Europe/Berlin)" or first.endswith(", or an order is placed")


def test_its_page_tells_when_it_begins_next(timed: World) -> None:
    assert "Every day at 06:00, for each member in Mailchimp" in text_of(timed.open(f"{PLACE}/wish_well").text)
    assert "Begins next" not in text_of(timed.open(f"{PLACE}/wish_well").text)
    timed.hub.enabled.enable(timed.workspace, "wish_well", {"audience": "practice"})
    schedules.keep(timed.hub)
    assert "Begins next:" in text_of(timed.open(f"{PLACE}/wish_well").text)
    assert "06:00" in text_of(timed.open(f"{PLACE}/wish_well").text)
    assert "Every day at 06:00, for each member in Mailchimp" in text_of(timed.open(HOME).text)


def test_switching_it_on_says_when_and_not_how_often_it_happened(timed: World) -> None:
    page = timed.open(f"{PLACE}/wish_well/settings")
    assert page.status_code == 200
    sent = timed.browser.post(f"{PLACE}/wish_well/settings", data={"token": timed.token(), "set_audience": "practice"})
    assert "Every day at 06:00, for each member in Mailchimp." in text_of(sent.text)


def test_how_far_it_is_through_the_list_stands_in_activity(timed: World) -> None:
    run = timed.run({"action": "mailchimp.members", "state": "waiting"}, recipe="wish_well", state="running")
    with timed.hub.database.write() as connection:
        row = schema.run.c.id == run
        event = connection.execute(schema.run.select().where(row)).one().event_id
        connection.execute(schema.run.update().where(row).values(reason="Went through 500 of 12,300 so far."))
        connection.execute(schema.event.update().where(schema.event.c.id == event).values(type="schedule.daily"))
    shown = text_of(timed.open(f"{HOME}activity").text)
    assert "Birthday Went through 500 of 12,300 so far." in shown
    assert "The time has come" in text_of(timed.open(f"{HOME}runs/{run}").text)
