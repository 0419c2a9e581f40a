"""The practice service: held to Mailchimp's published contract, and what it sends to what we verify and read."""

from __future__ import annotations

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import requests

from connectors import mailchimp
from connectors.mailchimp.client import Client
from connectors.mailchimp.practice import service
from hub.connector import Connector
from hub.delivery import Delivery
from hub.errors import ActionFailed
from tests.connectors.contract import Contract, vendor_file
from tests.servers import until

from .calls import ADA, GRACE, batch, inputs
from .conftest import Inbox, base, members

TEXTS = {"type": "array", "items": {"type": "string"}}


@pytest.fixture
def contract(tmp_path: Path) -> Contract:
    """Mailchimp's contract, with the three fields that it got later.

    The published file is version 3.0.55. Signing is of version 3.0.91 (FACTS.md); tags in batches are of January 2022:
    https://mailchimp.com/developer/release-notes/added-ability-sync-tags-existing-members/
    """
    document = json.loads(vendor_file("mailchimp", "marketing.audience-subset.swagger2.json").read_text())
    hooks, hook = document["paths"]["/lists/{list_id}/webhooks"], "/lists/{list_id}/webhooks/{webhook_id}"
    created = hooks["post"]["responses"]["200"]["schema"]["properties"]
    created["signing_secret"] = {"type": "string"}
    listed = hooks["get"]["responses"]["200"]["schema"]["properties"]["webhooks"]["items"]["properties"]
    changed = document["paths"][hook]["patch"]["responses"]["200"]["schema"]["properties"]
    for place in (created, listed, changed, _sent(hooks["post"])):
        place["signing_enabled"] = {"type": "boolean"}
    _sent(document["paths"]["/lists/{list_id}"]["post"])["members"]["items"]["properties"]["tags"] = TEXTS
    for item in document["paths"].values():
        for operation in item.values():
            operation["responses"].get("204", {}).pop("schema", None)  # it only says "empty"; HTTP allows no body there
    file = tmp_path / "contract.json"
    file.write_text(json.dumps(document))
    # Which fields are wrong stands in `errors`: https://mailchimp.com/developer/marketing/docs/errors/
    return Contract(file, error_fields=["errors"])


def _sent(operation: dict[str, Any]) -> dict[str, Any]:
    (body,) = [item for item in operation["parameters"] if item["in"] == "body"]
    fields: dict[str, Any] = body["schema"]["properties"]
    return fields


def test_all_that_is_sent_and_answered_is_in_the_published_contract(
    client: Client, server: Any, inbox: Inbox, contract: Contract
) -> None:
    mailchimp.check(client)
    made = mailchimp.subscribe(client, inbox.url)
    again = mailchimp.connect(base_url=base(client), **made, **service.account)
    mailchimp.subscribe(again, inbox.url.replace("u-1", "u-2"))
    told = {"tags": ["tea"], "merge_fields": {"FNAME": "Ada"}}
    batch(client, inputs(ADA, **told), inputs(GRACE))
    service.happen("unsubscribe", {"email": GRACE})
    batch(client, inputs(ADA, **told), inputs(GRACE), inputs("new@example.com"))
    mailchimp.get_member.perform(client, "practice", ADA)
    mailchimp.get_member.perform(client, "practice", "nobody@example.com")
    mailchimp.members.perform(client, "practice")
    mailchimp.set_consent.perform(client, "practice", GRACE, True)
    mailchimp.add_tags.perform(client, "practice", ADA, ["vip"])
    mailchimp.remove_tags.perform(client, "practice", ADA, ["vip"])
    assert ("practice", "Practice") in list(mailchimp.audiences(client))
    assert set(mailchimp.tags(client, "practice")) == {("tea", "tea"), ("vip", "vip")}
    with pytest.raises(ActionFailed):
        list(mailchimp.tags(client, "no such audience"))
    mailchimp.trigger_journey.perform(client, 12, 34, ADA)
    event = mailchimp.add_event.perform(client, "practice", ADA, "purchased", {"total": 12})
    since = mailchimp.member_subscribed.sample.at
    assert event in mailchimp.find_events(
        client, since, list_id="practice", email=ADA, name="purchased", properties={"total": 12}
    )
    for _ in range(2):
        mailchimp.archive_member.perform(client, "practice", ADA)
    mailchimp.unsubscribe(client, inbox.url)
    for exchange in server.exchanges:
        contract.check_exchange(exchange)
    assert len(server.exchanges) > 25
    assert {exchange.status for exchange in server.exchanges} == {200, 204, 404, 405}


