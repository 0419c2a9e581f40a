"""Reminding people of their appointment: which text leaves when by their clock, and what ends it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from connectors import twilio, webhook
from hub import Event
from hub.testing import Rehearsed, Trouble, rehearse
from recipes.appointment_reminders import appointment_reminders
from tests.recipes.rehearsing import texts

BOOKED = webhook.appointment_booked.sample


def booked(start: str, *, at: str = "2026-11-20T12:00:00+00:00", zone: str | None = None, **data: Any) -> Event:
    """Somebody books an appointment that begins at `start`."""
    person = {"name": "Ada Miller", "zone": zone}
    told = {"person": person, "data": {"appointment": "A-1", "start": start, "service": "Haircut"} | data}
    return replace(BOOKED, at=datetime.fromisoformat(at), data=told)


def later(trigger: Any, event: Event, **after: float) -> Event:
    """Something happens to the same appointment."""
    return replace(trigger.sample, at=event.at + timedelta(**after), data=dict(event.data))


def says(text: str, at: datetime) -> Event:
    return replace(twilio.message_received.sample, at=at, data={**twilio.message_received.sample.data, "Body": text})


def sent(run: Rehearsed, zone: str = "UTC") -> list[str]:
    """When texts left, by a clock on the wall."""
    return [at.astimezone(ZoneInfo(zone)).isoformat(timespec="minutes") for at, _ in texts(run)]


def test_three_texts_leave_at_once_the_day_before_and_two_hours_before():
    run = rehearse(appointment_reminders, booked("2026-11-24T17:00:00+01:00"))
    assert [text for _, text in texts(run)] == [
        "Ada, see you on 24 November at 17:00. Reply STOP to get no more texts.",
        "Tomorrow at 17:00 is your appointment. Reply C to confirm, or R if you need another time.",
        "See you at 17:00!",
    ]
    assert sent(run) == ["2026-11-20T12:00+00:00", "2026-11-23T16:00+00:00", "2026-11-24T14:00+00:00"]
    assert run.says == "They were reminded."
    assert {step.inputs["purpose"] for step in run.of(twilio.send_sms)} == {"transactional"}


def test_times_are_told_by_the_clock_of_the_person_where_the_tool_writes_utc():
    run = rehearse(appointment_reminders, booked("2026-11-24T22:30:00Z", zone="America/New_York"))
    assert [text for _, text in texts(run)][2] == "See you at 17:30!"
    assert sent(run, "America/New_York")[1:] == ["2026-11-23T17:30-05:00", "2026-11-24T15:30-05:00"]


@pytest.mark.parametrize("zone", ["Mars/Base", "../etc", None])
def test_a_zone_that_is_none_leaves_the_times_as_they_are_told(zone):
    run = rehearse(appointment_reminders, booked("2026-11-24T22:30:00-08:00", zone=zone))
    assert texts(run)[0][1] == "Ada, see you on 24 November at 22:30. Reply STOP to get no more texts."


@pytest.mark.parametrize(
    ("start", "left"),
    [
        # clocks are put back on 1 November 2026 in New York, and forward on 14 March 2027
        ("2026-11-01T15:00:00Z", ["2026-10-31T10:00-04:00", "2026-11-01T08:00-05:00"]),
        ("2027-03-14T16:00:00Z", ["2027-03-13T12:00-05:00", "2027-03-14T10:00-04:00"]),
    ],
)
def test_the_day_before_is_the_same_time_on_the_wall_though_clocks_change(start, left):
    event = booked(start, at="2026-10-20T12:00:00+00:00", zone="America/New_York")
    assert sent(rehearse(appointment_reminders, event), "America/New_York")[1:] == left


@pytest.mark.parametrize(
    ("start", "left"),
    [
        ("2026-11-24T10:00:00+00:00", ["2026-11-23T10:00+00:00", "2026-11-24T08:00+00:00"]),
        ("2026-11-24T09:59:00+00:00", ["2026-11-23T09:59+00:00", "2026-11-23T20:00+00:00"]),
        ("2026-11-24T06:00:00+00:00", ["2026-11-23T08:00+00:00", "2026-11-23T20:00+00:00"]),
        ("2026-11-24T22:00:00+00:00", ["2026-11-23T20:00+00:00", "2026-11-24T20:00+00:00"]),
        ("2026-11-24T01:00:00+00:00", ["2026-11-23T08:00+00:00", "2026-11-23T20:00+00:00"]),
    ],
)
def test_a_reminder_wakes_nobody(start, left):
    assert sent(rehearse(appointment_reminders, booked(start)))[1:] == left


@pytest.mark.parametrize(
    ("start", "count"),
    [
        ("2026-11-20T13:00:00+00:00", 1),  # an hour ahead: the first text tells it
        ("2026-11-20T18:00:00+00:00", 2),
        ("2026-11-21T14:00:00+00:00", 2),  # the day before is in two hours
        ("2026-11-21T16:00:00+00:00", 3),
    ],
)
def test_who_books_late_is_not_reminded_of_what_they_were_just_told(start, count):
    assert len(texts(rehearse(appointment_reminders, booked(start)))) == count


@pytest.mark.parametrize(
    "trigger", [webhook.appointment_moved, webhook.appointment_cancelled, webhook.appointment_attended]
)
@pytest.mark.parametrize(("days", "left"), [(1, 1), (3.5, 2)])
def test_moving_cancelling_or_coming_ends_it(trigger, days, left):
    event = booked("2026-11-24T17:00:00+00:00")
    run = rehearse(appointment_reminders, event, happenings=[later(trigger, event, days=days)])
    assert (run.state, len(texts(run))) == ("stopped", left)


def test_another_appointment_of_theirs_is_none_of_its_business():
    event = booked("2026-11-24T17:00:00+00:00")
    other = later(webhook.appointment_cancelled, booked("2026-11-24T17:00:00+00:00", appointment="A-2"), days=1)
    assert len(texts(rehearse(appointment_reminders, event, happenings=[other]))) == 3


def test_a_moved_appointment_begins_anew_with_its_new_time():
    moved = replace(booked("2026-11-26T11:00:00+00:00"), type=webhook.appointment_moved.type)
    assert sent(rehearse(appointment_reminders, moved))[1:] == ["2026-11-25T11:00+00:00", "2026-11-26T09:00+00:00"]


def test_a_booking_that_is_told_after_it_was_moved_reminds_of_nothing():
    event = booked("2026-11-24T17:00:00+00:00")
    moved = later(webhook.appointment_moved, event, minutes=0)
    run = rehearse(appointment_reminders, event, happenings=[moved])
    assert run.state == "stopped"


def test_a_booking_that_the_tool_tells_twice_is_one():
    event = booked("2026-11-24T17:00:00+00:00")
    again = replace(later(webhook.appointment_booked, event, minutes=10), key="another")
    assert rehearse(appointment_reminders, event, happenings=[again]).state == "stopped"


REMINDED = datetime(2026, 11, 23, 17, 30, tzinfo=UTC)


@pytest.mark.parametrize("word", ["C", "c ", "C."])
def test_who_confirms_is_not_reminded_again(word):
    event = booked("2026-11-24T17:00:00+00:00")
    run = rehearse(appointment_reminders, event, happenings=[says(word, REMINDED)])
    assert (run.says, len(texts(run))) == ("They confirmed.", 2)


@pytest.mark.parametrize("decisions", [["They come on Friday."], []])
def test_of_who_needs_another_time_somebody_is_told(decisions):
    event = booked("2026-11-24T17:00:00+00:00")
    run = rehearse(appointment_reminders, event, happenings=[says("R", REMINDED)], decisions=decisions)
    assert (run.says, len(texts(run))) == ("They asked for another time.", 2)
    assert run.steps[-1].inputs["question"] == "They need another time for their appointment. Please call them."


@pytest.mark.parametrize("word", ["Can I bring my dog?", "Running late"])
def test_other_words_are_no_answer(word):
    event = booked("2026-11-24T17:00:00+00:00")
    assert len(texts(rehearse(appointment_reminders, event, happenings=[says(word, REMINDED)]))) == 3


def test_what_they_wrote_before_they_were_asked_is_no_answer():
    event = booked("2026-11-24T17:00:00+00:00")
    run = rehearse(appointment_reminders, event, happenings=[says("C", event.at + timedelta(hours=1))])
    assert len(texts(run)) == 3


def test_who_sends_stop_gets_no_more_texts():
    event = booked("2026-11-24T17:00:00+00:00")
    stop = replace(twilio.opted_out.sample, at=event.at + timedelta(days=1))
    stopped = replace(stop, consents=tuple(replace(said, at=stop.at) for said in stop.consents))
    run = rehearse(appointment_reminders, event, happenings=[stopped])
    assert (run.state, len(texts(run)), run.says) == ("done", 1, run.timeline[-1].reason)


def test_the_last_text_does_not_leave_once_the_appointment_began():
    event = booked("2026-11-24T17:00:00+00:00")
    away = Trouble("twilio", datetime(2026, 11, 23, 16, 0, tzinfo=UTC), timedelta(hours=30))
    run = rehearse(appointment_reminders, event, troubles=[away])
    assert (run.says, len(texts(run))) == ("The appointment was over before the text could leave.", 2)


@pytest.mark.parametrize("start", ["2026-11-19T17:00:00+00:00", "2026-11-24T17:00:00", "soon", None])
def test_what_is_over_or_without_a_time_that_is_sure_begins_nothing(start):
    run = rehearse(appointment_reminders, booked(start))
    assert (run.state, run.says) == (
        "skipped",
        "Not so: The appointment is told with its number and its time, and is still to come.",
    )


def test_an_appointment_without_a_number_begins_nothing_as_nobody_could_tell_that_it_moves():
    assert rehearse(appointment_reminders, booked("2026-11-24T17:00:00+00:00", appointment="")).state == "skipped"


def test_the_texts_are_the_owners():
    run = rehearse(
        appointment_reminders, booked("2026-11-24T17:00:00+00:00"), hours_before="{service} at {time}, {first_name}"
    )
    assert texts(run)[-1][1] == "Haircut at 17:00, Ada"
