"""The settings of a recipe on their page: what was typed stays, and what was changed can be taken back."""

from __future__ import annotations

from datetime import timedelta

import pytest

from hub.setup.recipes.choosing import Choosers, Offered

from ..conftest import World
from ..reading import text_of
from .visiting import CART, PLACE, connected, on, send, told


def test_settings_that_are_changed_hold_for_whoever_comes_next(visited: World) -> None:
    connected(visited)
    visited.hub.enabled.enable(visited.workspace, "abandoned_cart", {"audience": "a1"})
    answer = send(visited, "abandoned_cart/settings", CART)
    assert answer.headers["Location"] == f"{PLACE}/abandoned_cart"
    page = visited.open(f"{PLACE}/abandoned_cart").text
    assert "Saved. Whoever is in it already goes on with what was set before, unless you move them." in page
    assert "Wait 1 hour 30 minutes" in text_of(page)
    assert on(visited)["abandoned_cart"] == {
        "audience": "a1",
        "event_name": "left",
        "wait": timedelta(minutes=90),
        "discount_percent": 5.0,
    }
    assert told(visited) == ["changed the settings of the recipe “Remind people of the cart they left”"]


def test_a_change_of_settings_can_be_taken_back_for_an_hour(visited: World) -> None:
    connected(visited)
    visited.hub.enabled.enable(visited.workspace, "abandoned_cart", {"audience": "a1", "wait": "3h"})
    before = on(visited)
    assert "Take this back" not in visited.open(f"{PLACE}/abandoned_cart").text
    send(visited, "abandoned_cart/settings", CART)
    assert "Its settings were changed just now. Take this back" in text_of(visited.open(f"{PLACE}/abandoned_cart").text)
    send(visited, "abandoned_cart/undo", {})
    assert on(visited) == before
    send(visited, "abandoned_cart/settings", CART)
    visited.clock.advance(timedelta(hours=2))
    assert "Take this back" not in visited.open(f"{PLACE}/abandoned_cart").text


def test_there_is_nothing_to_take_back_where_nothing_was_before(visited: World) -> None:
    connected(visited)
    send(visited, "abandoned_cart/undo", {})
    visited.hub.enabled.enable(visited.workspace, "abandoned_cart", {"audience": "a1"})
    send(visited, "abandoned_cart/undo", {})
    assert on(visited)["abandoned_cart"]["audience"] == "a1"
    assert told(visited) == []


def test_a_fault_is_told_beside_its_field_and_nothing_is_lost(visited: World) -> None:
    connected(visited)
    answer = send(visited, "abandoned_cart/settings", {**CART, "set_audience": "", "set_wait": ["soon", "weeks"]})
    assert answer.status_code == 422
    assert 'aria-describedby="set_audience-help set_audience-wrong"' in answer.text
    assert "▲ Please fill this in." in text_of(answer.text)
    assert 'value="soon"' in answer.text and '<option value="weeks" selected>weeks</option>' in answer.text
    assert 'value="left"' in answer.text
    assert on(visited) == {}


def test_a_preview_shows_the_message_and_saves_nothing(visited: World) -> None:
    connected(visited)
    fields = {"set_audience": "", "set_tag": "x", "set_text": "Hi {first_name}! {nmae}", "preview": "1"}
    answer = send(visited, "order_thanks/settings", fields)
    assert answer.status_code == 200
    text = text_of(answer.text)
    assert "Hi Ada! {nmae} 1 part, about $0.008. Assumed: Twilio's list price" in text
    assert "{nmae} is none of the words that are filled in" in text
    assert "Please fill this in." not in text
    assert on(visited) == {}


def test_audiences_are_chosen_by_their_title(visited: World, monkeypatch: pytest.MonkeyPatch) -> None:
    connected(visited)
    monkeypatch.setattr(Choosers, "offered", lambda *_: Offered((("a1", "Customers"), ("b2", "Wholesale"))))
    page = visited.open(f"{PLACE}/abandoned_cart/settings").text
    assert '<option value="b2">Wholesale</option>' in page
    assert '<option value="">Choose …</option>' in page


def test_an_account_that_cannot_be_asked_leaves_a_field_with_a_sentence(visited: World) -> None:
    connected(visited)
    text = text_of(visited.open(f"{PLACE}/abandoned_cart/settings").text)
    assert "Mailchimp could not be asked just now. Type its id, or try again later." in text


def test_of_several_accounts_one_is_chosen(visited: World) -> None:
    connected(visited)
    visited.connection("shopify", id="second", label="The other shop")
    page = visited.open(f"{PLACE}/abandoned_cart/settings").text
    assert '<option value="second">The other shop</option>' in page
    refused = send(visited, "abandoned_cart/settings", {**CART, "account_shopify": ""})
    assert "Choose one of these." in refused.text
    send(visited, "abandoned_cart/on", {**CART, "account_shopify": "second"})
    ((_, entry),) = visited.hub.enabled.of(visited.workspace)
    assert entry.connections["shopify"] == "second"
    assert '<option selected value="second">' in visited.open(f"{PLACE}/abandoned_cart/settings").text


def test_an_account_of_another_workspace_is_refused(visited: World) -> None:
    connected(visited)
    visited.connection("shopify")
    other = visited.connection("shopify", workspace=visited.hub.workspaces.add("Another"))
    answer = send(visited, "abandoned_cart/on", {**CART, "account_shopify": other})
    assert answer.status_code == 422
    assert "is no Shopify connection of this workspace" in text_of(answer.text)
    assert on(visited) == {}
