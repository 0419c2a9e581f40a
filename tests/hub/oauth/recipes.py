"""Recipes that call accounts which are logged in to by OAuth."""

from __future__ import annotations

from connectors import hubspot, mailchimp, shopify
from hub import Event, Steps, recipe
from tests import telling


@recipe(on=telling.happened, title="Keep a contact")
def keep_contact(event: Event) -> Steps:
    """Keeps a contact."""
    yield hubspot.upsert_contact(event.person.email)


@recipe(on=telling.happened, title="Keep a member")
def keep_member(event: Event) -> Steps:
    """Keeps a member."""
    yield mailchimp.upsert_member("practice", event.person.email)


@recipe(on=telling.happened, title="Make a discount")
def make_discount(event: Event) -> Steps:
    """Makes a code for a discount."""
    yield shopify.create_discount_code("ADA10", 10.0, starts_at=event.at)
