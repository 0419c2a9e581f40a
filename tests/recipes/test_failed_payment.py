"""A payment that failed: what leaves when, who is asked to call, and what settles it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from connectors import hubspot, mailchimp, twilio, webhook
from hub import Event
from hub.testing import Rehearsed, rehearse
from recipes.failed_payment import failed_payment
from tests.recipes.events import AUDIENCE
from tests.recipes.rehearsing import mailed_at, mails, texts

FAILED = webhook.payment_failed.sample
DAY, HOUR = timedelta(days=1), timedelta(hours=1)


def failed(at: datetime = FAILED.at, *, zone: str | None = None, **data: Any) -> Event:
    person = {**FAILED.data["person"], "zone": zone}
    return replace(FAILED, at=at, data={**FAILED.data, "person": person, "data": {**FAILED.data["data"], **data}})


def later(trigger: Any, after: timedelta, subscription: str = "S-12") -> Event:
    found = trigger.sample
    return replace(found, at=FAILED.at + after, data={**found.data, "data": {"subscription": subscription}})


def settle(*happenings: Event, first: Event | None = None, answers: Any = None, **settings: Any) -> Rehearsed:
    usual = {mailchimp.get_member: {"status": "subscribed"}, mailchimp.add_event: {"id": "e"}}
    given = usual | (answers or {})
    return rehearse(failed_payment, first or failed(), given, happenings, **{"audience": AUDIENCE} | settings)


def tasks(run: Rehearsed) -> list[str]:
    return [step.inputs["title"] for step in run.of(hubspot.create_task)]


def test_four_mails_and_a_text_leave_until_hope_ends():
    run = settle()
    assert [(name, at - FAILED.at) for name, at in mailed_at(run)] == [
        ("payment_failed_1", HOUR),
        ("payment_failed_2", 3 * DAY),
        ("payment_failed_3", 7 * DAY),
        ("payment_failed_4", 12 * DAY),
    ]
    ((at, text),) = texts(run)
    assert (at - FAILED.at, text) == (
        5 * DAY,
        "Your payment of 29.00 USD did not go through. Please update your card, so that nothing stops.",
    )
    assert run.of(twilio.send_sms)[0].inputs["purpose"] == "transactional"
    assert (run.says, tasks(run)) == ("They did not pay.", [])
    told = [step.inputs["properties"] for step in run.of(mailchimp.add_event)]
    assert told == [{"amount": "29.00", "currency": "USD"}] * 4
    assert {step.inputs["purpose"] for step in run.of(mailchimp.add_event)} == {"transactional"}


@pytest.mark.parametrize(("days", "left"), [(1, 1), (4, 2), (8, 3), (15, 4)])
def test_paying_ends_it_with_thanks(days, left):
    run = settle(later(webhook.payment_paid, days * DAY))
    assert (run.says, mails(run)[-1], len(mails(run))) == ("They paid.", "payment_failed_settled", left + 1)


@pytest.mark.parametrize("after", [timedelta(minutes=20), timedelta(0)])
def test_who_pays_within_the_hour_or_is_told_to_have_paid_first_gets_no_mail_at_all(after):
    run = settle(later(webhook.payment_paid, after))
    assert (run.says, mails(run), texts(run)) == ("They paid.", [], [])


def test_cancelling_the_subscription_ends_it_without_a_word():
    run = settle(later(webhook.subscription_cancelled, 4 * DAY))
    assert (run.says, len(mails(run)), texts(run)) == ("The subscription was cancelled.", 2, [])


@pytest.mark.parametrize("trigger", [webhook.payment_paid, webhook.subscription_cancelled])
def test_another_subscription_of_theirs_settles_nothing(trigger):
    assert len(mails(settle(later(trigger, DAY, "S-99")))) == 4


@pytest.mark.parametrize("reason", ["fraud", "stolen_card"])
def test_what_may_be_fraud_is_looked_at_by_a_person_before_anybody_writes(reason):
    run = settle(first=failed(reason=reason))
    assert (len(tasks(run)), mails(run), texts(run)) == (1, [], [])
    assert run.says == "It may be fraud, so a colleague looks at it."


@pytest.mark.parametrize(
    ("amount", "limit", "calls"),
    [
        ("100.00", "100", 1),
        ("99.99", "100", 0),
        ("5000", "0", 0),
        (250, "100", 1),
        (None, "100", 0),
        ("a lot", "100", 0),
    ],
)
def test_the_important_ones_are_called_after_a_week(amount, limit, calls):
    run = settle(first=failed(amount=amount), call_from=limit)
    assert tasks(run) == ["Call them: their payment has failed for a week"] * calls
    asked_at = [entry.at - FAILED.at for entry in run.timeline if entry.action == hubspot.create_task.name]
    assert asked_at == [7 * DAY] * calls


@pytest.mark.parametrize("status", ["unsubscribed", "transactional", "absent"])
def test_whom_mailchimp_may_not_write_to_a_colleague_writes_to(status):
    run = settle(answers={mailchimp.get_member: {"status": status}})
    assert (mails(run), texts(run)) == ([], [])
    assert tasks(run) == ["Write to them: their payment failed, and they get no newsletters"]
    assert run.says == "They get no newsletters, so a colleague writes to them."


@pytest.mark.parametrize(
    ("at", "zone", "left"),
    [
        ("2026-11-22T03:00:00+00:00", "Europe/Berlin", "2026-11-27T08:00+01:00"),
        ("2026-11-22T22:30:00+00:00", "Europe/Berlin", "2026-11-27T20:00+01:00"),
        ("2026-11-22T12:00:00+00:00", "Europe/Berlin", "2026-11-27T13:00+01:00"),
        # clocks are put forward in the night before the text
        ("2027-03-23T06:30:00+00:00", "Europe/Berlin", "2027-03-28T08:30+02:00"),
        ("2026-11-22T03:00:00+00:00", None, "2026-11-27T04:00+01:00"),
    ],
)
def test_the_text_wakes_nobody_whose_time_zone_is_known(at, zone, left):
    run = settle(first=failed(datetime.fromisoformat(at), zone=zone))
    assert texts(run)[0][0].astimezone(ZoneInfo("Europe/Berlin")).isoformat(timespec="minutes") == left
    # the e-mails keep to their days
    assert [name for name, _ in mailed_at(run)] == [f"payment_failed_{number}" for number in (1, 2, 3, 4)]
    assert mailed_at(run)[2][1] - datetime.fromisoformat(at) == 7 * DAY


def test_without_a_number_or_a_text_none_leaves_and_the_rest_does():
    nobody = replace(failed(), person=replace(FAILED.person, phone=None))
    for run in (settle(first=nobody), settle(text="")):
        assert (run.of(twilio.send_sms), len(mails(run))) == ([], 4)


def test_who_takes_no_texts_gets_none_and_the_rest_goes_on():
    said = replace(twilio.opted_out.sample, at=FAILED.at + DAY)
    stop = replace(said, consents=tuple(replace(consent, at=said.at) for consent in said.consents))
    run = settle(stop)
    assert (texts(run), len(mails(run))) == ([], 4)


def test_one_subscription_is_settled_once_in_twenty_days():
    assert failed_payment.once_per is not None
    assert failed_payment.once_per(failed()) == failed_payment.once_per(failed(payment="P-78", attempt=2))
    assert failed_payment.cool_down == 20 * DAY


def test_a_payment_of_no_subscription_begins_nothing():
    run = settle(first=failed(subscription=None))
    assert (run.state, "subscription" in str(run.says)) == ("skipped", True)
