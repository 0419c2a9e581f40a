"""What the answers about many contacts mean for each of them, where they are not as one would like."""

import pytest

from connectors import hubspot
from connectors.hubspot import batches
from hub import OutcomeUnknown, RateLimited, Rejected
from hub.errors import ActionFailed
from tests.connectors.hubspot.calls import many, upserts


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


def test_a_lone_value_in_an_errors_context_is_not_taken_for_several():
    errors = [
        {"message": "no", "context": {"objectWriteTraceId": "12"}},
        {"message": "no", "context": {"ids": "a@example.com"}},
    ]
    numbers = [{"id": str(number), "objectWriteTraceId": str(number)} for number in (1, 2, 12)]
    found = list(batches.matched([*numbers, *inputs("a@example.com")], {"errors": errors}))
    assert [type(item) for item in found] == [type(None), type(None), Rejected, Rejected]


class Picky:
    """HubSpot where it refuses a whole batch for one faulty input: a property, or an id."""

    def __init__(self):
        self.sizes = []

    def call(self, method, path, body):
        self.sizes.append(len(body["inputs"]))
        if any("faulty" in item["id"] or "faulty" in item.get("properties", {}) for item in body["inputs"]):
            raise Rejected("One of them is not valid.", status=400)
        results = [{"id": str(place), "properties": {"email": i["id"]}} for place, i in enumerate(body["inputs"])]
        return {"results": results}


def test_a_batch_that_is_refused_for_one_member_is_done_for_the_others():
    calls = [{"email": f"person{number}@example.com"} for number in range(8)]
    calls[5]["properties"] = {"faulty": "x"}
    answers = Picky()
    outcomes = many(hubspot.upsert_contact, answers, *calls)
    assert [type(outcome) for outcome in outcomes] == [dict] * 5 + [Rejected] + [dict] * 2
    assert answers.sizes == [8, 4, 4, 2, 1, 1, 2]


def test_looking_up_many_is_refused_for_one_member_alone():
    answers = Picky()
    outcomes = many(hubspot.get_contact, answers, *({"email": f"{name}@example.com"} for name in ("a", "faulty", "c")))
    assert [type(outcome) for outcome in outcomes] == [dict, Rejected, dict]
    assert outcomes[2]["email"] == "c@example.com"


def looked_up(answer, *emails):
    class Told:
        def call(self, method, path, body):
            if isinstance(answer, ActionFailed):
                raise answer
            return answer

    return many(hubspot.get_contact, Told(), *({"email": email} for email in emails))


def test_what_cannot_be_looked_up_is_not_taken_for_not_there():
    errors = [
        {"category": "OBJECT_NOT_FOUND", "message": "gone", "context": {"ids": ["a@example.com", "d@example.com"]}},
        {"category": "INTERNAL_ERROR", "message": "?", "context": {"ids": ["b@example.com"]}},
        {"category": "RATE_LIMITS", "message": "slow", "context": {"ids": ["c@example.com"]}},
    ]
    found = looked_up({"results": [], "errors": errors}, *(f"{letter}@example.com" for letter in "abcd"))
    assert [type(item) for item in found] == [type(None), OutcomeUnknown, RateLimited, type(None)]


def test_an_error_that_does_not_say_for_whom_is_that_of_everyone_who_is_not_mentioned():
    answer = {
        "results": [{"id": "1", "properties": {"email": "a@example.com"}}],
        "errors": [{"category": "INTERNAL_ERROR", "message": "?"}],
    }
    found = looked_up(answer, "a@example.com", "b@example.com")
    assert [type(item) for item in found] == [dict, OutcomeUnknown]


@pytest.mark.parametrize("answer", [None, [], {}, {"results": "text"}])
def test_an_answer_that_cannot_be_read_is_not_taken_for_nobody(answer):
    with pytest.raises(OutcomeUnknown):
        hubspot.get_contact.perform(type("Odd", (), {"call": lambda *_, **__: answer})(), "51")


def test_nobody_at_all_may_also_be_told_by_a_404():
    assert (
        looked_up(Rejected("no", status=404, code="OBJECT_NOT_FOUND"), "a@example.com", "b@example.com") == [None] * 2
    )
    other = looked_up(Rejected("no such address", status=404), "a@example.com")
    assert [type(item) for item in other] == [Rejected]
