"""What events start and wake, what they do not and why; our own echoes; and what people say about marketing."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from hub import Event, Steps, recipe, schema, sleep
from hub.ids import Ids
from hub.wakeups import ADVANCE
from tests import telling
from tests.webhooks.told import ADA, ASLEEP, BOB, Told
from tests.world import WakingIntake
from webhooks import intake

# ---- what starts


def test_what_an_event_does_not_start_is_kept_with_the_reason(told: Told) -> None:
    for name in ("large", "rest", "odd"):
        told.world.enable(name)
    told.read({"id": 1, "data": {"size": 9}}, {"id": 2, "data": {"size": 2}}, {"id": 3})
    failed = "Its filter or once_per failed with {}."
    broken = {"odd": failed.format("TypeError")}
    assert told.skipped() == [
        broken,
        broken | {"large": "Not so: The order is large."},
        broken | {"large": failed.format("KeyError")},
    ]
    assert sorted(told.recipes()) == ["large", "rest", "rest", "rest"]


def test_once_per_person_counts_within_its_cool_down_and_within_a_batch(told: Told) -> None:
    told.world.enable("once_a_day")
    told.read({"id": 1}, {"id": 2}, {"id": 3, "email": " ADA@Example.com "}, {"id": 4, "email": BOB})
    once = {"once_a_day": "It started for this already, and starts once."}
    assert told.skipped() == [{}, once, once, {}]
    told.world.clock.advance(timedelta(hours=23, minutes=59, seconds=59))
    told.read({"id": 5})
    assert len(told.world.runs) == 2
    told.world.clock.advance(timedelta(seconds=1))
    told.read({"id": 6})
    assert len(told.world.runs) == 3


def test_once_per_a_field_counts_for_ever_and_without_it_each_time(told: Told) -> None:
    told.world.enable("once_per_order")
    orders = [{"order": {"id": 7}}, {"order": {"id": 7}}, {"order": {"id": 8}}, {"order": {}}, {"order": 7}, {}, {}]
    for number, data in enumerate(orders):
        told.read({"id": number, "data": data})
    assert [not skipped for skipped in told.skipped()] == [True, False, True, True, True, True, True]
    told.world.clock.advance(timedelta(days=3000))
    told.read({"id": 100, "data": orders[0]})
    assert len(told.world.runs) == 6


def test_whether_it_started_already_is_looked_up_by_the_whole_key(told: Told) -> None:
    told.world.enable("once_per_order")
    database, asked = told.world.hub.database, list[str]()

    def note(connection: Any, _: Any, statement: str, parameters: Any, *rest: Any) -> None:
        if statement.startswith("SELECT once_key") and not asked:
            explain = "EXPLAIN QUERY PLAN " if database.is_sqlite else "EXPLAIN "
            asked.append(statement)
            asked.extend(str(row) for row in connection.exec_driver_sql(explain + statement, parameters))

    sa.event.listen(database.engine, "before_cursor_execute", note)
    if not database.is_sqlite:
        sa.event.listen(database.engine, "begin", lambda c: c.exec_driver_sql("SET LOCAL enable_seqscan = off"))
    told.read({"id": 1, "data": {"order": {"id": 7}}})
    plan = "\n".join(asked[1:])
    assert "once_key" in plan
    assert "ix_once_key_until" not in plan  # which would be all keys that are still good


def test_events_that_come_while_no_recipe_is_on_start_nothing_later(told: Told) -> None:
    told.read({"id": 1})
    told.world.enable("rest")
    told.read({"id": 2})
    assert len(told.world.runs) == 1


def test_a_recipe_that_is_enabled_twice_starts_once_with_the_newer_settings(told: Told) -> None:
    told.world.enable("rest")
    newer = told.world.enable("rest")
    told.read({"id": 1})
    assert [run.enabled_id for run in told.world.runs] == [newer]


def test_a_disabled_recipe_starts_no_more_and_its_runs_go_on(told: Told) -> None:
    told.world.enable("rest")
    told.read({"id": 1})
    told.world.settle()
    told.world.hub.enabled.disable(told.world.workspace, "rest")
    told.read({"id": 2})
    told.world.settle()
    assert [run.state for run in told.world.runs] == ["waiting"]
    told.world.pass_time(timedelta(days=366))
    assert [run.state for run in told.world.runs] == ["done"]


def test_a_disconnected_accounts_last_deliveries_are_still_read(told: Told) -> None:
    told.world.enable("rest")
    told.tell({"id": 1})
    told.world.hub.connections.disconnect(told.connection.id)
    told.read()
    assert len(told.events) == len(told.world.runs) == 1


def test_workspaces_with_the_same_account_do_not_see_each_others_events(told: Told) -> None:
    world = told.world
    other = world.hub.workspaces.add("Other")
    theirs, _ = world.hub.connections.connect(other, "telling", {"account": "a"})
    assert theirs.id != told.connection.id
    world.enable("once_a_day")
    world.hub.enabled.enable(other, "rest", {})
    told.tell({"id": 1})
    told.tell({"id": 1}, connection=theirs, workspace=other)
    told.read()
    assert {(run.workspace_id, run.recipe) for run in world.runs} == {(1, "once_a_day"), (other.id, "rest")}
    ours, others = told.events
    assert (ours.workspace_id, others.workspace_id) == (1, other.id)
    assert ours.person_id != others.person_id


def test_a_second_account_in_a_workspace_starts_only_what_is_bound_to_it(told: Told) -> None:
    second = told.world.connect("telling", account="b")
    told.world.enable("rest", telling=second.id)
    told.tell({"id": 1})
    told.tell({"id": 1}, connection=second)
    told.read()
    assert [run.event_id for run in told.world.runs] == [told.events[1].id]


def test_an_end_in_the_same_batch_wakes_the_run_that_it_ends(told: Told) -> None:
    told.world.enable("leaver")
    told.tell({"id": 1}, {"id": 2, "type": "ended"})
    told.world.settle()
    assert [run.state for run in told.world.runs] == ["stopped"]


def test_what_starts_or_wakes_a_run_is_told_to_the_engine_and_nothing_else(told: Told) -> None:
    told.read({"id": 1})
    assert told.world.arrived() == set()
    told.world.enable("leaver")
    told.read({"id": 2})
    assert told.world.arrived() == {ADVANCE}
    told.world.settle()
    told.read({"id": 3, "type": "ended", "email": BOB})
    assert told.world.arrived() == set()
    told.read({"id": 4, "type": "ended"})
    assert told.world.arrived() == {ADVANCE}


# ---- echoes


@pytest.fixture
def written(told: Told, monkeypatch: pytest.MonkeyPatch) -> Told:
    """A run wrote something, and sleeps until an end."""

    @recipe(on=telling.happened.matching(where={"write": True}), title="Write", stop_when=telling.ended)
    def write(event: Event) -> Steps:
        """Writes, then rests."""
        yield telling.do("x")
        yield sleep(days=365)
        return None

    told.world.use(monkeypatch, *ASLEEP, write)
    told.world.enable("write")
    told.tell({"id": "write", "data": {"write": True}})
    told.world.settle()
    assert [name for name, _ in telling.provider.done] == ["do"]
    told.world.enable("rest")
    return told


def test_an_event_that_our_own_write_caused_is_kept_and_starts_and_wakes_nothing(written: Told) -> None:
    yes = {"channel": "email", "address": BOB, "given": True}
    written.read({"id": 1, "echo": "did x"}, {"id": 2, "type": "ended", "echo": "did x", "consents": [yes]})
    assert [event.state for event in written.events[1:]] == ["echo", "echo"]
    assert written.recipes() == ["write"]
    assert written.world.arrived() == set()
    assert len(written.world.rows(schema.consent)) == 1


def test_an_event_with_another_fingerprint_or_from_another_account_is_no_echo(written: Told) -> None:
    second = written.world.connect("telling", account="b")
    written.tell({"id": 1, "echo": "did y"}, {"id": 2})
    written.tell({"id": 3, "type": "ended", "echo": "did x"}, connection=second)
    written.read()
    assert [event.state for event in written.events[1:]] == ["taken"] * 3


def test_half_an_hour_later_the_same_change_counts_again(written: Told) -> None:
    written.world.clock.advance(timedelta(minutes=29, seconds=59))
    written.read({"id": 1, "echo": "did x"})
    written.world.clock.advance(timedelta(seconds=1))
    written.read({"id": 2, "echo": "did x"})
    assert [event.state for event in written.events[1:]] == ["echo", "taken"]
    assert written.recipes() == ["write", "rest"]


# ---- consents


def said(given: bool, at: str, *, address: str = ADA, number: int = 1) -> dict[str, Any]:
    consent = {"channel": "email", "address": address, "given": given}
    return {"id": f"{given} {at} {number}", "at": f"2026-11-22T{at}+00:00", "consents": [consent]}


@pytest.mark.parametrize(
    ("told_in_order", "given"),
    [
        ([(True, "10:00:00"), (False, "11:00:00")], False),
        ([(False, "11:00:00"), (True, "10:00:00")], False),
        ([(False, "10:00:00"), (True, "11:00:00")], True),
        ([(True, "11:00:00"), (False, "10:00:00")], True),
        ([(True, "11:00:00"), (False, "11:00:00")], False),
        ([(False, "11:00:00"), (True, "11:00:00")], False),
    ],
)
@pytest.mark.parametrize("together", [True, False])
def test_of_what_people_said_the_latest_counts_and_at_one_instant_the_no(
    told: Told, told_in_order: list[tuple[bool, str]], given: bool, together: bool
) -> None:
    events = [said(*one) for one in told_in_order]
    for some in [events] if together else [[event] for event in events]:
        told.read(*some)
    (row,) = told.world.rows(schema.consent)
    assert (row.given, row.source) == (given, "telling.happened")


def test_what_one_person_says_in_two_spellings_is_one_word(told: Told) -> None:
    told.read(said(True, "10:00:00"), said(False, "11:00:00", address=" ADA@example.com"))
    assert [row.given for row in told.world.rows(schema.consent)] == [False]


def by_our_clock(given: bool, number: int) -> dict[str, Any]:
    """What a provider does not date: it counts from when it comes."""
    return {"id": number, "consents": [{"channel": "email", "address": ADA, "given": given}]}


@pytest.mark.parametrize("together", [True, False])
def test_a_no_counts_though_the_clock_was_ahead_when_the_yes_came(told: Told, together: bool) -> None:
    told.tell(by_our_clock(True, 1))
    if not together:
        told.read()
    told.world.clock.advance(-3600)
    told.read(by_our_clock(False, 2))
    assert [row.given for row in told.world.rows(schema.consent)] == [False]
    told.read(said(True, "11:30:00"))  # before the first yes, and so before the no
    assert [row.given for row in told.world.rows(schema.consent)] == [False]


def test_what_came_before_a_start_is_read_first_though_the_clock_was_ahead(
    told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    def start(ids: Ids) -> None:
        monkeypatch.setattr(intake, "new_id", ids.new)
        monkeypatch.setattr("hub.ids._ids", ids)
        told.world.intake.close()
        told.world.intake = WakingIntake(told.world.hub.database, told.world.carrier)

    ahead = Ids()
    ahead.after(1 << 62)
    start(ahead)
    told.tell(by_our_clock(True, 1))
    told.world.clock.advance(-3600)
    start(Ids())
    told.read(by_our_clock(False, 2))
    assert [row.given for row in told.world.rows(schema.consent)] == [False]


def test_a_no_counts_though_our_clock_is_behind_the_providers(told: Told) -> None:
    told.read(said(True, "12:30:00"))
    told.read(by_our_clock(False, 2))
    assert [row.given for row in told.world.rows(schema.consent)] == [False]


def test_a_yes_that_a_provider_does_not_date_takes_back_an_earlier_no_alone(told: Told) -> None:
    told.read(said(False, "11:00:00"))
    told.read(by_our_clock(True, 2))
    assert [row.given for row in told.world.rows(schema.consent)] == [True]
    told.read(said(False, "12:30:00"))
    told.read(by_our_clock(True, 3))
    assert [row.given for row in told.world.rows(schema.consent)] == [False]


@pytest.mark.parametrize(("channel", "address", "kept"), [("sms", "+14155550123", "ended"), ("email", ADA, "happened")])
def test_a_later_no_is_kept_as_who_told_if_that_service_sends_on_the_channel(
    told: Told, channel: str, address: str, kept: str
) -> None:
    no = {"channel": channel, "address": address, "given": False}
    told.read({"id": 1, "consents": [no]})
    told.world.clock.advance(1)
    told.read({"id": 2, "type": "ended", "consents": [no]})
    (row,) = told.world.rows(schema.consent)
    assert (row.source, row.at) == (f"telling.{kept}", told.world.clock.now())
