"""HubSpot: the CRM that holds what a business knows about its customers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from hub import ActionFailed, Connector, Delivery, Event, Field, Item, Limit, OutcomeUnknown, Page, Person
from hub.action import Example
from webhooks.signatures import hubspot as signed_by_hubspot

from . import batches, contact_calls, definitions, memberships, reading, records
from .batches import only
from .contact_calls import Answers, Calls
from .login import OAUTH
from .wording import now, text_of, texts

if TYPE_CHECKING:
    from .client import Client

connector = Connector(
    "hubspot",
    title="HubSpot",
    about="Contacts, deals and tickets: what a business knows about its customers.",
    fields=[
        Field(
            "access_token",
            "Access token",
            secret=True,
            help="HubSpot → Settings → Integrations → Private apps → your app → Auth → Access token.",
        ),
        Field(
            "client_secret",
            "Client secret",
            secret=True,
            required=False,
            several=True,
            help="On the same page: Auth → Client secret. It proves that a webhook comes from HubSpot.",
        ),
    ],
    verify=signed_by_hubspot("client_secret"),
    # What a Free or Starter account allows; HubSpot's answers tell the true numbers of larger ones. How many calls a
    # day holds differs as well, and it begins at the account's own midnight: a 429 tells when it is full.
    limit=Limit(calls=100, per=10, concurrent=10),
    oauth=OAUTH,
)

contact_created = connector.trigger("contact.created", title="a contact is created", sample="contact_created.json")
contact_changed = connector.trigger(
    "contact.changed", title="a property of a contact changes", sample="contact_changed.json"
)
contact_deleted = connector.trigger("contact.deleted", title="a contact is deleted", sample="contact_deleted.json")
contact_privacy_deleted = connector.trigger(
    "contact.privacy_deleted",
    title="a contact is deleted for privacy",
    sample="contact_privacy_deleted.json",
    privacy="erase",
)
contact_merged = connector.trigger("contact.merged", title="contacts are merged", sample="contact_merged.json")
deal_created = connector.trigger("deal.created", title="a deal is created", sample="deal_created.json")
deal_changed = connector.trigger("deal.changed", title="a property of a deal changes", sample="deal_changed.json")
ticket_created = connector.trigger("ticket.created", title="a ticket is created", sample="ticket_created.json")
ticket_changed = connector.trigger(
    "ticket.changed", title="a property of a ticket changes", sample="ticket_changed.json"
)


@connector.connect
def connect(*, access_token: str, client_secret: Sequence[str] = (), base_url: str | None = None) -> Client:
    """A client for the account of this token, a private app's or one of a login by OAuth."""
    from .client import Client  # HubSpot's package takes a tenth of a second to import

    return Client(access_token, base_url)


@connector.check
def check(client: Client) -> str:
    """The account as its users see it in the address bar: HubSpot tells no name."""
    details = client.call("GET", "/account-info/v3/details")
    if not isinstance(details, dict) or not details.get("portalId"):
        raise OutcomeUnknown("HubSpot's answer does not say which account the token is for.")
    return f"HubSpot account {details['portalId']}"


@connector.events
def events(delivery: Delivery) -> Iterable[Event]:
    """The changes in a delivery, one event each. Raises PayloadUnreadable."""
    return reading.read(delivery)


@connector.choices("yes_no_property", title="property that holds a yes or no")
def yes_no_properties(client: Client) -> Iterable[tuple[str, str]]:
    """The properties of contacts that hold a yes or no."""
    return definitions.yes_no(client)


# ---- contacts


@connector.choices("list", title="static list", example="9")
def lists(client: Client) -> Iterator[tuple[str, str]]:
    """The account's static lists of contacts."""
    return memberships.lists(client)


@connector.action(
    repeat="repeatable",
    title="Create or update a contact",
    echo=contact_calls.upsert_fingerprints,
    identifies=lambda inputs, answer: Person(email=answer["email"], ids={"hubspot.contact": answer["id"]}),
)
def upsert_contact(
    client: Client,
    email: str,
    properties: Mapping[str, Any] | None = None,
    *,
    first_name: str | None = None,
    last_name: str | None = None,
    phone: str | None = None,
) -> dict[str, Any]:
    """Creates the contact with this e-mail address, or updates the one that is there.

    `properties` go by HubSpot's internal names, `{"lifecyclestage": "customer"}`; None clears one. The answer is
    `{"id": "51", "email": "ada@example.com", "created": True}`.
    """
    names = {"first_name": first_name, "last_name": last_name, "phone": phone}
    return only(contact_calls.upsert(client, [{"email": email, "properties": properties, **names}]))


