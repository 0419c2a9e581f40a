"""Reading what Mailchimp posts."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import pytest

from connectors import mailchimp
from connectors.mailchimp.practice import signed
from hub.delivery import Delivery
from hub.errors import PayloadUnreadable, SecretMissing, SignatureMissing, SignatureWrong
from hub.event import UNKNOWN, Consent, Event
from tests.connectors.contract import vendor_file

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
URL = "https://hub.example/webhooks/mailchimp/c-1?key=u-1"
SECRETS = {"signing_secret": ["newest", "older"], "url_secret": ["u-1"]}


def delivery(form: dict[str, str] | str, headers: dict[str, str] | None = None, url: str = URL) -> Delivery:
    body = form if isinstance(form, str) else urlencode(form)
    return Delivery("POST", url, headers or {}, body.encode(), NOW)


def read(form: dict[str, str] | str) -> Event:
    (event,) = mailchimp.connector.read(delivery(form))
    return event


def sample(trigger: Any) -> dict[str, str]:
    return dict(trigger.sample_delivery.form)


def test_a_subscription_tells_who_when_and_that_they_agreed() -> None:
    event = mailchimp.member_subscribed.sample
    at = datetime(2026, 11, 21, 9, 30, 5, tzinfo=UTC)
    assert (event.type, event.at) == ("mailchimp.member.subscribed", at)
    assert (event.person.email, event.person.phone) == ("ada@example.com", "+14155550142")
    assert event.person.ids == {"mailchimp.member": "8a25ff1d98"}
    assert event.consents == (Consent("email", "ada@example.com", True, at),)
    assert event.key == "subscribe:a6b5da1054:8a25ff1d98:2026-11-21 09:30:05"


def test_the_form_becomes_nested_again_and_nothing_is_lost() -> None:
    event = read(sample(mailchimp.member_subscribed) | {"data[merges][GROUPS][0][name]": "Tea", "more": "1"})
    assert event.data["type"] == "subscribe"
    assert event.data["more"] == "1"
    assert event.data["data"]["merges"]["FNAME"] == "Ada"
    assert event.data["data"]["merges"]["GROUPS"] == {"0": {"name": "Tea"}}


def test_repeated_names_without_an_index_are_all_kept() -> None:
    event = read("type=new&data[tags][]=a&data[tags][]=b")
    assert event.data["data"]["tags"] == {"0": "a", "1": "b"}


@pytest.mark.parametrize("trigger", [mailchimp.member_unsubscribed, mailchimp.member_cleaned])
def test_who_unsubscribes_or_bounces_has_not_consented(trigger: Any) -> None:
    (consent,) = trigger.sample.consents
    assert (consent.channel, consent.given, consent.at) == ("email", False, trigger.sample.at)


@pytest.mark.parametrize("trigger", [mailchimp.member_changed, mailchimp.member_email_changed, mailchimp.campaign_sent])
def test_the_others_say_nothing_about_consent(trigger: Any) -> None:
    assert trigger.sample.consents == ()


def test_a_changed_address_is_about_the_person_with_the_new_one() -> None:
    person = mailchimp.member_email_changed.sample.person
    assert (person.email, person.ids) == ("ada.new@example.com", {"mailchimp.member": "51da8c3259"})


def test_a_campaign_is_about_nobody() -> None:
    assert not mailchimp.campaign_sent.sample.person


def test_a_campaign_that_was_cancelled_was_not_sent() -> None:
    event = read(sample(mailchimp.campaign_sent) | {"data[status]": "canceled"})
    assert (event.type, event.data["data"]["status"]) == (UNKNOWN, "canceled")


def test_a_bounce_has_no_id_so_its_key_hides_the_address() -> None:
    one, again = mailchimp.member_cleaned.sample, mailchimp.member_cleaned.sample
    other = read(sample(mailchimp.member_cleaned) | {"data[email]": "ada@example.com"})
    assert one.key == again.key != other.key
    assert "grace" not in one.key


def test_the_same_person_in_two_audiences_makes_two_events() -> None:
    form = sample(mailchimp.member_subscribed)
    assert read(form).key != read(form | {"data[list_id]": "0000000000"}).key


def test_an_unknown_type_is_an_event_with_everything_in_it() -> None:
    event = read({"type": "reborn", "data[email]": "ada@example.com"})
    assert (event.type, event.at, event.person.email) == (UNKNOWN, NOW, "ada@example.com")
    assert event.data == {"type": "reborn", "data": {"email": "ada@example.com"}}


def test_a_phone_number_without_its_country_is_not_guessed() -> None:
    assert read(sample(mailchimp.member_subscribed) | {"data[merges][PHONE]": "(415) 555-0142"}).person.phone is None


@pytest.mark.parametrize(
    "form",
    [
        "",
        "no form",
        "data[email]=ada@example.com",
        "type=subscribe&fired_at=2026-11-21 09:30:05",
        "type=subscribe&fired_at=2026-11-21 09:30:05&data=ada",
        "type=subscribe&fired_at=yesterday&data[email]=ada@example.com&data[list_id]=a6b5da1054",
        "type=subscribe&data[email]=ada@example.com&data[list_id]=a6b5da1054",
        "type[of]=subscribe",
        "type=new&data[a=1",
        "type=new&data=1&data[a]=1",
        "type=new&data[a]=1&data=1",
        "type=new&data" + "[a]" * 9 + "=1",
        "type=upemail&fired_at=2026-11-21 09:30:05&data[list_id]=a6b5da1054&data[old_email]=ada@example.com",
    ],
)
def test_a_form_of_the_wrong_shape_is_refused_whole(form: str) -> None:
    with pytest.raises(PayloadUnreadable):
        read(form)


@pytest.mark.parametrize("kind", ["subscribe", "unsubscribe", "profile", "cleaned", "upemail", "campaign"])
def test_the_shapes_that_others_have_seen_are_read(kind: str) -> None:
    """Forms from Mailchimp's guide and from memory, written down independently of our samples."""
    seen = json.loads(vendor_file("mailchimp", "samples-handwritten", f"webhook-{kind}.form.json").read_text())
    assert read(seen["params"]).type == mailchimp.TYPES[kind]


