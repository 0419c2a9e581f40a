"""Names and consent on the real engine, against the practice services: the same everywhere in the end, and no loop."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from connectors.hubspot import practice as crm
from connectors.hubspot.practice_webhooks import BY_APP, BY_PERSON
from connectors.shopify.practice import signed
from connectors.shopify.practice.people import consent_payload
from hub import schema
from recipes.sync_consent import sync_consent
from recipes.sync_contact import sync_contact
from recipes.sync_customer import sync_customer
from tests.recipes.events import ADA, AUDIENCE, PHONE, Sent, after, customer, in_newsletter, said_in_shop
from tests.recipes.town import Town

LONG_AGO = datetime(2025, 3, 1, 9, 0, tzinfo=UTC)
"""For words that are written to the practice shop with their time: it refuses one in the future of the machine."""


# ---- the same everywhere


@pytest.mark.parametrize(("consent", "status"), [(True, "subscribed"), (None, "transactional")])
def test_a_customer_of_the_shop_becomes_known_everywhere(enabled, consent, status):
    town = enabled(sync_customer, audience=AUDIENCE)
    number = town.happens("shopify", "signup", phone=PHONE, name="Ada Miller", email_consent=consent)["id"]
    town.tell(customer(id=number))
    assert town.member()["status"] == status
    assert town.member()["merge_fields"] == {"FNAME": "Ada", "LNAME": "Miller"}
    (contact,) = town.services["hubspot"].books["objects"]["contacts"].values()
    assert {"email": ADA, "firstname": "Ada", "phone": PHONE}.items() <= contact["properties"].items()


def test_who_opted_out_stays_out_when_their_record_changes(enabled):
    town = enabled(sync_customer, audience=AUDIENCE)
    number = town.happens("shopify", "signup", email_consent=True)["id"]
    town.happens("mailchimp", "unsubscribe", list_id=AUDIENCE)
    town.tell(customer(id=number, topic="customers/update"))
    assert town.member()["status"] == "unsubscribed"


@pytest.mark.parametrize(("happening", "kind"), [("unsubscribe", "unsubscribe"), ("clean", "cleaned")])
def test_a_no_below_a_newsletter_reaches_the_shop_and_ends_there(enabled, happening, kind):
    town = enabled(sync_consent, audience=AUDIENCE)
    town.happens("shopify", "signup", email_consent=True, at="2025-01-01T10:00:00Z")
    town.happens("mailchimp", happening, list_id=AUDIENCE)
    town.tell(in_newsletter(kind, LONG_AGO))
    assert town.customer()["email"]["state"] == "UNSUBSCRIBED"
    echo = consent_payload(town.customer(), "email")
    town.tell(signed("customers_email_marketing_consent/update", echo, "secret"))
    assert [event.state for event in town.world.rows(schema.event)] == ["taken", "echo"]
    assert len(town.world.runs) == 1


def test_even_an_echo_that_nobody_knows_ends_the_loop(enabled):
    town = enabled(sync_consent, audience=AUDIENCE)
    town.happens("shopify", "signup", email_consent=True, at="2025-01-01T10:00:00Z")
    town.happens("mailchimp", "unsubscribe", list_id=AUDIENCE)
    town.tell(in_newsletter("unsubscribe", LONG_AGO), said_in_shop("unsubscribed", LONG_AGO + timedelta(seconds=1)))
    assert len(town.world.runs) == 2
    assert [state for state, _ in town.endings()] == ["done", "done"]
    written = [call for call in town.services["mailchimp"].calls if call["method"] == "PUT"]
    assert written == []


def test_a_no_in_the_shop_ends_newsletters_and_a_later_yes_only_asks(enabled):
    town = enabled(sync_consent, audience=AUDIENCE)
    town.happens("mailchimp", "subscribe", list_id=AUDIENCE)
    town.tell(said_in_shop("unsubscribed"))
    assert town.member()["status"] == "unsubscribed"
    town.tell(said_in_shop("subscribed", after(hours=1)))
    town.pass_time(minutes=2)
    assert town.member()["status"] == "pending"


def test_a_no_and_a_yes_out_of_order_end_with_the_no(enabled):
    town = enabled(sync_consent, audience=AUDIENCE)
    town.happens("shopify", "signup", email_consent=True, at="2025-01-01T10:00:00Z")
    town.happens("mailchimp", "unsubscribe", list_id=AUDIENCE)
    no, yes = in_newsletter("unsubscribe", LONG_AGO), said_in_shop("subscribed", LONG_AGO - timedelta(minutes=5))
    town.tell(no, yes)
    town.pass_time(minutes=2)
    assert (town.customer()["email"]["state"], town.member()["status"]) == ("UNSUBSCRIBED", "unsubscribed")


def test_confirming_in_the_newsletter_reaches_the_shop(enabled):
    town = enabled(sync_consent, audience=AUDIENCE)
    town.happens("shopify", "signup")
    town.happens("mailchimp", "subscribe", list_id=AUDIENCE)
    town.tell(in_newsletter("subscribe", LONG_AGO))
    town.pass_time(minutes=2)
    assert town.customer()["email"] == {
        "state": "SUBSCRIBED",
        "level": "SINGLE_OPT_IN",
        "at": "2025-03-01T09:00:00Z",
    }


# ---- names and numbers


def renamed(number: str, name: str, event_id: int = 1, *, by_us: bool = False) -> Sent:
    """HubSpot tells that a contact's first name was changed, by a person or by our own app."""
    told = {"propertyName": "firstname", "propertyValue": name} | (BY_APP if by_us else BY_PERSON)
    at_ms = round(after().timestamp() * 1000)
    change = crm.change("contact.propertyChange", int(number), at_ms=at_ms, event_id=event_id, **told)
    return crm.signed([change], "https://hub.example/webhooks/hubspot/1", at_ms=at_ms)


