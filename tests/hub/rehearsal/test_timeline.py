"""What a rehearsal tells: what would happen, to whom, when and for how much, and what is left out."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from connectors import mailchimp, shopify, twilio
from hub import Event, NotAuthorized, Rejected, ServiceDown, Steps, recipe, sleep, together, wait_for
from hub.event import Person, Place
from hub.rehearsal import Play, playing
from hub.rehearsal.timeline import zone_of
from hub.testing import Entry, rehearse
from tests.recipes.events import ADA, AUDIENCE, NOON, PHONE, after, customer, order, read

LONDON, BERLIN = "+442079460018", "+4915123456789"
HERE = ZoneInfo("America/Los_Angeles")


@recipe(on=shopify.customer_created, title="Greet", stop_when=shopify.order_created)
def greet(event: Event, *, text: str = "Hello") -> Steps:
    """Greets newcomers after three days, and asks again after the next order."""
    yield sleep(days=3)
    yield twilio.send_sms(event.person.phone or "", text, purpose="marketing")
    yield mailchimp.upsert_member(AUDIENCE, event.person.email or "", tags=["greeted"])
    yield wait_for(mailchimp.member_unsubscribed, timeout=timedelta(days=30))
    return "greeted"


def test_the_timeline_compares_with_equality():
    run = rehearse(greet, read(customer()), text="Hello " * 30)
    noon = NOON.astimezone(HERE)
    assert run.timeline == (
        Entry(noon, "sleep", "Wait 3 days", "waits"),
        Entry(
            noon + timedelta(days=3),
            "twilio.send_sms",
            "Send a text message",
            "would happen",
            to=PHONE,
            text="Hello " * 30,
            segments=2,  # 180 characters; one part holds 160, each of several 153
            cost="$0.017",
        ),
        Entry(
            noon + timedelta(days=3),
            "mailchimp.upsert_member",
            "Add or update a member",
            "would happen",
            details="With the tag greeted.",
        ),
        Entry(
            noon + timedelta(days=3),
            "wait_for",
            "Wait until someone unsubscribes from an audience, 30 days at most",
            "waits",
            details="It did not happen.",
        ),
    )
    assert (run.state, run.says) == ("done", "greeted")


def test_it_is_written_as_json_with_the_recipients_offset():
    text = rehearse(greet, read(customer())).timeline[1].as_data()
    assert text == {
        "at": "2026-11-25T12:00:00+00:00",
        "action": "twilio.send_sms",
        "says": "Send a text message",
        "outcome": "would happen",
        "to": PHONE,
        "text": "Hello",
        "segments": 1,
        "cost": "$0.008",
    }


def test_what_an_exit_cuts_short_says_why():
    run = rehearse(greet, read(customer()), happenings=[read(order(after(days=1)))])
    assert [(entry.outcome, entry.details) for entry in run.timeline] == [
        ("waits", "Ended because an order is placed.")
    ]


def test_without_consent_no_message_leaves_and_the_reason_is_told():
    run = rehearse(greet, read(customer()), agreed=False)
    assert [(entry.outcome, entry.reason) for entry in run.timeline[1:]] == [
        ("skipped", "Not sent: nothing says that they agreed to marketing on this channel.")
    ]
    assert run.state == "done"


def test_what_an_event_says_about_consent_outdoes_that_all_agreed():
    refused = customer(
        sms_marketing_consent={"state": "unsubscribed", "consent_updated_at": NOON.isoformat()},
    )
    run = rehearse(greet, read(refused))
    assert (run.timeline[1].outcome, run.timeline[1].reason) == (
        "skipped",
        "Not sent: they said no to marketing on this channel.",
    )


def test_a_service_refuses_as_the_real_one_would():
    run = rehearse(greet, read(customer(phone="+15005550009")))
    assert run.timeline[1].reason == (
        "The recipient's number is not a mobile number, so it cannot receive texts. (Twilio error 21614)"
    )


def test_an_event_that_starts_nothing_is_one_line_with_the_reason():
    def known(event: Event) -> bool:
        """They have a name."""
        return False

    @recipe(on=shopify.customer_created, title="Never", filters=[known])
    def never(event: Event) -> Steps:
        """Does nothing."""
        yield sleep(days=1)
        return None

    run = rehearse(never, read(customer()))
    at = NOON.astimezone(HERE)
    reason = "Not so: They have a name."
    assert run.timeline == (Entry(at, "shopify.customer.created", "A customer is new", "skipped", reason),)


def test_many_people_are_played_at_once_and_each_has_a_timeline():
    def made(number: int) -> Event:
        told = {"id": 1000 + number, "email": f"p{number}@example.com", "phone": f"+1415555{1000 + number}"}
        return read(customer(NOON + timedelta(hours=number), **told))

    played = Play(greet).events([made(number) for number in range(20)])
    assert [item.run.says for item in played] == ["greeted"] * 20
    assert [item.run.timeline[1].to for item in played] == [f"+1415555{1000 + number}" for number in range(20)]
    starts = [item.run.timeline[0].at for item in played]
    assert starts == [NOON + timedelta(hours=number) for number in range(20)]


def test_one_play_knows_nothing_of_the_one_before():
    @recipe(on=shopify.customer_created, title="Look", once_per="person")
    def look(event: Event) -> Steps:
        """Looks the customer up, and those who have ordered."""
        found, orders = yield together(
            shopify.find_customer(ADA),
            shopify.orders_of(customer_id=None, email=ADA, since=datetime(2020, 1, 1, tzinfo=UTC)),
        )
        return f"{bool(found)} {len(orders)}"

    first = rehearse(look, read(customer()), happenings=[read(order(after(days=1)))])
    assert [first.says, rehearse(look, read(customer())).says] == ["True 0"] * 2


def test_an_answer_given_by_hand_takes_the_place_of_the_practice_service():
    run = rehearse(greet, read(customer()), {twilio.send_sms: Rejected("No.")})
    assert (run.timeline[1].outcome, run.timeline[1].reason) == ("skipped", "No.")


@pytest.mark.parametrize(
    ("phone", "place", "otherwise", "zone"),
    [
        (LONDON, Place(country="DE"), None, "Europe/Berlin"),
        (LONDON, Place(time_zone="Asia/Tokyo"), None, "Asia/Tokyo"),
        (LONDON, None, None, "Europe/London"),
        (BERLIN, None, "Europe/Berlin", "Europe/Berlin"),
        (LONDON, None, "Europe/Berlin", "Europe/London"),
        (None, None, "Europe/Berlin", "Europe/Berlin"),
        ("+14155550123", None, None, "America/Los_Angeles"),
        (None, None, None, "UTC"),
    ],
)
def test_times_are_told_in_the_zone_of_whom_it_is_about(phone, place, otherwise, zone):
    assert zone_of(Person(phone=phone), place, ZoneInfo(otherwise) if otherwise else None).key == zone


def test_a_marketing_text_waits_for_the_morning_where_the_person_or_else_the_business_is() -> None:
    @recipe(on=shopify.customer_created, title="Text")
    def text(event: Event) -> Steps:
        """Texts newcomers."""
        yield twilio.send_sms(event.data["note"], "Hello", purpose="marketing")
        return None

    nobody_knows = customer(NOON + timedelta(hours=11), note="12345", phone=None, addresses=[], default_address=None)
    (played,) = Play(text, zone=ZoneInfo("Europe/Berlin")).events([read(nobody_knows)])
    (entry,) = played.run.timeline
    assert (entry.outcome, entry.at.isoformat()) == ("skipped", "2026-11-23T09:00:00+01:00")
    assert "no phone number that can be read" in (entry.reason or "")


def test_many_at_once_are_let_go_as_if_somebody_had_said_so():
    people = [customer(NOON, id=5000 + n, email=f"p{n}@example.com", phone=f"+1415555{2000 + n}") for n in range(120)]
    played = Play(greet).events([read(sent) for sent in people])
    assert {item.run.says for item in played} == {"greeted"}


def test_what_waits_for_what_never_comes_is_told_as_waiting():
    lost = {twilio.send_sms: NotAuthorized("Sign in again.")}
    run = rehearse(greet, read(customer()), lost)
    assert (run.state, run.timeline[-1].outcome, run.timeline[-1].reason) == ("waiting", "waits", "Sign in again.")


def test_what_is_tried_again_and_again_in_vain_comes_to_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(playing, "MOST_IDLE", 20)
    run = rehearse(greet, read(customer()), {twilio.send_sms: ServiceDown("It is down.")})
    assert (run.state, run.timeline[-1].outcome, run.timeline[-1].reason) == ("waiting", "waits", "It is down.")