@pytest.mark.parametrize("status", [400, 401, 403, 404, 429, 500])
def test_refusals_are_mailchimps_problem_documents(
    client: Client, server: Any, contract: Contract, status: int
) -> None:
    service.add_fault({"kind": "status", "status": status})
    with pytest.raises(ActionFailed):
        mailchimp.check(client)
    (exchange,) = server.exchanges
    assert (exchange.status, exchange.response_type) == (status, "application/problem+json")
    contract.check_exchange(exchange)


def test_an_eleventh_call_at_once_is_refused(server: Any) -> None:
    def call(_: int = 0) -> int:
        return requests.get(f"{server.base_url}/3.0/", auth=("x", "practice-us1"), timeout=10).status_code

    service.latency = 1.0
    with ThreadPoolExecutor(10) as threads:
        ten = threads.map(call, range(10))
        until(lambda: service.in_flight == 10, says="Ten calls at once")
        service.latency = 0.0
        assert call() == 429
    assert list(ten) == [200] * 10
    assert service.counts()["answers"] == {"429": 1, "200": 10}


def test_calls_keep_their_connection_open(client: Client) -> None:
    pools = client.lists.api_client.request.args[0].get_adapter("http://").poolmanager
    for _ in range(3):
        mailchimp.check(client)
    (pool,) = [pools.pools[key] for key in pools.pools.keys()]  # noqa: SIM118  its container cannot be iterated
    assert (pool.num_connections, pool.num_requests) == (1, 3)


@pytest.mark.parametrize(
    ("what", "type"),
    [
        ("subscribe", mailchimp.member_subscribed.type),
        ("unsubscribe", mailchimp.member_unsubscribed.type),
        ("profile", mailchimp.member_changed.type),
        ("upemail", mailchimp.member_email_changed.type),
        ("clean", mailchimp.member_cleaned.type),
        ("campaign", mailchimp.campaign_sent.type),
    ],
)
def test_what_happens_there_arrives_here_signed_and_readable(
    client: Client, inbox: Inbox, what: str, type: str
) -> None:
    secrets = dict(mailchimp.subscribe(client, inbox.url))
    service.happen(what, {"email": ADA, "new_email": GRACE})
    came: Delivery = inbox.take()
    connector: Connector = mailchimp.connector
    connector.verify(came, secrets)
    (event,) = connector.read(came)
    assert event.type == type
    expected = {"upemail": GRACE, "campaign": None}.get(what, ADA)
    assert event.person.email == expected


def test_our_own_writes_do_not_come_back(client: Client, inbox: Inbox) -> None:
    mailchimp.subscribe(client, inbox.url)
    mailchimp.upsert_member.perform(client, **inputs(ADA))
    service.happen("subscribe", {"email": GRACE})
    (event,) = mailchimp.connector.read(inbox.take())
    assert event.person.email == GRACE
    until(lambda: service.counts()["webhooks"] == {"sent": {"200": 1}, "waiting": 0}, says="One webhook, and no more")


def test_a_webhook_that_wants_writes_by_api_gets_them(client: Client, inbox: Inbox) -> None:
    body = {"url": inbox.url, "events": {"subscribe": True, "unsubscribe": True}, "sources": {"api": True}}
    client.lists.create_list_webhook("practice", body)
    mailchimp.upsert_member.perform(client, **inputs(ADA))
    mailchimp.set_consent.perform(client, "practice", ADA, False)
    kinds = {inbox.take().form["type"] for _ in range(2)}
    assert kinds == {"subscribe", "unsubscribe"}


def test_an_address_is_visited_while_the_books_are_free(client: Client, server: Any, inbox: Inbox) -> None:
    """A webhook may lead to a hub that calls Mailchimp while it is visited."""
    seen: list[int] = []
    answer = type(inbox).__call__

    class Calling(type(inbox)):  # type: ignore[misc]
        def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
            reply = requests.get(f"{server.base_url}/3.0/", auth=("x", "practice-us1"), timeout=5)
            seen.append(reply.status_code)
            return answer(self, environ, start_response)

    inbox.__class__ = Calling
    mailchimp.subscribe(client, inbox.url)
    assert seen == [200]


def test_one_address_can_be_registered_once(client: Client, inbox: Inbox) -> None:
    client.lists.create_list_webhook("practice", {"url": inbox.url})
    with pytest.raises(ActionFailed, match="multiple WebHooks"):
        client.lists.create_list_webhook("practice", {"url": inbox.url})