@upsert_contact.answering
def contact_kept(*, email: str, **_: object) -> list[Example]:
    return [("it is there", {"id": "106651134132", "email": email, "created": False})]


@upsert_contact.batched(limit=batches.LIMIT)
def upsert_many(client: Client, calls: Calls) -> Answers:
    return contact_calls.upsert(client, calls)


@connector.action(
    repeat="repeatable",
    title="Set properties of a contact",
    echo=lambda inputs: reading.fingerprints("contact", texts(inputs["properties"])),
)
def set_properties(
    client: Client, properties: Mapping[str, Any], *, contact_id: str | int | None = None, email: str | None = None
) -> dict[str, Any]:
    """Changes a contact that exists, named by its id or its e-mail address; None clears a property.

    The answer is `{"id": "51"}`. Raises Rejected if there is no such contact.
    """
    return only(contact_calls.update(client, [{"properties": properties, "contact_id": contact_id, "email": email}]))


@set_properties.batched(limit=batches.LIMIT)
def set_many(client: Client, calls: Calls) -> Answers:
    return contact_calls.update(client, calls)


@connector.action(repeat="repeatable", title="Look up a contact")
def get_contact(
    client: Client, contact_id: str | int | None = None, *, email: str | None = None, properties: Sequence[str] = ()
) -> dict[str, Any] | None:
    """The contact with this id or e-mail address, or None if there is none.

    `{"id": "51", "email": "ada@example.com", "properties": {"firstname": "Ada"}}`: the properties asked for, None
    where one has no value.
    """
    return only(contact_calls.get(client, [{"contact_id": contact_id, "email": email, "properties": properties}]))


@get_contact.answering
def contact_as_it_may_be(*, properties: Sequence[str] | None, **_: object) -> list[Example]:
    said = {name: contact_calls.EXAMPLE.get(name) for name in properties or ()}
    known = {"id": "106651134132", "email": "ada@example.com", "properties": said}
    return [("HubSpot knows them", known), ("HubSpot does not know them", None)]


@get_contact.batched(by=["properties"], limit=batches.LIMIT)
def get_many(client: Client, calls: Calls) -> list[dict[str, Any] | ActionFailed | None]:
    return contact_calls.get(client, calls)


@connector.listing(title="contact")
def contacts(client: Client, properties: Sequence[str] = (), *, cursor: str | None = None) -> Page:
    """Every contact: `id`, and of its `properties` those asked for, besides name, e-mail and phone."""
    return contact_calls.page(client, properties, cursor)


@contacts.answering
def a_contact(**_: object) -> list[Example]:
    values = {"email": "ada@example.com", "firstname": "Ada", "lastname": "Miller", "phone": "+14155550123"}
    person = Person("ada@example.com", "+14155550123", {"hubspot.contact": "51"})
    return [("somebody is a contact", Item("51", {"id": "51", "properties": values}, person))]


@connector.action(repeat="repeatable", title="Make sure that a property exists")
def ensure_property(
    client: Client,
    name: str,
    label: str,
    *,
    holds: definitions.Holds = "text",
    group: str = "contactinformation",
) -> dict[str, Any]:
    """Makes a property of contacts, so that it can be written, unless there is one of this name.

    name   HubSpot's internal name: small letters, digits and _, a letter first
    label  what people see
    holds  "text", "number", "date", "datetime", or "yes_no", which takes True and False
    group  the internal name of the group that people see it in

    The answer is `{"name": "last_order", "created": True}`. Raises Rejected if the property that there is holds
    something else. The token needs the scopes crm.schemas.contacts.read and .write.
    """
    return definitions.ensure(client, name, label, holds, group)


@ensure_property.batched(by=["name", "label", "holds", "group"], limit=1000)
def ensure_once(client: Client, calls: Calls) -> Answers:
    """All calls ask for the same property."""
    answer = definitions.ensure(client, **calls[0])
    return [answer, *[{**answer, "created": False} for _ in calls[1:]]]


# ---- notes, tasks, tickets


