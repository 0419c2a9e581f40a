"""Nobody forgets their appointment: a confirmation, a reminder the day before, one two hours before."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated

from connectors import twilio, webhook
from hub import Event, Setting, Steps, ask_person, now, recipe, sleep_until, wait_for
from recipes.appointment import FILLS, is_to_come, last_call, start_of, told
from recipes.local_time import by_day

SOON = timedelta(hours=3)
"""Whoever was told of it such a short time ago need not be reminded."""

THIS_ONE = "data.appointment"


def can_be_reached(event: Event) -> bool:
    """There is a mobile number."""
    return event.person.phone is not None


def answered(until: datetime) -> Steps:
    """Waits for their answer to the reminder; what came of it, or None."""
    asked = yield now()
    while (left := until - (yield now())) > timedelta(0):
        reply = yield wait_for(twilio.message_received, timeout=left)
        word = reply.data["Body"].strip(" .!").upper() if reply and reply.at >= asked else ""
        if word == "C":
            return "They confirmed."
        if word == "R":
            yield ask_person("They need another time for their appointment. Please call them.", timeout=left)
            return "They asked for another time."
    return None


@recipe(
    on=[webhook.appointment_booked, webhook.appointment_moved],
    title="Remind people of their appointment",
    filters=[can_be_reached, is_to_come],
    stop_when=[
        webhook.appointment_booked.matching(same=THIS_ONE),
        webhook.appointment_moved.matching(same=THIS_ONE),
        webhook.appointment_cancelled.matching(same=THIS_ONE),
        webhook.appointment_attended.matching(same=THIS_ONE),
    ],
)
def appointment_reminders(
    event: Event,
    *,
    booked: Annotated[str, Setting("When it is booked or moved", message="sms", fills=FILLS)] = (
        "{first_name|Hello}, see you on {day} at {time}. Reply STOP to get no more texts."
    ),
    day_before: Annotated[str, Setting("The day before", message="sms", fills=FILLS)] = (
        "Tomorrow at {time} is your appointment. Reply C to confirm, or R if you need another time."
    ),
    hours_before: Annotated[str, Setting("Two hours before", message="sms", fills=FILLS)] = "See you at {time}!",
) -> Steps:
    """Whoever books or moves an appointment gets a text at once, one the day before, and one two hours before, or the
    evening before an early one; nobody is texted between 20:00 and 8:00 but at booking. Whoever replies C is not
    reminded again; of whoever replies R, somebody of yours is asked to call them. It ends when they come or cancel, and
    begins anew when they move it. Times are by the clock of the person, if the tool tells their time zone."""
    start = start_of(event)
    assert start is not None
    if reason := (yield from told(event, start, booked)):
        return reason
    soon = (yield now()) + SOON
    if (at := by_day(start - timedelta(days=1))) > soon:
        yield sleep_until(at)
        if reason := (yield from told(event, start, day_before)):
            return reason
    if (at := last_call(start)) > soon:
        if outcome := (yield from answered(at)):
            return outcome
        if reason := (yield from told(event, start, hours_before)):
            return reason
    return "They were reminded."
