"""The practice HubSpot: held to the vendor's published contract, and as strict as the vendor."""

import json
import threading
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
import requests

from connectors import hubspot
from connectors.hubspot import practice
from hub import Delivery, RateLimited
from tests.connectors.contract import Contract, vendor_file

FILES = ("crm-contacts-v3", "crm-tickets-v3", "crm-objects-v3", "crm-lists-v3", "crm-properties-v3", "webhooks-v3")
ELSEWHERE = ("status", "policyName", "errorType")
"""In HubSpot's error bodies by its pages on errors and on limits, though not in its OpenAPI files."""


@pytest.fixture(scope="module")
def contracts():
    return [Contract(vendor_file("hubspot", "openapi", f"{name}.json"), error_fields=ELSEWHERE) for name in FILES]


@pytest.fixture
def call(server):
    """Any call to the practice service, logged in as the app, or as the developer for the app's own settings."""

    def made(method, path, body=None):
        headers = {"Authorization": f"Bearer {practice.TOKEN}"}
        query = {"hapikey": practice.DEVELOPER_KEY} if path.startswith("/webhooks/") else None
        return requests.request(method, server.base_url + path, json=body, headers=headers, params=query, timeout=5)

    return made


class Inbox:
    """A webhook address that keeps what is posted to it."""

    def __init__(self):
        received, self.received = [], threading.Condition()
        self.deliveries = received
        condition = self.received

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                with condition:
                    received.append((dict(self.headers), body))
                    condition.notify_all()
                self.send_response(204)
                self.end_headers()

            def log_message(self, *args):
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/webhooks/hubspot/1?x=1"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def events(self, count, secret=practice.CLIENT_SECRET):
        """The first `count` events, each delivery verified as the hub does."""
        with self.received:
            assert self.received.wait_for(lambda: sum(len(json.loads(b)) for _, b in self.deliveries) >= count, 5)
            found = []
            for headers, body in self.deliveries:
                lower = {name.lower(): value for name, value in headers.items()}
                delivery = Delivery("POST", self.url, lower, body, datetime.now(UTC))
                hubspot.connector.verify(delivery, {"client_secret": [secret]})
                found += hubspot.connector.read(delivery)
            return found


@pytest.fixture
def inbox():
    made = Inbox()
    yield made
    made.server.shutdown()
    made.server.server_close()


def use_everything(client, service, contact_id):
    """Every action and every way it can end that this service knows."""
    hubspot.upsert_contact.perform(client, "bob@example.com", {"lifecyclestage": "lead"})
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
    assert {"upsert", "update", "read", "search", "notes", "tasks", "tickets", "add", "remove"} <= called
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


def test_the_daily_limit_and_the_limit_of_searches_have_their_own_names(call, service):
    search = {"filterGroups": [], "properties": [], "sorts": [], "limit": 1, "after": "0"}
    policies = [call("POST", "/crm/v3/objects/notes/search", search).json().get("policyName") for _ in range(6)]
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


def test_nobody_gets_in_without_the_token_or_the_developers_key(server):
    for path in ("/account-info/v3/details", f"/webhooks/v3/{practice.APP_ID}/settings"):
        assert requests.get(server.base_url + path, timeout=5).status_code == 401


# ---- webhooks


def test_what_a_person_does_reaches_the_apps_address_signed(service, call, inbox):
    settings = {"targetUrl": inbox.url, "throttling": {"maxConcurrentRequests": 10}}
    call("PUT", f"/webhooks/v3/{practice.APP_ID}/settings", settings)
    made = service.happen("contact", {"email": "ada@example.com"})
    service.happen("change", {"email": "ada@example.com", "lifecyclestage": "customer"})
    service.happen("forget", {"id": made["id"]})
    events = sorted(inbox.events(6), key=lambda event: event.data["eventId"])  # HubSpot keeps no order
    assert [event.type for event in events if event.data.get("propertyName") in (None, "lifecyclestage")] == [
        "hubspot.contact.created",
        "hubspot.contact.changed",
        "hubspot.contact.privacy_deleted",
    ]
    assert {event.person.ids["hubspot.contact"] for event in events} == {made["id"]}
    assert {event.echo for event in events} == {None}


def test_a_happening_may_name_another_address_and_secret(service, inbox):
    service.happen("ticket", {"url": inbox.url, "secret": "another secret"})
    assert "hubspot.ticket.created" in [event.type for event in inbox.events(2, "another secret")]
    service.happen("deal", {"url": inbox.url, "secret": "another secret"})
    assert "hubspot.deal.created" in [event.type for event in inbox.events(5, "another secret")]


def test_our_own_call_comes_back_as_an_echo_of_itself(client, service, inbox):
    service.books["webhooks"]["target"] = inbox.url
    step = hubspot.upsert_contact("ada@example.com", first_name="Ada", phone="+14155550100")
    hubspot.upsert_contact.perform(client, **step.inputs)
    events = inbox.events(4)
    ours = set(hubspot.upsert_contact.echo(step.inputs))
    told = {event.data.get("propertyName", "creation"): event.echo in ours for event in events}
    assert told == {"creation": True, "email": True, "firstname": True, "phone": True}


def test_a_value_that_stays_the_same_is_no_change(client, service, inbox, contact_id):
    service.books["webhooks"]["target"] = inbox.url
    hubspot.set_properties.perform(client, {"firstname": "Ada"}, contact_id=contact_id)
    hubspot.set_properties.perform(client, {"firstname": "Augusta"}, contact_id=contact_id)
    (event,) = inbox.events(1)
    assert event.data["propertyValue"] == "Augusta"


def test_a_happening_that_cannot_happen_says_so(service):
    assert service.happen("delete", {"id": "404"})["category"] == "OBJECT_NOT_FOUND"
