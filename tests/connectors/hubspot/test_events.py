"""Reading HubSpot's deliveries."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from hubspot.utils.signature import Signature

from connectors import hubspot
from connectors.hubspot import practice
from hub import UNKNOWN, Delivery, Person
from hub.errors import PayloadUnreadable, SecretMissing, SignatureWrong, TimestampOutOfWindow
from hub.timing import to_datetime, to_ms
from tests.connectors.contract import vendor_file

URL = "https://hub.example/webhooks/hubspot/4b1c"
NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


def delivery(changes, headers=None, at=NOW):
    body = changes if isinstance(changes, bytes) else json.dumps(changes).encode()
    lower = {name.lower(): value for name, value in (headers or {}).items()}
    return Delivery("POST", URL, lower, body, at)


def read(*changes):
    return list(hubspot.connector.read(delivery(list(changes))))


def change(kind="contact.propertyChange", **more):
    return practice.change(kind, 51, at_ms=1795348800123, event_id=7, **more)


@pytest.mark.parametrize("trigger", hubspot.connector.triggers.values(), ids=lambda trigger: trigger.name)
def test_the_sample_of_each_trigger_tells_its_event(trigger):
    event = trigger.sample
    assert event.type == trigger.type
    assert event.at == datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
    assert event.data == trigger.sample_delivery.json[0]


def test_the_vendors_own_sample_is_read():
    body = vendor_file("hubspot", "samples", "webhook-v3-events-batch.json").read_bytes()
    (event,) = hubspot.connector.read(delivery(body))
    assert event.type == "hubspot.contact.created"
    assert event.person == Person(ids={"hubspot.contact": "123"})
    assert event.at == to_datetime(1564113600000)


@pytest.mark.parametrize(
    ("theirs", "number", "ours"),
    [
        ("contact.creation", None, "hubspot.contact.created"),
        ("contact.propertyChange", None, "hubspot.contact.changed"),
        ("contact.deletion", None, "hubspot.contact.deleted"),
        ("contact.privacyDeletion", None, "hubspot.contact.privacy_deleted"),
        ("contact.merge", None, "hubspot.contact.merged"),
        ("deal.creation", None, "hubspot.deal.created"),
        ("deal.propertyChange", None, "hubspot.deal.changed"),
        ("ticket.creation", None, "hubspot.ticket.created"),
        ("ticket.propertyChange", None, "hubspot.ticket.changed"),
        ("object.creation", "0-1", "hubspot.contact.created"),
        ("object.propertyChange", "0-3", "hubspot.deal.changed"),
        ("object.creation", "0-5", "hubspot.ticket.created"),
        ("object.creation", "0-2", UNKNOWN),
        ("object.creation", None, UNKNOWN),
        ("company.creation", None, UNKNOWN),
        ("conversation.newMessage", None, UNKNOWN),
        ("nonsense", None, UNKNOWN),
    ],
)
def test_each_subscription_type_has_its_trigger_and_others_stay_unknown(theirs, number, ours):
    (event,) = read(change(theirs, **({"objectTypeId": number} if number else {})))
    assert event.type == ours
    assert event.data["subscriptionType"] == theirs


def test_a_delivery_of_a_hundred_changes_is_a_hundred_events_in_order():
    changes = practice.creations(100, at_ms=1795348800000)
    events = read(*changes)
    assert [event.data["objectId"] for event in events] == [item["objectId"] for item in changes]
    assert len({event.key for event in events}) == 100


def test_the_same_change_delivered_again_has_the_same_key():
    first, again = read(change(attemptNumber=0), change(attemptNumber=3))
    assert first.key == again.key


@pytest.mark.parametrize(
    "other",
    [{"eventId": 8}, {"subscriptionId": 1}, {"objectId": 52}, {"occurredAt": 1795348800124}, {"propertyName": "zip"}],
)
def test_another_change_has_another_key_even_where_hubspot_repeats_an_event_id(other):
    one, two = read(change(), change() | other)
    assert one.key != two.key


def test_a_contact_is_known_by_its_id_and_by_the_address_that_changed():
    by_id, by_email, by_phone, company_phone = read(
        change(propertyName="firstname", propertyValue="ada@example.com"),
        change(propertyName="email", propertyValue="Ada@Example.com"),
        change(propertyName="phone", propertyValue="+1 415-555-0100"),
        change(propertyName="phone", propertyValue="555 0100"),
    )
    ids = {"hubspot.contact": "51"}
    assert by_id.person == company_phone.person == Person(ids=ids)
    assert by_email.person == Person(email="ada@example.com", ids=ids)
    assert by_phone.person == Person(phone="+14155550100", ids=ids)


def test_a_merge_is_about_the_contact_that_remains():
    (event,) = read(change("contact.merge", primaryObjectId=51, mergedObjectIds=[40], newObjectId=77))
    assert event.person.ids == {"hubspot.contact": "77"}


def test_a_deal_names_no_person():
    assert not read(change("deal.creation"))[0].person


def test_deleting_for_privacy_erases_the_person():
    assert hubspot.contact_privacy_deleted.privacy == "erase"


@pytest.mark.parametrize(
    "body",
    [
        b"{}",
        b'"text"',
        b"[1]",
        b"[{}]",
        b"not json",
        b'[{"subscriptionType": 5, "occurredAt": 1, "objectId": 1}]',
        b'[{"subscriptionType": "contact.creation", "occurredAt": 1795348800000}]',
        b'[{"subscriptionType": "contact.creation", "objectId": 1}]',
        b'[{"subscriptionType": "contact.creation", "objectId": 1, "occurredAt": "yesterday"}]',
        b'[{"subscriptionType": "contact.creation", "objectId": 1, "occurredAt": true}]',
        b'[{"subscriptionType": "contact.creation", "objectId": 1, "occurredAt": 99999999999999999999}]',
        b'[{"subscriptionType": "contact.creation", "objectId": [1], "occurredAt": 1795348800000}]',
    ],
)
def test_a_delivery_of_another_shape_is_refused_as_a_whole(body):
    with pytest.raises(PayloadUnreadable):
        list(hubspot.connector.read(delivery(body)))


def test_the_vendors_workflow_webhook_is_refused_with_a_sentence():
    captured = json.loads(vendor_file("hubspot", "samples", "workflow-contact-webhook-delivery.json").read_text())
    with pytest.raises(PayloadUnreadable, match="list of changes"):
        hubspot.connector.read(delivery(captured.get("body", captured)))


# ---- echoes of our own calls

BY_US = {"changeSource": "INTEGRATION", "sourceId": str(practice.APP_ID)}


def echoes(step):
    return set(hubspot.connector.actions[step.action].echo(step.inputs))


def test_a_change_made_by_our_own_app_carries_the_fingerprint_of_the_call():
    (event,) = read(change(propertyName="lifecyclestage", propertyValue="customer", **BY_US))
    assert event.echo in echoes(hubspot.upsert_contact("ada@example.com", {"lifecyclestage": "customer"}))
    assert event.echo in echoes(hubspot.set_properties({"lifecyclestage": "customer"}, contact_id=51))
    assert event.echo not in echoes(hubspot.set_properties({"lifecyclestage": "lead"}, contact_id=51))


def test_a_contact_or_ticket_made_by_our_own_app_carries_the_fingerprint_of_the_call():
    contact, ticket = read(change("contact.creation", **BY_US), change("object.creation", objectTypeId="0-5", **BY_US))
    assert contact.echo in echoes(hubspot.upsert_contact("ada@example.com"))
    assert ticket.echo in echoes(hubspot.create_ticket("A question", "Where is it?", 51))
    assert contact.echo != ticket.echo


@pytest.mark.parametrize(
    "source",
    [
        {"changeSource": "CRM_UI", "sourceId": str(practice.APP_ID)},
        {"changeSource": "INTEGRATION", "sourceId": "99"},
        {"changeSource": "INTEGRATION", "sourceId": None},
        {"changeSource": "INTEGRATION", "sourceId": "None", "appId": None},
        {"changeSource": "API", "sourceId": None},
    ],
)
def test_a_change_that_anyone_else_made_is_never_taken_for_our_own(source):
    for kind in ("contact.propertyChange", "contact.creation"):
        (event,) = read(change(kind, propertyName="lifecyclestage", propertyValue="customer", **source))
        assert event.echo is None


def test_a_fingerprint_does_not_tell_the_value():
    (event,) = read(change(propertyName="email", propertyValue="ada@example.com", **BY_US))
    assert "ada" not in event.echo


# ---- signatures


def signed_delivery(secret=practice.CLIENT_SECRET, at=NOW):
    headers, body = practice.signed(practice.creations(2, at_ms=to_ms(at)), URL, secret, to_ms(at))
    return delivery(body, headers)


def test_a_signed_delivery_is_genuine_for_us_and_for_the_vendors_own_check():
    genuine = signed_delivery()
    hubspot.connector.verify(genuine, {"client_secret": ["a newer secret", practice.CLIENT_SECRET]})
    expected = Signature.get_signature(
        practice.CLIENT_SECRET,
        genuine.body.decode(),
        "v3",
        URL,
        "POST",
        genuine.headers["x-hubspot-request-timestamp"],
    )
    assert genuine.headers["x-hubspot-signature-v3"] == expected


def test_a_delivery_with_another_secret_time_or_no_secret_is_refused():
    with pytest.raises(SignatureWrong):
        hubspot.connector.verify(signed_delivery("another secret"), {"client_secret": [practice.CLIENT_SECRET]})
    for minutes in (-6, 6):
        late = signed_delivery(at=NOW + timedelta(minutes=minutes))
        with pytest.raises(TimestampOutOfWindow):
            hubspot.connector.verify(late, {"client_secret": [practice.CLIENT_SECRET]})
    with pytest.raises(SecretMissing):
        hubspot.connector.verify(signed_delivery(), {"client_secret": []})