@connector.action(repeat="readback", title="Add a note to a contact", settle=timedelta(seconds=20))
def add_note(client: Client, contact_id: str | int, text: str) -> dict[str, Any]:
    """Puts a note on a contact's timeline; the answer is its `{"id": …}`.

    Found again among the contact's notes: one that reads the same and was made since the call.
    """
    return records.make(client, records.NOTE, records.note(text) | {"hs_timestamp": now()}, contact_id)


@add_note.readback
def find_note(client: Client, since: datetime, contact_id: str | int, text: str) -> list[dict[str, Any]]:
    return records.find(client, records.NOTE, since, records.note(text), contact_id)


@connector.action(repeat="readback", title="Create a task about a contact", settle=timedelta(seconds=20))
def create_task(
    client: Client,
    contact_id: str | int,
    title: str,
    *,
    text: str = "",
    due: datetime | None = None,
    priority: str = "NONE",
    owner_id: str | int | None = None,
) -> dict[str, Any]:
    """Gives somebody something to do about a contact; the answer is its `{"id": …}`.

    due       when, at once if not given
    priority  NONE, LOW, MEDIUM or HIGH
    owner_id  HubSpot's id of the user who shall do it

    Found again among the contact's tasks: one that reads the same and was made since the call.
    """
    made = records.task(title, text, priority=priority, owner_id=owner_id) | {"hs_timestamp": text_of(due) or now()}
    return records.make(client, records.TASK, made, contact_id)


@create_task.readback
def find_task(
    client: Client, since: datetime, contact_id: str | int, title: str, text: str, **unseen: Any
) -> list[dict[str, Any]]:
    return records.find(client, records.TASK, since, records.task(title, text), contact_id)


@connector.action(
    repeat="readback",
    title="Create a ticket",
    settle=timedelta(seconds=60),
    echo=lambda inputs: reading.fingerprints("ticket", records.ticket(**inputs), may_create=True),
)
def create_ticket(
    client: Client,
    subject: str,
    content: str,
    contact_id: str | int | None = None,
    *,
    pipeline: str = "0",
    stage: str = "1",
    priority: str | None = None,
    owner_id: str | int | None = None,
) -> dict[str, Any]:
    """Opens a support ticket, for a contact if one is given; the answer is its `{"id": …}`.

    pipeline, stage  HubSpot's ids; "0" and "1" are the support pipeline and its first stage, which every account has
    priority         LOW, MEDIUM, HIGH or URGENT

    Found again among the contact's tickets; without a contact by a search, which HubSpot brings up to date within
    seconds, though it promises no time.
    """
    made = records.ticket(subject, content, pipeline=pipeline, stage=stage, priority=priority, owner_id=owner_id)
    return records.make(client, records.TICKET, made, contact_id)


@create_ticket.answering
def ticket_opened(**_: object) -> list[Example]:
    return [("it is opened", {"id": "7001"})]


@create_ticket.readback
def find_ticket(
    client: Client, since: datetime, subject: str, content: str, contact_id: str | int | None, **unseen: Any
) -> list[dict[str, Any]]:
    return records.find(client, records.TICKET, since, records.ticket(subject, content), contact_id)


# ---- lists


@connector.action(repeat="repeatable", title="Add a contact to a list")
def add_to_list(client: Client, list_id: str | int, contact_id: str | int) -> dict[str, Any]:
    """Adds a contact to a static list, `list_id` being the number in the list's address.

    The answer is `{"changed": False}` if it was on the list before.
    """
    return only(memberships.change(client, "add", [{"list_id": list_id, "contact_id": contact_id}]))


@add_to_list.batched(by=["list_id"], limit=500)
def add_many_to_list(client: Client, calls: Calls) -> Answers:
    return memberships.change(client, "add", calls)


@connector.action(repeat="repeatable", title="Remove a contact from a list")
def remove_from_list(client: Client, list_id: str | int, contact_id: str | int) -> dict[str, Any]:
    """Takes a contact off a static list. The answer is `{"changed": False}` if it was not on the list."""
    return only(memberships.change(client, "remove", [{"list_id": list_id, "contact_id": contact_id}]))


@remove_from_list.batched(by=["list_id"], limit=500)
def remove_many_from_list(client: Client, calls: Calls) -> Answers:
    return memberships.change(client, "remove", calls)
