"""The practice HubSpot: held to the vendor's published contract, and as strict as the vendor."""

import json
from datetime import UTC, datetime

import pytest
import requests

from connectors import hubspot
from connectors.hubspot import practice
from hub import RateLimited
from tests.connectors.contract import Contract, vendor_file

FILES = ("crm-contacts-v3", "crm-tickets-v3", "crm-objects-v3", "crm-lists-v3", "crm-properties-v3", "webhooks-v3")
ELSEWHERE = ("status", "policyName", "errorType")
"""In HubSpot's error bodies by its pages on errors and on limits, though not in its OpenAPI files."""


@pytest.fixture(scope="module")
def contracts():
    return [Contract(vendor_file("hubspot", "openapi", f"{name}.json"), error_fields=ELSEWHERE) for name in FILES]


def use_everything(client, service, contact_id):
    """Every action and every way it can end that this service knows."""
    hubspot.upsert_contact.perform(client, "bob@example.com", {"lifecyclestage": "lead"})
    hubspot.contacts.perform(client, ["lifecyclestage"])
    service.add_fault({"kind": "partial"})
    hubspot.upsert_contact.many(client, [hubspot.upsert_contact(f"{n}@example.com").inputs for n in range(3)])
    hubspot.upsert_contact.many(client, [hubspot.upsert_contact("c@example.com", {"none": "x"}).inputs])
    for named in ({"contact_id": contact_id}, {"email": "bob@example.com"}, {"contact_id": "404"}):
        hubspot.set_properties.many(client, [hubspot.set_properties({"city": "Bath"}, **named).inputs])
        hubspot.get_contact.many(client, [hubspot.get_contact(**named, properties=["city"]).inputs])
    for step in (
        hubspot.add_note(contact_id, "Hello"),
        hubspot.create_task(contact_id, "Call", text="them", due=datetime.now(UTC), owner_id=5),
        hubspot.create_ticket("A question", "Where?", contact_id, priority="LOW"),
        hubspot.create_ticket("A question", "Where?"),
    ):
        action = hubspot.connector.actions[step.action]
        action.perform(client, **step.inputs)
        action.find(client, datetime.now(UTC), **step.inputs)
    for holds in ("text", "number", "date", "datetime", "yes_no", "yes_no"):
        hubspot.ensure_property.perform(client, f"our_{holds}", "Ours", holds=holds)
    for step in (hubspot.add_to_list("9", contact_id), hubspot.remove_from_list("9", contact_id)):
        hubspot.connector.actions[step.action].perform(client, **step.inputs)


def check_all(contracts, exchanges):
    """How many exchanges the vendor's files describe; each file that knows an operation must agree."""
    checked = 0
    for exchange in exchanges:
        knowing = [contract for contract in contracts if contract.knows(exchange.method, exchange.path)]
        for contract in knowing:
            contract.check_exchange(exchange)
        checked += bool(knowing)
    return checked


def test_all_that_the_connector_sends_and_gets_is_in_the_vendors_contract(
    contracts, client, server, service, contact_id
):
    use_everything(client, service, contact_id)
    called = {exchange.path.rpartition("/")[2] for exchange in server.exchanges}
    assert {"upsert", "update", "read", "search", "notes", "tasks", "tickets", "add", "remove", "our_date"} <= called
    assert check_all(contracts, server.exchanges) == len(server.exchanges)


