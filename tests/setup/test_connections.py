"""Connecting, trying out, signing in again and disconnecting, on the pages."""

from __future__ import annotations

import json
import re

import pytest
import sqlalchemy as sa

from hub import schema
from hub.practice.running import PracticeServices
from hub.practice.server import PracticeServer
from hub.site import create_site
from tests.calling import Client
from webhooks.intake import Intake

from .access.conftest import joined, signed_in
from .conftest import HOME, World
from .reading import heading, text_of

CONNECTIONS = f"{HOME}connections"
KEY = "secret-key-of-nobody-us1"


def test_the_gallery_says_what_each_tool_lets_one_do(world: World) -> None:
    world.sign_in()
    shown = text_of(world.open(CONNECTIONS).text)
    assert "Connect the tools you use already" in shown
    for says in ("HubSpot", "an order is placed", "Send a text message", "Connect Mailchimp"):
        assert says in shown
    assert "practice account" not in shown, "where the hub cannot make one, none is offered"


def test_each_account_shows_how_it_is_in_words(world: World) -> None:
    world.sign_in()
    world.connection("shopify", last_event_at=world.clock.now() - 120_000)
    world.connection("mailchimp", state="needs_login", reason="The key was revoked.")
    world.connection("twilio", state="off")
    shown = text_of(world.open(CONNECTIONS).text)
    assert "Shopify My shopify ● Working · last event 2 minutes ago" in shown
    assert "Mailchimp My mailchimp ▲ Needs you · sign in again" in shown
    assert shown.index("○ Off · disconnected") > shown.index("▲ Needs you"), "what is off comes last"


def test_an_account_is_checked_and_then_connected(world: World, practice: str) -> None:
    world.sign_in()
    page = world.open(f"{CONNECTIONS}/new/mailchimp")
    assert "In Mailchimp: your profile, Extras, API keys." in text_of(page.text)
    answer = world.send(f"{CONNECTIONS}/new/mailchimp", api_key="practice-us1", base_url=f"{practice}/mailchimp")
    assert answer.status_code == 303
    (made,) = world.hub.connections.list(world.workspace)
    assert answer.headers["Location"] == f"{CONNECTIONS}/{made.id}"
    shown = text_of(world.open(answer.headers["Location"]).text)
    assert "Connected, but its events do not come yet." in shown, "nobody answers at this hub's address"
    assert "URL did not answer" in shown
    assert "connected Mailchimp, Practice account" in text_of(world.open(f"{HOME}changes").text)


def test_a_secret_that_the_hub_makes_is_shown_once_with_the_address_to_enter(world: World) -> None:
    world.sign_in()
    answer = world.send(f"{CONNECTIONS}/new/webhook", name="Booking tool")
    (made,) = world.hub.connections.list(world.workspace)
    (secret,) = made.secrets["signing_secret"]
    shown = text_of(answer.text)
    assert answer.headers["Cache-Control"] == "no-store"
    assert secret in shown and world.hub.connections.webhook_url(made) in shown
    page = world.open(f"{CONNECTIONS}/{made.id}").text
    assert secret not in page
    assert "has to be told where to send what happens there" in text_of(page)
    again = world.send(f"{CONNECTIONS}/{made.id}/again", name="Booking tool", send_to="https://tool.example/x")
    assert again.status_code == 303 and secret not in again.text
    assert world.hub.connections.list(world.workspace)[0].secrets["signing_secret"] == [secret]


@pytest.mark.parametrize(
    ("key", "says"),
    [
        ("", "Please fill this in."),
        ("nothing at all", "data centre"),
        (KEY, "Mailchimp did not let the hub in with this."),
    ],
)
def test_what_does_not_work_is_said_with_the_way_out_and_no_key_is_shown(
    world: World, practice: str, key: str, says: str
) -> None:
    world.sign_in()
    page = world.send(f"{CONNECTIONS}/new/mailchimp", api_key=key, base_url=f"{practice}/mailchimp").text
    assert says in page
    assert not key or key not in page
    assert f'value="{practice}/mailchimp"' in page, "what is not secret stays"
    assert world.hub.connections.list(world.workspace) == []


def test_a_service_that_does_not_answer_is_told_apart_from_a_wrong_key(world: World) -> None:
    world.sign_in()
    page = world.send(f"{CONNECTIONS}/new/mailchimp", api_key=KEY, base_url="http://127.0.0.1:9/mailchimp").text
    assert "Mailchimp does not answer just now, so nothing was saved. Try again in a minute." in text_of(page)


def test_only_who_runs_the_hub_says_where_a_service_is_reached(world: World, practice: str) -> None:
    """Else an owner could have the hub call what only its own network reaches."""
    owner = signed_in(world, joined(world, "owner"))
    assert "base_url" not in owner.get(f"{CONNECTIONS}/new/mailchimp").text
    owner.send(f"{CONNECTIONS}/new/mailchimp", api_key="practice-us1", base_url=f"{practice}/mailchimp")
    assert world.hub.connections.list(world.workspace) == [], "it went to Mailchimp itself, which no test reaches"


