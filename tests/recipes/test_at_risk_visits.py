"""Regulars who stay away: from when they are missed, and what ends it or begins it anew."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from connectors import hubspot, mailchimp, webhook
from hub import Event, Place, Steps
from hub.testing import Rehearsed, rehearse
from recipes.at_risk_visits import at_risk_visits
from recipes.falling_away import WRITE, asked_back
from tests.recipes.events import AUDIENCE, NOON, after
from tests.recipes.rehearsing import mails, texts


def visit(days: float) -> Event:
    found = webhook.visit.sample
    return replace(found, key=f"visit {days}", at=after(days=days), place=Place("Europe/London"))


def watch(*days: float, first: Event | None = None, **more: Any) -> Rehearsed:
    """What becomes of whoever comes on these days."""
    usual = {mailchimp.get_member: {"status": "subscribed"}, mailchimp.add_event: {"id": "e"}}
    later = [visit(day) for day in days]
    return rehearse(
        at_risk_visits, first or visit(0), usual, later, **{"audience": AUDIENCE, "decisions": [WRITE]} | more
    )


def tasked_after(run: Rehearsed) -> list[float]:
    """Days after the first visit."""
    done = [entry.at - NOON for entry in run.timeline if entry.action == hubspot.create_task.name]
    return [round(span / timedelta(days=1), 2) for span in done]


def test_who_comes_weekly_is_missed_after_two_weeks_and_asked_back():
    run = watch(7, 14, 21)
    assert tasked_after(run) == [21 + 14, 21 + 25]
    assert [text for _, text in texts(run)] == ["Hello Ada, we miss you! Is all well? Reply STOP to get no more texts."]
    assert (mails(run), run.says) == (["visit_missed"], "They were asked back.")


@pytest.mark.parametrize(
    ("days", "missed"),
    [
        ([2, 4, 6], 16),  # ten days at least
        ([15, 30], 60),  # twice their own gap
        ([7, 7.1, 14], 28),  # a card that is read twice is one visit
        ([5, 10, 19.5, 24.5], 34.5),  # one longer break is not the usual gap
    ],
)
def test_they_are_missed_by_their_own_rhythm(days, missed):
    assert tasked_after(watch(*days, usual="10 days"))[0] == missed


@pytest.mark.parametrize(("usual", "missed"), [("7 days", 14), ("3 days", 10), ("20 days", 40)])
def test_until_their_rhythm_is_known_the_owners_counts(usual, missed):
    assert tasked_after(watch(usual=usual))[0] == missed


def test_a_visit_that_is_told_late_counts_when_it_was():
    late = replace(visit(1), at=after(days=-7))
    run = rehearse(at_risk_visits, visit(0), happenings=[late], audience=AUDIENCE, approve=False)
    assert tasked_after(run)[0] == 14


@pytest.mark.parametrize(("day", "texted", "mailed"), [(15, 1, 0), (20, 1, 1)])
def test_who_comes_back_is_left_in_peace(day, texted, mailed):
    run = watch(day)
    assert (run.says, len(texts(run)), len(mails(run))) == ("They came back.", texted, mailed)
    assert len(tasked_after(run)) == 1


def test_who_comes_back_while_a_colleague_thinks_is_not_written_to():
    def rest(span: timedelta) -> Steps:
        return "They came back."
        yield

    told = {"approve": True, "text": "Hello", "first_name": None, "event_name": "missed", "rest": rest}
    steps = asked_back(visit(0), AUDIENCE, **told)
    assert next(steps).action == "ask_person"
    with pytest.raises(StopIteration) as over:
        steps.send(WRITE)
    assert over.value.value == "They came back."


def test_a_regular_who_never_stays_away_begins_anew_after_three_months():
    run = watch(*range(3, 120, 3))
    assert (run.says, run.steps[-1].action, texts(run)) == ("This visit begins it anew.", "now", [])
    assert at_risk_visits.cool_down == timedelta(days=90)
    assert len([step for step in run.steps if step.action == "wait_for"]) == 30  # the thirtieth is on day 90


def test_an_owner_may_let_it_go_by_itself():
    assert len(texts(watch(decisions=[], approve=False))) == 1


def test_without_a_colleagues_yes_nothing_leaves():
    assert texts(watch(decisions=[])) == []
