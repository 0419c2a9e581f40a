"""The first page: is everything well, what is on, what happened just now."""

from __future__ import annotations

import json
import re
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa

from hub import schema
from hub.clock import CLOCK
from hub.ids import new_id
from hub.setup import words
from hub.setup.today import began
from hub.setup.words import DAY
from hub.timing import SystemClock, iso

from .access.conftest import joined, signed_in
from .conftest import HOME, MINUTE, World
from .reading import heading, part, text_of


@pytest.fixture(autouse=True)
def _signed_in(world: World) -> None:
    world.sign_in()


def test_everything_is_working_when_it_is(world: World) -> None:
    world.enable_order_thanks()
    page = world.open(HOME).text
    assert heading(page) == "● Everything is working"
    assert "1 recipe on" in text_of(page)
    assert "Thank people for their order When an order is placed, or an order is paid" in text_of(page)
    assert text_of(page).count("● Working · no event yet") == 4


def test_without_connections_the_page_teaches_how_to_begin(world: World) -> None:
    page = world.open(HOME).text
    assert heading(page) == "○ Nothing is connected yet"
    assert re.search(r'class="button" id="next" href="/w/1/connections">Connect it<', page)
    assert "1 Connect your shop" in text_of(page)


def test_the_first_steps_are_told_until_all_are_done(world: World) -> None:
    shop = world.connection("shopify")
    shown = text_of(world.open(HOME).text)
    assert "✓ Connect your shop · done 2 Connect what your messages leave by" in shown
    world.hub.connections.set_state(shop, "off", None)
    world.enable_order_thanks()
    page = world.open(HOME).text
    assert "✓ Rehearse a recipe · done ✓ Switch a recipe on · done 5 See it at work" in text_of(page)
    world.run()
    assert "First steps" not in world.open(HOME).text


def test_staff_are_not_sent_where_they_may_not_go(world: World) -> None:
    assert "First steps" not in signed_in(world, joined(world, "staff")).get(HOME).text


def test_what_went_wrong_is_told_for_a_day(world: World) -> None:
    world.enable_order_thanks()
    world.run(state="failed", reason="Twilio refused it.")
    assert heading(world.open(HOME).text) == "▲ One thing went wrong since yesterday"
    world.run(state="failed", reason="Twilio refused it.")
    assert heading(world.open(HOME).text) == "▲ 2 things went wrong since yesterday"
    world.clock.advance(25 * 3600)
    world.hub.database.acquire(CLOCK, 3600)
    world.sign_in()
    assert heading(world.open(HOME).text) == "● Everything is working"


def test_without_recipes_it_leads_to_them(world: World) -> None:
    world.connection("twilio")
    for connector in ("shopify", "hubspot", "mailchimp"):
        world.connection(connector)
    page = world.open(HOME).text
    assert heading(page) == "○ No recipe is on yet"
    assert re.search(r'class="button" id="next" href="/w/1/recipes">Choose one<', page)
    assert "First switch a recipe on." in text_of(page)


def test_without_a_workspace_it_asks_for_the_business(world: World) -> None:
    world.sign_in()
    with world.hub.database.write() as connection:
        connection.execute(sa.delete(schema.workspace))
    page = world.open("/").text
    assert heading(page) == "Welcome to Regulars"
    assert "What is your business called?" in page
    token = page.partition('name="token" value="')[2].partition('"')[0]
    answer = world.browser.post("/workspaces", data={"token": token, "name": "Crumb & Co."})
    assert answer.status_code == 303
    shown = world.open(answer.headers["Location"]).text
    assert "Crumb &amp; Co. has a workspace of its own." in shown


def test_a_lost_login_is_said_first_with_the_way_out(world: World) -> None:
    world.enable_order_thanks()
    practice = json.dumps({"api_key": "canary", "base_url": "http://127.0.0.1:9/mailchimp"}).encode()
    name = world.connection("mailchimp", state="needs_login", reason="API Key Invalid (HTTP 401)", fields=practice)
    page = world.open(HOME).text
    assert heading(page) == "▲ Mailchimp needs you to sign in again"
    assert f'id="sign-in-again" href="/w/1/connections/{name}"' in page
    assert "canary" not in page
    assert "▲ Needs you · sign in again Details for your consultant API Key Invalid (HTTP 401)" in text_of(page)
    world.hub.connections.set_state(name, "off", None)
    assert "○ Off · disconnected" in text_of(world.open(HOME).text)


def test_a_service_that_does_not_answer_is_being_caught_up_with(world: World) -> None:
    world.enable_order_thanks()
    world.connection("twilio", paused_until=world.clock.now() + 5 * MINUTE)
    page = world.open(HOME).text
    assert heading(page) == "◐ Twilio takes no calls just now"
    assert "◐ Catching up · tried again at 12:05 UTC" in text_of(page)


