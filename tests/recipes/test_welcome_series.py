"""Welcome e-mails: who gets them, when, and what ends them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from connectors import mailchimp, shopify
from hub.testing import Rehearsed, rehearse
from recipes.welcome_series import welcome_series
from tests.recipes.events import ADA, AUDIENCE, NOON, after, customer, in_newsletter, order, read, said_in_shop


def record(state: str = "subscribed", orders: int = 0) -> dict[str, Any]:
    """A customer as the shop knows them."""
    consent = {"given": state == "subscribed", "state": state, "at": NOON.isoformat()}
    return {"id": "1", "orders_count": orders, "email_consent": consent}


def welcome(first: Any, *happenings: Any, answers: Any = None, **settings: Any) -> Rehearsed:
    usual = {
        shopify.find_customer: record(),
        shopify.create_discount_code: {"id": "1"},
        mailchimp.set_consent: {"status": "subscribed"},
        mailchimp.get_member: {"status": "subscribed"},
        mailchimp.add_event: {"id": "e"},
    }
    later = [read(sent) for sent in happenings]
    return rehearse(welcome_series, read(first), usual | (answers or {}), later, **{"audience": AUDIENCE} | settings)


def mails(run: Rehearsed) -> list[str]:
    return [step.inputs["name"] for step in run.of(mailchimp.add_event)]


FIRSTS = [customer(), said_in_shop("subscribed"), in_newsletter("subscribe")]


@pytest.mark.parametrize("first", FIRSTS, ids=["customer", "said in shop", "subscribed"])
def test_three_mails_leave_at_once_after_two_days_and_after_four(first):
    run = welcome(first)
    assert (run.state, run.says) == ("done", "They were welcomed.")
    assert mails(run) == ["welcome_1", "welcome_2", "welcome_3"]
    # 2 days, then 2 + 2 = 4 days after signing up
    assert [step.inputs["for"] for step in run.steps if step.action == "sleep"] == [timedelta(days=2)] * 2


def test_every_mail_tells_the_same_coupon_of_their_own():
    run = welcome(in_newsletter("subscribe"), discount_percent="12.5")
    (made,) = run.of(shopify.create_discount_code)
    assert (made.inputs["percentage"], made.inputs["usage_limit"]) == (12.5, 1)
    assert (made.inputs["starts_at"], made.inputs["ends_at"]) == (NOON, after(days=30))
    assert [step.inputs["properties"] for step in run.of(mailchimp.add_event)] == [{"code": made.inputs["code"]}] * 3


def test_without_a_discount_no_code_is_made():
    run = welcome(in_newsletter("subscribe"), discount_percent=0)
    assert run.of(shopify.create_discount_code) == []
    assert run.of(mailchimp.add_event)[0] == mailchimp.add_event(AUDIENCE, ADA, "welcome_1", {})


@pytest.mark.parametrize(("confirm", "status"), [(False, "subscribed"), (True, "pending")])
def test_a_yes_said_in_the_shop_makes_a_subscriber(confirm, status):
    run = welcome(said_in_shop("subscribed"), confirm=confirm)
    assert run.of(mailchimp.set_consent) == [mailchimp.set_consent(AUDIENCE, ADA, True, status_if_new=status)]


def test_who_signed_up_in_the_newsletter_is_not_subscribed_again():
    assert welcome(in_newsletter("subscribe")).of(mailchimp.set_consent) == []


def test_who_opens_an_account_and_agrees_later_is_welcomed_then():
    unasked = {shopify.find_customer: record("not_subscribed")}
    run = welcome(customer(), said_in_shop("subscribed", after(days=3)), answers=unasked)
    assert len(mails(run)) == 3


@pytest.mark.parametrize("audience", [AUDIENCE, "another1"])
def test_only_a_subscription_to_this_audience_is_a_yes_to_it(audience):
    unasked = {shopify.find_customer: record("not_subscribed")}
    run = welcome(customer(), in_newsletter("subscribe", after(days=3), audience=audience), answers=unasked)
    assert len(mails(run)) == (3 if audience == AUDIENCE else 0)
    assert bool(run.of(mailchimp.set_consent)) is (audience == AUDIENCE)


def test_who_opens_an_account_and_never_agrees_gets_no_mail():
    run = welcome(customer(), answers={shopify.find_customer: record("not_subscribed")})
    assert (run.says, mails(run), run.of(mailchimp.set_consent)) == ("They did not agree to newsletters.", [], [])


def test_the_first_mail_waits_until_they_confirm():
    pending = {mailchimp.set_consent: {"status": "pending"}}
    confirmed = welcome(said_in_shop("subscribed"), in_newsletter("subscribe", after(days=1)), answers=pending)
    assert confirmed.of(shopify.create_discount_code)[0].inputs["starts_at"] == after(days=1)
    unconfirmed = welcome(said_in_shop("subscribed"), answers=pending)
    assert (unconfirmed.says, mails(unconfirmed)) == ("They did not confirm that they want newsletters.", [])


@pytest.mark.parametrize("first", FIRSTS, ids=["customer", "said in shop", "subscribed"])
def test_buyers_are_not_welcomed(first):
    run = welcome(first, answers={shopify.find_customer: record(orders=1)})
    assert (run.says, mails(run)) == ("They bought something.", [])


@pytest.mark.parametrize("end", [order(after(days=1)), in_newsletter("unsubscribe", after(days=1))])
def test_an_order_or_unsubscribing_ends_it(end):
    run = welcome(in_newsletter("subscribe"), end)
    assert (run.state, mails(run)) == ("stopped", ["welcome_1"])


@pytest.mark.parametrize("first", FIRSTS, ids=["customer", "said in shop", "subscribed"])
def test_a_no_to_another_audience_is_one_to_all_marketing_by_e_mail(first):
    run = welcome(first, in_newsletter("unsubscribe", after(days=1), audience="another1"))
    assert (run.says, run.timeline[-1].outcome) == (
        "Not sent: they said no to marketing on this channel.",
        "skipped",
    )
    assert [entry.outcome for entry in run.timeline if entry.action == mailchimp.add_event.name].count("skipped") == 1


def test_consent_withdrawn_in_the_shop_is_seen_before_the_next_mail():
    states = iter(["subscribed", "unsubscribed"])
    run = welcome(in_newsletter("subscribe"), answers={shopify.find_customer: lambda email: record(next(states))})
    assert (run.says, mails(run)) == ("They do not get newsletters any more.", ["welcome_1"])


def test_who_left_the_newsletter_gets_no_further_mail_even_if_nobody_told():
    statuses = iter(["subscribed", "unsubscribed"])
    run = welcome(in_newsletter("subscribe"), answers={mailchimp.get_member: lambda **_: {"status": next(statuses)}})
    assert mails(run) == ["welcome_1"]


def test_somebody_whom_the_shop_does_not_know_is_welcomed_too():
    assert len(mails(welcome(in_newsletter("subscribe"), answers={shopify.find_customer: None}))) == 3


def test_another_audience_is_none_of_its_business():
    run = welcome(in_newsletter("subscribe", audience="another1"))
    assert (run.says, run.steps) == ("It is about another audience.", [])


def test_a_no_said_in_the_shop_starts_nothing():
    with pytest.raises(ValueError, match="does not start with shopify.email_consent.changed"):
        welcome(said_in_shop("unsubscribed"))


def test_it_happens_once_per_person_whatever_came_first():
    assert len({welcome_series.once_per(read(first)) for first in FIRSTS}) == 1
