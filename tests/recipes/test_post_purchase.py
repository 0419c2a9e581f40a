"""Looking after people who bought: which e-mail leaves when, and what ends it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from connectors import mailchimp, shopify, webhook
from hub import Event, Place, Rejected
from hub.testing import Rehearsed, rehearse
from recipes.post_purchase import post_purchase
from tests.recipes.events import AUDIENCE
from tests.recipes.rehearsing import mailed_at, mails, one_after_another

SENT = replace(shopify.order_fulfilled.sample, place=Place("Europe/London"))
BEGAN = SENT.at.replace(microsecond=0)
KEPT = {"cancelled": False, "financial_status": "paid"}


def on_day(trigger: Any, days: float, **data: Any) -> Event:
    found = trigger.sample
    return replace(found, at=SENT.at + timedelta(days=days), data={**found.data, **data})


def look_after(*happenings: Event, first: Event = SENT, answers: Any = None, **settings: Any) -> Rehearsed:
    usual = {
        shopify.get_customer: {"orders_count": 1},
        shopify.get_order: KEPT,
        mailchimp.get_member: {"status": "subscribed"},
        mailchimp.add_event: {"id": "e"},
    }
    return rehearse(post_purchase, first, usual | (answers or {}), happenings, **{"audience": AUDIENCE} | settings)


def test_thanks_tips_and_a_question_leave_and_the_question_is_repeated_once():
    run = look_after()
    assert mailed_at(run) == [
        ("bought_first", BEGAN),
        ("bought_tips", BEGAN + timedelta(days=3)),
        ("bought_survey", BEGAN + timedelta(days=10)),
        ("bought_survey_again", BEGAN + timedelta(days=15)),
    ]
    assert run.says == "They were asked twice."
    assert [step.inputs["properties"] for step in run.of(mailchimp.add_event)] == [{"order": "#1042"}] * 4


def test_who_bought_before_is_thanked_otherwise():
    assert mails(look_after(answers={shopify.get_customer: {"orders_count": 2}}))[0] == "bought_again"


@pytest.mark.parametrize("gone", [True, False], ids=["unknown", "guest"])
def test_whom_the_shop_does_not_know_is_thanked_as_new(gone):
    first = SENT if gone else replace(SENT, data={**SENT.data, "customer": None})
    refused = {shopify.get_customer: Rejected("There is no such customer in the shop.")}
    assert mails(look_after(first=first, answers=refused if gone else None))[0] == "bought_first"


def test_who_answers_is_not_asked_again():
    run = look_after(on_day(webhook.survey_answered, 12))
    assert (run.says, mails(run)[-1]) == ("They answered.", "bought_survey")


@pytest.mark.parametrize(("days", "left"), [(1, 1), (5, 2), (12, 3)])
def test_a_cancelled_order_ends_it_at_once(days, left):
    run = look_after(on_day(shopify.order_cancelled, days, id=SENT.data["id"]))
    assert (run.state, len(mails(run))) == ("stopped", left)


def test_another_orders_cancellation_does_not_end_it():
    assert len(mails(look_after(on_day(shopify.order_cancelled, 1, id=7)))) == 4


@pytest.mark.parametrize(
    "order",
    [KEPT | {"financial_status": "refunded"}, KEPT | {"financial_status": "voided"}, KEPT | {"cancelled": True}],
)
def test_an_order_that_was_taken_back_ends_it_even_if_nobody_told(order):
    run = look_after(answers={shopify.get_order: one_after_another([KEPT, order])})
    assert (run.says, mails(run)) == ("It was cancelled or refunded.", ["bought_first"])


def test_an_order_that_the_shop_does_not_have_any_more_ends_it():
    run = look_after(answers={shopify.get_order: Rejected("There is no such order in the shop.")})
    assert (run.says, mails(run)) == ("The shop does not have this order any more.", [])


@pytest.mark.parametrize("left", [0, 2, 3])
def test_who_gets_no_newsletters_gets_no_more_mail(left):
    statuses = one_after_another([{"status": "subscribed"}] * left + [{"status": "unsubscribed"}])
    run = look_after(answers={mailchimp.get_member: statuses})
    assert (run.says, len(mails(run))) == ("They do not get newsletters, so no e-mail was sent any more.", left)


def test_the_question_comes_when_the_owner_says_but_after_the_tips():
    run = look_after(ask_after="14 days", remind_after="2 days")
    assert [at - BEGAN for _, at in mailed_at(run)][2:] == [timedelta(days=14), timedelta(days=16)]
    soon = look_after(ask_after="1 day", remind_after="2 days")
    assert [at - BEGAN for _, at in mailed_at(soon)] == [timedelta(days=days) for days in (0, 3, 4, 6)]


@pytest.mark.parametrize("data", [{"cancelled_at": "2026-11-22T11:00:00Z"}, {"financial_status": "refunded"}])
def test_what_was_taken_back_before_it_was_sent_begins_nothing(data):
    run = look_after(first=replace(SENT, data={**SENT.data, **data}))
    assert (run.state, run.says) == ("skipped", "Not so: The order was neither cancelled nor refunded.")
