"""The brake: what is usual leaves, far more waits until a person answers."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa

from hub import bulk, clock, schema
from hub.errors import NotFound
from hub.guards import brake
from hub.guards.brake import DAY, FIRST, TIMES, Unusual
from hub.wakeups import perform
from tests import telling
from tests.hub.guards.conftest import put_mails, row
from tests.hub.outbox.desk import Desk


def sent_on_earlier_days(desk: Desk, *counts: int) -> None:
    """What the recipe sent on the days before, yesterday first."""
    today = desk.world.clock.now() // DAY
    rows = [
        {"workspace_id": desk.world.workspace.id, "recipe": "none", "day": today - n, "count": count}
        for n, count in enumerate(counts, 1)
    ]
    with desk.hub.database.write() as database:
        bulk.insert(database, schema.volume, [one | {"usual": 0, "most": 0} for one in rows])


def question(desk: Desk) -> Unusual:
    (found,) = brake.unusual(desk.hub, desk.world.workspace)
    return found


def test_a_new_recipe_sends_so_many_and_then_a_person_is_asked(desk: Desk) -> None:
    runs = put_mails(desk, FIRST + 30)
    desk.drain()
    assert len(desk.did) == FIRST
    asked = question(desk)
    assert (asked.waiting, asked.usual) == (30, 0)
    assert asked.says == (
        "“none” would send 30 more marketing messages; it is new, so nobody knows what is usual. "
        "They wait for your answer."
    )
    held = [row(desk, run) for run in runs if row(desk, run).state == "waiting"]
    assert {step.reason for step in held} == {"It waits until somebody says whether so many should leave."}


@pytest.mark.parametrize(
    ("earlier", "most"),
    [
        ((), FIRST),
        ((90, 90), FIRST),  # two days are too few to learn from
        ((10, 8, 6), FIRST),  # 5 × 6 is less than what anybody may
        ((30, 30, 30), TIMES * 30),
        ((4200, 40, 30, 20), TIMES * 30),  # one large sending makes none of the next usual
        ((*[0] * 29, 50, 50, 50), FIRST),  # before thirty days: only the last of the zeros and one 50 count
    ],
)
def test_what_is_usual_is_learned_from_the_last_thirty_days(desk: Desk, earlier: tuple[int, ...], most: int) -> None:
    sent_on_earlier_days(desk, *earlier)
    with desk.hub.database.write() as database:
        wanted = {"none": 10_000}
        assert brake.reserve(desk.hub, database, desk.world.workspace, wanted, {}) == {"none": most}


def test_while_a_person_is_asked_nothing_of_the_recipe_leaves_not_the_next_day_either(desk: Desk) -> None:
    put_mails(desk, FIRST + 1)
    desk.drain()
    desk.later(days=1)
    put_mails(desk, 5, "later")
    desk.drain()
    assert len(desk.did) == FIRST
    assert question(desk).waiting == 6


def test_going_on_lets_those_leave_that_were_asked_about_and_looks_at_new_ones_anew(desk: Desk) -> None:
    put_mails(desk, FIRST + 250)
    desk.drain()
    desk.world.carrier.take()
    assert brake.answer(desk.hub, desk.world.workspace, "none", go_on=True) == 250
    assert desk.world.carrier.take() == {perform(desk.connection.id)}
    desk.drain()
    assert len(desk.did) == FIRST + 250
    assert brake.unusual(desk.hub, desk.world.workspace) == []
    desk.world.clock.advance(timedelta(seconds=1))
    put_mails(desk, 3, "new")
    desk.drain()
    assert (len(desk.did), question(desk).waiting) == (FIRST + 250, 3)


def test_stopping_has_none_of_them_leave_and_tells_their_runs_why(desk: Desk) -> None:
    runs = put_mails(desk, FIRST + 5)
    desk.drain()
    assert brake.answer(desk.hub, desk.world.workspace, "none", go_on=False) == 5
    desk.drain()
    became = [desk.of(run) for run in runs]
    assert [one.state for one in became].count("done") == len(desk.did) == FIRST
    refused = [one for one in became if one.state == "refused"]
    assert {one.reason for one in refused} == {"Not sent: there were unusually many, and somebody stopped them."}
    assert all(one.run_due for one in refused)


def test_an_answer_to_what_nobody_asked_is_refused(desk: Desk) -> None:
    with pytest.raises(NotFound, match="Nothing is asked about the recipe 'none'"):
        brake.answer(desk.hub, desk.world.workspace, "none", go_on=True)


def test_each_recipe_has_a_brake_of_its_own_and_orders_have_none(desk: Desk) -> None:
    put_mails(desk, FIRST + 1)
    desk.drain()
    runs = put_mails(desk, 1, "other")
    with desk.hub.database.write() as database:
        database.execute(sa.update(schema.run).where(schema.run.c.id.in_(runs)).values(recipe="other"))
    orders = [telling.send("+4915112345678", f"{n}", purpose="transactional") for n in range(FIRST * 2)]
    desk.put_all([[order] for order in orders])
    desk.drain()
    assert len(desk.did) == FIRST + 1 + FIRST * 2


def test_what_waits_for_an_answer_is_looked_at_again_by_itself_and_goes_when_of_no_use(desk: Desk) -> None:
    runs = put_mails(desk, FIRST + 1)
    desk.drain()
    (waiting,) = [run for run in runs if row(desk, run).state == "waiting"]
    assert row(desk, waiting).due_at == desk.world.clock.now() + 3_600_000
    desk.world.clock.advance(timedelta(hours=1))
    assert perform(desk.connection.id) in clock.wake_due(desk.hub)
    desk.later(days=3)
    assert desk.of(waiting).reason == "Not sent: it waited until it was of no use any more."


def test_two_workers_at_once_let_no_more_leave_than_the_brake_allows(desk: Desk) -> None:
    """Each holds an account of its own, and claims for the same recipe: on PostgreSQL at the same time."""
    from tests.hub.guards.two import at_once

    second = desk.world.connect("telling", account="b")
    put_mails(desk, FIRST + 40)
    more = put_mails(desk, FIRST + 40, "second")
    with desk.hub.database.write() as database:
        step = schema.step
        database.execute(sa.update(step).where(step.c.run_id.in_(more)).values(connection_id=second.id))
    at_once(desk, [desk.connection.id, second.id])
    assert len(desk.did) == FIRST
    assert question(desk).waiting == FIRST + 80
    assert [volume.count for volume in desk.world.rows(schema.volume)] == [FIRST]