def test_what_waits_too_long_is_being_caught_up_with(world: World) -> None:
    world.enable_order_thanks()
    world.run(state="running", due_at=world.clock.now())
    assert heading(world.open(HOME).text) == "● Everything is working"
    world.clock.advance(11)
    assert heading(world.open(HOME).text) == "◐ Catching up"


def test_a_hub_whose_clock_stands_still_says_so(world: World) -> None:
    world.enable_order_thanks()
    with world.hub.database.write() as connection:
        connection.execute(sa.update(schema.lease).values(until=0))
    page = world.open(HOME).text
    assert heading(page) == "▲ Nothing moves just now"
    assert "hub worker hub clock" in text_of(page)


def test_a_held_run_waits_for_you_above_the_others(world: World) -> None:
    world.enable_order_thanks()
    held = world.run(state="held", reason="Step 2 was twilio.send_sms before, and is sleep now.")
    world.run()
    page = world.open(HOME).text
    assert heading(page) == "▲ One thing waits for you"
    assert "Waiting for you 12:00 UTC Thank people for their order Step 2 was" in text_of(page)
    assert page.count(f"/w/1/runs/{held}") == 1


@pytest.mark.parametrize(("count", "says"), [(5, "5 things wait"), (6, "More than 5 things wait")])
def test_how_many_wait_for_you_is_told_and_where_all_of_them_are(world: World, count: int, says: str) -> None:
    runs = [world.run(state="held", reason="It changed.") for _ in range(count)]
    page = world.open(HOME).text
    assert heading(page) == f"▲ {says} for you"
    assert re.findall(r'href="/w/1/runs/(\d+)"', page) == [str(run_id) for run_id in reversed(runs)][:5]
    assert ('id="see-held" href="/w/1/activity?show=held"' in page) == (count > 5)


@pytest.mark.parametrize(
    ("row", "actions", "state", "says"),
    [
        (
            {},
            ["hubspot.upsert_contact", "twilio.send_sms"],
            "✓ Done",
            "Create or update a contact · Send a text message",
        ),
        ({}, ["shopify.add_customer_tags"] * 3, "✓ Done", "Tag a customer (3 times)"),
        ({}, ["shopify.add_customer_tags"] * 230, "✓ Done", "Tag a customer (200 times or more)"),
        ({}, [], "✓ Done", "There was nothing to do."),
        ({"reason": "no e-mail address"}, [], "✓ Done", "no e-mail address"),
        ({"state": "failed", "reason": "It failed in line 7."}, [], "✕ Went wrong", "It failed in line 7."),
        (
            {"state": "stopped", "reason": "Ended by shopify.order.cancelled."},
            [],
            "○ Stopped",
            "Ended because an order is cancelled.",
        ),
        ({"state": "running"}, [], "◐ Under way", "It goes on in a moment."),
    ],
)
def test_a_run_is_told_in_one_line(world: World, row: Any, actions: list[str], state: str, says: str) -> None:
    world.run(*[{"action": name} for name in actions], **row)
    line = part(world.open(HOME).text, "latest")
    assert f"Thank people for their order {says}" in line
    assert state in line


def test_a_step_on_its_way_is_told(world: World) -> None:
    world.run({"action": "twilio.send_sms", "state": "claimed"}, state="running")
    assert "Send a text message: On its way." in part(world.open(HOME).text, "latest")


def test_a_step_that_waits_for_a_login_says_so(world: World) -> None:
    world.connection("twilio", id="tw", state="needs_login")
    run_id = world.run({"action": "twilio.send_sms", "state": "waiting", "connection_id": "tw"}, state="running")
    for path in (HOME, f"/w/1/runs/{run_id}"):
        assert "It goes on when you have signed in to Twilio again." in text_of(world.open(path).text)


@pytest.mark.parametrize(
    ("account", "says"),
    [
        ({"state": "off"}, "Twilio is disconnected. It goes on when you have connected it again."),
        ({"paused_until": 5}, "Twilio takes no calls just now, and is tried again at 12:05 UTC ."),
    ],
)
def test_a_step_says_what_its_account_makes_it_wait_for(world: World, account: dict[str, Any], says: str) -> None:
    if "paused_until" in account:
        account = {"paused_until": world.clock.now() + account["paused_until"] * MINUTE}
    world.connection("twilio", id="tw", **account)
    run_id = world.run({"action": "twilio.send_sms", "state": "waiting", "connection_id": "tw"}, state="running")
    assert f"Send a text message: {says}" in part(world.open(HOME).text, "latest")
    assert f"Send a text message Waits its turn · {says}" in text_of(world.open(f"/w/1/runs/{run_id}").text)


