"""Logging in at Mailchimp, and what its refusals, faults and silence mean."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from connectors import mailchimp
from connectors.mailchimp.client import Client, connected
from connectors.mailchimp.practice import service
from hub.errors import ActionFailed, NotAuthorized, OutcomeUnknown, RateLimited, Rejected, ServiceDown, SetupError
from hub.practice import Response

from .calls import ADA, batch, inputs

# ---- logging in


def test_the_check_gives_the_accounts_name(client: Client) -> None:
    assert mailchimp.check(client) == "Practice account"


def test_a_wrong_key_is_a_lost_login(server: Any) -> None:
    with pytest.raises(NotAuthorized, match="API Key Invalid") as lost:
        mailchimp.check(mailchimp.connect(base_url=server.base_url, api_key="wrong-us1"))
    assert "wrong-us1" not in str(lost.value)


@pytest.mark.parametrize(
    "key", ["0123456789abcdef", "abc-", "abc-evil.example/", "abc-us1.evil.example", "a-b-us1", ""]
)
def test_a_key_without_a_data_centre_goes_nowhere(key: str) -> None:
    with pytest.raises(SetupError, match="data centre"):
        mailchimp.connect(api_key=key)


def test_the_data_centre_of_the_key_is_the_host() -> None:
    client = connected("0123456789abcdef-us21", None)
    assert client.lists.api_client.host == "https://us21.api.mailchimp.com/3.0"
    assert "0123456789abcdef" not in repr(client)


# ---- what failures mean


@pytest.mark.parametrize(
    ("fault", "meaning"),
    [
        ({"kind": "status", "status": 400}, Rejected),
        ({"kind": "status", "status": 401}, NotAuthorized),
        ({"kind": "status", "status": 403}, NotAuthorized),
        ({"kind": "status", "status": 404}, Rejected),
        ({"kind": "status", "status": 429}, RateLimited),
        ({"kind": "status", "status": 500}, OutcomeUnknown),
        ({"kind": "html"}, OutcomeUnknown),
        ({"kind": "malformed"}, OutcomeUnknown),
        ({"kind": "drop_before"}, OutcomeUnknown),
        ({"kind": "drop_after"}, OutcomeUnknown),
    ],
)
def test_every_failure_says_what_happens_next(
    client: Client, fault: dict[str, Any], meaning: type[ActionFailed]
) -> None:
    service.add_fault({"path": "/members/", **fault})
    with pytest.raises(ActionFailed) as failed:
        mailchimp.upsert_member.perform(client, **inputs(ADA))
    assert type(failed.value) is meaning


def test_an_empty_answer_is_no_success(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "_broken", lambda fault: Response(status=204))
    calls = [
        lambda: mailchimp.check(client),
        lambda: mailchimp.get_member.perform(client, "practice", ADA),
        lambda: mailchimp.upsert_member.perform(client, **inputs(ADA)),
        lambda: batch(client, inputs(ADA)),
        lambda: mailchimp.find_events(client, datetime.now(UTC), list_id="practice", email=ADA, name="purchased"),
    ]
    service.add_fault({"kind": "status", "times": len(calls)})
    for call in calls:
        with pytest.raises(OutcomeUnknown):
            call()


@pytest.mark.parametrize("status", [429, 403])
def test_an_overload_is_waited_for_as_long_as_it_asks(client: Client, status: int) -> None:
    service.add_fault({"kind": "status", "status": status, "seconds": 7})
    with pytest.raises(RateLimited) as failed:
        mailchimp.check(client)
    assert (failed.value.after, failed.value.status) == (7, status)


def test_a_service_that_cannot_be_reached_did_nothing() -> None:
    nowhere = mailchimp.connect(base_url="http://127.0.0.1:9", api_key="practice-us1")
    with pytest.raises(ServiceDown):
        mailchimp.check(nowhere)
