"""Following up on surveys: who is called by whom and when, and what leaves."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from connectors import hubspot, mailchimp, shopify, webhook
from hub import Event, complaint_closed, complaint_opened
from hub.testing import Rehearsed, rehearse
from recipes.survey_follow_up import OPEN, SOLVED, survey_follow_up
from tests.recipes.events import AUDIENCE
from tests.recipes.rehearsing import mailed_at, mails

ANSWERED = webhook.survey_answered.sample
FRIDAY = datetime(2026, 11, 20, 14, 0, tzinfo=UTC)
"""In the morning where Ada lives, in California."""

DAY = timedelta(days=1)


def answered(score: Any, text: str = "", at: datetime = FRIDAY + timedelta(hours=3)) -> Event:
    return replace(ANSWERED, at=at, data={**ANSWERED.data, "data": {"survey": "nps", "score": score, "text": text}})


def follow(event: Event, *, answers: Any = None, **more: Any) -> Rehearsed:
    usual = {
        mailchimp.get_member: {"status": "subscribed"},
        mailchimp.add_event: {"id": "e"},
        shopify.orders_of: [],
    }
    return rehearse(survey_follow_up, event, usual | (answers or {}), **{"audience": AUDIENCE} | more)


def after(run: Rehearsed, event: Event) -> list[tuple[str, timedelta]]:
    return [(name, at - event.at) for name, at in mailed_at(run)]


@pytest.mark.parametrize(
    ("score", "name"), [(10, "survey_thanks"), (9, "survey_thanks"), (8, "survey_better"), (7, "survey_better")]
)
def test_who_is_not_unhappy_is_written_to_at_once_and_asked_for_a_review(score, name):
    event = answered(score)
    run = follow(event)
    assert after(run, event) == [(name, timedelta(0)), ("survey_review", 2 * DAY)]
    assert (run.says, run.of(hubspot.create_ticket)) == ("They were asked for a review.", [])


@pytest.mark.parametrize("score", [0, 6, "3", 5.5])
def test_who_is_unhappy_gets_a_ticket_and_a_person_before_any_mail(score):
    event = answered(score, "Cold bread.")
    run = follow(event, decisions=[SOLVED])
    asked = [step.action for step in run.steps if step.action != "now"]
    assert asked[:5] == [
        "complaint_opened",
        shopify.orders_of.name,
        hubspot.upsert_contact.name,
        hubspot.create_ticket.name,
        "ask_person",
    ]
    assert asked[5] == "complaint_closed"
    assert after(run, event) == [("survey_check_back", 14 * DAY), ("survey_review", 16 * DAY)]
    assert run.of(hubspot.create_task) == []


def test_the_ticket_tells_the_story_so_far():
    order = {"name": "#1042", "created_at": "2026-11-03T10:00:00Z", "total": "84.90", "currency": "USD"}
    (ticket,) = follow(answered(2, "Cold bread."), answers={shopify.orders_of: [order]}).of(hubspot.create_ticket)
    assert ticket.inputs["content"] == "They gave 2: Cold bread.\nBought lately:\n#1042, 2026-11-03: 84.90 USD"
    assert ticket.inputs["priority"] == "HIGH"
    (silent,) = follow(answered(2)).of(hubspot.create_ticket)
    assert silent.inputs["content"] == "They gave 2: without a word\nBought lately:"


@pytest.mark.parametrize(("day", "days"), [(0, 3), (1, 2), (2, 1), (3, 1), (6, 1)])
def test_a_colleague_has_a_working_day_and_is_reminded_by_a_task(day, days):
    event = answered(3, at=FRIDAY + day * DAY)
    run = follow(event)
    (task,) = [entry for entry in run.timeline if entry.action == hubspot.create_task.name]
    assert task.at - event.at == days * DAY
    assert run.of(hubspot.create_task)[0].inputs["title"] == "Overdue: call them today, they are unhappy"


@pytest.mark.parametrize("decisions", [[OPEN, SOLVED], [SOLVED]])
def test_marketing_rests_until_a_person_says_that_it_is_solved(decisions):
    run = follow(answered(3), decisions=decisions)
    assert [step for step in run.steps if step.action.startswith("complaint")] == [
        complaint_opened(),
        complaint_closed(),
    ]
    assert (len(run.of(hubspot.create_task)), len(mails(run))) == (len(decisions) - 1, 2)


def test_a_complaint_that_nobody_solves_stays_open_and_nothing_is_sent():
    run = follow(answered(3))
    assert run.says == "Nobody reached them. Marketing to them rests until somebody closes their complaint."
    assert (mails(run), [step.action for step in run.steps].count("complaint_closed")) == ([], 0)


def test_all_are_asked_for_a_review_alike():
    runs = [follow(answered(score), decisions=[SOLVED]) for score in (1, 7, 10)]
    assert [mails(run)[-1] for run in runs] == ["survey_review"] * 3


@pytest.mark.parametrize(("score", "name"), [(2, "check_back"), (3, "better"), (5, "thanks")])
def test_other_scales_are_the_owners(score, name):
    run = follow(answered(score), unhappy=2, happy=5, event_name="csat", decisions=[SOLVED])
    assert mails(run) == [f"csat_{name}", "csat_review"]


def test_who_gets_no_newsletters_gets_no_mail_but_a_person_all_the_same():
    run = follow(answered(3), answers={mailchimp.get_member: {"status": "absent"}}, decisions=[SOLVED])
    assert (mails(run), len(run.of(hubspot.create_ticket))) == ([], 1)
    assert run.says == "They do not get newsletters, so no e-mail was sent any more."


@pytest.mark.parametrize("score", [None, "", "great", [9]])
def test_an_answer_without_a_score_begins_nothing(score):
    run = follow(answered(score))
    assert (run.state, run.says) == ("skipped", "Not so: The answer has a score.")
