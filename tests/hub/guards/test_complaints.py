"""Marketing waits while somebody has an open complaint; a recipe opens and closes it, or a person by hand."""

from __future__ import annotations

import pytest

from hub import Event, Steps, complaint_closed, complaint_opened, recipe, schema
from hub.guards import complaints
from hub.wakeups import perform
from tests import telling
from tests.hub.guards.conftest import row
from tests.hub.outbox.desk import Desk
from tests.world import World, happen

ADA = "ada@example.com"


@recipe(on=telling.happened, title="See to it")
def see_to_it(event: Event) -> Steps:
    """A complaint is open from what happened until it ended."""
    yield complaint_opened(event.data.get("ticket", ""))
    yield telling.mail(ADA, "an offer")
    return "over"


@recipe(on=telling.ended, title="It is settled")
def settle_it(event: Event) -> Steps:
    """What ended closes a complaint."""
    yield complaint_closed(event.data.get("ticket", "see_to_it"))
    return "settled"


def test_marketing_waits_until_the_complaint_is_closed_and_leaves_then(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.turn_on(monkeypatch, see_to_it, settle_it)
    happen(world)
    (run,) = world.runs
    (_, step) = world.steps(run.id)
    assert (run.state, step.held_by) == ("waiting", "complaint")
    assert step.reason == "It waits as they have an open complaint."
    assert [one.name for one in world.rows(schema.complaint)] == ["see_to_it"]
    happen(world, "ended", "2")
    assert world.rows(schema.complaint) == []
    assert [run.reason for run in world.runs] == ["over", "settled"]
    assert [inputs["text"] for _, inputs in telling.provider.done] == ["an offer"]


def test_each_complaint_has_a_name_and_the_last_one_that_is_closed_lets_marketing_go(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.turn_on(monkeypatch, see_to_it, settle_it)
    happen(world, key="1", ticket="T1")
    happen(world, key="2", ticket="T2")
    happen(world, "ended", "3", ticket="T1")
    assert [one.name for one in world.rows(schema.complaint)] == ["T2"]
    assert telling.provider.done == []
    happen(world, "ended", "4", ticket="T2")
    assert len(telling.provider.done) == 1  # the second one is capped


def test_a_complaint_is_opened_and_closed_by_hand(desk: Desk) -> None:
    person = desk.person(ADA)
    complaints.open_by_hand(desk.hub, desk.world.workspace, [person])
    run = desk.put(telling.mail(ADA, "an offer"), person=person)
    order = desk.put(telling.send("+4915112345678", "your order", purpose="transactional"), person=person)
    desk.drain()
    assert row(desk, run).held_by == "complaint"
    assert desk.of(order).state == "done"
    desk.world.carrier.take()
    complaints.close_by_hand(desk.hub, desk.world.workspace, [person])
    assert desk.world.carrier.take() == {perform(desk.connection.id)}
    desk.drain()
    assert desk.of(run).state == "done"


def test_what_waits_for_a_complaint_is_not_sent_when_it_is_of_no_use_any_more(desk: Desk) -> None:
    person = desk.person(ADA)
    complaints.open_by_hand(desk.hub, desk.world.workspace, [person])
    run = desk.put(telling.mail(ADA, "an offer"), person=person)
    desk.drain()
    for _ in range(4):
        desk.later(days=1)
    assert desk.of(run).reason == "Not sent: it waited until it was of no use any more."


def test_whoever_is_erased_leaves_no_complaint_no_place_and_no_count(desk: Desk) -> None:
    desk.world.hear(email=ADA)
    desk.world.settle()
    person = desk.person(ADA)
    desk.put(telling.mail(ADA, "an offer"), person=person)
    desk.put(telling.mail(ADA, "to nobody known"))
    desk.drain()
    complaints.open_by_hand(desk.hub, desk.world.workspace, [person])
    assert len(desk.world.rows(schema.marketing)) == 1
    found = desk.hub.privacy.export(desk.world.workspace, ADA)
    assert [one["channel"] for one in found["marketing"]] == ["email"]
    assert [one["name"] for one in found["complaints"]] == ["by hand"]
    desk.hub.privacy.erase(desk.world.workspace, ADA)
    assert desk.world.rows(schema.marketing) == desk.world.rows(schema.complaint) == []
    desk.put(telling.mail(ADA, "to nobody known"))
    desk.drain()
    (counted,) = desk.world.rows(schema.marketing)
    assert counted.person_id is None
    desk.hub.privacy.erase(desk.world.workspace, ADA)
    assert desk.world.rows(schema.marketing) == []


def test_what_was_counted_goes_after_a_week_and_what_is_usual_after_thirty_days(desk: Desk) -> None:
    from datetime import timedelta

    from hub import retention

    desk.put(telling.mail(ADA, "an offer"))
    desk.drain()
    for days, left in ((7, (1, 1)), (0.01, (0, 1)), (23, (0, 1)), (2, (0, 0))):
        desk.world.clock.advance(timedelta(days=days))
        retention.sweep(desk.hub)
        assert (len(desk.world.rows(schema.marketing)), len(desk.world.rows(schema.volume))) == left