def test_signing_in_again_keeps_the_account_and_everything_about_it(world: World, practice: str) -> None:
    world.sign_in()
    base = f"{practice}/mailchimp"
    made, _ = world.hub.connections.connect(world.workspace, "mailchimp", {"api_key": "practice-us1", "base_url": base})
    world.hub.connections.set_state(made.id, "needs_login", "The key was revoked.")
    shown = text_of(world.open(f"{CONNECTIONS}/{made.id}").text)
    assert "Sign in again, and what waits for it goes on. Nothing is lost." in shown
    assert world.send(f"{CONNECTIONS}/{made.id}/again", api_key="practice-us1", base_url=base).status_code == 303
    (again,) = world.hub.connections.list(world.workspace)
    assert (again.id, again.state) == (made.id, "ready")


def test_disconnecting_says_before_what_it_stops(world: World) -> None:
    world.sign_in()
    world.enable_order_thanks()
    twilio = next(c for c in world.hub.connections.list(world.workspace) if c.connector.name == "twilio")
    for _ in range(3):
        world.run({"action": "twilio.send_sms", "state": "waiting", "connection_id": twilio.id}, state="running")
    page = text_of(world.open(f"{CONNECTIONS}/{twilio.id}/disconnect").text)
    assert "Thank people for their order" in page and "3 steps wait for it now." in page
    assert world.hub.connections.get(twilio.id, fresh=True).state == "ready"
    world.send(f"{CONNECTIONS}/{twilio.id}/disconnect")
    assert world.hub.connections.get(twilio.id, fresh=True).state == "off"
    assert "○ Off · disconnected" in text_of(world.open(CONNECTIONS).text)


def test_no_secret_is_ever_shown_again(world: World) -> None:
    world.sign_in()
    fields = b'{"shop": "crumb.myshopify.com", "access_token": "shpat_never_shown", "webhook_secret": ["whsec_never"]}'
    made = world.connection("shopify", fields=fields)
    mailchimp = world.connection("mailchimp", fields=b'{"api_key": "key_never-us1", "url_secret": "url_never"}')
    for path in ("", f"/{made}", f"/{made}/again", f"/{made}/disconnect", f"/{mailchimp}", f"/{mailchimp}/again"):
        page = world.open(CONNECTIONS + path)
        assert page.status_code == 200
        assert "never_shown" not in page.text and "_never" not in page.text
    assert "crumb.myshopify.com" in world.open(f"{CONNECTIONS}/{made}/again").text


def test_another_workspaces_account_is_as_if_it_were_not_there(world: World) -> None:
    world.sign_in()
    theirs = world.connection("shopify", workspace=world.hub.workspaces.add("Bike Repair Nord"))
    for path in ("", "/again", "/disconnect"):
        assert world.open(f"{CONNECTIONS}/{theirs}{path}").status_code == 404
    for path in ("/again", "/disconnect", "/events", "/try"):
        assert world.send(f"{CONNECTIONS}/{theirs}{path}", what="order").status_code == 404
    assert world.hub.connections.get(theirs, fresh=True).state == "ready"


def test_staff_see_connections_and_are_offered_no_change(world: World) -> None:
    world.connection("shopify", state="needs_login")
    staff = signed_in(world, joined(world, "staff"))
    page = staff.get(CONNECTIONS).text
    assert "Needs you" in page and "Connect another" not in page
    (account,) = re.findall(rf'href="({CONNECTIONS}/\w+)"', page)
    shown = staff.get(account).text
    assert "Ask an owner or a consultant to do so." in shown and "/again" not in shown and "/disconnect" not in shown


# ---- events that do not come


def test_why_a_delivery_was_refused_is_told_where_the_owner_looks(world: World) -> None:
    world.sign_in()
    made = world.connection("shopify", fields=b'{"shop": "a", "access_token": "t", "webhook_secret": ["right"]}')
    intake = Intake(world.hub.database, world.hub.wakeups)
    door, wrong = Client(create_site(world.hub, intake)), {"X-Shopify-Hmac-Sha256": "d3Jvbmc="}
    assert door.post(f"/webhooks/shopify/{made}", data=b"{}", headers=wrong).status_code == 401
    intake.close()
    shown = text_of(world.open(f"{CONNECTIONS}/{made}").text)
    assert "Something came from Shopify 12:00 UTC , and was not accepted." in shown
    assert "The signature does not fit the body" in shown
    with world.hub.database.write() as connection:
        after = {"last_event_at": world.clock.now() + 1}
        connection.execute(sa.update(schema.connection).values(after))
    assert "was not accepted" not in world.open(f"{CONNECTIONS}/{made}").text, "something was taken since"


# ---- practice accounts


