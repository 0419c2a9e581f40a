"""Notes, tasks and tickets: made once, and found again where the answer was lost."""

from datetime import UTC, datetime, timedelta

import pytest

from connectors import hubspot
from hub import OutcomeUnknown, Rejected


def since():
    return datetime.now(UTC)


MADE = [
    (hubspot.add_note, {"text": "Called <b>twice</b> & wrote\nagain"}),
    (hubspot.create_task, {"title": "Ask them to confirm", "text": "By phone", "priority": "HIGH"}),
    (hubspot.create_ticket, {"subject": "A question", "content": "Where is it?", "priority": "LOW"}),
]
by_action = pytest.mark.parametrize(("action", "call"), MADE, ids=[action.__name__ for action, _ in MADE])


@by_action
def test_a_record_is_made_at_its_contact_and_found_again(client, service, contact_id, action, call):
    call = {"contact_id": contact_id, **call}
    before = since()
    assert action.find(client, before, **action(**call).inputs) == []
    made = action.perform(client, **call)
    assert action.find(client, before, **action(**call).inputs) == [made]
    kind = f"{action.__name__.split('_')[1]}s"
    assert {id: held["contact"] for id, held in service.books["objects"][kind].items()} == {made["id"]: contact_id}


@by_action
def test_a_call_whose_answer_was_lost_is_found_to_have_happened(client, service, contact_id, action, call):
    call = {"contact_id": contact_id, **call}
    before = since()
    service.add_fault({"kind": "drop_after"})
    with pytest.raises(OutcomeUnknown):
        action.perform(client, **call)
    assert len(action.find(client, before, **action(**call).inputs)) == 1


@by_action
def test_an_older_or_different_record_is_not_taken_for_ours(client, contact_id, action, call):
    call = {"contact_id": contact_id, **call}
    action.perform(client, **call)
    assert action.find(client, since() + timedelta(minutes=2), **action(**call).inputs) == []
    changed = {
        name: "Something else" if name in ("text", "title", "subject") else value for name, value in call.items()
    }
    assert action.find(client, since(), **action(**changed).inputs) == []


def test_equal_records_are_all_told_oldest_first_so_that_each_finds_its_own(client, contact_id):
    before = since()
    made = [hubspot.add_note.perform(client, contact_id, "Hello") for _ in range(3)]
    assert hubspot.add_note.find(client, before, contact_id, "Hello") == made


def test_what_a_customer_wrote_is_text_in_a_note_not_html(client, service, contact_id):
    hubspot.add_note.perform(client, contact_id, "<script>\nx & y")
    (note,) = service.books["objects"]["notes"].values()
    assert note["properties"]["hs_note_body"] == "&lt;script&gt;<br>x &amp; y"


def test_a_note_is_found_again_where_hubspot_tidied_its_html(client, service, contact_id):
    before = since()
    made = hubspot.add_note.perform(client, contact_id, "One & two\nthree")
    service.books["objects"]["notes"][made["id"]]["properties"]["hs_note_body"] = (
        "<div><p>One &amp; two<br/>three</p></div>"
    )
    assert hubspot.add_note.find(client, before, contact_id, "One & two\nthree") == [made]


def test_what_a_customer_wrote_between_angle_brackets_tells_two_tickets_apart(client, contact_id):
    before = since()
    calls = [hubspot.create_ticket("Order <17>", content, contact_id).inputs for content in ("<late>", "<lost>")]
    made = [hubspot.create_ticket.perform(client, **call) for call in calls]
    assert [hubspot.create_ticket.find(client, before, **call) for call in calls] == [[made[0]], [made[1]]]


def test_a_ticket_without_a_contact_is_found_by_search_once_that_is_up_to_date(client, service):
    service.search_lag = 3600
    before = since()
    call = hubspot.create_ticket("A question", "Where is it?").inputs
    made = hubspot.create_ticket.perform(client, **call)
    assert hubspot.create_ticket.find(client, before, **call) == []
    service.search_lag = 0
    assert hubspot.create_ticket.find(client, before, **call) == [made]


def test_where_hubspot_lists_only_some_of_a_contacts_notes_they_are_searched(client, server, service, contact_id):
    before = since()
    made = hubspot.add_note.perform(client, contact_id, "Hello")
    service.page = 0
    assert hubspot.add_note.find(client, before, contact_id, "Hello") == [made]
    assert server.exchanges[-1].path == "/crm/v3/objects/notes/search"


@pytest.mark.parametrize("fault", [{"kind": "malformed"}, {"kind": "status"}, {"kind": "partial"}])
def test_what_hubspot_does_not_show_may_have_happened(client, service, contact_id, fault):
    before = since()
    for _ in range(2):
        hubspot.add_note.perform(client, contact_id, "Hello")
    service.add_fault(fault | {"path": "/batch/read"})
    with pytest.raises(OutcomeUnknown):
        hubspot.add_note.find(client, before, contact_id, "Hello")


@pytest.mark.parametrize("answer", [None, [], {}])
def test_a_contact_that_cannot_be_read_is_not_one_without_notes(answer):
    with pytest.raises(OutcomeUnknown):
        hubspot.add_note.find(type("Odd", (), {"call": lambda *_, **__: answer})(), since(), "51", "Hello")


@pytest.mark.parametrize("created", ["yesterday", "2026-11-22"])
def test_a_note_whose_time_cannot_be_read_is_not_overlooked(client, service, contact_id, created):
    made = hubspot.add_note.perform(client, contact_id, "Hello")
    service.books["objects"]["notes"][made["id"]]["properties"]["hs_createdate"] = created
    assert hubspot.add_note.find(client, since(), contact_id, "Hello") == [made]


def test_nothing_happened_to_a_contact_that_is_not_there(client):
    assert hubspot.add_note.find(client, since(), "404", "Hello") == []
    with pytest.raises(Rejected):
        hubspot.add_note.perform(client, "404", "Hello")


def test_a_task_is_due_when_it_was_said(client, service, contact_id):
    due = datetime(2026, 12, 1, 9, 0, tzinfo=UTC)
    made = hubspot.create_task.perform(client, contact_id, "Call", due=due, owner_id=12)
    held = service.books["objects"]["tasks"][made["id"]]["properties"]
    assert (held["hs_timestamp"], held["hubspot_owner_id"]) == ("2026-12-01T09:00:00.000Z", "12")
