"""What it means when HubSpot's answer is a failure."""

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from connectors import hubspot
from connectors.hubspot import practice
from connectors.hubspot.client import failure
from hub import NotAuthorized, OutcomeUnknown, RateLimited, Rejected, ServiceDown, TryLater
from hub.errors import ActionFailed

FAULTS = [
    ({"kind": "status", "status": 400}, Rejected),
    ({"kind": "status", "status": 401}, NotAuthorized),
    ({"kind": "status", "status": 403}, NotAuthorized),
    ({"kind": "status", "status": 423}, TryLater),
    ({"kind": "status", "status": 429}, RateLimited),
    ({"kind": "status", "status": 500}, OutcomeUnknown),
    ({"kind": "status", "status": 503, "seconds": 7}, ServiceDown),
    ({"kind": "html"}, OutcomeUnknown),
    ({"kind": "malformed"}, OutcomeUnknown),
    ({"kind": "drop_before"}, OutcomeUnknown),
    ({"kind": "drop_after"}, OutcomeUnknown),
]


@pytest.mark.parametrize(
    ("fault", "error"), FAULTS, ids=[f"{fault.get('status', fault['kind'])}" for fault, _ in FAULTS]
)
def test_each_failure_of_a_call_is_told_apart(client, service, contact_id, fault, error):
    service.add_fault(fault)
    with pytest.raises(ActionFailed) as caught:
        hubspot.add_note.perform(client, contact_id, "Hello")
    assert type(caught.value) is error
    assert practice.TOKEN not in str(caught.value)


def test_a_service_that_cannot_be_reached_did_nothing(client, server):
    gone = hubspot.connect(access_token="x", base_url="http://127.0.0.1:1")
    with pytest.raises(ServiceDown):
        hubspot.check(gone)


@pytest.mark.parametrize(
    ("body", "headers", "after"),
    [
        ({"policyName": "TEN_SECONDLY_ROLLING"}, {}, 10),
        ({"policyName": "SECONDLY"}, {}, 1),
        ({"policyName": "DAILY"}, {}, 900),
        ({"policyName": "DAILY"}, {"Retry-After": "30"}, 30),
        ({}, {}, 10),
    ],
)
def test_each_limit_has_its_own_pause(body, headers, after):
    error = failure(429, headers, json.dumps(body).encode())
    assert type(error) is RateLimited
    assert error.after == after


def test_a_401_that_hubspot_did_not_word_itself_does_not_cost_the_login():
    assert type(failure(401, {}, b"<html>proxy</html>")) is TryLater
    assert type(failure(401, {}, b'{"category": "EXPIRED_AUTHENTICATION"}')) is NotAuthorized


@pytest.mark.parametrize("data", [b"", b"null", b"[]", b'{"category": 5, "message": null}', b"\xff"])
def test_an_error_body_of_any_shape_is_still_an_error(data):
    assert type(failure(409, {}, data)) is Rejected


def test_a_redirect_is_not_followed_as_it_would_take_the_token_along():
    asked = []

    class Moved(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            self.send_response(307)
            self.send_header("Location", "/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *args):
            pass

    with HTTPServer(("127.0.0.1", 0), Moved) as moved:
        threading.Thread(target=moved.serve_forever, args=(0.01,), daemon=True).start()
        client = hubspot.connect(access_token="pat-x", base_url=f"http://127.0.0.1:{moved.server_port}")
        with pytest.raises(Rejected):
            hubspot.check(client)
        moved.shutdown()
    assert asked == ["/account-info/v3/details"]


def test_half_a_character_in_a_text_is_hubspots_to_refuse_and_breaks_nothing(client, service, contact_id):
    with pytest.raises(Rejected, match="valid string"):
        hubspot.add_note.perform(client, contact_id, "Hello \ud83d")
    assert not service.books["objects"]["notes"]
