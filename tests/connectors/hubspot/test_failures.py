"""What HubSpot's answers mean: those that fail, and those of a batch that are not as one would like."""

import json

import pytest

from connectors import hubspot
from connectors.hubspot import batches, practice
from connectors.hubspot.client import failure
from hub import NotAuthorized, OutcomeUnknown, RateLimited, Rejected, ServiceDown, TryLater
from hub.errors import ActionFailed
from tests.connectors.hubspot.calls import upserts

# ---- answers of a batch that are not as one would like


def inputs(*emails):
    return [
        {"id": email, "idProperty": "email", "objectWriteTraceId": str(place)} for place, email in enumerate(emails)
    ]


def test_results_are_matched_by_trace_id_address_or_second_address_never_by_position():
    results = [
        {"id": "3", "properties": {"email": "main@example.com", "hs_additional_emails": "x@example.com;C@example.com"}},
        {"id": "2", "properties": {"email": "B@example.com"}},
        {"id": "1", "objectWriteTraceId": "0", "properties": {}},
    ]
    found = batches.matched(inputs("a@example.com", "b@example.com", "c@example.com"), {"results": results})
    assert [item["id"] for item in found] == ["1", "2", "3"]


def test_errors_are_matched_by_trace_id_or_by_the_ids_in_their_context():
    errors = [
        {"category": "VALIDATION_ERROR", "message": "no", "context": {"objectWriteTraceId": ["1"]}},
        {"category": "RATE_LIMITS", "message": "slow", "context": {"ids": ["A@example.com"]}},
        {"category": "INTERNAL_ERROR", "message": "?", "context": {"id": ["d@example.com"]}},
    ]
    emails = [f"{letter}@example.com" for letter in "abcd"]
    found = list(batches.matched(inputs(*emails), {"results": [], "errors": errors}))
    assert [type(item) for item in found] == [RateLimited, Rejected, type(None), OutcomeUnknown]


def test_a_member_that_the_answer_does_not_mention_is_written_again_alone():
    class Answers:
        """HubSpot as seen where it echoes neither trace ids nor addresses."""

        def __init__(self):
            self.sizes = []

        def call(self, method, path, body):
            self.sizes.append(len(body["inputs"]))
            return {"results": [{"id": "7", "properties": {}, "new": False} for _ in body["inputs"]]}

    answers = Answers()
    outcomes = upserts(answers, "a@example.com", "b@example.com")
    assert [outcome["id"] for outcome in outcomes] == ["7", "7"]
    assert answers.sizes == [2, 1, 1]


@pytest.mark.parametrize("answer", [None, [], {}, {"results": []}, {"results": [{}]}, {"results": "text"}])
def test_an_answer_that_says_nothing_leaves_the_outcome_open(answer):
    class Silent:
        def call(self, *args, **kwargs):
            return answer

    for action, call in (
        (hubspot.upsert_contact, {"email": "ada@example.com"}),
        (hubspot.add_note, {"contact_id": 1, "text": "x"}),
    ):
        with pytest.raises(OutcomeUnknown):
            action.perform(Silent(), **call)


# ---- failures

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
