"""HubSpot's own library as referee: our calls are the same as its calls, and it reads all that the service answers."""

from datetime import UTC, datetime

import pytest
from hubspot import HubSpot
from hubspot.crm import contacts, lists, objects, properties

from connectors import hubspot
from connectors.hubspot import practice
from tests.connectors.hubspot.calls import many

DUE = datetime(2026, 12, 1, 9, 0, tzinfo=UTC)
LAST_ORDER = {"name": "last_order", "label": "Last order", "group_name": "contactinformation"}


@pytest.fixture
def library(server):
    return HubSpot(access_token=practice.TOKEN, host=server.base_url, retry=False)


def upserted(library, contact_id):
    item = contacts.SimplePublicObjectBatchInputUpsert
    named = [("0", "ada@example.com", {"firstname": "Ada"}), ("1", "bob@example.com", {"none": "x"})]
    items = [
        item(id=email, id_property="email", object_write_trace_id=trace, properties=given)
        for trace, email, given in named
    ]
    answer = library.crm.contacts.batch_api.upsert(contacts.BatchInputSimplePublicObjectBatchInputUpsert(items))
    assert [result.id for result in answer.results] == [contact_id]
    assert answer.errors[0].context["objectWriteTraceId"] == ["1"]


def updated(library, contact_id):
    item = contacts.SimplePublicObjectBatchInput(
        id=contact_id, object_write_trace_id="0", properties={"lifecyclestage": ""}
    )
    answer = library.crm.contacts.batch_api.update(contacts.BatchInputSimplePublicObjectBatchInput([item]))
    assert answer.results[0].id == contact_id


def looked_up(library, contact_id):
    wanted = contacts.BatchReadInputSimplePublicObjectId(
        inputs=[contacts.SimplePublicObjectId(contact_id), contacts.SimplePublicObjectId("404")],
        properties=["email", "hs_additional_emails", "firstname"],
        properties_with_history=[],
    )
    answer = library.crm.contacts.batch_api.read(wanted)
    assert answer.results[0].properties["firstname"] == "Ada"
    assert answer.errors[0].category == "OBJECT_NOT_FOUND"


def association(contact_id, number):
    return objects.PublicAssociationsForObject(
        to=objects.PublicObjectId(contact_id),
        types=[objects.AssociationSpec(association_category="HUBSPOT_DEFINED", association_type_id=number)],
    )


def task_created(library, contact_id):
    made = {"hs_task_subject": "Call", "hs_task_status": "NOT_STARTED", "hs_task_type": "TODO"}
    made |= {"hs_task_priority": "NONE", "hs_timestamp": "2026-12-01T09:00:00.000Z"}
    whole = objects.SimplePublicObjectInputForCreate(properties=made, associations=[association(contact_id, 204)])
    assert library.crm.objects.basic_api.create("tasks", whole).properties["hs_task_subject"] == "Call"


def ticket_created(library, contact_id):
    made = {"subject": "A question", "content": "Where?", "hs_pipeline": "0", "hs_pipeline_stage": "1"}
    whole = objects.SimplePublicObjectInputForCreate(properties=made, associations=[association(contact_id, 16)])
    assert library.crm.objects.basic_api.create("tickets", whole).properties["content"] == "Where?"


def added_to_list(library, contact_id):
    assert library.crm.lists.memberships_api.add("9", [contact_id]).records_ids_added == [contact_id]
    assert isinstance(library.crm.lists.lists_api.get_by_id("9").list, lists.PublicObjectList)


def property_made(library, contact_id):
    with pytest.raises(properties.ApiException, match="404"):
        library.crm.properties.core_api.get_by_name("contacts", "last_order")
    made = properties.PropertyCreate(type="date", field_type="date", **LAST_ORDER)
    assert library.crm.properties.core_api.create("contacts", made).type == "date"


CALLS = [
    (
        upserted,
        hubspot.upsert_contact,
        [
            {"email": "ada@example.com", "first_name": "Ada"},
            {"email": "bob@example.com", "properties": {"none": "x"}},
        ],
    ),
    (updated, hubspot.set_properties, [{"properties": {"lifecyclestage": None}}]),
    (
        looked_up,
        hubspot.get_contact,
        [{"properties": ["firstname"]}, {"contact_id": "404", "properties": ["firstname"]}],
    ),
    (task_created, hubspot.create_task, [{"title": "Call", "due": DUE}]),
    (ticket_created, hubspot.create_ticket, [{"subject": "A question", "content": "Where?"}]),
    (added_to_list, hubspot.add_to_list, [{"list_id": "9"}]),
    (property_made, hubspot.ensure_property, [{"name": "last_order", "label": "Last order", "holds": "date"}]),
]


@pytest.mark.parametrize(("theirs", "action", "calls"), CALLS, ids=[action.__name__ for _, action, _ in CALLS])
def test_our_call_is_the_librarys_and_the_library_reads_the_answer(
    server, service, client, library, contact_id, theirs, action, calls
):
    needs_contact = "contact_id" in action.signature.parameters
    calls = [{"contact_id": contact_id} | call if needs_contact else call for call in calls]
    server.exchanges.clear()
    if action.many:
        many(action, client, *calls)
    else:
        action.perform(client, **calls[0])
    ours = [(sent.method, sent.path, sent.request_body) for sent in server.exchanges]
    server.exchanges.clear()
    service.books["properties"]["contacts"].pop("last_order", None)
    service.books["lists"]["9"]["members"].clear()
    theirs(library, contact_id)
    assert [(sent.method, sent.path, sent.request_body) for sent in server.exchanges][: len(ours)] == ours
