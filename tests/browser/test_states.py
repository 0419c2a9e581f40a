"""Pages as they are when something is not as usual: each fit for everybody, and each with its way out."""

from __future__ import annotations

import pytest

from .conftest import Setting, Visit


def spoil(setting: Setting, connector: str) -> str:
    """Has an account lose its login: the service does not take its key any more. Gives the account's id."""
    (account,) = (item for item in setting.newcomer.told("connections") if item["connector"] == connector)
    setting.newcomer.practice_fault(connector, {"kind": "status", "status": 401, "times": 50})
    setting.newcomer.run("practice", "order")
    return str(account["id"])


@pytest.mark.parametrize(("width", "scheme"), [("phone", "light"), ("desk", "dark")])
def test_a_lost_login_is_seen_and_repaired(practising: Setting, width: str, scheme: str) -> None:
    visit = practising.visit(width, scheme)
    visit.open(practising.link())
    visit.sees("Everything is working")
    spoil(practising, "mailchimp")
    visit.sees("Mailchimp needs you to sign in again")
    visit.shoot("home-lost-login")
    visit.click("Sign in again", "link")
    visit.sees("Sign in again, and what waits for it goes on. Nothing is lost.")
    visit.shoot("connection-lost-login")
    practising.newcomer.practice_fault("mailchimp", None)
    visit.click("Sign in again", "link")
    visit.page.get_by_label("API key").fill("wrong")
    visit.click("Sign in again")
    visit.sees("Not connected.")
    visit.shoot("connect-refused")
    visit.page.get_by_label("API key").fill("practice-us1")
    visit.click("Sign in again")
    visit.sees("Mailchimp is connected")
    visit.click("Home", "link")
    visit.page.locator("#latest .done").first.wait_for()
    visit.sees("Everything is working")


@pytest.mark.parametrize(("width", "scheme"), [("phone", "dark"), ("desk", "light")])
def test_pausing_and_going_on_again(practising: Setting, width: str, scheme: str) -> None:
    visit = practising.visit(width, scheme)
    visit.open(practising.link())
    visit.click("Pause all sending")
    visit.sees("What comes in is kept; nothing leaves.")
    visit.click("Place a practice order")
    visit.sees("An order was placed in the practice shop.")
    visit.page.locator("#latest .run").first.wait_for()
    visit.shoot("home-paused")
    visit.click("Connections", "link")
    visit.shoot("connections-paused")
    visit.click("Send again")
    visit.sees("Messages leave again")
    visit.page.locator("#latest .done").first.wait_for()


def test_forms_that_are_refused(practising: Setting) -> None:
    for scheme in ("light", "dark"):
        visit = practising.visit("phone", scheme)
        visit.open(practising.link())
        visit.open("/account")
        visit.page.get_by_label("Your name").fill("Ada")
        visit.page.get_by_label("Your e-mail").fill("ada@example.com")
        visit.page.get_by_label("A new password").fill("short")
        visit.click("Make my account")
        visit.sees("Choose a longer one")
        visit.shoot("first-account-refused")
        visit.open("/w/1/settings")
        visit.page.get_by_label("E-mails", exact=True).fill("no address")
        visit.click("Save, and try it")
        visit.sees("is no e-mail address.")
        visit.shoot("settings-refused")
        visit.open("/w/1/people")
        visit.page.get_by_role("textbox", name="Look somebody up").fill("nobody")
        visit.click("Look up")
        visit.sees("This is neither.")
        visit.shoot("people-refused")


def test_a_person_is_looked_up_and_erased(practising: Setting) -> None:
    run = practising.newcomer.run("practice", "order", "email=ada@example.com", "-w", "Practice")
    assert run.returncode == 0
    visit = practising.visit("phone")
    visit.open(practising.link())
    visit.page.locator("#latest .done").first.wait_for()
    for width in ("phone", "desk"):
        visit = practising.visit(width)
        visit.open(practising.link())
        visit.open("/w/1/people")
        visit.page.get_by_role("textbox", name="Look somebody up").fill("ada@example.com")
        visit.click("Look up")
        visit.page.wait_for_url("**/people/e*")
        visit.click("They complain" if width == "phone" else "It is settled")
        visit.shoot("person")
        visit.page.get_by_label("Recipe").select_option("order_thanks")
        visit.click("Find out")
        visit.page.wait_for_url("**/why?recipe=order_thanks")
        visit.sees("What became of it")
        visit.shoot("why")
        visit.page.go_back()
    erase(visit)


def erase(visit: Visit) -> None:
    visit.page.get_by_label("Type “erase” to confirm").fill("erase")
    visit.click("Erase this person")
    visit.page.wait_for_url("**/tasks/*")
    visit.sees("backups")
    visit.shoot("receipt")


GERMAN = {
    "home": "",
    "recipes": "recipes",
    "recipe": "recipes/abandoned_cart",
    "recipe-settings": "recipes/order_thanks/settings",
    "activity": "activity",
    "connections": "connections",
    "people": "people",
    "settings": "settings",
}


@pytest.mark.parametrize(("width", "scheme"), [("phone", "light"), ("phone", "dark"), ("desk", "light")])
def test_german_fits_where_english_does(practising: Setting, width: str, scheme: str) -> None:
    assert practising.newcomer.run("practice", "order", "-w", "Practice").returncode == 0
    visit = practising.visit(width, scheme, locale="de-DE")
    visit.open(practising.link())
    visit.sees("Alles läuft")
    visit.page.locator("#latest .run").first.wait_for()
    for name, path in GERMAN.items():
        visit.open(f"/w/1/{path}")
        assert visit.page.locator("html").get_attribute("lang") == "de"
        visit.shoot(f"german-{name}")
    visit.open("/account")
    visit.shoot("german-account")
    visit.open("/w/1/activity")
    visit.page.locator(".runs .run a").first.click()
    visit.sees("Einzelheiten für Ihren Berater")
    visit.shoot("german-run")
    assert visit.complaints == []
