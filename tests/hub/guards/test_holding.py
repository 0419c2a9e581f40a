"""Marketing over the real outbox: it waits for its hour, its cap, its answer, and says so. 22 November 2026, 12:00 UTC,
is a Sunday."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from hub import OutcomeUnknown, Place, Rejected, ServiceDown, Step, history, outbox, schema
from hub.guards.hours import Hours, write_hours
from hub.timing import to_datetime
from tests import telling
from tests.hub.guards.conftest import agree
from tests.hub.guards.two import at_once
from tests.hub.outbox.desk import ON_SQLITE, Desk
from tests.world import tell

BERLIN, NEW_YORK = "+4915112345678", "+12125550100"
ADA = "ada@example.com"


def text(to: str = BERLIN, what: str = "Hello", **more: Any) -> Step:
    return telling.send(to, what, purpose="marketing", **more)


def row(desk: Desk, run: int, position: int = 0) -> Any:
    return desk.world.steps(run)[position]


def held_until(desk: Desk, run: int) -> str:
    """Until when a step waits, in UTC."""
    found = row(desk, run)
    assert (found.state, found.due_at) == ("waiting", found.held_until)
    return to_datetime(found.due_at).strftime("%Y-%m-%d %H:%M")


def it_is(desk: Desk, text: str) -> None:
    """Lets time pass until then, in UTC."""
    then = datetime.fromisoformat(text).replace(tzinfo=UTC)
    desk.world.clock.advance(then - to_datetime(desk.world.clock.now()))


def test_a_text_message_waits_for_nine_their_time_and_leaves_then(desk: Desk) -> None:
    agree(desk, NEW_YORK)
    run = desk.put(text(NEW_YORK))  # 7:00 in New York
    desk.drain()
    assert held_until(desk, run) == "2026-11-22 14:00"
    assert row(desk, run).reason == "It waits for 9:00 their time."
    it_is(desk, "2026-11-22 13:59")
    desk.drain()
    assert desk.did == []
    it_is(desk, "2026-11-22 14:00")
    desk.drain()
    assert (desk.did, desk.of(run).state, row(desk, run).held_by) == (["Hello"], "done", None)
    assert desk.of(run).attempts == 1  # holding is no attempt


def test_what_holds_it_is_told_with_its_run(desk: Desk) -> None:
    agree(desk, NEW_YORK)
    run = desk.put(text(NEW_YORK))
    desk.drain()
    # The desk's runs have no event of their own, so that the story is asked for step by step.
    with desk.hub.database.read() as database:
        (step,) = history._step_lines(desk.hub, database, desk.world.workspace, run, None)
    assert step.outcome == "It waits for 9:00 their time. It is looked at again at 2026-11-22 14:00:00 UTC."


def test_transactional_messages_leave_at_any_hour_and_are_counted_nowhere(desk: Desk) -> None:
    desk.put_all([[telling.send(NEW_YORK, f"{n}", purpose="transactional")] for n in range(6)])
    desk.drain()
    assert len(desk.did) == 6
    assert desk.world.rows(schema.marketing) == desk.world.rows(schema.volume) == []


def test_an_address_counts_more_than_a_number_and_their_own_zone_most(desk: Desk) -> None:
    agree(desk, NEW_YORK)
    person = desk.person(ADA)
    for place, until in (
        (Place(country="US", province="CA"), "2026-11-22 17:00"),
        (Place("Pacific/Honolulu", "US", "CA"), "2026-11-22 19:00"),
    ):
        with desk.hub.database.write() as database:
            sealers = desk.hub.people.sealers(database, desk.world.workspace, [person])
            desk.hub.people.note_places(database, sealers, {person: place})
        run = desk.put(text(NEW_YORK), person=person)
        desk.drain()
        assert held_until(desk, run) == until


def test_where_an_event_tells_of_a_place_it_is_kept_sealed_and_the_latest_counts(desk: Desk) -> None:
    for number, country in enumerate(("DE", "FR")):
        told = {"type": "happened", "id": str(number), "email": ADA, "place": {"country": country}}
        desk.world.deliver(desk.connection, tell(events=[told]))
        desk.world.settle()
    (person,) = desk.world.rows(schema.person)
    assert b"FR" not in person.place
    with desk.hub.database.read() as database:
        sealer = desk.hub.people.sealer(database, desk.world.workspace, person.id)
    assert sealer is not None
    assert sealer.open(person.place, f"place {person.id}") == b'[null, "FR", null]'


def test_a_business_sends_in_its_own_hours(desk: Desk) -> None:
    hours = write_hours({"sms": Hours(14 * 60, 16 * 60), "email": Hours(8 * 60, 21 * 60)})
    desk.hub.workspaces.send_within(desk.world.workspace, hours)
    agree(desk, BERLIN)
    run = desk.put(text())  # 13:00 in Berlin
    desk.drain()
    assert held_until(desk, run) == "2026-11-22 13:00"


def test_e_mails_that_waited_for_the_morning_leave_within_a_quarter_of_an_hour(desk: Desk) -> None:
    it_is(desk, "2026-11-22 22:00")
    runs = desk.put_all([[telling.mail(f"{n}@example.com", f"{n}")] for n in range(30)])
    desk.drain()
    dues = [row(desk, run).due_at for run in runs]
    opens = datetime(2026, 11, 23, 8, tzinfo=UTC).timestamp() * 1000
    assert all(opens <= due <= opens + 900_000 for due in dues)
    assert len({due // 60_000 for due in dues}) > 5  # in no one minute
    assert {row(desk, run).reason for run in runs} == {"It waits for 8:00 their time."}
    it_is(desk, "2026-11-23 08:15")
    desk.drain()
    assert len(desk.did) == 30


def test_what_would_be_of_no_use_at_the_next_hour_is_not_sent(desk: Desk) -> None:
    agree(desk, BERLIN)
    it_is(desk, "2026-11-22 20:00")  # 21:00 in Berlin
    run = desk.put(text(useful_for=timedelta(hours=11)))
    still = desk.put(text(useful_for=timedelta(hours=12)))
    desk.drain()
    assert desk.of(run).reason == (
        "Not sent: it could leave at 9:00 their time, and would be of no use any more by then."
    )
    assert desk.of(run).answer["code"] == "not_sent"
    assert held_until(desk, still) == "2026-11-23 08:00"


@pytest.mark.parametrize("purpose", ["marketing", "transactional"])
def test_what_waited_for_too_long_is_not_sent(desk: Desk, purpose: str) -> None:
    agree(desk, BERLIN)
    run = desk.put(telling.send(BERLIN, "Hello", purpose=purpose, useful_for=timedelta(hours=1)))
    it_is(desk, "2026-11-22 13:01")
    desk.drain()
    assert desk.of(run).reason == "Not sent: it waited until it was of no use any more."


def test_an_e_mail_that_its_provider_sends_needs_no_word_told_to_us_but_a_no_counts(desk: Desk) -> None:
    first = desk.put(telling.mail(ADA, "first"))
    agree(desk, "bea@example.com", False)
    second = desk.put(telling.mail("bea@example.com", "second"))
    desk.drain()
    assert desk.of(first).state == "done"
    assert desk.of(second).reason == "Not sent: they said no to marketing on this channel."


# ---- caps


def test_a_second_text_waits_until_a_day_has_passed_and_for_an_hour_then(desk: Desk) -> None:
    agree(desk, BERLIN)
    it_is(desk, "2026-11-22 18:30")  # 19:30 in Berlin
    desk.put(text(what="first"))
    second = desk.put(text(what="second"))
    desk.drain()
    assert held_until(desk, second) == "2026-11-23 18:30"
    assert row(desk, second).reason == (
        "It waits for Monday, 19:30 their time: they got a marketing text message less than 24 hours before."
    )
    it_is(desk, "2026-11-23 18:30")
    desk.drain()
    assert desk.did == ["first", "second"]


def test_a_cap_is_of_the_person_whatever_the_channel_and_of_the_address_whoever_has_it(desk: Desk) -> None:
    person, other = desk.person(ADA), desk.person("bea@example.com")
    agree(desk, BERLIN)
    desk.put(text(what="first"), person=person)
    desk.drain()
    same_number = desk.put(text(what="second"), person=other)
    agree(desk, "+4915112345679")
    same_person = desk.put(text("+4915112345679", "third"), person=person)
    desk.drain()
    assert desk.did == ["first"]
    assert {row(desk, run).held_by for run in (same_number, same_person)} == {"cap"}


def test_the_fifth_within_a_week_waits_for_the_first_to_be_a_week_old(desk: Desk) -> None:
    person = desk.person(ADA)
    agree(desk, BERLIN)
    for day in range(4):
        it_is(desk, f"2026-11-{22 + day} 12:30")
        desk.put(telling.mail(ADA, f"{day}") if day % 2 else text(what=f"{day}"), person=person)
        desk.drain()
    assert len(desk.did) == 4
    it_is(desk, "2026-11-27 12:30")
    fifth = desk.put(text(what="fifth"), person=person)
    desk.drain()
    assert held_until(desk, fifth) == "2026-11-29 12:30"  # 27 + 2 days: within the three that it is of use
    it_is(desk, "2026-11-29 12:30")
    desk.drain()
    assert desk.did[-1] == "fifth"


def test_one_that_was_refused_for_good_did_not_reach_them_and_counts_for_nothing(desk: Desk) -> None:
    agree(desk, BERLIN)
    desk.provider.answer = lambda name, inputs: Rejected("No.") if inputs["text"] == "first" else {}
    desk.put(text(what="first"))
    desk.drain()
    assert desk.world.rows(schema.marketing) == []
    desk.put(text(what="second"))
    desk.drain()
    assert desk.did == ["second"]


def test_one_of_unknown_outcome_may_have_reached_them_and_counts(desk: Desk) -> None:
    agree(desk, BERLIN)
    desk.provider.after = lambda name, inputs: OutcomeUnknown("No answer.")
    desk.put(text(what="first"))
    desk.drain()
    second = desk.put(text(what="second"))
    desk.drain()
    assert row(desk, second).held_by == "cap"


def test_one_that_is_tried_again_is_counted_once(desk: Desk) -> None:
    agree(desk, BERLIN)
    tries = iter([ServiceDown("Down."), ServiceDown("Down."), {}])
    desk.provider.answer = lambda name, inputs: next(tries)
    run = desk.put(text())
    desk.drain()
    desk.later(minutes=1)
    desk.later(minutes=1)
    assert desk.of(run).state == "done"
    assert len(desk.world.rows(schema.marketing)) == 1
    assert [volume.count for volume in desk.world.rows(schema.volume)] == [1]


def test_what_is_held_for_days_is_still_tried_for_three_days_then(desk: Desk) -> None:
    agree(desk, BERLIN)
    it_is(desk, "2026-11-22 18:30")
    run = desk.put(text(useful_for=timedelta(days=9)))
    with desk.hub.database.write() as database:  # as a person's answer may take
        held = {"due_at": desk.world.clock.now() + 4 * 86_400_000}
        database.execute(sa.update(schema.step).values(held | {"held_until": held["due_at"], "held_by": "brake"}))
    desk.provider.answer = lambda name, inputs: ServiceDown("Down.")
    it_is(desk, "2026-11-26 18:30")
    desk.drain()
    assert desk.of(run).state == "waiting"


@ON_SQLITE
def test_nothing_else_about_the_person_waits_for_what_a_guard_holds(desk: Desk) -> None:
    person = desk.person(ADA)
    agree(desk, NEW_YORK)
    held = desk.put(text(NEW_YORK), person=person)
    desk.drain()
    agree(desk, BERLIN)
    desk.put(text(BERLIN, "next"), person=person)
    for _ in range(2):  # for the holder that held it, and for one that finds it held
        desk.drain()
    assert desk.did == ["next"]
    assert row(desk, held).state == "waiting"


def test_the_more_important_of_two_that_wait_leaves_first_whatever_was_asked_for_first(desk: Desk) -> None:
    person = desk.person(ADA)
    agree(desk, BERLIN)
    desk.put(text(what="first"), person=person)
    desk.drain()
    lower, higher = desk.put(text(what="lower"), person=person), desk.put(text(what="higher"), person=person)
    with desk.hub.database.write() as database:
        step = schema.step
        for run, priority in ((lower, 5), (higher, 2)):
            database.execute(sa.update(step).where(step.c.run_id == run).values(priority=priority))
    desk.drain()
    it_is(desk, "2026-11-23 12:00")
    desk.later(seconds=1)
    assert desk.did == ["first", "higher"]
    assert held_until(desk, lower) == "2026-11-24 12:00"


def test_an_e_mail_yields_to_a_more_important_one_that_is_due_at_another_account(desk: Desk) -> None:
    person = desk.person(ADA)
    other = desk.world.connect("telling", account="b")
    lower, higher = (
        desk.put(telling.mail(ADA, "lower"), person=person),
        desk.put(telling.mail(ADA, "higher"), person=person),
    )
    with desk.hub.database.write() as database:
        step = schema.step
        database.execute(sa.update(step).where(step.c.run_id == lower).values(priority=5))
        moved = {"priority": 2, "connection_id": other.id}
        database.execute(sa.update(step).where(step.c.run_id == higher).values(moved))
    desk.drain()
    assert desk.did == []
    assert row(desk, lower).reason == "It waits as a more important message to them leaves first."
    desk.world.carrier.take()
    outbox.drain(desk.hub, other.id)
    desk.later(minutes=1)
    assert desk.did == ["higher"]
    assert row(desk, lower).held_by == "cap"


# ---- several workers, and a release that knows of no guards


def test_two_workers_at_once_let_no_more_leave_to_one_person_than_the_caps_allow(desk: Desk) -> None:
    """Each holds an account of its own: on PostgreSQL they claim at the same time."""
    accounts = [desk.connection.id, *(desk.world.connect("telling", account=name).id for name in ("b", "c"))]
    agree(desk, BERLIN)
    people = [desk.person(f"{n}@example.com") for n in range(10)]
    runs = {account: [desk.put(telling.mail(ADA, "same")) for _ in range(3)] for account in accounts}
    for account in accounts:
        for person in people:
            runs[account].append(desk.put(telling.mail(f"{account}-{person}@example.com", f"{person}"), person=person))
    with desk.hub.database.write() as database:
        for account, mine in runs.items():
            which = schema.step.c.run_id.in_(mine)
            database.execute(sa.update(schema.step).where(which).values(connection_id=account))
    at_once(desk, accounts)
    assert sorted(desk.did) == sorted(["same", *map(str, people)])
    assert len(desk.world.rows(schema.marketing)) == 11


def test_what_a_worker_of_the_release_before_left_behind_is_judged_like_all(desk: Desk) -> None:
    """It fills neither `held_until` nor `held_by`, gives all marketing one priority, and counts nothing."""
    agree(desk, NEW_YORK)
    run = desk.put(text(NEW_YORK))
    before = row(desk, run)
    assert (before.held_until, before.held_by, before.priority) == (None, None, schema.MARKETING)
    desk.drain()
    assert row(desk, run).held_by == "hours"
    # It takes what is held for what is tried again later, and may claim it without looking at the hour.
    with desk.hub.database.write() as database:
        claimed = {"state": "claimed", "due_at": None, "attempts": 1, "claimed_at": desk.world.clock.now()}
        database.execute(sa.update(schema.step).where(schema.step.c.run_id == run).values(claimed))
    desk.drain()  # by this release, which asks the provider, and takes it up again
    desk.later(seconds=40)
    assert (row(desk, run).state, row(desk, run).held_by) == ("waiting", "hours")
    it_is(desk, "2026-11-22 14:00")
    desk.drain()
    assert desk.did == ["Hello"]
