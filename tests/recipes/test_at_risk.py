"""Regulars who order less often: from when they are missed, who decides, what is done, and what ends it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from connectors import hubspot, mailchimp, shopify, twilio
from hub import NotSent
from hub.testing import Rehearsed, rehearse
from recipes.at_risk import at_risk
from recipes.falling_away import AT_LEAST, LEAVE, WRITE, missed_after
from tests.recipes.events import ADA, AUDIENCE, CUSTOMER, NOON, after, order, read
from tests.recipes.rehearsing import mailed_at, mails, one_after_another, texts


def before(*days: float, cancelled: bool = False) -> list[dict[str, Any]]:
    """Orders that were made so many days before."""
    return [{"created_at": after(days=-ago).isoformat(), "cancelled": cancelled} for ago in days]


WEEKLY = before(7, 14, 21)


def watch(*happenings: Any, past: Any = WEEKLY, later: Any = ([],), answers: Any = None, **more: Any) -> Rehearsed:
    usual = {
        shopify.orders_of: one_after_another([past, *later]),
        mailchimp.get_member: {"status": "subscribed"},
        mailchimp.add_event: {"id": "e"},
    }
    read_later = [read(sent) for sent in happenings]
    return rehearse(
        at_risk,
        read(order(NOON)),
        usual | (answers or {}),
        read_later,
        **{"audience": AUDIENCE, "decisions": [WRITE]} | more,
    )


def tasked_at(run: Rehearsed) -> list[timedelta]:
    return [entry.at - NOON for entry in run.timeline if entry.action == hubspot.create_task.name]


def test_a_colleague_decides_then_a_task_a_text_an_offer_and_a_call_follow():
    run = watch()
    days = timedelta(days=1)
    assert tasked_at(run) == [14 * days, 25 * days]
    assert texts(run) == [
        (after(days=14), "Hello Ada, it has been a while! Is all well? Reply STOP to get no more texts.")
    ]
    (text,) = run.of(twilio.send_sms)
    assert (text.inputs["purpose"], text.inputs["useful_for"]) == ("marketing", timedelta(days=1))
    assert mailed_at(run) == [("order_missed", after(days=18))]
    assert run.says == "They were asked back."
    titles = [step.inputs["title"] for step in run.of(hubspot.create_task)]
    assert titles == [
        "One of your regulars stays away longer than usual: think of them",
        "Call them: they still stay away",
    ]


@pytest.mark.parametrize(
    ("past", "days"),
    [
        (before(30, 60, 90), 60),  # twice their usual gap
        (before(3, 6, 9), 10),  # never sooner
        (before(7, 14, 74, 81), 14),  # one long break is not the usual gap
        (before(7, 14, 14.2, 21), 14),  # two parcels of one day are one order
        (before(0, 7, 14), 14),  # the shop lists the order itself
    ],
)
def test_they_are_missed_by_their_own_rhythm(past, days):
    assert tasked_at(watch(past=past))[0] == timedelta(days=days)


@pytest.mark.parametrize("past", [[], before(7), before(0), before(7, 14, cancelled=True)])
def test_fewer_than_three_orders_are_no_rhythm(past):
    run = watch(past=past)
    assert (run.says, len(run.steps)) == ("They have no usual gap between orders yet.", 1)


def test_the_shop_is_asked_for_a_year_and_then_for_what_came_after():
    first, *others = watch().of(shopify.orders_of)
    assert first == shopify.orders_of(customer_id=str(CUSTOMER), email=ADA, since=after(days=-365))
    assert {step.inputs["since"] for step in others} == {after(seconds=1)}


@pytest.mark.parametrize(("days", "texted", "mailed"), [(10, 0, 0), (15, 1, 0), (20, 1, 1)])
def test_the_next_order_ends_it_at_once(days, texted, mailed):
    run = watch(order(after(days=days), id=2))
    assert (run.state, len(texts(run)), len(mails(run))) == ("stopped", texted, mailed)


@pytest.mark.parametrize(("times", "texted", "mailed"), [(0, 0, 0), (1, 0, 0), (2, 1, 0), (3, 1, 1)])
def test_an_order_that_nobody_told_is_seen_in_the_shop(times, texted, mailed):
    run = watch(later=[*[[]] * times, [{"id": "2"}]])
    assert (run.says, len(texts(run)), len(mails(run))) == ("They ordered.", texted, mailed)


@pytest.mark.parametrize("decisions", [[LEAVE], []])
def test_without_a_colleagues_yes_nothing_leaves(decisions):
    run = watch(decisions=decisions)
    assert (texts(run), mails(run), tasked_at(run)) == ([], [], [])
    assert run.says == "They are left alone, as no colleague wanted them to be written to."


def test_an_owner_may_let_it_go_by_itself():
    run = watch(decisions=[], approve=False)
    assert (len(texts(run)), len(mails(run))) == (1, 1)
    assert [step for step in run.steps if step.action == "ask_person"] == []


@pytest.mark.parametrize("reason", ["no newsletters", "may not"])
def test_whoever_may_not_be_written_to_is_called_all_the_same(reason):
    refusals = {
        "no newsletters": {mailchimp.get_member: {"status": "unsubscribed"}},
        "may not": {mailchimp.add_event: NotSent("Not sent: they said no."), twilio.send_sms: NotSent("Not sent.")},
    }
    assert len(tasked_at(watch(answers=refusals[reason]))) == 2


def test_an_empty_text_is_none():
    run = watch(text="")
    assert (run.of(twilio.send_sms), len(mails(run))) == ([], 1)


def test_a_rhythm_needs_three_times():
    assert missed_after([NOON]) is missed_after([NOON, after(days=3)]) is None
    assert missed_after([after(days=8), NOON, after(days=4)]) == AT_LEAST
    assert missed_after([NOON, after(days=10), after(days=20)]) == timedelta(days=20)
