"""The way of a recipe: what it draws without an account, and what it says it cannot draw."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated

import pytest

from connectors import hubspot, mailchimp, shopify, twilio
from hub import (
    Event,
    Rejected,
    Setting,
    Steps,
    now,
    sleep,
    sleep_until,
    together,
    wait_for,
)
from hub.setup import words
from hub.setup.recipes.way import ways
from tests.setup.recipes.drawing import drawn, made, text

DAY = timedelta(days=1)


def test_steps_and_waits_come_in_their_order() -> None:
    def thanks(event: Event, *, tag: str = "customer") -> Steps:
        """Thanks."""
        yield mailchimp.add_tags("a", event.person.email or "", [tag])
        yield sleep(days=3)
        yield together(shopify.add_order_note("1", "note"), hubspot.set_properties({"a": "b"}, email="a@example.com"))
        return "Thanked."

    assert drawn(thanks) == [
        "An order is placed",
        "Add tags to a member",
        "Wait 3 days",
        "Add a line to an order's note",
        "Set properties of a contact",
        "It is done | Thanked.",
    ]


def test_both_ways_out_of_a_wait_are_drawn() -> None:
    def confirm(event: Event) -> Steps:
        """Asks."""
        if (yield wait_for(mailchimp.member_subscribed, timeout=30 * DAY)):
            yield mailchimp.add_tags("a", "b", ["c"])
            return "They confirmed."
        yield hubspot.create_task("1", "Ask them")
        return "They did not."

    assert drawn(confirm) == [
        "An order is placed",
        "Wait 30 days",
        "  If someone subscribes to an audience:",
        "  Add tags to a member",
        "  It ends | They confirmed.",
        "Create a task about a contact",
        "It is done | They did not.",
    ]


def test_what_is_hoped_for_is_the_way_and_its_end_is_told_beside() -> None:
    def hope(event: Event) -> Steps:
        """Hopes."""
        if not (yield wait_for(mailchimp.member_subscribed, shopify.order_paid, timeout=2 * DAY)):
            return "Nothing happened."
        yield mailchimp.add_tags("a", "b", ["c"])
        return None

    assert drawn(hope)[1:] == [
        "Wait until someone subscribes to an audience, or an order is paid, 2 days at most"
        " | Ends if it does not happen.",
        "Add tags to a member",
        "It is done",
    ]


def test_ways_that_come_together_again_are_not_drawn_twice() -> None:
    def detour(event: Event) -> Steps:
        """Makes a detour."""
        if (yield wait_for(shopify.order_paid, timeout=DAY)):
            yield shopify.add_order_note("1", "paid")
        yield mailchimp.add_tags("a", "b", ["c"])
        return "Tagged."

    assert drawn(detour)[1:] == [
        "Wait 1 day",
        "  If an order is paid:",
        "  Add a line to an order's note",
        "  Then on as below",
        "Add tags to a member",
        "It is done | Tagged.",
    ]


def test_a_wait_that_begins_anew_is_no_endless_drawing() -> None:
    def patient(event: Event) -> Steps:
        """Waits until nothing changes any more."""
        while (yield wait_for(shopify.checkout_updated, timeout=DAY)):
            pass
        yield mailchimp.add_tags("a", "b", ["c"])
        return None

    assert drawn(patient, stop_when=shopify.order_cancelled)[1] == (
        "Wait 1 day | Begins anew if a checkout changes. Ends if an order is cancelled."
    )


def test_an_answer_that_ends_it_is_told_with_the_step_that_asks() -> None:
    def ask(event: Event) -> Steps:
        """Asks first."""
        orders, member = yield together(
            shopify.orders_of(email="a@example.com", since=event.at), mailchimp.get_member("a", "b")
        )
        if orders:
            return "They ordered."
        if member["status"] != "subscribed":
            return "No newsletters."
        yield mailchimp.add_event("a", "b", "left_1")
        return None

    assert drawn(ask)[1:4] == [
        "Look up a person's orders: goes on if they did not order",
        "Look a member up: goes on if they get newsletters",
        "Add an event to a member | left_1: the automation in Mailchimp that starts with it sends the e-mail.",
    ]


def test_what_depends_on_an_answer_that_nobody_knows_is_said_and_not_guessed() -> None:
    def depends(event: Event) -> Steps:
        """Looks."""
        message = yield twilio.get_message("SM1")
        yield hubspot.create_task("1", message["status"])
        return None

    asks = words.action("twilio.get_message")
    assert drawn(depends)[1:] == [
        asks,
        f"From here on it depends | on what comes of “{asks}”. That cannot be known beforehand.",
    ]


def test_an_answer_that_nobody_knows_and_nobody_looks_at_is_passed_over() -> None:
    def passes(event: Event) -> Steps:
        """Passes over."""
        found = yield twilio.get_message("SM1")
        again = found
        yield sleep(hours=1)
        return None if again is not None else "It is none."

    assert drawn(passes)[1:] == [words.action("twilio.get_message"), "Wait 1 hour", "It is done"]


def test_an_example_that_does_not_suit_a_recipe_is_said() -> None:
    def broken(event: Event) -> Steps:
        """Fails on the example."""
        yield sleep(hours=1)
        yield sleep(hours=event.data["no such field"])
        return None

    assert drawn(broken)[1:] == [
        "Wait 1 hour",
        "What follows cannot be drawn | It depends on more than an example tells.",
    ]


@pytest.mark.parametrize("raises", [False, True])
def test_an_example_that_does_not_start_the_recipe_is_said(raises: bool) -> None:
    def never(event: Event) -> bool:
        """Never."""
        return bool(raises and event.data["no such field"])

    def idle(event: Event) -> Steps:
        """Does nothing."""
        yield sleep(hours=1)
        return None

    assert drawn(idle, filters=[never])[-1].startswith("What follows cannot be drawn: no example of this event")


def test_a_recipe_without_an_end_is_cut() -> None:
    def endless(event: Event) -> Steps:
        """Goes on for ever."""
        while True:
            yield sleep(days=30)
            yield mailchimp.add_tags("a", "b", ["c"])

    lines = drawn(endless)
    assert lines[-1] == "It goes on like this | What comes later is not drawn."
    assert 20 < len(lines) < 100


def test_many_ways_out_do_not_make_many_drawings() -> None:
    def bushy(event: Event) -> Steps:
        """Forks at each step."""
        told = 0
        for _ in range(40):
            told += bool((yield wait_for(shopify.order_paid, timeout=DAY)))
            yield mailchimp.add_tags("a", "b", [str(told)])
        return str(told)

    assert len(drawn(bushy)) < 400


def test_a_message_shows_what_it_says_what_it_costs_and_the_guard_before_it() -> None:
    def texts(event: Event, *, text: str = "Hello") -> Steps:
        """Texts."""
        yield twilio.send_sms("+14155550100", text, purpose="marketing")
        yield twilio.send_sms("+14155550100", "x" * 2000, purpose="transactional")
        return None

    assert drawn(texts, {"text": "Ahoy {x}"})[1:5] == [
        "Only if they agreed to text messages",
        "Send a text message | “Ahoy {x}” 1 part, about $0.008",
        "Only if they did not opt out of text messages",
        f"Send a text message | “{'x' * 2000}” The text has 2000 characters; Twilio sends 1600 at most. Shorten it.",
    ]


def test_settings_that_are_not_chosen_yet_are_stood_in_for() -> None:
    def waits(
        event: Event,
        *,
        rest: timedelta,
        count: int,
        tags: list[str],
        yes: bool,
        audience: Annotated[str, Setting("Audience", chooses="mailchimp.audience")],
    ) -> Steps:
        """Waits."""
        if event.data.get("data", {}).get("list_id") != audience:
            return "Another audience."
        yield sleep_until(event.at + rest)
        yield mailchimp.add_tags(audience, "b", tags * count if not yes else [])
        return None

    expected = ["Wait until a set time, 1 day in this example", "Add tags to a member", "It is done"]
    assert drawn(waits, {"audience": "my own"}, on=mailchimp.member_subscribed)[1:] == expected
    assert drawn(waits, {"rest": 3 * DAY}, on=mailchimp.member_subscribed)[1].startswith(
        "Wait until a set time, 3 days"
    )


def test_what_starts_alike_is_drawn_once_and_what_differs_apart() -> None:
    def either(event: Event) -> Steps:
        """Differs."""
        if event.type == shopify.customer_created.type:
            yield sleep(days=1)
        yield mailchimp.add_tags("a", "b", ["c"])
        return None

    on = [shopify.order_created, shopify.customer_created, shopify.order_paid]
    first, second = ways(made(either, on=on, once_per="person", cool_down=7 * DAY), {})
    assert text(first.lines[0]) == "An order is placed, or an order is paid | For each person at most once in 7 days."
    assert [text(line) for line in second.lines[:2]] == [
        "A customer is new | For each person at most once in 7 days.",
        "Wait 1 day",
    ]


def test_times_are_the_examples_own() -> None:
    seen: list[datetime] = []

    def clocked(event: Event) -> Steps:
        """Looks at the clock."""
        yield sleep(days=1)
        seen.append((yield now()) - timedelta(days=1))
        try:
            yield mailchimp.add_tags("a", "b", ["c"])
        except Rejected:
            return "Refused."
        return None

    drawn(clocked)
    assert set(seen) == {shopify.order_created.sample.at}
