"""How a recipe stands: who is inside, what came in, and what switching it on or off would mean."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa

from hub import registry, runs, schema
from hub.ids import new_id
from hub.setup.recipes import effect, standing
from hub.setup.recipes.standing import Incoming, Inside, Lately
from hub.setup.recipes.way import Text, Way
from hub.setup.words import DAY

from ..conftest import World

CART, THANKS = registry.recipe("abandoned_cart"), registry.recipe("order_thanks")


def events(world: World, kind: str, count: int, days_ago: float = 1, workspace_id: int | None = None) -> None:
    at = world.clock.now() - round(days_ago * DAY)
    row = {"workspace_id": workspace_id or world.workspace.id, "connection_id": "c", "state": "taken", "type": kind}
    rows = [row | {"id": new_id(), "at": at, "received_at": at} for _ in range(count)]
    with world.hub.database.write() as connection:
        connection.execute(sa.insert(schema.event), rows)


def waiting(world: World, *steps: dict[str, Any], **values: Any) -> int:
    return world.run(*steps, **{"recipe": "abandoned_cart", "state": "waiting"} | values)


NOW, CALL = {"action": "now"}, {"action": "mailchimp.get_member"}
WAIT, SENDING = {"action": "wait_for", "state": "waiting"}, {"action": "mailchimp.add_event", "state": "claimed"}


def test_people_are_counted_at_the_step_that_they_wait_for(world_on_any_database: World) -> None:
    world = world_on_any_database
    for _ in range(3):
        waiting(world, NOW, WAIT)
    waiting(world, NOW, {"action": "wait_for"}, NOW, WAIT)  # the wait began anew
    waiting(world, NOW, {"action": "wait_for"}, CALL, CALL, SENDING)
    waiting(world, CALL, {"action": "mailchimp.get_member", "state": "waiting"}, {"action": "x.y", "state": "waiting"})
    waiting(world, NOW, state="held")
    waiting(world, NOW, WAIT, recipe="order_thanks")
    waiting(world, NOW, CALL, state="done")
    other = world.hub.workspaces.add("Another")
    waiting(world, NOW, WAIT, workspace=other)
    found = standing.inside(world.hub, world.workspace, "abandoned_cart")
    assert (found.runs, found.held, found.more) == (7, 1, False)
    assert found.places == {(0, "wait_for"): 4, (2, "mailchimp.add_event"): 1, (1, "mailchimp.get_member"): 1}


def test_a_recipe_with_few_people_is_not_looked_for_among_all_that_are_under_way(
    world_on_any_database: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = world_on_any_database
    monkeypatch.setattr(standing, "LOOKED_THROUGH", 3)
    for _ in range(2):
        waiting(world, NOW, WAIT, recipe="order_thanks")
    assert standing.inside(world.hub, world.workspace, "abandoned_cart") == Inside(0, 0, {}, False)
    for _ in range(2):
        waiting(world, NOW, WAIT, recipe="order_thanks")
    found = standing.inside(world.hub, world.workspace, "abandoned_cart")
    assert (found.runs, found.more, found.anybody) == (0, True, True), "there may be some that were not looked at"


def test_of_too_many_people_only_that_there_are_more_is_told(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(standing, "MOST_INSIDE", 2)
    for _ in range(3):
        waiting(world, NOW, WAIT)
    assert standing.inside(world.hub, world.workspace, "abandoned_cart") == Inside(2, 0, {}, True)


def test_what_came_in_is_counted_for_thirty_days(world_on_any_database: World) -> None:
    world = world_on_any_database
    world.connection("shopify", created_at=world.clock.now() - 90 * DAY)
    events(world, "shopify.checkout.created", 30)
    events(world, "shopify.checkout.updated", 20, 29)
    events(world, "shopify.checkout.created", 99, 31)
    events(world, "shopify.order.created", 7)
    events(world, "shopify.checkout.created", 5, workspace_id=world.hub.workspaces.add("Another").id)
    found = standing.incoming(world.hub, world.workspace, CART)
    # Once per person: of carts that are begun and changed, the larger number. 30 in 30 days are 7 a week.
    assert (found, found.weekly) == (Incoming(30, 30 * DAY), 7)


def test_what_was_connected_lately_is_known_only_since_then(world: World) -> None:
    assert standing.incoming(world.hub, world.workspace, CART).weekly is None
    world.connection("shopify", created_at=world.clock.now() - 10 * DAY)
    events(world, "shopify.checkout.created", 20)
    found = standing.incoming(world.hub, world.workspace, CART)
    assert (found, found.weekly) == (Incoming(20, 10 * DAY), 14)


def test_of_many_events_the_latest_tell_the_rate(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(standing, "MOST_EVENTS", 100)
    world.connection("shopify", created_at=world.clock.now() - 90 * DAY)
    events(world, "shopify.order.created", 500, 20)
    events(world, "shopify.order.created", 50, 2)
    events(world, "shopify.order.created", 50, 0.5)
    # The latest hundred go back two days.
    assert standing.incoming(world.hub, world.workspace, THANKS) == Incoming(100, 2 * DAY)


def test_what_it_did_is_told_by_how_its_runs_ended(world_on_any_database: World) -> None:
    world = world_on_any_database
    for state in ("done", "done", "stopped", "waiting"):
        world.run(state=state, recipe="abandoned_cart")
    world.run(recipe="abandoned_cart", started_at=world.clock.now() - 31 * DAY)
    world.run(recipe="order_thanks")
    found = standing.lately(world.hub, world.workspace, "abandoned_cart")
    assert found == Lately({"done": 2, "stopped": 1, "waiting": 1}, 30 * DAY)
    assert effect.what_it_did(found) == "Last 30 days: 4 began · 2 done · 1 stopped before their end"


def test_nothing_reads_a_large_table_through(world: World) -> None:
    world.connection("shopify")
    for _ in range(30):
        waiting(world, NOW, WAIT)
    asked: dict[str, Any] = {}

    def note(_: Any, __: Any, statement: str, parameters: Any, *___: Any) -> None:
        asked.setdefault(statement, parameters)

    sa.event.listen(world.hub.database.engine, "before_cursor_execute", note)
    standing.inside(world.hub, world.workspace, "abandoned_cart")
    standing.incoming(world.hub, world.workspace, CART)
    standing.lately(world.hub, world.workspace, "abandoned_cart")
    runs.cancel_all(world.workspace, world.hub, "abandoned_cart")
    sa.event.remove(world.hub.database.engine, "before_cursor_execute", note)
    plans = []
    with world.hub.database.engine.connect() as connection:
        for statement, parameters in asked.items():
            if statement.startswith(("SELECT", "UPDATE", "DELETE")):
                plans += [
                    str(row[-1]) for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
                ]
    read_through = [line for line in plans if line.startswith("SCAN") and line.split()[1] in schema.metadata.tables]
    # The index over runs under way; `connection` has a row for each account.
    assert set(read_through) <= {"SCAN run USING INDEX ix_run_person", "SCAN connection"}
    assert len(plans) > 8


def test_all_who_are_inside_can_be_ended_at_once(world_on_any_database: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world = world_on_any_database
    monkeypatch.setattr(runs, "AT_ONCE", 2)
    mine = [waiting(world, NOW, WAIT) for _ in range(5)]
    world.insert(schema.waiter, {"workspace_id": 1, "person_id": 1, "type": "x.y", "run_id": mine[0]})
    others = [
        waiting(world, NOW, WAIT, recipe="order_thanks"),
        waiting(world, NOW, WAIT, workspace=world.hub.workspaces.add("Another")),
        waiting(world, NOW, state="done"),
    ]
    assert runs.cancel_all(world.workspace, world.hub, "abandoned_cart") == 5
    assert runs.cancel_all(world.workspace, world.hub, "abandoned_cart") == 0
    run, step = schema.run, schema.step
    with world.hub.database.read() as connection:
        rows = {row.id: row for row in connection.execute(sa.select(run))}
        open_steps = connection.execute(sa.select(step.c.run_id).where(step.c.state == "waiting")).scalars().all()
        waiters = connection.execute(sa.select(sa.func.count()).select_from(schema.waiter)).scalar_one()
    assert {(rows[i].state, rows[i].reason, rows[i].due_at) for i in mine} == {("stopped", "Cancelled.", None)}
    assert [rows[i].state for i in others] == ["waiting", "waiting", "done"]
    assert sorted(open_steps) == sorted(others[:2])
    assert waiters == 0


PRICE = "Assumed: Twilio's list price."
SMS = Text("sms", True, 2, Decimal("0.0166"), "USD", "Twilio's list price")
MAIL, JOURNEY = Text("email", False), Text("", True, by="Mailchimp")


@pytest.mark.parametrize(
    ("texts", "weekly", "says"),
    [
        ((SMS,), 42, ("At most 42 text messages, for about $0.70, in the next week.", PRICE)),
        ((SMS, SMS), 1, ("At most 2 text messages, for about $0.033, in the next week.", PRICE)),
        ((MAIL,), 3, ("At most 3 e-mails in the next week.", "")),
        (
            (SMS, JOURNEY, JOURNEY),
            3,
            ("At most 3 text messages, for about $0.050, and 6 messages through Mailchimp in the next week.", PRICE),
        ),
        ((), 42, None),
        ((SMS,), 0, None),
    ],
)
def test_what_leaves_next_week_is_said_with_its_cost(texts: Any, weekly: int, says: Any) -> None:
    assert effect.next_week([Way(()), Way((), texts)], Incoming(weekly, 7 * DAY)) == says


def test_what_nobody_can_know_is_said_so() -> None:
    assert effect.next_week([Way((), (SMS,))], Incoming(9, DAY // 2)) is None
    assert "not known yet" in effect.how_many(THANKS, Incoming(9, DAY // 2))
    assert effect.how_many(THANKS, Incoming(0, 30 * DAY)) == (
        "An order is placed, or an order is paid: not once in the last 30 days. So few or none are to be expected in "
        "the next week."
    )
    assert effect.how_many(THANKS, Incoming(180, 30 * DAY)) == (
        "An order is placed, or an order is paid: 180 times in the last 30 days, which is about 42 a week."
    )


@pytest.mark.parametrize(
    ("texts", "says"),
    [
        ((), "Sends no message itself"),
        ((SMS,), "Sends 1 text message to people who agreed to it"),
        (
            (SMS, SMS, MAIL),
            "Sends 1 e-mail about what they did, unless they opted out and sends 2 text messages to people",
        ),
        ((JOURNEY, JOURNEY), "Has Mailchimp write to them up to 2 times"),
    ],
)
def test_what_a_recipe_sends_is_said(texts: Any, says: str) -> None:
    assert effect.sends([Way(()), Way((), texts)]).startswith(says)


@pytest.mark.parametrize(
    ("inside", "says"),
    [
        (Inside(0, 0), "Nobody is in it just now"),
        (Inside(1, 0), "1 is under way just now"),
        (Inside(1000, 3, more=True), "More than 1,000 are under way just now"),
    ],
)
def test_who_is_inside_is_said(inside: Inside, says: str) -> None:
    assert effect.who_is_inside(inside) == says
