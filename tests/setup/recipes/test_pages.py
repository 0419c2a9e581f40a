"""The pages of recipes: the gallery, one recipe, switching it on and off, and nothing from outside in them."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from hub.setup.recipes.choosing import Choosers, Offered

from ..conftest import World
from ..reading import heading, text_of
from ..test_safety import NASTY
from .visiting import CART, PLACE, connected, hidden, on, send, told

# ---- looking


def test_the_gallery_shows_what_is_on_what_could_be_and_what_is_missing(visited: World) -> None:
    connected(visited, "shopify", "mailchimp")
    visited.hub.enabled.enable(visited.workspace, "abandoned_cart", {"audience": "a1"})
    page = text_of(visited.open(PLACE).text)
    on_now, _, rest = page.partition("You could switch on now")
    possible, _, later = rest.partition("These need a tool first")
    assert "Remind people of the cart they left ● On" in on_now
    assert "Welcome newcomers ○ Off" in possible
    assert "Needs Twilio first." in later and "Needs HubSpot and Twilio first." in later
    assert "Sends 1 text message to people who agreed to it." in later
    assert 'aria-current="page"' in visited.open(PLACE).text


def test_a_recipe_whose_account_lost_its_login_needs_somebody(visited: World) -> None:
    connected(visited, "shopify")
    lost = visited.connection("mailchimp")
    visited.hub.enabled.enable(visited.workspace, "abandoned_cart", {"audience": "a1"})
    visited.hub.connections.set_state(lost, "needs_login", "It ended.")
    assert "Remind people of the cart they left ▲ Needs you" in text_of(visited.open(PLACE).text)
    assert "Mailchimp ▲ Sign in again" in text_of(visited.open(f"{PLACE}/abandoned_cart").text)


def test_a_recipe_is_drawn_before_anything_is_connected(visited: World) -> None:
    page = visited.open(f"{PLACE}/abandoned_cart_text")
    text = text_of(page.text)
    assert heading(page.text) == "Remind people of the cart they left, by text message"
    assert "Wait 1 day 2 hours Begins anew if a checkout is begun" in text
    assert "Only if they agreed to text messages" in text
    assert "Connect Shopify Connect Twilio Or practise first" in text
    assert "Set up" not in text


def test_a_recipe_that_is_on_shows_who_is_where_and_what_it_did(visited: World) -> None:
    connected(visited)
    visited.hub.enabled.enable(visited.workspace, "abandoned_cart", {"audience": "a1", "wait": "3h"})
    for _ in range(2):
        visited.run(
            {"action": "now"}, {"action": "wait_for", "state": "waiting"}, recipe="abandoned_cart", state="waiting"
        )
    visited.run(recipe="abandoned_cart", state="stopped")
    text = text_of(visited.open(f"{PLACE}/abandoned_cart").text)
    assert "● On · 2 are under way just now" in text
    assert re.search(r"Wait 3 hours [^○]* 2 here", text)
    assert "Last 30 days: 3 began · 1 stopped before their end" in text


@pytest.mark.parametrize("path", ["nothing", "nothing/settings", "nothing/on", "nothing/off"])
def test_a_recipe_that_there_is_not_is_not_found(visited: World, path: str) -> None:
    assert visited.open(f"{PLACE}/{path}").status_code == 404


# ---- on and off


def test_before_it_is_on_it_says_what_that_means(visited: World) -> None:
    connected(visited)
    for _ in range(60):
        visited.run()
    answer = send(
        visited, "order_thanks/settings", {"set_audience": "a1", "set_tag": "", "set_text": "Thanks {first_name}"}
    )
    text = text_of(answer.text)
    assert heading(answer.text) == "Switch on “Thank people for their order”?"
    assert "60 times in the last 30 days, which is about 14 a week." in text
    assert "At most 14 text messages, for about $0.12, in the next week." in text
    assert "“Thanks Ada” 1 part, about $0.008" in text
    assert on(visited) == {}
    fields = hidden(answer.text)
    assert send(visited, "order_thanks/on", fields | {"token": visited.token()}).status_code == 303
    assert on(visited) == {"order_thanks": {"audience": "a1", "tag": "", "text": "Thanks {first_name}"}}
    assert told(visited) == ["switched the recipe “Thank people for their order” on"]


def test_everything_that_was_set_goes_through_the_confirmation(visited: World) -> None:
    connected(visited)
    fields = {"set_audience": "a1", "set_confirm": "y", "set_event_name": "hi", "set_discount_percent": "0"}
    shown = send(visited, "welcome_series/settings", fields)
    changed = send(visited, "welcome_series/settings", hidden(shown.text) | {"token": visited.token()}, preview="1")
    assert 'value="hi"' in changed.text and re.search(r'<input[^>]*checked[^>]*name="set_confirm"', changed.text)
    send(visited, "welcome_series/on", hidden(shown.text) | {"token": visited.token()})
    assert on(visited)["welcome_series"] == {
        "audience": "a1",
        "confirm": True,
        "event_name": "hi",
        "discount_percent": 0.0,
    }
    shown = send(visited, "abandoned_cart/settings", CART)
    send(visited, "abandoned_cart/on", hidden(shown.text) | {"token": visited.token()})
    assert on(visited)["abandoned_cart"]["wait"] == timedelta(minutes=90)


def test_a_message_with_a_slip_is_pointed_out_before_it_is_on(visited: World) -> None:
    connected(visited)
    answer = send(visited, "order_thanks/settings", {"set_audience": "a1", "set_text": "Thanks {frist_name}"})
    assert "{frist_name} is none of the words that are filled in" in text_of(answer.text)


def test_without_its_tools_it_cannot_be_on(visited: World) -> None:
    connected(visited, "shopify", "mailchimp")
    answer = send(visited, "order_thanks/settings", {"set_audience": "a1", "set_text": "Thanks"})
    assert "Not possible yet: HubSpot and Twilio are not connected." in text_of(answer.text)
    assert "switch-on" not in answer.text
    refused = send(visited, "order_thanks/on", {"set_audience": "a1", "set_text": "Thanks"})
    assert refused.status_code == 422
    assert "no HubSpot account is connected" in text_of(refused.text)
    assert on(visited) == {}


def test_what_was_on_before_is_switched_on_again_with_its_settings(visited: World) -> None:
    connected(visited)
    visited.hub.enabled.enable(visited.workspace, "abandoned_cart", {"audience": "a1", "wait": "3h"})
    before = on(visited)
    send(visited, "abandoned_cart/off", {})
    assert "Switch on again" in visited.open(f"{PLACE}/abandoned_cart").text
    page = visited.open(f"{PLACE}/abandoned_cart/on").text
    assert "Wait 3 hours" in text_of(page)
    send(visited, "abandoned_cart/on", hidden(page) | {"token": visited.token()})
    assert on(visited) == before


def test_what_was_never_set_up_is_set_up_first(visited: World) -> None:
    connected(visited)
    assert heading(visited.open(f"{PLACE}/abandoned_cart/on").text) == "Settings"
    assert send(visited, "abandoned_cart/on", {}).status_code == 422
    assert on(visited) == {}


def test_whoever_is_inside_goes_on_when_it_is_switched_off(visited: World) -> None:
    connected(visited)
    visited.hub.enabled.enable(visited.workspace, "abandoned_cart", {"audience": "a1"})
    run = visited.run({"action": "wait_for", "state": "waiting"}, recipe="abandoned_cart", state="waiting")
    text = text_of(visited.open(f"{PLACE}/abandoned_cart/off").text)
    assert "1 is under way just now." in text and "They go on to the end" in text
    assert on(visited)
    send(visited, "abandoned_cart/off", {"inside": "go-on"})
    assert on(visited) == {}
    assert "It is off. Whoever is in it goes on to the end." in visited.open(f"{PLACE}/abandoned_cart").text
    assert "◐ Waiting" in text_of(visited.open(f"/w/1/runs/{run}").text)
    assert told(visited) == ["switched the recipe “Remind people of the cart they left” off"]


def test_whoever_is_inside_can_be_stopped_with_it(visited: World) -> None:
    connected(visited)
    visited.hub.enabled.enable(visited.workspace, "abandoned_cart", {"audience": "a1"})
    run = visited.run({"action": "wait_for", "state": "waiting"}, recipe="abandoned_cart", state="waiting")
    send(visited, "abandoned_cart/off", {"inside": "stop"})
    assert "It is off, and 1 that was under way ended." in visited.open(f"{PLACE}/abandoned_cart").text
    assert "○ Stopped" in text_of(visited.open(f"/w/1/runs/{run}").text)
    assert told(visited) == [
        "switched the recipe “Remind people of the cart they left” off, and ended 1 that were under way"
    ]


def test_switching_twice_does_it_once(visited: World) -> None:
    connected(visited)
    send(visited, "abandoned_cart/on", CART)
    send(visited, "abandoned_cart/on", {**CART, "set_event_name": "another"})
    assert on(visited)["abandoned_cart"]["event_name"] == "left"
    send(visited, "abandoned_cart/off", {})
    send(visited, "abandoned_cart/off", {})
    assert len(told(visited)) == 2


# ---- nothing from outside is ever part of a page


def test_nothing_that_anybody_typed_becomes_part_of_a_page(visited: World, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("shopify", "hubspot", "mailchimp", "twilio"):
        visited.connection(name, label=NASTY)
        visited.connection(name, label=NASTY)
    ids = {c.connector.name: c.id for c in visited.hub.connections.list(visited.workspace)}
    monkeypatch.setattr(Choosers, "offered", lambda *_: Offered(((NASTY, NASTY),)))
    fields = {f"account_{name}": value for name, value in ids.items()}
    fields |= {"set_audience": NASTY, "set_tag": NASTY, "set_text": f"{NASTY} {{first_name}} {{{NASTY}}} {{oops}}"}
    pages = [
        send(visited, "order_thanks/settings", fields, preview="1"),
        send(visited, "order_thanks/settings", fields),
    ]
    send(visited, "order_thanks/on", fields)
    assert on(visited)["order_thanks"]["tag"] == NASTY
    pages += [
        visited.open(f"{PLACE}{path}") for path in ("", "/order_thanks", "/order_thanks/settings", "/order_thanks/off")
    ]
    pages.append(send(visited, "order_thanks/settings", {**fields, "account_twilio": NASTY}))
    for answer in pages:
        page = answer.text
        assert answer.status_code in (200, 422)
        assert "<img" not in page
        assert set(re.findall(r"<script[^>]*>", page)) <= {
            '<script src="/assets/live.js" defer>',
            '<script src="/assets/recipes.js" defer>',
        }
        assert not re.search(r"<[^>]*\son\w+=", re.sub(r'"[^"]*"', '""', page))
    assert "&lt;script&gt;" in pages[0].text


@pytest.mark.parametrize(
    "path", ["", "/order_thanks", "/order_thanks/settings", "/order_thanks/off", "/abandoned_cart_text/on"]
)
def test_pages_need_nothing_from_elsewhere_and_every_button_can_be_found_again(visited: World, path: str) -> None:
    visited.enable_order_thanks()
    visited.run({"action": "wait_for", "state": "waiting"}, recipe="order_thanks", state="waiting")
    page = visited.open(f"{PLACE}{path}").text
    assert "style=" not in page and "<style" not in page
    for address in re.findall(r'(?:src|href)="(/assets/[^"]+)"', page):
        assert visited.open(address).status_code == 200
    assert not re.findall(r"<(?:summary|button)(?![^>]*\sid=)[^>]*>", page[page.index("<main") :])
    live = re.findall(r"<[^>]*\sdata-live[^>]*>", page)
    assert all(re.search(r'\sid="[\w-]+"', tag) for tag in live)
