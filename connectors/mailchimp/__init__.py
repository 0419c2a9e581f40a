"""Mailchimp: people who want to hear from us. https://mailchimp.com/developer/marketing/api/"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import quote

from hub.action import Example, Item, Page
from hub.connector import Connector, Field, Limit
from hub.delivery import Delivery
from hub.errors import OutcomeUnknown
from hub.event import Event, Person
from webhooks.signatures import mailchimp as mailchimp_signature

from . import memberships, reading, subscriptions
from .listing import listed, unreadable
from .login import OAUTH

if TYPE_CHECKING:
    from .client import Client

StatusIfNew = Literal["subscribed", "pending", "transactional"]
"""How someone joins an audience: as a subscriber, asked by e-mail to confirm, or as a customer without campaigns."""

connector = Connector(
    "mailchimp",
    title="Mailchimp",
    about="Newsletter audiences: who may be written to, their tags, and journeys that start for them.",
    fields=[
        Field(
            "api_key",
            "API key",
            help="In Mailchimp: your profile, Extras, API keys. It ends with a dash and a data centre, such as -us21.",
            secret=True,
        ),
        Field("access_token", "Access token", secret=True, required=False, generated=True),
        Field("data_center", "Data centre", required=False, generated=True),
        Field("signing_secret", "Signing secrets", secret=True, required=False, several=True, generated=True),
        Field("webhook_ids", "Webhooks of the hub", secret=True, required=False, several=True, generated=True),
        Field("url_secret", "Secret in the webhook address", secret=True, generated=True),
    ],
    verify=mailchimp_signature(signing_field="signing_secret", url_field="url_secret", parameter="key"),
    # Ten simultaneous connections for all programs of a user together; no rate is published.
    # https://mailchimp.com/developer/marketing/docs/fundamentals/#api-limits
    limit=Limit(concurrent=10),
    body="form",
    oauth=OAUTH,
)

member_subscribed = connector.trigger(
    "member.subscribed", title="someone subscribes to an audience", sample="member_subscribed.json"
)
member_unsubscribed = connector.trigger(
    "member.unsubscribed", title="someone unsubscribes from an audience", sample="member_unsubscribed.json"
)
member_changed = connector.trigger(
    "member.changed", title="someone's profile in an audience changes", sample="member_changed.json"
)
member_email_changed = connector.trigger(
    "member.email_changed", title="someone's e-mail address in an audience changes", sample="member_email_changed.json"
)
member_cleaned = connector.trigger(
    "member.cleaned", title="an address is taken off because mail bounces", sample="member_cleaned.json"
)
campaign_sent = connector.trigger("campaign.sent", title="a campaign was sent", sample="campaign_sent.json")

TYPES = {
    "subscribe": member_subscribed.type,
    "unsubscribe": member_unsubscribed.type,
    "profile": member_changed.type,
    "upemail": member_email_changed.type,
    "cleaned": member_cleaned.type,
    "campaign": campaign_sent.type,
}
"""Mailchimp's word for what happened → ours."""


@connector.connect
def connect(
    *,
    base_url: str | None = None,
    api_key: str | None = None,
    access_token: str | None = None,
    data_center: str | None = None,
    signing_secret: Sequence[str] = (),
    webhook_ids: Sequence[str] = (),
    url_secret: str = "",
) -> Client:
    """A client of the account, by its key or by the token of a login by OAuth. Raises SetupError if neither tells its
    data centre."""
    from .client import connected  # here, so that a hub without a Mailchimp account never loads the vendor's library

    return connected(api_key, base_url, webhook_ids, access_token=access_token, data_center=data_center)


@connector.check
def check(client: Client) -> str:
    """The account's name."""
    name = client.root.get_root().get("account_name")
    if not name:
        raise OutcomeUnknown("Mailchimp's answer does not name the account. Try again, or look at the base address.")
    return str(name)


@connector.events
def events(delivery: Delivery) -> Iterator[Event]:
    """The one event in a delivery. Raises PayloadUnreadable."""
    yield reading.event(delivery, TYPES)


