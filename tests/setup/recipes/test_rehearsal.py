"""The page that rehearses a recipe: branches to choose from, and what would happen on each."""

from __future__ import annotations

import re

import pytest

from hub import registry
from hub.recipe import Recipe
from recipes.abandoned_cart_text import abandoned_cart_text

from ..conftest import World
from ..reading import heading, text_of
from .visiting import PLACE, connected


def choices(page: str) -> list[str]:
    """The radios' names in the address."""
    return re.findall(r'type="radio" name="branch" value="([^"]*)"', page)


def test_a_recipe_is_rehearsed_before_anything_is_connected(visited: World) -> None:
    page = visited.open(f"{PLACE}/abandoned_cart_text/rehearse")
    text = text_of(page.text)
    assert heading(page.text) == "Rehearse"
    assert "A checkout is begun" in text
    assert "Wait until a checkout is begun, or a checkout changes, 1 day 2 hours at most" in text
    assert "2 parts, about $0.017." in text
    assert "Done They were reminded." in text
    assert (
        "What leaves: 1 message for about $0.017. Times are those of the made-up person, in America/Los Angeles."
        in text
    )


def test_the_branches_are_what_it_waits_for_and_what_may_be_refused(visited: World) -> None:
    page = visited.open(f"{PLACE}/abandoned_cart_text/rehearse").text
    assert choices(page) == [
        "usual",
        "happens-shopify.checkout.created",
        "happens-shopify.checkout.updated",
        "happens-shopify.order.created",
        "refused-twilio.send_sms",
        "not_agreed",
    ]
    text = text_of(page)
    for says in (
        "Nothing else happens",
        "An order is placed after 13 hours",
        "“Send a text message” is refused",
        "They did not agree to messages",
    ):
        assert says in text


@pytest.mark.parametrize(
    ("branch", "says"),
    [
        ("happens-shopify.order.created", "Stopped Ended because an order is placed. No message leaves."),
        ("refused-twilio.send_sms", "Left out: Twilio refused it."),
        ("not_agreed", "Left out: Not sent: nothing says that they agreed to marketing on this channel."),
        ("happens-shopify.checkout.updated", "What leaves: 1 message for about"),
        ("nonsense", "Done They were reminded."),
    ],
)
def test_each_branch_shows_what_would_happen(visited: World, branch: str, says: str) -> None:
    page = visited.open(f"{PLACE}/abandoned_cart_text/rehearse?branch={branch}")
    assert says in text_of(page.text)
    checked = re.search(r'name="branch" value="([^"]*)" checked', page.text)
    assert checked is not None
    assert checked[1] == (branch if branch != "nonsense" else "usual")


def test_it_begins_with_whichever_event_is_chosen(visited: World) -> None:
    first = text_of(visited.open(f"{PLACE}/welcome_series/rehearse").text)
    assert "They did not agree to newsletters." in first
    other = text_of(visited.open(f"{PLACE}/welcome_series/rehearse?start=mailchimp.member.subscribed").text)
    assert "They were welcomed. What leaves: 3 messages that Mailchimp writes." in other


def test_it_is_rehearsed_with_the_settings_that_it_has(visited: World) -> None:
    connected(visited)
    text = "Come back, {first_name}!"
    visited.hub.enabled.enable(visited.workspace, "abandoned_cart_text", {"text": text, "wait": "3h"})
    page = text_of(visited.open(f"{PLACE}/abandoned_cart_text/rehearse").text)
    assert "“Come back, Ada!” 1 part, about $0.008." in page
    assert "3 hours at most" in page


def test_a_recipe_that_cannot_be_rehearsed_says_why(visited: World, monkeypatch: pytest.MonkeyPatch) -> None:
    never = Recipe(**{**vars(abandoned_cart_text), "name": "never", "filters": (lambda event: False,)})
    monkeypatch.setattr(registry, "recipes", lambda: {"never": never})
    page = text_of(visited.open(f"{PLACE}/never/rehearse").text)
    assert "It cannot be rehearsed. No example of what starts it meets its conditions." in page


def test_there_is_no_rehearsal_of_what_there_is_not(visited: World) -> None:
    assert visited.open(f"{PLACE}/nothing/rehearse").status_code == 404


def test_the_page_of_a_recipe_leads_there(visited: World) -> None:
    assert 'href="/w/1/recipes/order_thanks/rehearse">Rehearse<' in visited.open(f"{PLACE}/order_thanks").text


def test_rehearsing_is_one_of_the_first_steps_and_is_done_once_somebody_did(visited: World) -> None:
    connected(visited)
    assert "3 Rehearse a recipe" in text_of(visited.open("/w/1/").text)
    visited.open(f"{PLACE}/order_thanks/rehearse")
    visited.open(f"{PLACE}/order_thanks/rehearse?branch=refused-twilio.send_sms")
    assert "✓ Rehearse a recipe · done 4 Switch a recipe on" in text_of(visited.open("/w/1/").text)