def test_the_rest_of_the_service_is_in_the_vendors_contract_too(contracts, call, server, contact_id):
    app = f"/webhooks/v3/{practice.APP_ID}"
    wanted = [
        ("GET", f"/crm/v3/objects/contacts/{contact_id}?properties=firstname,city", None, 200),
        ("GET", "/crm/v3/objects/contacts/ada@example.com?idProperty=email", None, 200),
        ("GET", "/crm/v3/objects/contacts/404", None, 404),
        ("PATCH", f"/crm/v3/objects/contacts/{contact_id}", {"properties": {"city": "Bath"}}, 200),
        ("PATCH", f"/crm/v3/objects/contacts/{contact_id}", {"properties": {"no": "x"}}, 400),
        ("POST", "/crm/v3/objects/contacts", {"properties": {"email": "c@example.com"}, "associations": []}, 201),
        ("POST", "/crm/v3/objects/contacts", {"properties": {"email": "c@example.com"}, "associations": []}, 409),
        ("POST", "/crm/v3/objects/contacts", {"properties": {"email": "no address"}, "associations": []}, 400),
        ("POST", "/crm/v3/objects/contacts", {"properties": {"createdate": "x"}, "associations": []}, 400),
        ("POST", "/crm/v3/objects/tickets", {"properties": {"subject": "x"}, "associations": []}, 400),
        ("POST", "/crm/v3/objects/contacts/gdpr-delete", {"objectId": "c@example.com", "idProperty": "email"}, 204),
        ("DELETE", f"/crm/v3/objects/contacts/{contact_id}", None, 204),
        ("GET", "/crm/v3/properties/contacts", None, 200),
        ("GET", "/crm/v3/properties/contacts/email", None, 200),
        ("GET", "/crm/v3/properties/contacts/none", None, 404),
        ("POST", "/crm/v3/properties/contacts", PROPERTY, 201),
        ("POST", "/crm/v3/properties/contacts", PROPERTY, 409),
        ("POST", "/crm/v3/lists", {"name": "VIP", "objectTypeId": "0-1", "processingType": "MANUAL"}, 200),
        ("GET", "/crm/v3/lists/9", None, 200),
        ("GET", "/crm/v3/lists/9/memberships", None, 200),
        ("GET", "/crm/v3/lists/404", None, 404),
        ("GET", f"{app}/settings", None, 404),
        (
            "PUT",
            f"{app}/settings",
            {"targetUrl": "https://x.example/", "throttling": {"maxConcurrentRequests": 5}},
            200,
        ),
        ("GET", f"{app}/settings", None, 200),
        ("POST", f"{app}/subscriptions", {"eventType": "deal.deletion", "active": True}, 201),
        ("GET", f"{app}/subscriptions", None, 200),
    ]
    for method, path, body, status in wanted:
        assert call(method, path, body).status_code == status, path
    assert check_all(contracts, server.exchanges) == len(server.exchanges)


PROPERTY = {"name": "vip", "label": "VIP", "type": "string", "fieldType": "text", "groupName": "contactinformation"}


def test_over_a_hundred_calls_in_ten_seconds_are_refused_in_the_vendors_words(client, server, service):
    for _ in range(100):
        hubspot.check(client)
    with pytest.raises(RateLimited) as caught:
        hubspot.check(client)
    assert (caught.value.after, caught.value.code) == (10.0, "RATE_LIMITS")
    assert json.loads(server.exchanges[-1].response)["policyName"] == "TEN_SECONDLY_ROLLING"


def test_a_refused_call_carries_the_vendors_headers_too(call, service):
    service.max_calls = 1
    for remaining, status in (("0", 200), ("0", 429)):
        answer = call("GET", "/account-info/v3/details")
        assert (answer.status_code, answer.headers["X-HubSpot-RateLimit-Remaining"]) == (status, remaining)
        assert answer.headers["X-HubSpot-RateLimit-Max"] == "1"
        assert answer.headers["X-HubSpot-RateLimit-Interval-Milliseconds"] == "10000"


def test_the_daily_limit_and_the_limit_of_searches_have_their_own_names(call, service):
    policies = [call("POST", "/crm/v3/objects/notes/search", search_of()).json().get("policyName") for _ in range(6)]
    assert policies == [None] * 5 + ["SECONDLY"]
    service.daily = 1
    assert call("GET", "/account-info/v3/details").json()["policyName"] == "DAILY"


def test_the_same_address_twice_in_a_batch_or_more_than_a_hundred_is_refused(call):
    for emails in (["a@example.com"] * 2, [f"{number}@example.com" for number in range(101)]):
        inputs = [{"id": email, "idProperty": "email", "properties": {}} for email in emails]
        answer = call("POST", "/crm/v3/objects/contacts/batch/upsert", {"inputs": inputs})
        assert (answer.status_code, answer.json()["category"]) == (400, "VALIDATION_ERROR")


def upsert_of(*items):
    return {"inputs": [{"idProperty": "email", "properties": {}} | item for item in items]}


def test_without_trace_ids_one_faulty_input_refuses_the_whole_batch(call, service):
    faulty = {"id": "b@example.com", "properties": {"none": "x"}}
    answer = call("POST", "/crm/v3/objects/contacts/batch/upsert", upsert_of({"id": "a@example.com"}, faulty))
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (400, "PROPERTY_DOESNT_EXIST")
    assert not service.books["objects"]["contacts"]
    traced = [item | {"objectWriteTraceId": item["id"]} for item in ({"id": "a@example.com"}, faulty)]
    answer = call("POST", "/crm/v3/objects/contacts/batch/upsert", upsert_of(*traced))
    assert (answer.status_code, len(answer.json()["results"])) == (207, 1)
    assert answer.json()["errors"][0]["context"]["objectWriteTraceId"] == ["b@example.com"]


