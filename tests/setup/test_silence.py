"""A connection that is silent for unusually long, by its own rhythm."""

from __future__ import annotations

import json
from typing import Any

import pytest
import sqlalchemy as sa

from hub import notices, registry, schema, silence
from hub.ids import first_id_at
from hub.practice.server import service_of
from hub.setup import connections as pages
from hub.setup import queries
from hub.silence import HOUR, LEAST, WEEK
from tests.setup.conftest import DAY, HOME, MINUTE, World
from tests.setup.reading import text_of

TWENTY_MINUTES = 20 * MINUTE


def heard(world: World, connection_id: str, *times: int) -> None:
    """Events that came at these times, as the inbox leaves them."""
    rows = [
        {
            "id": first_id_at(at) + number,
            "workspace_id": 1,
            "connection_id": connection_id,
            "type": "shopify.order.created",
            "at": at,
            "received_at": at,
            "state": "taken",
        }
        for number, at in enumerate(times)
    ]
    with world.hub.database.write() as connection:
        connection.execute(sa.insert(schema.event), rows)
        latest = sa.update(schema.connection).where(schema.connection.c.id == connection_id)
        connection.execute(latest.values(last_event_at=max(times)))


def count_all(world: World) -> None:
    while silence.count(world.hub):
        pass


def shop(world: World, weeks: int = 5, **values: Any) -> str:
    return world.connection("shopify", created_at=world.clock.now() - weeks * WEEK, **values)


def rhythm(world: World, since: int, until: int, every: int) -> list[int]:
    now = world.clock.now()
    return list(range(now - since, now - until, every))


def looked(world: World) -> list[str]:
    count_all(world)
    return silence.judge(world.hub)


def test_who_hears_something_every_twenty_minutes_and_then_nothing_is_told_of(world: World) -> None:
    name = shop(world)
    heard(world, name, *rhythm(world, 5 * WEEK, 14 * HOUR + MINUTE, TWENTY_MINUTES))
    assert looked(world) == [name]
    (account,) = queries.accounts(world.hub, world.workspace)
    assert pages.line(account, world.clock.now()).says == ("nothing heard for 14 hours, usually every 20 minutes",)
    assert notices.needed(world.hub, world.workspace) == {
        f"silent {name} {account.last_event_at}": "Nothing was heard of Shopify for 14 hours, usually every 20 minutes."
    }


def test_the_first_page_says_so_and_leads_to_what_can_be_done(world: World) -> None:
    world.sign_in()
    world.hub.database.acquire("clock", 3600)
    name = shop(world)
    heard(world, name, *rhythm(world, 5 * WEEK, 14 * HOUR + MINUTE, TWENTY_MINUTES))
    looked(world)
    shown = text_of(world.open(HOME).text)
    assert "▲ Shopify: nothing heard for 14 hours, usually every 20 minutes" in shown and "See what to do" in shown
    page = text_of(world.open(f"/w/1/connections/{name}").text)
    assert "In the same hours of the last weeks, something came every time." in page


def test_whatever_comes_breaks_the_silence_at_once(world: World) -> None:
    name = shop(world)
    heard(world, name, *rhythm(world, 5 * WEEK, DAY, TWENTY_MINUTES))
    assert looked(world) == [name]
    heard(world, name, world.clock.now())
    (account,) = queries.accounts(world.hub, world.workspace)
    assert account.silent is None, "before the clock looks again"
    assert notices.needed(world.hub, world.workspace) == {}
    assert looked(world) == []


def test_a_night_in_which_nothing_ever_comes_is_no_silence(world: World) -> None:
    name = shop(world)
    noon, evening = world.clock.now(), 8 * HOUR
    times = range(noon - 5 * WEEK, noon + evening, TWENTY_MINUTES)
    heard(world, name, *(at for at in times if 8 <= at % DAY // HOUR < 20))
    world.clock.advance((evening + 11 * HOUR) / 1000)
    assert looked(world) == [], "at seven in the morning"
    world.clock.advance(6 * 3600)
    assert looked(world) == [name], "at one there should have been fifteen"


def test_a_quiet_shop_is_never_told_of(world: World) -> None:
    name = shop(world)
    heard(world, name, *rhythm(world, 5 * WEEK, 3 * DAY, 12 * HOUR))
    assert looked(world) == []


@pytest.mark.parametrize("weeks", [0, 1])
def test_nothing_is_said_before_two_weeks_are_known(world: World, weeks: int) -> None:
    name = shop(world, weeks=weeks)
    heard(world, name, *rhythm(world, 5 * WEEK, DAY, TWENTY_MINUTES))
    assert looked(world) == []


def test_a_week_that_was_as_silent_says_that_it_is_usual(world: World) -> None:
    name, now = shop(world), world.clock.now()
    times = rhythm(world, 5 * WEEK, DAY, TWENTY_MINUTES)
    heard(world, name, *(at for at in times if not now - 2 * WEEK - 2 * DAY < at < now - 2 * WEEK))
    assert looked(world) == []


def test_practice_and_what_is_not_connected_are_never_told_of(world: World) -> None:
    service = service_of(registry.connector("shopify"))
    assert service is not None
    practice = shop(
        world,
        id="practice",
        fields=json.dumps({**service.account, "base_url": "http://127.0.0.1:9000/shopify"}).encode(),
    )
    off = shop(world, id="off", state="off")
    times = rhythm(world, 5 * WEEK, DAY, TWENTY_MINUTES)
    heard(world, practice, *times)
    heard(world, off, *(at + 1 for at in times))
    assert looked(world) == []


def test_every_hour_is_counted_once_and_forgotten_after_five_weeks(world: World) -> None:
    name = shop(world)
    heard(world, name, *rhythm(world, 2 * HOUR, HOUR, MINUTE))
    count_all(world)
    assert silence.count(world.hub) == 0
    with world.hub.database.read() as connection:
        rows = connection.execute(sa.select(schema.heard_hour).order_by(schema.heard_hour.c.hour)).all()
    assert len(rows) == silence.KEPT // HOUR
    assert sum(sum(json.loads(row.counts).values()) for row in rows) == 60
    world.clock.advance(3 * 3600)
    assert silence.count(world.hub) == 3
    with world.hub.database.read() as connection:
        assert connection.execute(sa.select(sa.func.count()).select_from(schema.heard_hour)).scalar_one() == len(rows)


def test_the_count_and_the_verdict_are_the_same_on_any_database(world_on_any_database: World) -> None:
    world = world_on_any_database
    name = shop(world)
    heard(world, name, *rhythm(world, 5 * WEEK, DAY, TWENTY_MINUTES))
    assert looked(world) == [name]
    found = silence.silent_in(world.hub, world.workspace).get(name)
    assert found is not None and found[1] == TWENTY_MINUTES


def test_as_many_as_by_chance_could_stay_away_are_no_alarm() -> None:
    now = 100 * WEEK
    counts = {hour: {"c": 0} for hour in range(now - 6 * WEEK, now, HOUR)}
    last = now - 5 * HOUR
    for week in (1, 2, 3, 4):
        counts[now - 3 * HOUR - week * WEEK] = {"c": LEAST}
    assert silence.usual_of(counts, "c", 0, last, now + silence.SEEN_AFTER) == 5 * HOUR // LEAST
    counts[now - 3 * HOUR - 2 * WEEK] = {"c": LEAST - 1}
    assert silence.usual_of(counts, "c", 0, last, now + silence.SEEN_AFTER) is None