@connector.webhook_url
def webhook_url(url: str, *, url_secret: str, **_: object) -> str:
    """The address with our secret in it: the only proof of webhooks that were made before Mailchimp signed any."""
    return f"{url}?key={quote(url_secret, safe='')}"


@connector.subscribe
def subscribe(client: Client, webhook_url: str) -> Mapping[str, list[str]]:
    """One signed webhook for each audience. Gives the ids and signing secrets of those that it made, newest first."""
    return subscriptions.subscribe(client, webhook_url)


@connector.unsubscribe
def unsubscribe(client: Client, webhook_url: str) -> None:
    """Takes our webhooks out of all audiences."""
    subscriptions.unsubscribe(client, webhook_url)


@connector.choices("audience", title="audience", example="a6b5da1054")
def audiences(client: Client) -> Iterator[tuple[str, str]]:
    """The account's audiences."""
    for found in listed(client.lists.get_all_lists, name="lists", fields=["lists.id", "lists.name", "total_items"]):
        yield str(found["id"]), str(found["name"])


@connector.choices("tag", title="tag", within="audience", is_open=True)
def tags(client: Client, list_id: str) -> Iterator[tuple[str, str]]:
    """An audience's tags; one that is not there yet is made when somebody gets it."""
    found = client.lists.tag_search(list_id).get("tags")
    if not isinstance(found, list):
        raise unreadable()
    return ((str(tag["name"]), str(tag["name"])) for tag in found)


@connector.action(repeat="repeatable", title="Add or update a member")
def upsert_member(
    client: Client,
    list_id: str,
    email: str,
    *,
    tags: Sequence[str] = (),
    merge_fields: Mapping[str, Any] | None = None,
    status_if_new: StatusIfNew = "transactional",
) -> dict[str, Any]:
    """Add someone to an audience, or update the member who is there: tags are added, merge fields overwritten.

    The consent of someone who is there already is never changed: whoever opted out stays out, see `set_consent`.
    `merge_fields` maps merge tags to values, `{"FNAME": "Ada"}`. The answer has `id`, `list_id`, `email_address`
    and the `status` that holds now.
    """
    return memberships.upsert(client, list_id, email, tags, merge_fields, status_if_new)


@upsert_member.detailed
def tags_given(*, tags: Sequence[str], **_: object) -> str:
    return f"With the tag {', '.join(tags)}." if tags else ""


@upsert_member.batched(by=["list_id"], limit=500)
def upsert_members(client: Client, calls: Sequence[Mapping[str, Any]]) -> Iterable[Any]:
    """All newcomers of an audience in one call, then those who are there already."""
    return memberships.upsert_many(client, calls)


@connector.action(repeat="repeatable", title="Look a member up")
def get_member(client: Client, list_id: str, email: str) -> dict[str, Any]:
    """What the audience knows about someone: Mailchimp's own record of the member.

    `status` is "subscribed", "unsubscribed", "pending", "cleaned", "transactional" or "archived", and "absent" for
    someone who is not in the audience, so that a recipe can ask for the status without a second question.
    """
    return memberships.get(client, list_id, email)


@get_member.answering
def members_as_they_may_be(**_: object) -> list[Example]:
    return [
        ("they get newsletters", {"status": "subscribed"}),
        ("they do not get newsletters", {"status": "unsubscribed"}),
    ]


@connector.listing(title="member")
def members(client: Client, audience: str, *, cursor: str | None = None) -> Page:
    """Everybody in an audience, whatever their `status`, as Mailchimp tells of them: `email_address`, `merge_fields`,
    `{"BIRTHDAY": "04/27"}`, `tags`."""
    return memberships.page(client, audience, cursor)


@members.answering
def a_member(**_: object) -> list[Example]:
    merged = {"FNAME": "Ada", "LNAME": "Miller", "BIRTHDAY": "11/22", "PHONE": ""}
    told = {"email_address": "ada@example.com", "status": "subscribed", "merge_fields": merged, "tags": []}
    return [("somebody is in the audience", Item("8f6a5e6e", told, Person(email="ada@example.com")))]


