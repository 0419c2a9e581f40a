"""A yes or no in one place, and what becomes of it in the others."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from connectors import hubspot, mailchimp, shopify
from hub import Rejected
from hub.testing import Rehearsed, rehearse
from recipes.sync_consent import sync_consent
from tests.recipes.events import ADA, AUDIENCE, NOON, after, in_newsletter, read, said_in_shop


def record(state: str, at: datetime | None = NOON) -> dict[str, Any]:
    """A customer as the shop knows them."""
    consent = {"given": state == "subscribed", "state": state, "at": at and at.isoformat()}
    return {"id": "70", "email_consent": consent}


def pass_on(first: Any, *happenings: Any, answers: Any = None, **settings: Any) -> Rehearsed:
    usual = {
        shopify.find_customer: None,
        shopify.update_marketing_consent: {"id": "70"},
        mailchimp.set_consent: {"status": "subscribed"},
        hubspot.set_properties: {"id": "51"},
    }
    later = [read(sent) for sent in happenings]
    return rehearse(sync_consent, read(first), usual | (answers or {}), later, **{"audience": AUDIENCE} | settings)


def written(run: Rehearsed) -> list[Any]:
    writers = (mailchimp.set_consent, shopify.update_marketing_consent, hubspot.set_properties)
    return [step for writer in writers for step in run.of(writer)]


@pytest.mark.parametrize("state", ["unsubscribed", "redacted"])
def test_a_no_said_in_the_shop_unsubscribes_at_once(state):
    run = pass_on(said_in_shop(state))
    assert run.steps == [mailchimp.set_consent(AUDIENCE, ADA, False, status_if_new="subscribed")]


@pytest.mark.parametrize(("confirm", "status"), [(False, "subscribed"), (True, "pending")])
def test_a_yes_said_in_the_shop_reaches_the_newsletter(confirm, status):
    run = pass_on(said_in_shop("subscribed"), confirm=confirm)
    assert written(run) == [mailchimp.set_consent(AUDIENCE, ADA, True, status_if_new=status)]


@pytest.mark.parametrize("kind", ["unsubscribe", "cleaned"])
@pytest.mark.parametrize("state", ["subscribed", "not_subscribed", "pending"])
def test_a_no_below_a_newsletter_reaches_the_shop_whatever_stood_there(kind, state):
    run = pass_on(in_newsletter(kind), answers={shopify.find_customer: record(state, after(hours=1))})
    assert written(run) == [shopify.update_marketing_consent("70", "email", False, NOON)]


def test_a_yes_in_the_newsletter_reaches_the_shop():
    run = pass_on(in_newsletter("subscribe"), answers={shopify.find_customer: record("not_subscribed")})
    assert written(run) == [shopify.update_marketing_consent("70", "email", True, NOON)]


@pytest.mark.parametrize(
    "no",
    [
        said_in_shop("unsubscribed", after(seconds=20)),
        in_newsletter("unsubscribe", after(seconds=20)),
        in_newsletter("cleaned", NOON),
    ],
)
@pytest.mark.parametrize("yes", [said_in_shop("subscribed"), in_newsletter("subscribe")])
def test_a_no_that_was_said_since_wins_over_a_yes(yes, no):
    run = pass_on(yes, no, answers={shopify.find_customer: record("not_subscribed")})
    assert (run.says, written(run)) == ("They said no since.", [])


def test_an_older_no_that_is_told_late_does_not_undo_a_newer_yes():
    run = pass_on(said_in_shop("subscribed"), in_newsletter("unsubscribe", after(hours=-1)))
    assert len(written(run)) == 1


@pytest.mark.parametrize(("at", "passed_on"), [(after(hours=-1), 1), (NOON, 0), (after(hours=1), 0), (None, 0)])
def test_a_yes_undoes_only_an_older_no_in_the_shop(at, passed_on):
    run = pass_on(in_newsletter("subscribe"), answers={shopify.find_customer: record("unsubscribed", at)})
    assert len(written(run)) == passed_on


@pytest.mark.parametrize(("kind", "state"), [("unsubscribe", "unsubscribed"), ("subscribe", "subscribed")])
def test_what_the_shop_knows_already_is_not_written_again_so_that_no_loop_can_begin(kind, state):
    assert written(pass_on(in_newsletter(kind), answers={shopify.find_customer: record(state)})) == []


def test_somebody_whom_the_shop_does_not_know_is_fine():
    assert pass_on(in_newsletter("unsubscribe")).says == "They said no, or cannot be reached."


def test_how_it_stands_is_kept_in_hubspot_if_the_owner_wants_it():
    run = pass_on(in_newsletter("unsubscribe"), hubspot_property="newsletter_ok")
    assert written(run) == [hubspot.set_properties({"newsletter_ok": False}, email=ADA)]


def test_a_refusal_by_one_does_not_keep_a_no_from_the_other():
    answers = {shopify.find_customer: record("subscribed"), hubspot.set_properties: Rejected("No such contact.")}
    run = pass_on(in_newsletter("unsubscribe"), answers=answers, hubspot_property="newsletter_ok")
    assert run.says == "Not everything was possible: No such contact."
    assert len(run.of(shopify.update_marketing_consent)) == 1


@pytest.mark.parametrize(
    "neither",
    [
        said_in_shop("pending"),
        said_in_shop("not_subscribed"),
        said_in_shop("invalid"),
        in_newsletter("unsubscribe", action="delete"),
    ],
)
def test_what_is_neither_yes_nor_no_starts_nothing(neither):
    assert pass_on(neither).state == "skipped"


@pytest.mark.parametrize("kind", ["subscribe", "unsubscribe"])
def test_another_audience_is_none_of_its_business(kind):
    assert pass_on(in_newsletter(kind, audience="another1")).steps == []
