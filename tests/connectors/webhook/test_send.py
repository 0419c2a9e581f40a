"""What is sent to a tool: signed, once per id, and never to what is not public."""

from __future__ import annotations

import hmac
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from hashlib import sha256
from typing import Any

import pytest
from standardwebhooks.webhooks import Webhook

from connectors import webhook
from connectors.webhook.client import Client
from connectors.webhook.practice import SECRET, service
from hub import NotAuthorized, OutcomeUnknown, RateLimited, Rejected, ServiceDown, outside
from hub.http import Answer
from tests.connectors.serving import Inbox

DATA = {"customer": "Ada", "since": datetime(2026, 1, 1, tzinfo=UTC), "spent": Decimal("12.50"), "for": timedelta(1)}
TOOL = "https://tool.example/inbox"


class Posted:
    """Stands in for the way out: keeps what leaves, and answers `status`."""

    def __init__(self, status: int = 200, headers: dict[str, str] | None = None) -> None:
        self.answer, self.left = Answer(status, headers or {}, b""), []  # type: ignore[var-annotated]

    def __call__(self, url: str, body: bytes, headers: dict[str, str]) -> Answer:
        self.left.append((url, body, headers))
        return self.answer


def tool(**fields: Any) -> Client:
    given = {"base_url": None, "name": "Booking tool", "signing_secret": [SECRET], "send_to": TOOL}
    return webhook.connect(**(given | fields))


def test_what_is_sent_is_signed_as_standard_webhooks_verifies_it(monkeypatch: pytest.MonkeyPatch) -> None:
    out = Posted(204)
    monkeypatch.setattr(outside, "send", out)
    assert webhook.send.perform(tool(), DATA, key="step-1") == {"status": 204}
    ((url, body, headers),) = out.left
    assert (url, headers["webhook-id"]) == (TOOL, "step-1")
    sent = Webhook(SECRET).verify(body, headers)
    assert sent == {"customer": "Ada", "since": "2026-01-01T00:00:00+00:00", "spent": "12.50", "for": 86400.0}


def test_a_tool_with_a_header_of_its_own_gets_the_plain_signature_there(monkeypatch: pytest.MonkeyPatch) -> None:
    out = Posted()
    monkeypatch.setattr(outside, "send", out)
    client = tool(signing_secret=["owner's own"], signature_header="X-Signature")
    webhook.send.perform(client, {"a": 1}, key="step-1")
    ((_, body, headers),) = out.left
    assert headers["X-Signature"] == "sha256=" + hmac.new(b"owner's own", body, sha256).hexdigest()
    assert headers["webhook-id"] == "step-1" and "webhook-signature" not in headers


@pytest.mark.parametrize("url", ["https://other.example/inbox", "http://tool.example/inbox", "/inbox", "https:///x"])
def test_nothing_leaves_to_another_host_than_the_connections_own(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    out = Posted()
    monkeypatch.setattr(outside, "send", out)
    with pytest.raises(Rejected, match="not at the host"):
        webhook.send.perform(tool(), {}, url=url, key="k")
    with pytest.raises(Rejected, match="no address to send to"):
        webhook.send.perform(tool(send_to=None), {}, key="k")
    assert out.left == []
    webhook.send.perform(tool(), {}, url="https://tool.example/other?x=1", key="k")
    assert [url for url, _, _ in out.left] == ["https://tool.example/other?x=1"]


@pytest.mark.parametrize(
    ("status", "failure"),
    [
        (302, Rejected),
        (307, Rejected),
        (404, Rejected),
        (410, Rejected),
        (401, NotAuthorized),
        (403, NotAuthorized),
        (429, RateLimited),
        (500, OutcomeUnknown),
        (503, ServiceDown),
    ],
)
def test_what_the_tool_answers_decides_what_happens_next(
    monkeypatch: pytest.MonkeyPatch, status: int, failure: type[Exception]
) -> None:
    monkeypatch.setattr(outside, "send", Posted(status, {"Retry-After": "7", "Location": "http://10.0.0.1/"}))
    with pytest.raises(failure) as caught:
        webhook.send.perform(tool(), {}, key="k")
    if isinstance(caught.value, RateLimited):
        assert caught.value.after == 7


def test_an_address_that_leads_beside_the_hub_is_refused_for_good(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("socket.getaddrinfo", lambda *_, **__: [(2, 1, 6, "", ("169.254.169.254", 443))])
    with pytest.raises(Rejected, match="is not a public address"):
        webhook.send.perform(tool(), {}, key="k")


def test_the_practice_tool_takes_what_is_sent_once_per_id(client: Client, books: dict[str, Any]) -> None:
    for _ in range(2):
        webhook.send.perform(client, {"customer": "Ada"}, key="step-1")
    webhook.send.perform(client, {"customer": "Bo"}, url="https://tool.example/other", key="step-2")
    assert [(kept["place"], kept["data"]["customer"]) for kept in books["inbox"]] == [
        ("/inbox", "Ada"),
        ("/other", "Bo"),
    ]
    assert service.holds() == {"inbox": 2}


def test_the_practice_tool_lets_nobody_in_with_another_secret(connect: Callable[..., Client]) -> None:
    stranger = connect(signing_secret=["whsec_" + "c3RyYW5nZXItc2VjcmV0LXg="])
    with pytest.raises(NotAuthorized, match="Give it the secret again"):
        webhook.check(stranger)
    with pytest.raises(NotAuthorized):
        webhook.send.perform(stranger, {}, key="k")


@pytest.mark.parametrize(
    ("what", "kind"),
    [
        ("booking", webhook.appointment_booked),
        ("booking_moved", webhook.appointment_moved),
        ("booking_cancelled", webhook.appointment_cancelled),
        ("booking_attended", webhook.appointment_attended),
        ("survey", webhook.survey_answered),
        ("payment", webhook.payment_paid),
        ("payment_failed", webhook.payment_failed),
        ("subscription_cancelled", webhook.subscription_cancelled),
        ("visit", webhook.visit),
        ("other", webhook.received),
    ],
)
def test_what_happens_at_the_practice_tool_comes_in_signed(client: Client, inbox: Inbox, what: str, kind: Any) -> None:
    webhook.subscribe(client, inbox.url)
    service.happen(what, {"email": "bo@example.com"})
    (came,) = inbox.take()
    webhook.connector.verify(came, {"signing_secret": [SECRET]})
    (event,) = webhook.connector.read(came)
    assert (event.type, event.person.email, event.person.phone) == (kind.type, "bo@example.com", None)
    assert json.loads(came.body) == event.data
    assert set(event.data["data"]) <= set(kind.sample.data["data"]) | {"score"} or kind is webhook.received


def test_the_practice_tool_sends_nothing_before_and_after(client: Client, inbox: Inbox) -> None:
    service.happen("visit", {})
    webhook.subscribe(client, inbox.url)
    webhook.unsubscribe(client, inbox.url)
    service.happen("visit", {})
    assert service.counts()["webhooks"] == {"sent": {}, "waiting": 0}


def test_an_appointment_keeps_its_id_when_it_is_moved() -> None:
    booked = service.happen("booking", {})
    assert service.happen("booking_moved", {})["data"]["appointment"] == booked["data"]["appointment"]
    assert service.happen("booking", {})["data"]["appointment"] != booked["data"]["appointment"]