@connector.action(repeat="repeatable", title="Set consent to newsletters")
def set_consent(
    client: Client, list_id: str, email: str, given: bool, *, status_if_new: StatusIfNew = "pending"
) -> dict[str, Any]:
    """Write down that someone said yes or no to the newsletter of an audience.

    A no unsubscribes at once, and is kept even for someone who was not in the audience. A yes from someone new, or
    from a customer who had said nothing yet, gives `status_if_new`. A yes from someone who once opted out, bounced or
    was archived makes Mailchimp ask by e-mail (`pending`): it only counts when they confirm. The answer is as for
    `upsert_member`.
    """
    return memberships.set_consent(client, list_id, email, given, status_if_new)


@set_consent.answering
def consent_as_it_may_be(*, given: bool, **_: object) -> list[Example]:
    if not given:
        return [("they are unsubscribed", {"status": "unsubscribed"})]
    return [
        ("they are subscribed", {"status": "subscribed"}),
        ("Mailchimp asks them by e-mail to confirm", {"status": "pending"}),
    ]


@connector.action(repeat="repeatable", title="Add tags to a member")
def add_tags(client: Client, list_id: str, email: str, tags: Sequence[str]) -> dict[str, Any]:
    """Add tags to a member; tags that the audience does not know are made. Rejected if there is no such member."""
    return memberships.change_tags(client, list_id, email, tags, "active")


@connector.action(repeat="repeatable", title="Remove tags from a member")
def remove_tags(client: Client, list_id: str, email: str, tags: Sequence[str]) -> dict[str, Any]:
    """Remove tags from a member; tags that they do not have are fine. Rejected if there is no such member."""
    return memberships.change_tags(client, list_id, email, tags, "inactive")


@connector.action(repeat="repeatable", title="Archive a member")
def archive_member(client: Client, list_id: str, email: str) -> dict[str, Any]:
    """Take a member out of sight: no campaign reaches them and they cost nothing, but their history stays.

    Fine if they are archived or absent already. The answer has the `status` that holds now.
    """
    return memberships.archive(client, list_id, email)


@connector.action(repeat="once", title="Start a journey for a member", starts_messages="email", recipient="email")
def trigger_journey(
    client: Client,
    journey_id: int,
    step_id: int,
    email: str,
    *,
    purpose: Literal["transactional", "marketing"] = "marketing",
    useful_for: timedelta | None = None,
) -> dict[str, Any]:
    """Send a member through a step of a customer journey that starts by API.

    Both numbers are in the address that Mailchimp shows for that step. Mailchimp neither takes an idempotency key
    nor tells who went through a step, so a call of unknown outcome is left to a person.
    """
    return memberships.trigger_journey(client, journey_id, step_id, email)


@connector.action(repeat="readback", title="Add an event to a member", starts_messages="email", recipient="email")
def add_event(
    client: Client,
    list_id: str,
    email: str,
    name: str,
    properties: Mapping[str, Any] | None = None,
    *,
    purpose: Literal["transactional", "marketing"] = "marketing",
    useful_for: timedelta | None = None,
) -> dict[str, Any]:
    """Note on a member that something happened ("purchased"); automations can start from it.

    The e-mail that starts so passes the guards here, so it counts as marketing unless `purpose` says otherwise.
    `name` has 2 to 30 characters; the values of `properties` are kept as text. One more property, `regulars_id`, tells
    our events apart; it is the `id` in the answer. Rejected if there is no such member.
    """
    return memberships.add_event(client, list_id, email, name, properties)


@add_event.detailed
def event_named(*, name: str, **_: object) -> str:
    return f"{name}: the automation in Mailchimp that starts with it sends the e-mail."


@add_event.readback
def find_events(
    client: Client,
    since: datetime,
    *,
    list_id: str,
    email: str,
    name: str,
    properties: Mapping[str, Any] | None = None,
    **_: object,
) -> list[dict[str, Any]]:
    """Such events on the member from `since` on, oldest first."""
    return memberships.find_events(client, since, list_id, email, name, properties)