def test_a_signed_delivery_is_accepted_with_any_secret_of_the_connection() -> None:
    headers, body = signed(sample(mailchimp.member_subscribed), URL, "older", NOW)
    lower = {name.lower(): value for name, value in headers.items()}
    mailchimp.connector.verify(Delivery("POST", URL, lower, body, NOW), SECRETS)


@pytest.mark.parametrize(
    ("secret", "url", "secrets", "refusal"),
    [
        ("a stranger's", URL, SECRETS, SignatureWrong),  # even though the address fits
        ("newest", URL, {"url_secret": ["u-1"]}, SecretMissing),
        (None, URL.replace("u-1", "u-2"), SECRETS, SignatureWrong),
        (None, URL.split("?")[0], SECRETS, SignatureMissing),
        (None, URL, {}, SecretMissing),
    ],
)
def test_whatever_does_not_fit_is_refused(
    secret: str | None, url: str, secrets: dict[str, list[str]], refusal: type[Exception]
) -> None:
    headers, body = signed(sample(mailchimp.member_subscribed), url, secret, NOW)
    lower = {name.lower(): value for name, value in headers.items()}
    with pytest.raises(refusal):
        mailchimp.connector.verify(Delivery("POST", url, lower, body, NOW), secrets)


def test_the_secret_in_the_address_vouches_for_unsigned_webhooks() -> None:
    url = mailchimp.webhook_url("https://hub.example/webhooks/mailchimp/c-1", url_secret="a&b", api_key="…")
    headers, body = signed(sample(mailchimp.member_subscribed), url, None, NOW)
    mailchimp.connector.verify(Delivery("POST", url, {}, body, NOW), {"url_secret": ["a&b"]})
    assert "X-Mailchimp-Signature" not in headers
