"""The whole way of a new owner, in a browser: from the link of the first start to what the first order did."""

from __future__ import annotations

import pytest

from .conftest import Setting, Visit

PASSWORD = "three words or four"


def begin(visit: Visit, link: str) -> None:
    """Signs in, names the business, and makes an account."""
    visit.open(link)
    visit.sees("What is your business called?")
    visit.shoot("welcome")
    visit.page.get_by_label("What is your business called?").fill("Crumb & Co.")
    visit.click("Begin")
    visit.sees("Crumb & Co. has a workspace of its own.")
    visit.shoot("home-empty")
    visit.click("Make your account", "link")
    visit.page.get_by_label("Your name").fill("Ada Miller")
    visit.page.get_by_label("Your e-mail").fill("ada@example.com")
    visit.page.get_by_label("A new password").fill(PASSWORD)
    visit.shoot("first-account")
    visit.click("Make my account")
    visit.sees("You have an account")


def connect_everything(visit: Visit) -> None:
    """Connects a practice account of every tool."""
    for title in ("Shopify", "HubSpot", "Mailchimp", "Twilio"):
        visit.click("Connections", "link")
        visit.click(f"Try with a practice account of {title}")
        visit.sees("Connected. Nothing here reaches anybody real.")
    visit.click("Connections", "link")
    visit.shoot("connections")


@pytest.mark.parametrize("width", ["phone", "desk"])
def test_a_new_owner_comes_in_and_connects_and_comes_back(plain: Setting, width: str) -> None:
    visit = plain.visit(width)
    begin(visit, plain.link())
    connect_everything(visit)
    assert visit.complaints == []
    again = plain.visit(width)
    again.open("/")
    again.shoot("sign-in")
    again.page.get_by_label("E-mail").fill("ada@example.com")
    again.page.get_by_label("Password", exact=True).fill("not my password")
    again.click("Sign in")
    again.sees("E-mail and password do not fit together.")
    again.shoot("sign-in-wrong")
    again.page.get_by_label("Password", exact=True).fill(PASSWORD)
    again.click("Sign in")
    again.sees("Crumb & Co.")
    assert all("401" in said or "403" in said for said in again.complaints), again.complaints


def test_a_page_loads_little_and_from_nowhere_else(practising: Setting) -> None:
    visit = practising.visit()
    visit.open(practising.link())
    visit.sees("Everything is working")
    assert visit.complaints == []
    assert 0 < visit.wire < 150_000


def test_the_keyboard_alone_is_enough(practising: Setting) -> None:
    visit = practising.visit("desk")
    visit.open(practising.link())
    visit.sees("Everything is working")
    keyboard, focused = visit.page.keyboard, "document.activeElement.innerText || document.activeElement.id"
    keyboard.press("Tab")
    assert visit.page.evaluate(focused) == "Skip to the content"
    keyboard.press("Enter")
    assert visit.page.evaluate("document.activeElement.id") == "content"

    def tab_to(text: str) -> None:
        for _ in range(60):
            keyboard.press("Tab")
            if visit.page.evaluate(focused).strip().startswith(text):
                return
        raise AssertionError(f"The keyboard did not reach {text!r}.")

    tab_to("Place a practice order")
    keyboard.press("Enter")
    visit.sees("An order was placed in the practice shop.")
    visit.page.locator("#latest .done").first.wait_for()
    visit.shoot("home-after-an-order")


def test_the_pages_are_sensible_without_script(practising: Setting) -> None:
    visit = practising.visit("phone", java_script_enabled=False)
    visit.open(practising.link())
    visit.click("Place a practice order")
    assert "An order was placed in the practice shop." in visit.page.content()
    visit.click("More", "link")
    visit.click("Team", "link")
    visit.click("Make a link")
    assert "/invitation/" in visit.page.content()


def test_nothing_that_a_customer_writes_runs_on_a_page(practising: Setting) -> None:
    visit = practising.visit()
    visit.open(practising.link())
    nasty = "<img src=x onerror=document.title='stolen'>"
    assert practising.newcomer.run("practice", "order", f"name={nasty}", "-w", "Practice").returncode == 0
    visit.page.locator("#latest .run").first.wait_for()
    visit.page.locator("#latest .run a").first.click()
    visit.sees("Details for your consultant")
    assert visit.page.title() != "stolen" and visit.complaints == []
