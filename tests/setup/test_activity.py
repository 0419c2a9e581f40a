"""Activity: what came in, what became of it, why something started nothing, and how to find more."""

from __future__ import annotations

import json
import re

import pytest
import sqlalchemy as sa

from hub import schema
from hub.ids import first_id_at, new_id
from hub.setup import activity, queries
from hub.setup.chart import EventCounts, bars
from tests.hub.test_plans_at_size import asked
from tests.setup.conftest import DAY, World
from tests.setup.reading import heading, part, text_of
from tests.setup.test_safety import NASTY

ACTIVITY = "/w/1/activity"


@pytest.fixture(autouse=True)
def _signed_in(world: World) -> None:
    world.sign_in()


def event(world: World, workspace_id: int = 1, **values: object) -> int:
    """An event that started nothing."""
    now, event_id = world.clock.now(), values.pop("id", None) or new_id()
    row = {
        "id": event_id,
        "workspace_id": workspace_id,
        "connection_id": "c",
        "type": "shopify.order.paid",
        "at": now,
        "received_at": now,
        "state": "taken",
    }
    world.insert(schema.event, row | values)
    return int(str(event_id))


def lines(page: str) -> list[str]:
    """The lines of the list."""
    shown = page[page.index('id="list"') :]
    return [text_of(f"<main>{item}") for item in re.findall(r'<li class="run[^"]*">(.*?)</li>', shown, re.DOTALL)]


def test_an_empty_list_says_what_will_be_there(world: World) -> None:
    page = world.open(ACTIVITY).text
    assert heading(page) == "Activity"
    assert "What comes in will be here" in text_of(page)
    assert 'aria-current="page"' in page[page.index('href="/w/1/activity"') :][:60]
    for show, says in (("held", "Nothing needs you."), ("failed", "Nothing went wrong."), ("skipped", "Nothing was")):
        assert says in text_of(world.open(f"{ACTIVITY}?show={show}").text)


def test_everything_is_told_newest_first_also_what_started_nothing(world: World) -> None:
    world.run({"action": "twilio.send_sms"})
    event(world, skipped=json.dumps({"order_thanks": "It started for this already, and starts once."}))
    event(world, state="echo")
    event(world, state="unknown", type="unknown")
    event(world)
    assert lines(world.open(ACTIVITY).text) == [
        "12:00 UTC Sh Shopify An order is paid No recipe that is on starts with this. ○ Started nothing",
        "12:00 UTC Something came in This kind of event is not known here, so no recipe starts with it. "
        "○ Started nothing",
        "12:00 UTC Sh Shopify An order is paid The hub itself caused this by what it did, so it starts nothing. "
        "○ Started nothing",
        "12:00 UTC Sh Shopify An order is paid Thank people for their order: It started for this already, and starts "
        "once. ○ Skipped",
        "12:00 UTC Thank people for their order Send a text message Sh Shopify Tw Twilio ✓ Done",
    ]


def test_each_filter_shows_its_own(world: World) -> None:
    for state in ("held", "failed", "waiting", "running", "done"):
        world.run(state=state, recipe=state)
    event(world, skipped='{"x": "The order was paid."}')
    event(world)
    found = {show: lines(world.open(f"{ACTIVITY}?show={show}").text) for show in activity.FILTERS}
    assert [len(found[show]) for show in activity.FILTERS] == [7, 1, 1, 2, 1]
    assert "Needs you" in found["held"][0] and "Went wrong" in found["failed"][0]
    assert [line.split()[2] for line in found["waiting"]] == ["Running", "Waiting"]
    assert "The order was paid." in found["skipped"][0]
    assert len(lines(world.open(f"{ACTIVITY}?show=nonsense").text)) == 7


def test_a_recipe_can_be_looked_at_alone(world: World) -> None:
    world.enable_order_thanks()
    world.run(state="held")
    world.run()
    world.run(recipe="other")
    assert len(lines(world.open(f"{ACTIVITY}?recipe=order_thanks").text)) == 2
    assert len(lines(world.open(f"{ACTIVITY}?recipe=order_thanks&show=held").text)) == 1
    assert lines(world.open(f"{ACTIVITY}?recipe=none&show=failed").text) == []
    assert "Only “Thank people for their order”" in world.open(f"{ACTIVITY}?recipe=order_thanks").text


@pytest.mark.parametrize("query", ["?", "?show=held", "?show=skipped", "?recipe=order_thanks"])
def test_page_by_page_everything_is_met_once(world: World, monkeypatch: pytest.MonkeyPatch, query: str) -> None:
    monkeypatch.setattr(activity, "AT_ONCE", 2)
    if "skipped" in query:
        wanted = {event(world, skipped=f'{{"x": "reason {n}"}}') for n in range(5)}
    else:
        wanted = {world.run(state="held") for _ in range(5)}
    seen: list[str] = []
    path: str | None = ACTIVITY + query
    pages = 0
    while path and pages < 9:
        page = world.open(path).text
        seen += lines(page) if "skipped" in query else re.findall(r'id="run-(\d+)"', page)
        older = re.search(r'href="([^"]*before=\d+[^"]*)"', page)
        path, pages = older[1].replace("&amp;", "&") if older else None, pages + 1
    assert len(seen) == len(set(seen)) == 5 and pages == 3
    if "skipped" not in query:
        assert {int(run_id) for run_id in seen} == wanted