@pytest.fixture
def both_know_ada(enabled: Callable[..., Town]) -> Callable[..., tuple[Town, str]]:
    """Ada is in HubSpot and in the audience, by these first names; gives the town, and her number in HubSpot."""

    def know(here: str, there: str, **settings: str) -> tuple[Town, str]:
        town = enabled(sync_contact, audience=AUDIENCE, **settings)
        number = town.happens("hubspot", "contact", firstname=here, lastname="Miller")["id"]
        merged = {"FNAME": there, "LNAME": "Miller"}
        town.happens("mailchimp", "subscribe", list_id=AUDIENCE)
        town.happens("mailchimp", "profile", list_id=AUDIENCE, merge_fields=merged)
        return town, number

    return know


def first_names(town: Town) -> tuple[str, str]:
    """Ada's, in HubSpot and in Mailchimp."""
    (contact,) = town.services["hubspot"].books["objects"]["contacts"].values()
    member = town.member()
    assert member is not None
    return contact["properties"]["firstname"], member["merge_fields"]["FNAME"]


def writes(town: Town) -> list[str]:
    """The calls that changed something in either."""
    calls = [*town.services["hubspot"].calls, *town.services["mailchimp"].calls]
    changes = [call["path"] for call in calls if call["method"] in ("POST", "PUT", "PATCH")]
    return [path for path in changes if "/batch/read" not in path and "webhooks" not in path]


def test_a_name_that_changes_in_hubspot_is_changed_in_mailchimp_and_nobody_is_subscribed_by_it(both_know_ada):
    town, number = both_know_ada("Augusta", "Ada")
    town.happens("mailchimp", "unsubscribe", list_id=AUDIENCE)
    town.tell(renamed(number, "Augusta"))
    assert first_names(town) == ("Augusta", "Augusta")
    assert town.member()["status"] == "unsubscribed"
    assert [path for path in writes(town) if path.startswith("/crm")] == []


def test_a_name_that_is_new_in_mailchimp_reaches_hubspot_and_its_echo_starts_nothing(both_know_ada):
    town, number = both_know_ada("", "Ada")
    town.tell(in_newsletter("profile"))
    assert first_names(town) == ("Ada", "Ada")
    before = writes(town)
    town.tell(renamed(number, "Ada", by_us=True))
    assert [event.state for event in town.world.rows(schema.event)] == ["taken", "echo"]
    assert (len(town.world.runs), writes(town)) == (1, before)


@pytest.mark.parametrize("owner", ["HubSpot", "Mailchimp"])
def test_changes_at_both_at_once_end_with_the_owners_and_no_loop(both_know_ada, owner):
    town, number = both_know_ada("Augusta", "Ada", owner=owner)
    town.post(renamed(number, "Augusta"))
    town.post(in_newsletter("profile"))
    town.world.settle()
    name = {"HubSpot": "Augusta", "Mailchimp": "Ada"}[owner]
    assert first_names(town) == (name, name)
    before = writes(town)
    # even echoes that nobody knows as such change nothing any more
    town.tell(renamed(number, name, 2), in_newsletter("profile", after(minutes=1)))
    assert (first_names(town), writes(town)) == ((name, name), before)
    assert {says for _, says in town.endings()[2:]} == {"Both know the same."}
