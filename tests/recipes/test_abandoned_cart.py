"""Reminders of a cart: what leaves when, and everything that must keep them from leaving."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from connectors import mailchimp, shopify
from hub.testing import Rehearsed, rehearse
from recipes.abandoned_cart import abandoned_cart
from tests.recipes.events import ADA, AUDIENCE, after, cart, order, read


def remind(*happenings: Any, first: Any = None, answers: Any = None, **settings: Any) -> Rehearsed:
    usual = {
        shopify.orders_of: [],
        shopify.create_discount_code: {"id": "1"},
        mailchimp.get_member: {"status": "subscribed"},
        mailchimp.add_event: {"id": "e"},
    }
    later = [read(sent) for sent in happenings]
    return rehearse(
        abandoned_cart, read(first or cart()), usual | (answers or {}), later, **{"audience": AUDIENCE} | settings
    )


def reminders(run: Rehearsed) -> list[str]:
    return [step.inputs["name"] for step in run.of(mailchimp.add_event)]


def waits(run: Rehearsed) -> list[timedelta]:
    return [span for step in run.steps for name, span in step.inputs.items() if name in ("timeout", "for")]


def test_three_reminders_leave_after_an_hour_a_day_and_three_days():
    run = remind()
    assert (run.state, run.says) == ("done", "They were reminded three times.")
    assert reminders(run) == ["cart_left_1", "cart_left_2", "cart_left_3"]
    # 1 h, then 1 + 23 = 24 h, then 24 + 48 = 72 h after the cart was left; in between a look at what came meanwhile
    assert waits(run) == [timedelta(hours=hours) for hours in (1, 23, 0, 48, 0)]


def test_a_reminder_tells_the_automation_what_the_mail_shows():
    event = read(cart())
    assert remind().of(mailchimp.add_event)[0] == mailchimp.add_event(
        AUDIENCE,
        ADA,
        "cart_left_1",
        {"cart_url": event.data["abandoned_checkout_url"], "total": "84.90", "currency": "USD"},
    )


def test_shop_and_newsletter_are_asked_right_before_each_reminder():
    asked = [step.action for step in remind().steps]
    for place, action in enumerate(asked):
        if action == mailchimp.add_event.name:
            assert asked[place - 2 : place] == [shopify.orders_of.name, mailchimp.get_member.name]


def test_the_hour_begins_again_whenever_the_cart_is_touched():
    touched = cart(after(minutes=50), "checkouts/update", total_price="99.00")
    run = remind(touched, order(after(minutes=100)))
    assert run.state == "stopped"  # 12:50 + 1 h is later than the order
    assert reminders(run) == []


def test_the_reminder_shows_the_cart_as_it_was_left():
    run = remind(cart(after(minutes=50), "checkouts/update", total_price="99.00"))
    assert [step.inputs["properties"]["total"] for step in run.of(mailchimp.add_event)] == ["99.00"] * 3


def test_an_event_that_comes_late_does_not_bring_an_older_cart_back():
    run = remind(cart(after(minutes=-5), total_price="12.00"), first=cart(topic="checkouts/update"))
    assert [step.inputs["properties"]["total"] for step in run.of(mailchimp.add_event)] == ["84.90"] * 3


@pytest.mark.parametrize(("hours", "left"), [(0.2, 0), (20, 1), (60, 2)])
def test_a_cart_that_was_emptied_is_let_go(hours, left):
    run = remind(cart(after(hours=hours), "checkouts/update", total_price="0.00"))
    assert run.says == "They emptied the cart, or ordered."
    assert len(reminders(run)) == left


def test_who_goes_on_shopping_after_a_reminder_is_shown_the_newer_cart():
    run = remind(cart(after(hours=20), "checkouts/update", total_price="99.00"))
    assert [step.inputs["properties"]["total"] for step in run.of(mailchimp.add_event)] == ["84.90", "99.00", "99.00"]


@pytest.mark.parametrize(("hours", "left"), [(0.5, 0), (12, 1), (48, 2)])
def test_an_order_ends_it_at_once(hours, left):
    run = remind(order(after(hours=hours)))
    assert (run.state, len(reminders(run))) == ("stopped", left)


def test_an_order_of_another_of_their_carts_ends_it_too():
    other = cart(after(minutes=5), token="decade")
    assert remind(other, order(after(minutes=20), checkout_token="decade")).state == "stopped"


def test_an_order_whose_event_is_late_is_seen_in_the_shop():
    answers = iter([[], [{"id": "820982911946150001"}]])  # ordered between the first and the second reminder
    run = remind(answers={shopify.orders_of: lambda **_: next(answers)})
    assert (run.says, reminders(run)) == ("They ordered.", ["cart_left_1"])


def test_orders_count_from_when_the_checkout_was_begun():
    late = cart(after(hours=3), "checkouts/update", created_at=after().isoformat())
    asked = remind(first=late).of(shopify.orders_of)[0]
    # Else an order made just before the update would be overlooked.
    assert asked.inputs["since"] == after()


@pytest.mark.parametrize("status", ["unsubscribed", "cleaned", "transactional", "pending", "archived", "absent"])
def test_who_is_not_subscribed_gets_no_mail(status):
    run = remind(answers={mailchimp.get_member: {"status": status}})
    assert (run.says, reminders(run)) == ("They do not get newsletters, so no e-mail was sent any more.", [])


def test_who_unsubscribes_meanwhile_gets_no_further_mail():
    statuses = iter(["subscribed", "unsubscribed"])
    run = remind(answers={mailchimp.get_member: lambda **_: {"status": next(statuses)}})
    assert reminders(run) == ["cart_left_1"]


def test_the_discount_is_given_in_the_last_mail_only_and_once():
    run = remind(discount_percent=15)
    (made,) = run.of(shopify.create_discount_code)
    sent = [step.inputs["properties"].get("code") for step in run.of(mailchimp.add_event)]
    assert sent == [None, None, made.inputs["code"]]
    assert (made.inputs["percentage"], made.inputs["usage_limit"]) == (15, 1)
    assert made.inputs["starts_at"] == after(hours=72)
    assert made.inputs["ends_at"] == after(hours=72, days=7)


def test_each_cart_has_a_code_of_its_own():
    codes = {remind(first=cart(), discount_percent=5).of(shopify.create_discount_code)[0].inputs["code"] for _ in "ab"}
    assert len(codes) == 2


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"total_price": "0.00"}, "something in it"),
        ({"completed_at": "2026-11-22T12:00:00Z"}, "no order yet"),
        ({"email": None, "customer": None}, "e-mail address"),
    ],
)
def test_a_cart_that_is_none_or_is_anonymous_starts_nothing(changes, reason):
    run = remind(first=cart(**changes))
    assert run.state == "skipped"
    assert reason in run.says


def test_it_starts_once_a_week_per_person():
    keys = {abandoned_cart.once_per(read(cart(token=token))) for token in ("c0ffee", "decade")}
    assert (len(keys), abandoned_cart.cool_down) == (1, timedelta(days=7))


def test_an_owner_writes_the_wait_as_words():
    assert waits(remind(wait="4 hours"))[0] == timedelta(hours=4)