def test_what_is_far_back_is_found_by_looking_on(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queries, "LOOKED_THROUGH", 3)
    waiting = world.run(state="waiting")
    for _ in range(4):
        world.run()
    page = world.open(f"{ACTIVITY}?show=waiting").text
    assert lines(page) == [] and "There may be some further back." in text_of(page)
    older = re.search(r'href="([^"]*before=\d+[^"]*)"', page)
    assert older and f"run-{waiting}" in world.open(older[1].replace("&amp;", "&")).text


def test_others_workspaces_are_left_out(world: World) -> None:
    other = world.hub.workspaces.add("Bike Repair Nord")
    for state in ("held", "failed", "waiting", "done"):
        world.run(workspace=other, state=state)
    event(world, other.id, skipped='{"x": "y"}')
    for show in activity.FILTERS:
        assert lines(world.open(f"{ACTIVITY}?show={show}").text) == []
    assert "Nothing came in lately." in text_of(world.open(ACTIVITY).text)


def test_what_could_not_be_read_is_told_and_can_be_read_again(world: World) -> None:
    row = {"id": new_id(), "workspace_id": 1, "connection_id": world.connection(), "received_at": 5, "content": b"x"}
    world.insert(schema.delivery, row | {"state": "unreadable", "reason": "The body is no JSON."})
    assert "The body is no JSON." in text_of(world.open(ACTIVITY).text)
    answer = world.send(f"/w/1/deliveries/{row['id']}/read")
    assert answer.status_code == 303
    with world.hub.database.read() as connection:
        assert connection.execute(sa.select(schema.delivery.c.state)).scalar() == "new"
    assert "The body is no JSON." not in text_of(world.open(ACTIVITY).text)


def test_nothing_from_outside_becomes_part_of_the_pages(world: World) -> None:
    world.enable_order_thanks()
    account = world.connection(label=NASTY)
    event(world, type=NASTY[:80], skipped=json.dumps({NASTY: NASTY}))
    run_id = world.run(state="held", reason=NASTY, recipe=NASTY[:80], event=NASTY[:80])
    delivery = {"id": 5, "workspace_id": 1, "connection_id": account, "received_at": 5, "content": b"x"}
    world.insert(schema.delivery, delivery | {"state": "unreadable", "reason": NASTY})
    for path in (ACTIVITY, f"{ACTIVITY}?show=held", f"{ACTIVITY}?show={NASTY}&recipe={NASTY}", f"/w/1/runs/{run_id}"):
        page = world.open(path).text
        assert "alert(" in page and "<img" not in page
        assert re.findall(r"<script[^>]*>", page) == ['<script src="/assets/live.js" defer>']
        assert "style=" not in page and "<style" not in page


def test_what_is_kept_current_can_be_found_again(world: World) -> None:
    world.run()
    page = world.open(ACTIVITY).text
    live = re.findall(r"<[^>]*\sdata-live[^>]*>", page)
    assert live and all(re.search(r'\sid="[\w-]+"', tag) for tag in live)
    assert not re.findall(r"<(?:summary|button)(?![^>]*\sid=)[^>]*>", page[page.index("<main") :])
    world.run(state="held")
    assert "data-live" not in part(world.open(f"{ACTIVITY}?show=held").text, "list"), "it would take ticks away"


# ---- the chart


def on_day(world: World, days_ago: int, count: int) -> None:
    start = first_id_at((world.clock.now() // DAY - days_ago) * DAY)
    for n in range(count):
        event(world, id=start + n)


def test_events_are_counted_by_day(world: World) -> None:
    for days_ago, count in ((0, 3), (1, 2), (13, 1), (14, 7)):
        on_day(world, days_ago, count)
    counts = [count for _, count in EventCounts().of(world.hub, world.workspace)]
    assert counts == [1] + [0] * 11 + [2, 3]
    page = world.open(ACTIVITY).text
    assert "6 in 14 days, 3 today." in text_of(page)
    assert "9 Nov 1 10 Nov 0" in part(page, "days-numbers") and page.count('<rect class="bar"') == 14


def test_days_that_are_over_are_counted_once(world: World) -> None:
    counts = EventCounts()
    on_day(world, 5, 2)
    counts.of(world.hub, world.workspace)
    with asked(world) as statements:
        counts.of(world.hub, world.workspace)
    assert len(statements) == 1
    on_day(world, 0, 4)
    assert [count for _, count in counts.of(world.hub, world.workspace)][-1] == 4


def test_bars_fill_the_box_and_a_small_day_is_seen() -> None:
    drawn = bars([("a", 1000), ("b", 1), ("c", 0)])
    assert [bar.height for bar in drawn] == [96, 2, 0]
    assert all(bar.y + bar.height == 96 for bar in drawn)
    assert [bar.height for bar in bars([("a", 0)])] == [0]