def test_a_wait_tells_its_length_and_its_end(world: World) -> None:
    world.run({"action": "sleep", "state": "waiting", "due_at": world.clock.now() + 3 * DAY}, state="waiting")
    assert "Wait 3 days, until 25 Nov, 12:00 UTC" in part(world.open(HOME).text, "latest")


def test_the_newest_run_comes_first_and_the_list_stays_short(world: World) -> None:
    runs = [world.run() for _ in range(20)]
    shown = re.findall(r'href="/w/1/runs/(\d+)"', world.open(HOME).text)
    assert shown == [str(run_id) for run_id in reversed(runs)][:15]


def test_with_several_workspaces_each_shows_its_own_and_links_keep_it(world: World) -> None:
    other = world.hub.workspaces.add("Bike Repair Nord")
    world.enable_order_thanks()
    mine, theirs = world.run(), world.run(workspace=other)
    first, second = world.open(HOME).text, world.open(f"/w/{other.id}/").text
    assert f"/w/1/runs/{mine}" in first and str(theirs) not in first
    assert f"/w/{other.id}/runs/{theirs}" in second and str(mine) not in second
    assert heading(second) == "○ Nothing is connected yet"
    assert f'id="next" href="/w/{other.id}/connections"' in second
    assert re.search(rf'<a href="/w/{other.id}/" aria-current="true">Bike Repair Nord</a>', second)


def test_a_run_of_one_workspace_is_not_shown_in_another(world: World) -> None:
    other = world.hub.workspaces.add("Bike Repair Nord")
    theirs = world.run(workspace=other)
    assert world.open(f"/w/{other.id}/runs/{theirs}").status_code == 200
    assert world.open(f"/w/1/runs/{theirs}").status_code == 404


def test_with_one_workspace_there_is_nothing_to_switch(world: World) -> None:
    assert 'id="workspaces"' not in world.open(HOME).text
    world.hub.workspaces.add("Bike Repair Nord")
    assert 'id="workspaces"' in world.open(HOME).text


def test_all_sending_is_paused_by_one_tap_from_every_page(world: World) -> None:
    world.connection("twilio")
    for path in (HOME, f"{HOME}connections", f"{HOME}changes", "/account"):
        assert 'id="pause"' in world.open(path).text
    world.send(f"{HOME}pause")
    for path in (HOME, f"{HOME}connections", "/account"):
        page = world.open(path).text
        assert "All sending is paused" in page and 'id="go-on"' in page and 'id="pause"' not in page
    assert "○ Off · paused, with all sending" in text_of(world.open(f"{HOME}connections").text)
    world.send(f"{HOME}go-on")
    assert "All sending is paused" not in world.open(HOME).text
    assert "let messages leave again" in world.open(f"{HOME}changes").text


def test_today_is_told_in_numbers(world: World) -> None:
    world.clock.advance((SystemClock().now() - world.clock.now()) / 1000)  # ids are made by the machine's clock
    world.sign_in()
    world.enable_order_thanks()
    (shop, *_) = (found for found in world.hub.connections.list(world.workspace) if found.connector.name == "shopify")
    world.run({"action": "twilio.send_sms"}, {"action": "hubspot.upsert_contact"})
    world.run({"action": "twilio.send_sms"})
    world.run({"action": "twilio.send_sms", "state": "refused", "reason": "Not sent: they opted out."}, state="failed")
    world.insert(schema.event, world_event(world, "shopify.order.created", "echo"))
    with world.hub.database.write() as connection:
        mine = schema.connection.c.id == shop.id
        connection.execute(sa.update(schema.connection).where(mine).values(last_event_at=world.clock.now()))
    shown = part(world.open(HOME).text, "today")
    assert " Today 3 × an order is placed 2 texts sent ✓ 1 not sent. See why" in shown
    world.clock.advance(24 * 3600)
    assert "Nothing came in yet." in part(world.open(HOME).text, "today")


@pytest.mark.parametrize(
    ("zone", "midnight"),
    [(None, "2026-11-22T00:00"), ("Asia/Tokyo", "2026-11-21T15:00"), ("Pacific/Kiritimati", "2026-11-22T10:00")],
)
def test_a_day_begins_at_the_workspaces_midnight(world: World, zone: str | None, midnight: str) -> None:
    token = words.ZONE.set(ZoneInfo(zone) if zone else None)
    try:
        assert iso(began(world.hub)).startswith(midnight)
    finally:
        words.ZONE.reset(token)


def world_event(world: World, kind: str, state: str) -> dict[str, object]:
    now = world.clock.now()
    return {
        "id": new_id(),
        "workspace_id": 1,
        "connection_id": "c",
        "type": kind,
        "state": state,
        "at": now,
        "received_at": now,
    }
