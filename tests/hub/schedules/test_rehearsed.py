"""Recipes that begin by the clock are rehearsed like others: with the time, with one of the list, or with all of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from connectors import mailchimp, webhook
from hub import Event, Steps, daily, monthly, recipe, sleep, yearly
from hub.testing import rehearse


@recipe(on=daily("09:00"), title="Good morning")
def greet_the_till(event: Event, *, words: str = "Good morning") -> Steps:
    """Greets the till each day."""
    yield webhook.send({"says": words, "at": event.data["due"]})


def is_birthday(event: Event) -> bool:
    """It is their birthday."""
    return event.data["merge_fields"].get("BIRTHDAY") == f"{event.at:%m/%d}"


@recipe(on=yearly(11, 22, "09:00").each(mailchimp.members), title="Birthday", filters=[is_birthday])
def wish_well(event: Event, *, audience: str) -> Steps:
    """Tags whoever has their birthday, and takes that back a day later."""
    yield mailchimp.upsert_member(audience, event.person.email, tags=["birthday"])
    yield sleep(days=1)
    yield mailchimp.remove_tags(audience, event.person.email, ["birthday"])


@recipe(on=monthly(1, "09:00").each(mailchimp.members), title="Everybody")
def tag_everybody(event: Event, *, audience: str) -> Steps:
    """Tags all."""
    yield mailchimp.add_tags(audience, event.data["email_address"], ["here"])


def test_one_that_begins_with_the_time() -> None:
    run = rehearse(greet_the_till, greet_the_till.on[0].sample, words="Hello")
    assert run.state == "done"
    assert run.steps == [webhook.send({"says": "Hello", "at": "2026-11-22T09:00:00+00:00"})]


def test_one_that_begins_for_somebody_of_a_list() -> None:
    run = rehearse(wish_well, wish_well.on[0].sample, audience="practice")
    assert (run.state, len(run.steps)) == ("done", 3)
    assert [entry.at - run.timeline[0].at for entry in run.timeline][-1] >= timedelta(days=1)


def test_one_whose_filter_turns_them_away() -> None:
    sample = wish_well.on[0].sample
    other = Event(sample.key, sample.type, sample.at + timedelta(days=1), sample.data, sample.person)
    assert rehearse(wish_well, other, audience="practice").state == "skipped"


def test_the_way_through_the_whole_list() -> None:
    at = datetime(2026, 12, 1, 9, tzinfo=UTC)
    run = rehearse(tag_everybody, Event("due", "schedule.monthly", at, {}), audience="practice")
    assert (run.state, run.says) == ("done", "Went through 0.")
