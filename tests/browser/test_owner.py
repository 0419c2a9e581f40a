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


def switch_on(visit: Visit) -> None:
    """Switches the thanks for an order on, as the first page leads to it."""
    visit.click("Home", "link")
    visit.click("Choose one", "link")
    visit.click("Thank people for their order", "link")
    visit.sees("What happens to one person")
    visit.shoot("recipe-first")
    visit.click("Set up and switch on", "link")
    visit.page.get_by_label("Mailchimp audience").select_option("Practice")
    visit.shoot("recipe-first-settings")
    visit.click("Continue")
    visit.sees("Switch on “Thank people for their order”?")
    visit.click("Switch on")
    visit.sees("It is on.")


def place_an_order(visit: Visit) -> None:
    """Lets an order come in, and finds in Activity what was done for it."""
    visit.click("Home", "link")
    visit.click("Place a practice order")
    visit.sees("An order was placed in the practice shop.")
    visit.page.locator("#latest .done").first.wait_for()
    visit.shoot("home-first-order")
    visit.click("Activity", "link")
    visit.page.locator(".runs .done").first.wait_for()
    visit.shoot("activity-first-order")
    visit.page.get_by_role("link", name="Thank people for their order").first.click()
    visit.sees("Send a text message")
    visit.shoot("run-first-order")


@pytest.mark.parametrize("width", ["phone", "desk"])
def test_a_new_owner_comes_from_the_link_to_what_the_first_order_did_and_comes_back(plain: Setting, width: str) -> None:
    visit = plain.visit(width)
    begin(visit, plain.link())
    connect_everything(visit)
    switch_on(visit)
    place_an_order(visit)
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


@pytest.mark.parametrize("title", ["Shopify", "HubSpot", "Mailchimp"])
def test_an_owner_signs_in_at_a_provider_and_comes_back(practising: Setting, title: str) -> None:
    visit, name = practising.visit(), title.lower()
    visit.open(practising.link())
    visit.open(f"/w/1/connections/login/{name}")
    if title == "Shopify":
        visit.page.get_by_label("Shop", exact=True).fill("practice-shop.myshopify.com")
    visit.page.get_by_text("For your consultant").click()
    address = f"http://127.0.0.1:{practising.newcomer.practice_port}/{name}"
    visit.page.get_by_label("Where its API is reached").fill(address)
    visit.shoot(f"login-{name}")
    visit.click("Go on")
    visit.sees(f"On to {title}")
    visit.shoot(f"login-on-{name}")
    visit.click(f"Go to {title}", "link")
    visit.sees(f"This stands in for {title}'s own page")
    visit.click("Allow")
    visit.sees(f"{title} is connected")


def test_a_page_loads_little_and_from_nowhere_else(practising: Setting) -> None:
    visit = practising.visit()
    visit.open(practising.link())
    visit.sees("Everything is working")
    assert visit.complaints == []
    assert 0 < visit.wire < 150_000


FOCUSED = """() => {
  const at = document.activeElement;
  const label = at.labels && at.labels.length ? at.labels[0].innerText : "";
  return (label || at.textContent || at.title || "").replace(/\\s+/g, " ").trim();
}"""


class Keyboard:
    """Somebody who has no mouse: what they want is reached with Tab, and done with Enter or by typing."""

    def __init__(self, visit: Visit) -> None:
        self.visit, self.keys = visit, visit.page.keyboard

    def reach(self, name: str) -> None:
        for _ in range(90):
            self.keys.press("Tab")
            if self.visit.page.evaluate(FOCUSED).startswith(name):
                return
        raise AssertionError(f"The keyboard did not reach {name!r} at {self.visit.page.url}.")

    def go(self, name: str, then: str) -> None:
        """Does what is called so, and waits for what is seen then."""
        self.reach(name)
        self.keys.press("Enter")
        self.visit.sees(then)


def test_the_whole_way_by_keyboard_alone(plain: Setting) -> None:
    visit = plain.visit("desk")
    visit.open(plain.link())
    hands = Keyboard(visit)
    visit.sees("What is your business called?")
    hands.keys.press("Tab")
    assert visit.page.evaluate(FOCUSED) == "Skip to the content"
    hands.keys.press("Enter")
    assert visit.page.evaluate("document.activeElement.id") == "content"
    hands.reach("What is your business called?")
    hands.keys.type("Crumb & Co.")
    hands.keys.press("Enter")
    visit.sees("Crumb & Co. has a workspace of its own.")
    hands.go("Connect it", "Connect another")
    for title in ("Shopify", "HubSpot", "Mailchimp", "Twilio"):
        hands.go("Connections", "Connect another")
        hands.reach(f"Try with a practice account of {title}")
        hands.keys.press("Enter")
        visit.sees("Connected. Nothing here reaches anybody real.")
    hands.go("Home", "First steps")
    hands.go("Choose one", "Thank people for their order")
    hands.go("Thank people for their order", "What happens to one person")
    hands.go("Set up and switch on", "Mailchimp audience")
    hands.reach("Mailchimp audience")
    hands.keys.type("Practice")
    hands.go("Continue", "Switch on “Thank people for their order”?")
    hands.go("Switch on", "It is on.")
    hands.go("Home", "Place a practice order")
    hands.go("Place a practice order", "An order was placed in the practice shop.")
    visit.page.locator("#latest .done").first.wait_for()
    hands.go("Activity", "Look somebody up")
    visit.page.locator(".runs .done").first.wait_for()
    visit.shoot("activity-by-keyboard")
    assert visit.complaints == []


def test_the_pages_are_sensible_without_script(practising: Setting) -> None:
    visit = practising.visit("phone", java_script_enabled=False)
    visit.open(practising.link())
    visit.click("Place a practice order")
    visit.sees("An order was placed in the practice shop.")
    visit.click("More", "link")
    visit.page.wait_for_url("**/more")
    visit.click("Team", "link")
    visit.page.wait_for_url("**/team")
    visit.click("Make a link")
    visit.sees("Send this link to your colleague.")


def test_nothing_that_a_customer_writes_runs_on_a_page(practising: Setting) -> None:
    visit = practising.visit()
    visit.open(practising.link())
    nasty = "<img src=x onerror=document.title='stolen'>"
    assert practising.newcomer.run("practice", "order", f"name={nasty}", "-w", "Practice").returncode == 0
    visit.page.locator("#latest .run").first.wait_for()
    visit.page.locator("#latest .run a").first.click()
    visit.sees("Details for your consultant")
    assert visit.page.title() != "stolen" and visit.complaints == []