def test_only_the_person_can_come_back_after_opting_out(client: Client, books: dict[str, Any]) -> None:
    for what in ("subscribe", "unsubscribe", "subscribe"):
        service.happen(what, {"email": ADA})
    assert members(books)[ADA]["status"] == "subscribed"


def test_a_member_is_found_by_hash_by_address_and_by_contact_id(client: Client) -> None:
    mailchimp.upsert_member.perform(client, **inputs(ADA))
    found = mailchimp.get_member.perform(client, "practice", ADA)
    for name in (found["id"], found["id"].upper(), "Ada@example.com", found["contact_id"]):
        assert client.lists.get_list_member("practice", name)["id"] == found["id"]
    with pytest.raises(ActionFailed, match="Not Found"):
        client.lists.get_list_member("practice", found["contact_id"][:-1])


def test_whoever_changes_their_address_keeps_everything_else(client: Client, books: dict[str, Any]) -> None:
    mailchimp.upsert_member.perform(client, **inputs(ADA, tags=["tea"], merge_fields={"FNAME": "Ada"}))
    before = mailchimp.get_member.perform(client, "practice", ADA)
    service.happen("upemail", {"email": ADA, "new_email": GRACE})
    after = mailchimp.get_member.perform(client, "practice", GRACE)
    assert list(members(books)) == [GRACE]
    assert all(after[name] == before[name] for name in ("status", "tags", "merge_fields"))
    with pytest.raises(ActionFailed, match="Not Found"):
        client.lists.get_list_member("practice", before["contact_id"])


def test_an_audience_that_is_not_there_is_told(server: Any) -> None:
    url = server.base_url.replace("/mailchimp", "/_happen/mailchimp/subscribe")
    answer = requests.post(url, json={"list_id": "no such"}, timeout=10)
    assert (answer.status_code, "There is no audience 'no such'" in answer.json()["message"]) == (400, True)


def test_a_new_address_that_is_none_changes_nothing(client: Client, books: dict[str, Any]) -> None:
    mailchimp.upsert_member.perform(client, **inputs(ADA))
    with pytest.raises(ValueError, match="valid email"):
        service.happen("upemail", {"email": ADA, "new_email": "nobody"})
    assert members(books)[ADA]["status"] == "subscribed"


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("", {"members": {"email_address": ADA}}),
        ("", {"members": [ADA]}),
        ("/members/{hash}/tags", {"tags": ["tea"]}),
        ("/members/{hash}/tags", {"tags": [{"status": "active"}]}),
        ("/members/{hash}/events", {"name": "purchased", "properties": ["12"]}),
        ("/members", {"email_address": GRACE, "status": "subscribed", "merge_fields": "Ada"}),
        ("/members", {"email_address": GRACE, "status": "subscribed", "tags": "tea"}),
        ("/members", {"email_address": GRACE, "status": "eager"}),
        ("/members", ["no object"]),
    ],
)
def test_what_has_another_shape_is_refused_in_a_problem_document(
    client: Client, server: Any, contract: Contract, books: dict[str, Any], path: str, body: Any
) -> None:
    known = mailchimp.upsert_member.perform(client, **inputs(ADA))
    url = f"{server.base_url}/3.0/lists/practice" + path.format(hash=known["id"])
    server.exchanges.clear()
    answer = requests.post(url, json=body, auth=("x", "practice-us1"), timeout=10)
    assert (answer.status_code, answer.json()["title"]) == (400, "Invalid Resource")
    contract.check_exchange(server.exchanges[0])
    assert list(members(books)) == [ADA]


def test_a_batch_can_replace_tags_where_it_is_told_to(client: Client, books: dict[str, Any]) -> None:
    batch(client, inputs(ADA, tags=["tea"]))
    for sync, expected in ((False, ["tea", "vip"]), (True, ["vip"])):
        body = {
            "members": [{"email_address": ADA, "tags": ["vip"]}],
            "update_existing": True,
            "sync_tags": sync,
        }
        assert client.lists.batch_list_members("practice", body)["total_updated"] == 1
        assert members(books)[ADA]["tags"] == expected


def test_importing_the_connector_and_its_practice_stays_light() -> None:
    code = (
        "import sys, connectors.mailchimp.practice; "
        "print([name for name in ('mailchimp_marketing', 'six') if name in sys.modules])"
    )
    root = Path(__file__).resolve().parents[3]
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
