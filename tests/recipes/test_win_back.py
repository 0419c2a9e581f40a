"""Asking people back who stopped ordering: what leaves when, and what keeps it from leaving."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from connectors import mailchimp, shopify
from hub.testing import Rehearsed, rehearse
from recipes.win_back import win_back
from tests.recipes.events import ADA, AUDIENCE, CUSTOMER, NOON, after, order, read
from tests.recipes.rehearsing import mailed_at, mails, one_after_another


def ask_back(*happenings: Any, first: Any = None, answers: Any = None, **settings: Any) -> Rehearsed:
    usual = {shopify.orders_of: [], mailchimp.get_member: {"status": "subscribed"}, mailchimp.add_event: {"id": "e"}}
    usual |= {mailchimp.add_tags: {"tags": []}}
    later = [read(sent) for sent in happenings]
    return rehearse(
        win_back, read(first or order(NOON)), usual | (answers or {}), later, **{"audience": AUDIENCE} | settings
    )


def test_four_mails_leave_and_whoever_stays_away_is_tagged():
    run = ask_back()
    assert mailed_at(run) == [
        ("win_back_1", after(days=60)),
        ("win_back_2", after(days=67)),
        ("win_back_3", after(days=74)),
        ("win_back_4", after(days=88)),
    ]
    assert run.steps[-1] == mailchimp.add_tags(AUDIENCE, ADA, ["sunset"])
    assert (run.timeline[-1].at, run.says) == (after(days=95), "They did not come back.")


def test_the_discount_comes_with_the_third_mail_and_outlives_the_last():
    run = ask_back(discount_percent="15")
    (made,) = run.of(shopify.create_discount_code)
    assert (made.inputs["percentage"], made.inputs["usage_limit"]) == (15.0, 1)
    assert (made.inputs["starts_at"], made.inputs["ends_at"]) == (after(days=74), after(days=74 + 21))
    code = {"code": made.inputs["code"]}
    assert [step.inputs["properties"] for step in run.of(mailchimp.add_event)] == [{}, {}, code, code]


def test_without_a_discount_no_code_is_made():
    run = ask_back(discount_percent=0)
    assert (run.of(shopify.create_discount_code), len(mails(run))) == ([], 4)


@pytest.mark.parametrize(("days", "left"), [(30, 0), (61, 1), (70, 2), (80, 3), (90, 4)])
def test_the_next_order_ends_it_and_begins_its_own(days, left):
    run = ask_back(order(after(days=days), id=2))
    assert (run.state, len(mails(run)), run.of(mailchimp.add_tags)) == ("stopped", left, [])


def test_an_older_order_that_is_told_late_asks_nobody_back():
    run = ask_back(order(NOON, id=2), first=order(after(days=-1)))
    assert (run.state, mails(run)) == ("stopped", [])


def test_an_order_that_nobody_told_is_seen_in_the_shop_also_before_the_tag():
    for times, left in ((1, 1), (4, 4)):
        run = ask_back(answers={shopify.orders_of: one_after_another([[]] * times + [[{"id": "2"}]])})
        assert (run.says, len(mails(run)), run.of(mailchimp.add_tags)) == ("They ordered.", left, [])


def test_the_shop_is_asked_for_later_orders_by_customer_and_address():
    asked = ask_back().of(shopify.orders_of)[0]
    assert asked == shopify.orders_of(customer_id=str(CUSTOMER), email=ADA, since=after(seconds=1))


@pytest.mark.parametrize("status", ["unsubscribed", "cleaned", "transactional", "pending", "archived", "absent"])
def test_who_is_not_subscribed_gets_no_mail_and_no_code(status):
    run = ask_back(
        answers={mailchimp.get_member: one_after_another([{"status": "subscribed"}] * 2 + [{"status": status}])}
    )
    assert (run.says, mails(run)) == (
        "They do not get newsletters, so no e-mail was sent any more.",
        ["win_back_1", "win_back_2"],
    )
    assert run.of(shopify.create_discount_code) == []


def test_the_wait_is_the_owners():
    assert mailed_at(ask_back(wait="30 days"))[0] == ("win_back_1", NOON + timedelta(days=30))


def test_an_order_without_an_address_asks_nobody_back():
    run = ask_back(first=order(NOON, email=None, contact_email=None, customer=None))
    assert (run.state, run.says) == ("skipped", "Not so: There is an e-mail address.")


def test_one_order_begins_it_once():
    assert win_back.once_per is not None
    assert win_back.once_per(read(order(NOON))) == win_back.once_per(read(order(after(days=1))))