@pytest.fixture
def with_practice(world: World, practice: str) -> World:
    """A hub that can make practice accounts, at services that run already."""
    services = PracticeServices(world.hub.settings)
    services.start = lambda: None  # type: ignore[method-assign]
    services.file.write_text(json.dumps({"port": int(practice.rpartition(":")[2])}))
    world.hub.practice = services
    return world


def test_a_practice_account_is_one_click_away(with_practice: World) -> None:
    world = with_practice
    world.sign_in()
    assert "Try with a practice account" in world.open(CONNECTIONS).text
    for name in PracticeServer().services:
        answer = world.send(f"{CONNECTIONS}/practice/{name}")
        shown = text_of(world.open(answer.headers["Location"]).text)
        assert "for practice, it reaches nobody real" in shown
        assert "Let something happen at this practice account" in shown
    assert world.send(f"{CONNECTIONS}/practice/shopify").status_code == 303
    assert len(world.hub.connections.list(world.workspace)) == len(PracticeServer().services), "and none is made twice"


def test_what_happens_at_a_practice_account_has_words(with_practice: World) -> None:
    world = with_practice
    world.sign_in()
    page = world.open(world.send(f"{CONNECTIONS}/practice/shopify").headers["Location"]).text
    for title in ("Someone orders", "An order is cancelled", "A customer says yes or no to marketing"):
        assert f">{title}</option>" in page


def test_something_that_happens_there_is_answered(with_practice: World) -> None:
    world = with_practice
    world.sign_in()
    address = world.send(f"{CONNECTIONS}/practice/shopify").headers["Location"]
    world.send(f"{address}/try", what="order")
    assert "Done. It comes in here in a moment." in world.open(address).text
    world.send(f"{address}/try", what="no such thing")
    assert "cannot do" in text_of(world.open(address).text)


def test_where_the_hub_is_in_parts_it_says_how_to_practise(world: World) -> None:
    world.sign_in()
    answer = world.send(f"{CONNECTIONS}/practice/shopify")
    assert "start: hub practice" in text_of(world.open(answer.headers["Location"]).text)


def test_nothing_from_a_provider_becomes_part_of_a_page(world: World) -> None:
    world.sign_in()
    nasty = '<script>alert(1)</script>"><img src=x onerror=alert(2)>'
    made = world.connection("shopify", label=nasty, state="needs_login", reason=nasty)
    with world.hub.database.write() as connection:
        connection.execute(sa.update(schema.connection).values(refused_at=world.clock.now(), refused_why=nasty))
    for path in ("", f"/{made}", f"/{made}/again", f"/{made}/disconnect"):
        page = world.open(CONNECTIONS + path).text
        assert "<img" not in page and "alert(1)</script>" not in page


def test_the_pages_headings_are_one_each(world: World) -> None:
    world.sign_in()
    made = world.connection("shopify")
    assert heading(world.open(CONNECTIONS).text) == "Connections"
    assert heading(world.open(f"{CONNECTIONS}/new/twilio").text) == "Connect Twilio"
    assert heading(world.open(f"{CONNECTIONS}/{made}").text) == "Shopify"
    assert heading(world.open(f"{CONNECTIONS}/{made}/again").text) == "Sign in to Shopify again"
    assert world.open(f"{CONNECTIONS}/new/nowhere").status_code == 404


def test_a_real_account_takes_the_place_of_the_one_that_was_practised_with(with_practice: World) -> None:
    world = with_practice
    world.sign_in()
    for name in PracticeServer().services:
        world.send(f"{CONNECTIONS}/practice/{name}")
    world.hub.enabled.enable(world.workspace, "order_thanks", {"audience": "practice", "tag": "friend"})
    real = world.connection("shopify", label="crumb.myshopify.com")
    page = world.open(f"{CONNECTIONS}/{real}").text
    assert "These still use the practice account: Thank people for their order." in text_of(page)
    world.send(f"{CONNECTIONS}/{real}/use")
    ((_, entry),) = world.hub.enabled.of(world.workspace)
    assert entry.connections["shopify"] == real
    assert entry.settings["tag"] == "friend", "what was set stays"
    assert "These still use" not in world.open(f"{CONNECTIONS}/{real}").text
    practice = next(
        c for c in world.hub.connections.list(world.workspace) if c.connector.name == "shopify" and c.id != real
    )
    assert "These still use" not in world.open(f"{CONNECTIONS}/{practice.id}").text, "and never the other way round"


def test_a_real_account_behind_a_proxy_of_this_machine_is_not_told_to_be_for_practice(world: World) -> None:
    world.sign_in()
    real = json.dumps({"api_key": "real-us21", "base_url": "http://127.0.0.1:9/mailchimp"}).encode()
    made = world.connection("mailchimp", fields=real)
    assert "for practice" not in text_of(world.open(f"{CONNECTIONS}/{made}").text)
    assert "for practice" not in text_of(world.open(CONNECTIONS).text)
