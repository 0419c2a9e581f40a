"""A recipe from the gallery to its first run, in a browser: chosen, set, looked at, switched on and off."""

from __future__ import annotations

import pytest

from .conftest import Setting

RECIPE = "Remind people of the cart they left, by text message"


def test_a_recipe_is_set_with_what_it_looks_like_and_switched_on_and_off(practising: Setting) -> None:
    visit = practising.visit("phone")
    visit.open(practising.link())
    visit.click("Recipes", "link")
    visit.click(RECIPE, "link")
    visit.sees("What happens to one person")
    visit.click("Set up and switch on", "link")
    words = visit.page.get_by_label("Text message")
    words.fill("Your cart is waiting, ")
    visit.click("Put {first_name} into the message")
    visit.page.locator(".bubble", has_text="Your cart is waiting, Ada").wait_for()
    visit.sees("1 part, about $0.008")
    visit.page.keyboard.type(" {oops}")
    visit.sees("{oops} is none of the words that are filled in")
    visit.shoot("recipe-message")
    words.fill("Your cart is waiting, {first_name}")
    visit.page.get_by_label("Wait", exact=True).fill("90")
    visit.page.get_by_label("Wait: counted in").select_option("minutes")
    visit.click("Continue")
    visit.sees("Wait 1 hour 30 minutes")
    visit.sees("“Your cart is waiting, Ada”")
    visit.shoot("recipe-on")
    visit.click("Switch on")
    visit.sees("It is on. It begins with what happens from now on.")
    visit.page.locator("main").get_by_role("link", name="Settings", exact=True).click()
    assert visit.page.get_by_label("Wait", exact=True).input_value() == "90"
    visit.page.locator(".back a").click()
    visit.click("Switch off", "link")
    visit.click("Switch off")
    visit.sees("It is off.")
    visit.sees("Switch on again")
    assert visit.complaints == []


def test_without_script_a_button_shows_the_message(practising: Setting) -> None:
    visit = practising.visit("phone", java_script_enabled=False)
    visit.open(practising.link())
    visit.open("/w/1/recipes/order_thanks/settings")
    visit.page.get_by_label("Text message").fill("Thanks, {first_name}")
    visit.click("Preview")
    assert visit.page.locator(".bubble").inner_text() == "Thanks, Ada"
    audience = visit.page.get_by_label("Mailchimp audience")
    # The practice account was asked: nobody has to know an id.
    assert audience.evaluate("field => field.tagName") == "SELECT"
    assert audience.locator("option:checked").inner_text() == "Practice"
    visit.click("Save")
    visit.sees("Saved.")
    assert "“Thanks, Ada”" in visit.page.content()
    visit.click("Take this back")
    visit.sees("Its settings are as they were before.")
    assert "“Thanks, Ada”" not in visit.page.content()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_people_are_left_out_in_a_fold_and_what_comes_of_it_is_a_table(practising: Setting, scheme: str) -> None:
    for width in ("phone", "desk"):
        visit = practising.visit(width, scheme)
        visit.open(practising.link())
        visit.open("/w/1/recipes/order_thanks/settings")
        fold = visit.page.locator("#ask-prove")
        if not visit.page.get_by_label("Leave out").is_visible():
            fold.click()
        visit.page.get_by_label("Leave out").fill("60")
        visit.click("Save")
        visit.sees("Type a whole number from 0 to 50.")
        visit.shoot("recipe-prove")
        visit.page.get_by_label("Leave out").fill("10")
        visit.click("Save")
        visit.sees("Saved.")
        visit.open("/w/1/recipes/order_thanks")
        visit.sees("What it brings about")
        visit.page.locator("#ask-numbers").click()
        visit.sees("Left out (10 %)")
        visit.shoot("recipe-effect")
        assert all("422" in said for said in visit.complaints), visit.complaints
