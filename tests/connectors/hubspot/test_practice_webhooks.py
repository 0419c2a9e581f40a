"""The practice HubSpot's webhooks: what happens there is told as HubSpot tells it, really signed."""

import json
import threading
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from connectors import hubspot
from connectors.hubspot import practice
from hub import Delivery


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