def test_only_an_address_names_whom_to_upsert_and_only_an_id_whom_to_update(call, contact_id):
    for path, item in (("upsert", {"id": "5", "idProperty": "phone"}), ("update", {"id": "ada@example.com"})):
        answer = call("POST", f"/crm/v3/objects/contacts/batch/{path}", upsert_of(item))
        assert answer.status_code == 400
        assert "Unable to perform update/upsert by non-unique 0-1 property" in answer.json()["message"]


def test_all_that_are_not_there_are_told_in_one_error(call, contact_id):
    body = {"inputs": [{"id": id} for id in ("404", contact_id, "405")], "properties": [], "propertiesWithHistory": []}
    answer = call("POST", "/crm/v3/objects/contacts/batch/read", body).json()
    assert [error["context"] for error in answer["errors"]] == [{"ids": ["404", "405"]}]
    assert [result["id"] for result in answer["results"]] == [contact_id]


@pytest.mark.parametrize("body", [{"inputs": [{}]}, {"inputs": ["a"]}, {"inputs": 5}, {"inputs": [{"id": None}]}, []])
def test_what_is_no_batch_is_refused_in_the_vendors_words(call, body):
    answer = call("POST", "/crm/v3/objects/contacts/batch/upsert", body)
    assert (answer.status_code, answer.json()["category"]) == (400, "VALIDATION_ERROR")


def search_of(*rules):
    filters = [{"propertyName": name, "operator": operator, "value": value} for name, operator, value in rules]
    asked = {"properties": [], "sorts": [], "limit": 100, "after": "0"}
    return asked | {"filterGroups": [{"filters": filters}] if filters else []}


def test_a_search_sees_what_was_made_since_a_time_and_a_contacts_own(call, client, service, contact_id):
    first = hubspot.create_ticket.perform(client, "A question", "Where is it?")["id"]
    service.books["objects"]["tickets"][first]["createdAt"] = "2026-01-01T00:00:00.000Z"
    service.books["objects"]["tickets"][first]["properties"]["createdate"] = "2026-01-01T00:00:00.000Z"
    second, third = (hubspot.create_ticket.perform(client, "A question", "Where?", contact_id)["id"] for _ in range(2))

    def found(*rules):
        answer = call("POST", "/crm/v3/objects/tickets/search", search_of(*rules)).json()
        return [result["id"] for result in answer["results"]]

    february = ("createdate", "GTE", "1769904000000")
    mine = ("associations.contact", "EQ", contact_id)
    assert found(("subject", "EQ", "a question")) == [first, second, third]
    assert found(february) == found(mine) == found(february, mine) == [second, third]
    assert found(("associations.contact", "EQ", "404")) == []


class Counting(dict):
    """Books that count how often all of them were gone through."""

    walks = 0

    def values(self):
        self.walks += 1
        return super().values()

    def items(self):
        self.walks += 1
        return super().items()


def test_a_contacts_notes_are_found_without_going_through_everyones(client, service, contact_id):
    other = hubspot.upsert_contact.perform(client, "bob@example.com")["id"]
    before = datetime.now(UTC)
    made = [hubspot.add_note.perform(client, id, "Hello") for id in (contact_id, other)]
    for name in ("notes", "contacts"):
        service.books["objects"][name] = Counting(service.books["objects"][name])
    assert hubspot.add_note.find(client, before, contact_id, "Hello") == [made[0]]
    assert [books.walks for books in service.books["objects"].values() if isinstance(books, Counting)] == [0, 0]


def test_a_contact_that_is_deleted_is_on_no_list_and_its_address_is_free(client, service, contact_id):
    hubspot.add_to_list.perform(client, "9", contact_id)
    service.happen("delete", {"id": contact_id})
    assert service.books["lists"]["9"]["members"] == {}
    assert hubspot.upsert_contact.perform(client, "ada@example.com")["created"] is True


def test_an_address_that_is_cleared_is_free(client, service, contact_id):
    hubspot.set_properties.perform(client, {"email": None}, contact_id=contact_id)
    assert hubspot.get_contact.perform(client, email="ada@example.com") is None
    assert hubspot.upsert_contact.perform(client, "ada@example.com")["id"] != contact_id


def test_nobody_gets_in_without_the_token_or_the_developers_key(server):
    for path in ("/account-info/v3/details", f"/webhooks/v3/{practice.APP_ID}/settings"):
        assert requests.get(server.base_url + path, timeout=5).status_code == 401
