"""Our webhooks in the account: made, repaired, and taken back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from connectors import mailchimp
from connectors.mailchimp.client import Client
from connectors.mailchimp.practice import service
from hub.errors import OutcomeUnknown, Rejected

from .conftest import Inbox, base, paths


def hooks(books: dict[str, Any], list_id: str = "practice") -> list[dict[str, Any]]:
    return list(books["lists"][list_id]["webhooks"].values())


def test_each_audience_gets_one_signed_webhook_without_our_own_echo(
    client: Client, books: dict[str, Any], inbox: Inbox
) -> None:
    client.lists.get_list("a6b5da1054")
    secrets = mailchimp.subscribe(client, inbox.url)["signing_secret"]
    (one,), (other,) = hooks(books), hooks(books, "a6b5da1054")
    assert set(secrets) == {one["signing_secret"], other["signing_secret"]}
    assert one["sources"] == {"user": True, "admin": True, "api": False}
    assert all(one["events"].values()) and one["url"] == inbox.url


def test_more_audiences_than_a_page_holds_are_all_listened_to(
    client: Client, books: dict[str, Any], inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("connectors.mailchimp.listing.PAGE", 2)
    for number in range(4):
        client.lists.get_list(f"audience{number}")
    assert len(mailchimp.subscribe(client, inbox.url)["signing_secret"]) == 5


def renewed(client: Client, *made: Mapping[str, list[str]]) -> Client:
    """A client that holds what subscribing gave."""
    fields = {name: [value for given in made for value in given[name]] for name in ("webhook_ids", "signing_secret")}
    return mailchimp.connect(base_url=base(client), **fields, **service.account)


def test_subscribing_again_changes_nothing(client: Client, books: dict[str, Any], inbox: Inbox) -> None:
    again = renewed(client, mailchimp.subscribe(client, inbox.url))
    known = hooks(books)
    service.calls.clear()
    assert mailchimp.subscribe(again, inbox.url) == {}
    assert hooks(books) == known
    assert {method for method, _ in paths()} == {"GET"}


def test_what_differs_is_repaired(client: Client, books: dict[str, Any], inbox: Inbox) -> None:
    made = mailchimp.subscribe(client, inbox.url)
    changed = {"url": inbox.url.replace("u-1", "old"), "events": {"campaign": False}, "sources": {"api": True}}
    client.lists.update_list_webhook("practice", made["webhook_ids"][0], changed)
    assert mailchimp.subscribe(renewed(client, made), inbox.url) == {}
    (ours,) = hooks(books)
    assert (ours["url"], ours["events"]["campaign"], ours["sources"]["api"]) == (inbox.url, True, False)
    assert [ours["signing_secret"]] == made["signing_secret"]


def test_doubles_of_ours_go_and_others_stay(client: Client, books: dict[str, Any], inbox: Inbox) -> None:
    client.lists.create_list_webhook("practice", {"url": inbox.url.replace("u-1", "before Mailchimp signed")})
    client.lists.create_list_webhook("practice", {"url": inbox.url.replace("c-1", "somebody-else")})
    made = mailchimp.subscribe(client, inbox.url)
    client.lists.create_list_webhook("practice", {"url": inbox.url.replace("u-1", "double")})
    mailchimp.subscribe(renewed(client, made), inbox.url)
    assert [hook["id"] for hook in hooks(books) if "somebody-else" not in hook["url"]] == made["webhook_ids"]
    assert len(hooks(books)) == 2


def test_a_webhook_whose_secret_was_lost_is_made_anew_whatever_else_is_held(
    client: Client, books: dict[str, Any], inbox: Inbox
) -> None:
    held = mailchimp.subscribe(client, inbox.url)
    client.lists.get_list("a6b5da1054")
    service.add_fault({"kind": "drop_after", "path": "/a6b5da1054/webhooks"})
    with pytest.raises(OutcomeUnknown):  # the answer that tells the secret
        client.lists.create_list_webhook("a6b5da1054", {"url": inbox.url, "signing_enabled": True})
    more = mailchimp.subscribe(renewed(client, held), inbox.url)
    assert [hook["signing_secret"] for hook in hooks(books, "a6b5da1054")] == more["signing_secret"]
    assert [hook["signing_secret"] for hook in hooks(books)] == held["signing_secret"]
    assert mailchimp.subscribe(renewed(client, more, held), inbox.url) == {}


def test_failing_halfway_leaves_no_webhook_whose_secret_nobody_has(
    client: Client, books: dict[str, Any], inbox: Inbox
) -> None:
    client.lists.get_list("a6b5da1054")
    service.add_fault({"kind": "status", "status": 500, "path": "/a6b5da1054/webhooks"})
    with pytest.raises(OutcomeUnknown):
        mailchimp.subscribe(client, inbox.url)
    assert hooks(books) == []


def test_an_address_that_does_not_answer_cannot_be_subscribed(client: Client, inbox: Inbox) -> None:
    inbox.status = 503
    with pytest.raises(Rejected, match="did not answer"):
        mailchimp.subscribe(client, inbox.url)


def test_disconnecting_takes_only_our_webhooks_back(client: Client, books: dict[str, Any], inbox: Inbox) -> None:
    mailchimp.subscribe(client, inbox.url)
    client.lists.create_list_webhook("practice", {"url": inbox.url.replace("c-1", "somebody-else")})
    mailchimp.unsubscribe(client, inbox.url)
    (left,) = hooks(books)
    assert "somebody-else" in left["url"]
