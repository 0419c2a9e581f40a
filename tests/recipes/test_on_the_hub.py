"""The recipes on the real engine, against the practice services: what arrives there in the end."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from connectors.shopify.practice import signed
from connectors.shopify.practice.people import consent_payload
from hub import schedules
from recipes.abandoned_cart import abandoned_cart
from recipes.abandoned_cart_text import abandoned_cart_text
from recipes.birthday import birthday
from recipes.welcome_series import welcome_series
from tests.recipes.events import AUDIENCE, PHONE, Sent, after, cart, customer, in_newsletter, order, said_in_shop
from tests.recipes.town import Town


@pytest.fixture
def shop_with_reminders(enabled: Callable[..., Town]) -> Town:
    """Ada gets newsletters, and the owner reminds people of their carts."""
    town = enabled(abandoned_cart, audience=AUDIENCE, discount_percent="10")
    town.happens("mailchimp", "subscribe", list_id=AUDIENCE)
    return town


# ---- carts


def test_a_left_cart_is_reminded_of_three_times(shop_with_reminders):
    town, seen = shop_with_reminders, []
    town.tell(cart())
    for hours in (0.9, 0.2, 22.7, 0.4, 47.5, 0.6):  # until 0.9, 1.1, 23.8, 24.2, 71.7 and 72.3 hours
        town.pass_time(hours=hours)
        seen.append(len(town.mails()))
    assert seen == [0, 1, 1, 2, 2, 3]
    (made,) = town.services["shopify"].books["discounts"].values()
    assert town.member()["events"][-1]["properties"]["code"] == made["code"]
    assert town.endings() == [("done", "They were reminded three times.")]


def test_several_carts_and_one_order_are_one_run_that_ends_with_it(shop_with_reminders):
    town = shop_with_reminders
    town.tell(cart(), cart(after(minutes=2), token="decade"), cart(after(minutes=3), "checkouts/update"))
    town.tell(order(after(minutes=30), checkout_token="decade"))
    town.pass_time(days=5)
    assert town.endings() == [("stopped", "Ended by shopify.order.created.")]
    assert town.mails() == []


def test_an_order_that_is_told_before_its_cart_counts(shop_with_reminders):
    town = shop_with_reminders
    town.tell(order(after(minutes=10)), cart())
    assert town.endings() == [("stopped", "Ended by shopify.order.created.")]


def test_an_order_whose_event_never_comes_is_seen_in_the_shop(shop_with_reminders):
    town = shop_with_reminders
    town.tell(cart())
    town.pass_time(hours=2)
    town.happens("shopify", "order", at=after(hours=3).isoformat())
    town.pass_time(hours=24)
    assert (town.mails(), town.endings()) == (["cart_left_1"], [("done", "They ordered.")])


def test_an_order_that_is_told_while_the_reminder_is_being_made_keeps_it_from_leaving(shop_with_reminders):
    town = shop_with_reminders
    town.tell(cart())
    town.world.clock.advance(timedelta(hours=1))
    town.post(order(after(hours=1)))
    town.world.settle()
    assert (town.mails(), [state for state, _ in town.endings()]) == ([], ["stopped"])


def test_who_leaves_the_newsletter_meanwhile_gets_no_further_reminder(shop_with_reminders):
    town = shop_with_reminders
    town.tell(cart())
    town.pass_time(hours=2)
    town.happens("mailchimp", "unsubscribe", list_id=AUDIENCE)  # and the webhook about it is lost
    town.pass_time(days=4)
    assert town.mails() == ["cart_left_1"]
    assert town.endings() == [("done", "They do not get newsletters, so no e-mail was sent any more.")]


def test_a_week_later_the_next_cart_counts_again(shop_with_reminders):
    town = shop_with_reminders
    town.tell(cart(), order(after(minutes=1)))
    town.pass_time(days=6)
    town.tell(cart(after(days=6), token="decade"))
    assert len(town.world.runs) == 1
    town.pass_time(days=2)
    town.tell(cart(after(days=8), token="facade"))
    assert len(town.world.runs) == 2


AGREES = {"buyer_accepts_sms_marketing": True, "sms_marketing_phone": PHONE}


def sms_consent(state: str, at: datetime) -> Sent:
    said = {"state": state, "level": None, "at": at.isoformat()}
    payload = consent_payload({"id": 1, "phone": PHONE, "sms": said}, "sms")
    return signed("customers_marketing_consent/update", payload, "secret", triggered_at=at.isoformat())


def test_who_agreed_gets_one_text_the_day_after(enabled):
    town = enabled(abandoned_cart_text, text="Your cart, {first_name}!")
    town.tell(cart(**AGREES))
    town.pass_time(hours=25)
    assert town.texts() == []
    town.pass_time(hours=2)
    assert town.texts() == ["Your cart, Ada!"]


def test_who_did_not_agree_or_took_it_back_gets_no_text(enabled):
    town = enabled(abandoned_cart_text)
    town.tell(cart())
    town.pass_time(hours=30)
    town.pass_time(days=8)
    town.tell(cart(after(days=9), token="decade", **AGREES), sms_consent("unsubscribed", after(days=9, hours=1)))
    town.pass_time(hours=30)
    assert town.texts() == []
    assert town.endings() == [
        ("done", "Not sent: nothing says that they agreed to marketing on this channel."),
        ("done", "Not sent: they said no to marketing on this channel."),
    ]


# ---- welcome


def test_newcomers_are_welcomed_once(enabled):
    town = enabled(welcome_series, audience=AUDIENCE)
    town.happens("mailchimp", "subscribe", list_id=AUDIENCE)
    town.tell(in_newsletter("subscribe"), in_newsletter("subscribe", after(hours=1)), said_in_shop("subscribed"))
    seen = [len(town.mails())]
    for _ in range(4):
        town.pass_time(days=1)
        seen.append(len(town.mails()))
    assert seen == [1, 1, 2, 2, 3]
    assert len(town.services["shopify"].books["discounts"]) == 1
    assert town.endings() == [("done", "They were welcomed.")]


def test_an_account_and_a_yes_that_come_together_are_one_welcome(enabled):
    town = enabled(welcome_series, audience=AUDIENCE)
    town.happens("shopify", "signup", email_consent=True)
    town.tell(said_in_shop("subscribed"), customer())
    town.pass_time(days=2)
    town.pass_time(days=2)
    assert (len(town.world.runs), town.mails()) == (1, ["welcome_1", "welcome_2", "welcome_3"])


def test_the_first_order_ends_the_welcome(enabled):
    town = enabled(welcome_series, audience=AUDIENCE)
    town.happens("mailchimp", "subscribe", list_id=AUDIENCE)
    town.tell(in_newsletter("subscribe"))
    town.pass_time(days=1)
    town.happens("shopify", "order")  # nobody tells
    town.pass_time(days=1)
    assert (town.mails(), town.endings()) == (["welcome_1"], [("done", "They bought something.")])


# ---- by the clock


def test_a_birthday_is_congratulated_on_once_though_the_list_is_gone_through_each_day(enabled):
    town = enabled(birthday, audience=AUDIENCE)
    for name, born in (("ada", "12/01"), ("grace", "03/01")):
        who = {"list_id": AUDIENCE, "email": f"{name}@example.com"}
        town.happens("mailchimp", "subscribe", **who)
        town.happens("mailchimp", "profile", **who, merge_fields={"BIRTHDAY": born})
    schedules.keep(town.world.hub)
    seen = []
    for _ in range(11):  # from the 23rd of November to the 3rd of December
        town.pass_time(days=1)
        schedules.fire(town.world.hub)
        town.world.follow()
        seen.append(len(town.mails()))
    assert seen == [0, 1, 1, 1, 1, 1, 1, 1, 2, 2, 2]
    assert town.mails() == ["birthday_present", "birthday_today"]
    (made,) = town.services["shopify"].books["discounts"].values()
    assert {event["properties"]["code"] for event in town.member()["events"]} == {made["code"]}
