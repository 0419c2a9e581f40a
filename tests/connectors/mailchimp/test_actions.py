"""What the connector does at Mailchimp, over HTTP with the practice service."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from connectors import mailchimp
from connectors.mailchimp import memberships as members_of
from connectors.mailchimp.client import Client
from connectors.mailchimp.practice import service
from hub.errors import ActionFailed, OutcomeUnknown, RateLimited, Rejected, TryLater

from .calls import ADA, GRACE, batch, inputs
from .conftest import members, paths

# ---- adding and updating


def test_one_at_a_time_and_together_end_the_same(client: Client, books: dict[str, Any]) -> None:
    told = {"tags": ["tea"], "merge_fields": {"FNAME": "Ada"}}
    alone = mailchimp.upsert_member.perform(client, **inputs(ADA, **told))
    (together,) = batch(client, inputs(ADA, **told, list_id="a6b5da1054"))
    assert together == alone | {"list_id": "a6b5da1054"}
    one, other = members(books)[ADA], members(books, "a6b5da1054")[ADA]
    assert one["tags"] == other["tags"] == ["tea"]
    assert one["merge_fields"] == other["merge_fields"] == {"FNAME": "Ada"}


def test_five_hundred_newcomers_are_one_call(client: Client, books: dict[str, Any]) -> None:
    answers = batch(client, *[inputs(f"p{number}@example.com", tags=["new"]) for number in range(500)])
    assert [answer["email_address"] for answer in answers] == [f"p{number}@example.com" for number in range(500)]
    assert paths() == [("POST", "/3.0/lists/practice")]
    assert members(books)["p499@example.com"]["tags"] == ["new"]


def test_whoever_opted_out_stays_out_alone_and_together(client: Client, books: dict[str, Any]) -> None:
    for address in (ADA, GRACE):
        service.happen("subscribe", {"email": address})
        service.happen("unsubscribe", {"email": address})
    alone = mailchimp.upsert_member.perform(client, **inputs(ADA, tags=["vip"]))
    (together,) = batch(client, inputs(GRACE, tags=["vip"]))
    assert (alone["status"], together["status"]) == ("unsubscribed", "unsubscribed")
    assert [members(books)[address]["tags"] for address in (ADA, GRACE)] == [["vip"], ["vip"]]


def test_refused_tags_do_not_hide_that_the_member_was_updated(client: Client, books: dict[str, Any]) -> None:
    service.add_fault({"kind": "status", "status": 400, "path": "/tags"})
    with pytest.raises(Rejected, match="The member was updated, but the tags were refused: Practice Fault") as refused:
        mailchimp.upsert_member.perform(client, **inputs(ADA, tags=["vip"], merge_fields={"FNAME": "Ada"}))
    assert (refused.value.status, members(books)[ADA]["merge_fields"]) == (400, {"FNAME": "Ada"})


def test_a_batch_never_asks_mailchimp_to_change_a_status(client: Client, server: Any) -> None:
    service.happen("unsubscribe", {"email": ADA})
    batch(client, inputs(ADA), inputs(GRACE))
    sent = [exchange.request_body for exchange in server.exchanges]
    assert sent[0]["update_existing"] is False
    assert "status" not in sent[1]


def test_known_members_keep_their_tags_and_get_the_new_ones(client: Client, books: dict[str, Any]) -> None:
    batch(client, inputs(ADA, tags=["tea"]))
    batch(client, inputs(ADA, tags=["coffee"], merge_fields={"FNAME": "Ada"}), inputs(GRACE))
    assert members(books)[ADA]["tags"] == ["tea", "coffee"]
    assert members(books)[ADA]["merge_fields"] == {"FNAME": "Ada"}


def test_the_same_address_twice_in_a_batch_is_done_twice_in_order(client: Client, books: dict[str, Any]) -> None:
    first, second = batch(
        client,
        inputs(ADA, merge_fields={"FNAME": "Ada"}, tags=["one"]),
        inputs(" ADA@example.com ", merge_fields={"FNAME": "Augusta"}, tags=["two"]),
    )
    assert first == second
    assert members(books)[ADA]["merge_fields"] == {"FNAME": "Augusta"}
    assert members(books)[ADA]["tags"] == ["one", "two"]


def test_one_bad_member_fails_alone(client: Client) -> None:
    good, bad, wrong = batch(client, inputs(ADA), inputs("nobody"), inputs(GRACE, status_if_new="eager"))
    assert good["status"] == "subscribed"
    assert isinstance(bad, Rejected) and isinstance(wrong, Rejected)
    assert "status" in str(wrong)


def test_members_that_mailchimp_fails_inside_a_200_fail_alone(client: Client) -> None:
    service.add_fault({"kind": "partial", "path": "/lists/practice"})
    outcomes = batch(client, *[inputs(f"p{number}@example.com") for number in range(4)])
    assert [isinstance(outcome, Rejected) for outcome in outcomes] == [False, True, False, True]


def test_a_batch_that_takes_too_long_leaves_the_rest_for_later(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    batch(client, inputs(ADA))
    monkeypatch.setattr(members_of, "ONE_BY_ONE", 0.0)
    known, new = batch(client, inputs(ADA), inputs(GRACE))
    assert isinstance(known, TryLater) and known.after == 0
    assert new["email_address"] == GRACE


@pytest.mark.parametrize(
    ("fault", "first"),
    [({"kind": "status", "status": 429, "seconds": 7}, RateLimited), ({"kind": "drop_after"}, OutcomeUnknown)],
)
def test_after_a_failed_call_the_rest_of_a_batch_was_certainly_not_done(
    client: Client, fault: dict[str, Any], first: type[ActionFailed]
) -> None:
    batch(client, inputs(ADA), inputs(GRACE))
    service.add_fault({"path": "/members/", **fault})
    outcomes = batch(client, inputs(ADA), inputs(GRACE), inputs("new@example.com"))
    assert isinstance(outcomes[0], first)
    assert isinstance(outcomes[1], TryLater)
    assert outcomes[2]["email_address"] == "new@example.com"
    assert len([path for path in paths() if path[0] == "PUT"]) == 1


def test_more_than_five_hundred_are_refused_by_mailchimp(client: Client) -> None:
    with pytest.raises(Rejected, match="500"):
        batch(client, *[inputs(f"p{number}@example.com") for number in range(501)])


def test_a_member_that_the_answer_does_not_mention_is_of_unknown_outcome(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    silent = {"new_members": [], "updated_members": [], "errors": []}
    monkeypatch.setattr(client.lists, "batch_list_members", lambda *_: silent)
    (outcome,) = batch(client, inputs(ADA))
    assert isinstance(outcome, OutcomeUnknown)


# ---- consent


@pytest.mark.parametrize(
    ("before", "given", "status_if_new", "after"),
    [
        ([], True, "pending", "pending"),
        ([], True, "subscribed", "subscribed"),
        ([], False, "pending", "unsubscribed"),
        (["subscribe"], True, "pending", "subscribed"),
        (["subscribe"], False, "pending", "unsubscribed"),
        (["profile"], True, "subscribed", "subscribed"),  # a customer who had said nothing
        (["profile"], False, "subscribed", "unsubscribed"),
        (["subscribe", "unsubscribe"], True, "subscribed", "pending"),
        (["subscribe", "unsubscribe"], False, "subscribed", "unsubscribed"),
        (["subscribe", "clean"], True, "subscribed", "pending"),
        (["subscribe", "clean"], False, "subscribed", "cleaned"),
    ],
)
def test_consent_is_written_down_and_an_opt_out_only_asked_about(
    client: Client, books: dict[str, Any], before: list[str], given: bool, status_if_new: Any, after: str
) -> None:
    for what in before:
        service.happen(what, {"email": ADA})
    for _ in range(2):  # the second time changes nothing
        answer = mailchimp.set_consent.perform(client, "practice", ADA, given, status_if_new=status_if_new)
        assert (answer["status"], members(books)[ADA]["status"]) == (after, after)


def test_mailchimp_itself_refuses_to_subscribe_who_opted_out(client: Client) -> None:
    service.happen("unsubscribe", {"email": ADA})
    body = {"email_address": ADA, "status_if_new": "subscribed", "status": "subscribed"}
    with pytest.raises(Rejected, match="compliance state") as refused:
        client.lists.set_list_member("practice", members_of.member_hash(ADA), body)
    assert (refused.value.status, refused.value.code) == (400, "Member In Compliance State")


# ---- tags, archive, journeys, events


def test_tags_come_and_go(client: Client, books: dict[str, Any]) -> None:
    mailchimp.upsert_member.perform(client, **inputs(ADA))
    mailchimp.add_tags.perform(client, "practice", ADA, ["tea", "vip"])
    mailchimp.remove_tags.perform(client, "practice", ADA, ["tea", "never had"])
    assert members(books)[ADA]["tags"] == ["vip"]


def test_tags_of_nobody_are_refused(client: Client) -> None:
    with pytest.raises(Rejected, match="Not Found"):
        mailchimp.add_tags.perform(client, "practice", ADA, ["tea"])


def test_a_member_is_told_with_tags_and_fields(client: Client) -> None:
    mailchimp.upsert_member.perform(client, **inputs(ADA, tags=["tea"], merge_fields={"FNAME": "Ada"}))
    member = mailchimp.get_member.perform(client, "practice", " Ada@Example.com")
    assert (member["status"], member["merge_fields"]) == ("subscribed", {"FNAME": "Ada"})
    assert [tag["name"] for tag in member["tags"]] == ["tea"]


def test_somebody_unknown_is_absent(client: Client) -> None:
    assert mailchimp.get_member.perform(client, "practice", ADA)["status"] == "absent"


def test_an_audience_that_is_not_there_holds_nobody(client: Client) -> None:
    with pytest.raises(Rejected):
        mailchimp.upsert_member.perform(client, **inputs(ADA, list_id="no such"))


def test_archiving_twice_is_fine_and_so_is_archiving_nobody(client: Client) -> None:
    mailchimp.upsert_member.perform(client, **inputs(ADA))
    assert [mailchimp.archive_member.perform(client, "practice", ADA) for _ in range(2)] == [{"status": "archived"}] * 2
    assert mailchimp.archive_member.perform(client, "practice", GRACE) == {"status": "absent"}


def test_a_journey_starts_once_per_call(client: Client, books: dict[str, Any]) -> None:
    mailchimp.upsert_member.perform(client, **inputs(ADA))
    mailchimp.trigger_journey.perform(client, 12, 34, ADA)
    assert books["journeys"] == [{"journey_id": 12, "step_id": 34, "email_address": ADA}]
    with pytest.raises(Rejected):
        mailchimp.trigger_journey.perform(client, 12, 34, GRACE)


def test_an_event_whose_answer_got_lost_is_found_again(client: Client, books: dict[str, Any]) -> None:
    since = datetime.now(UTC)
    event = {"list_id": "practice", "email": ADA, "name": "purchased", "properties": {"total": 12}}
    mailchimp.upsert_member.perform(client, **inputs(ADA))
    first = mailchimp.add_event.perform(client, **event)
    service.add_fault({"kind": "drop_after", "path": "/events"})
    with pytest.raises(OutcomeUnknown):
        mailchimp.add_event.perform(client, **event)
    found = mailchimp.find_events(client, since, **event)
    assert len(found) == 2 and first in found
    assert len({answer["id"] for answer in found}) == 2


def test_events_that_are_older_or_other_are_not_found(client: Client) -> None:
    event = {"list_id": "practice", "email": ADA, "name": "purchased", "properties": {"total": 12}}
    assert mailchimp.find_events(client, datetime.now(UTC), **event) == []  # nobody is there yet
    mailchimp.upsert_member.perform(client, **inputs(ADA))
    mailchimp.add_event.perform(client, **event)
    body = {"name": "purchased", "properties": {"total": "12"}}
    client.lists.create_list_member_event("practice", members_of.member_hash(ADA), body)  # by another program
    assert mailchimp.find_events(client, datetime.now(UTC) + timedelta(seconds=2), **event) == []
    assert mailchimp.find_events(client, datetime.now(UTC), **event | {"name": "visited"}) == []
    assert mailchimp.find_events(client, datetime.now(UTC), **event | {"properties": None}) == []
    assert len(mailchimp.find_events(client, datetime.now(UTC) - timedelta(minutes=1), **event)) == 1


def test_an_event_is_found_on_whatever_page_it_stands(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    mailchimp.upsert_member.perform(client, **inputs(ADA))
    event: dict[str, Any] = {"list_id": "practice", "email": ADA, "name": "purchased", "properties": None}
    made = [mailchimp.add_event.perform(client, **event) for _ in range(5)]
    monkeypatch.setattr("connectors.mailchimp.listing.PAGE", 2)
    found = mailchimp.find_events(client, datetime.now(UTC) - timedelta(minutes=1), **event)
    assert sorted(answer["id"] for answer in found) == sorted(answer["id"] for answer in made)
    assert [method for method, _ in paths()].count("GET") == 3


def test_an_address_that_is_none_is_refused_before_anything_is_sent(client: Client) -> None:
    for action in (mailchimp.get_member, mailchimp.archive_member):
        with pytest.raises(Rejected, match="no e-mail address"):
            action.perform(client, "practice", "nobody")
    assert paths() == []


# ---- going through an audience


def test_an_audience_is_gone_through_page_by_page_oldest_first(
    client: Client, books: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(members_of, "MEMBERS", 2)
    for number, name in enumerate(["ada", "bo", "cy"]):
        merged = {"BIRTHDAY": f"04/{number + 10}", "PHONE": "+14155550123" if name == "bo" else ""}
        mailchimp.upsert_member.perform(client, **inputs(f"{name}@example.com", merge_fields=merged))
    service.happen("unsubscribe", {"email": "cy@example.com"})
    first = mailchimp.members.perform(client, "practice")
    second = mailchimp.members.perform(client, "practice", cursor=first.next)
    assert (first.of, len(first.items), second.next) == (3, 2, None)
    found = {item.person.email: item for item in [*first.items, *second.items]}
    assert list(found) == ["ada@example.com", "bo@example.com", "cy@example.com"]
    assert [item.data["status"] for item in found.values()] == ["subscribed", "subscribed", "unsubscribed"]
    assert found["bo@example.com"].data["merge_fields"]["BIRTHDAY"] == "04/11"
    assert found["bo@example.com"].person.phone == "+14155550123"
    assert len({item.key for item in found.values()}) == 3


def test_an_audience_that_there_is_not_is_refused(client: Client) -> None:
    with pytest.raises(Rejected):
        mailchimp.members.perform(client, "nowhere")
