"""Privacy: before an erasure nothing can be read without the key; after it nothing of the person even with the key.

A canary (an address, a number, a name, a word of an order) is sent along every way through the hub, and then looked
for: as plain bytes in every file, and with the hub's own keys in every sealed value.
"""

from __future__ import annotations

import json
import logging
import shutil
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from hub import Event, OutcomeUnknown, Person, Rejected, Steps, erasure, recipe, schema, wait_for
from hub.backup import erase_from_backups, make_backup, restore_backup
from hub.database import Database
from hub.errors import KeyWrong, NotFound, SettingInvalid
from hub.privacy import Privacy
from hub.sealing import Sealer, derived
from tests import telling
from tests.world import World, tell

EMAIL, PHONE, NAME, ORDER = "canary@example.com", "+14155550177", "Canarina Vogel", "one yellow feather"
CANARIES = [EMAIL.encode(), PHONE[1:].encode(), NAME.encode(), ORDER.encode()]
OTHER = "other@example.com"


@recipe(on=telling.happened, title="Tell the canary everywhere")
def canary_run(event: Event) -> Steps:
    """Sends what the event says along every way that a step can go."""
    person, data = event.person, event.data
    yield telling.do({"name": data["name"], "order": data["order"], "to": person.email})
    try:
        yield telling.pay({"refused": person.email, "name": data["name"]})
    except Rejected:
        yield telling.do("it was refused")
    yield telling.send(person.phone, f"Dear {data['name']}", purpose="transactional")
    yield wait_for(telling.ended.matching(same="order"), timeout=timedelta(days=2))
    yield telling.ring({"unknown": person.email, "name": data["name"]})
    return f"told {person.email}"


@recipe(on=telling.happened, title="Wait for days")
def patient(event: Event) -> Steps:
    """Waits until something ends, then does something."""
    yield wait_for(telling.ended.matching(same="order"), timeout=timedelta(days=9))
    yield telling.do(event.data["order"])


@recipe(on=telling.happened, title="Do one thing")
def one_thing(event: Event) -> Steps:
    """Does one thing."""
    yield telling.do(event.data.get("order", "nothing"))


def answer(name: str, inputs: dict[str, Any]) -> Any:
    """A provider that repeats what it was told, in its answers and in its refusals."""
    if name == "pay":
        what = inputs["what"]
        return Rejected(f"{what['name']} <{what['refused']}> is known as {PHONE}", status=400, code="KNOWN")
    if name == "ring":
        what = inputs["what"]
        return OutcomeUnknown(f"no word from {what['name']}, {what['unknown'].upper()}")
    return {"id": name, "echo": inputs, "owner": NAME if NAME in str(inputs) else "Otto"}


def told(key: str, kind: str = "happened", email: str | None = EMAIL, **more: Any) -> dict[str, Any]:
    data = {"name": NAME, "order": ORDER} | more.pop("data", {})
    return {"type": kind, "id": key, "email": email, "data": data} | more


def of_another(key: str, **more: Any) -> dict[str, Any]:
    return told(key, email=OTHER, data={"name": "Otto", "order": "of another"}, **more)


@pytest.fixture
def canary(world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> World:
    """A world through which the canary flew along every way, with everything logged that can be logged."""
    caplog.set_level(logging.DEBUG)
    world.use(monkeypatch, canary_run, patient, one_thing)
    telling.provider.answer = answer
    connection = world.connect("telling", account="a")
    world.enable("canary_run")
    world.enable("patient")
    yes = {"channel": "email", "address": EMAIL, "given": True}
    no = {"channel": "sms", "address": PHONE, "given": False}
    world.deliver(connection, tell(events=[told("1", phone=PHONE, ids={"telling.id": "c-1"}, consents=[yes])]))
    world.settle()
    world.deliver(connection, tell(events=[told("2", "ended")]))
    world.settle()
    world.deliver(connection, tell(events=[told("3", data={"order": "another"}), told("4", "no such type")]))
    world.deliver(connection, tell(events=[{"type": "bad", "email": EMAIL}]), {"x-from": EMAIL})
    world.deliver(connection, tell(events=[{"type": "buggy", "id": "5", "email": EMAIL}]))
    world.deliver(connection, b"email=canary%40example.com&text=" + ORDER.encode())
    world.deliver(connection, tell(events=[told("6", "happened", None, data={"about": f"write to {EMAIL}"})]))
    world.deliver(connection, tell(events=[of_another("7", phone="+14155550188")]))
    world.deliver(connection, tell(events=[{"type": "bad", "email": OTHER}]))
    world.settle()
    world.deliver(connection, tell(events=[told("8", "ended", consents=[no])]))
    world.settle()
    assert {run.state for run in world.runs} >= {"held", "waiting"}, "The canary is to be caught on its way."
    return world


# ---- looking for it


def columns(world: World) -> Iterator[tuple[str, Any]]:
    for table in schema.metadata.sorted_tables:
        for row in world.rows(table):
            for column in table.columns:
                yield f"{table.name}.{column.name}", row._mapping[column.name]


def readable(world: World, canaries: list[bytes] = CANARIES) -> list[str]:
    """Where a canary can be read without any key: columns, and files of the home."""
    found = []
    for name, value in columns(world):
        content = value if isinstance(value, bytes) else str(value).encode()
        found += [f"{name}: {value!r}" for canary in canaries if canary.lower() in content.lower()]
    for folder in (world.settings.home, world.settings.home.parent):
        for file in folder.rglob("*"):
            if file.is_file():
                content = file.read_bytes()
                found += [str(file) for canary in canaries if canary in content]
    return found


@dataclass
class Keys:
    """Everything that anybody with the hub's key and an old look at the database could open sealed values with."""

    sealers: list[Sealer]

    def open(self, sealed: bytes, about: str) -> bytes | None:
        for sealer in self.sealers:
            try:
                return sealer.open(sealed, about)
            except KeyWrong:
                continue
        return None


def opened(world: World, database: Database) -> list[bytes]:
    """Every sealed value that the hub's key and the keys in this database still open."""
    with database.read() as connection:
        workspace = world.hub.workspaces.within(connection, world.workspace.id)
        assert workspace is not None
        people = connection.execute(sa.select(schema.person)).all()
        keys = [workspace.sealer.open(row.key, f"person {row.id}") for row in people]
        ring = Keys([workspace.sealer, *(Sealer(derived(key, "seal")) for key in keys)])
        found = []
        for about, sealed in _sealed(connection):
            content = ring.open(sealed, about)
            if content is not None:
                found.append(content)
        return found


def _sealed(connection: sa.Connection) -> Iterator[tuple[str, bytes]]:
    for row in connection.execute(sa.select(schema.event)):
        if row.content:
            yield f"event {row.id}", row.content
    for row in connection.execute(sa.select(schema.delivery)):
        if row.content:
            yield f"delivery {row.id}", row.content
    for row in connection.execute(sa.select(schema.step)):
        for what in ("inputs", "answer"):
            if getattr(row, what):
                yield f"step {row.run_id} {row.position} {what}", getattr(row, what)
    for row in connection.execute(sa.select(schema.privacy_request)):
        if row.document:
            yield f"privacy request {row.id}", row.document


def openable(world: World, database: Database) -> list[bytes]:
    needles = [*CANARIES, b"canary%40example.com"]
    return [content for content in opened(world, database) if any(needle in content for needle in needles)]


def in_file(world: World, file: Path) -> list[bytes]:
    with closing(Database(f"sqlite:///{file}")) as copy:
        return openable(world, copy)


# ---- before


def test_before_an_erasure_nothing_can_be_read_without_the_key(
    canary: World, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    make_backup(canary.hub, tmp_path / "backup.db")
    assert readable(canary) == []
    assert openable(canary, canary.hub.database), "With the key it can be opened, or this would prove nothing."
    assert in_file(canary, tmp_path / "backup.db")
    logged = "\n".join(f"{record.getMessage()} {record.exc_text}" for record in caplog.records)
    assert not [canary_ for canary_ in CANARIES if canary_.decode() in logged]


def test_reasons_say_what_was_wrong_and_not_about_whom(canary: World) -> None:
    reasons = [step.reason for run in canary.runs for step in canary.steps(run.id) if step.reason]
    assert any("is known as" in reason for reason in reasons)
    assert any("no word from" in reason for reason in reasons)
    assert readable(canary) == []


# ---- after


def test_after_an_erasure_no_key_opens_anything_of_the_person(canary: World, tmp_path: Path) -> None:
    reached, taken_away = tmp_path / "backup.db", tmp_path / "away" / "backup.db"
    make_backup(canary.hub, reached)
    taken_away.parent.mkdir()
    shutil.copy(reached, taken_away)

    receipt = canary.hub.privacy.erase(canary.workspace, EMAIL)

    assert (receipt.people, receipt.backups, receipt.unreached) == (1, 1, 0)
    assert receipt.stopped == 3
    assert openable(canary, canary.hub.database) == []
    assert in_file(canary, reached) == []
    assert sorted(path.name for path in tmp_path.glob("backup.db*")) == ["backup.db"]
    assert in_file(canary, taken_away), "What was carried away before cannot be reached."

    restore_backup(canary.hub, taken_away)
    assert openable(canary, canary.hub.database) == []
    assert b"of another" in b"".join(opened(canary, canary.hub.database))
    assert readable(canary) == []


def test_the_key_itself_is_gone_from_every_file_of_the_database(canary: World) -> None:
    ids = _ids(canary, EMAIL)
    wrapped = [row.key for row in canary.rows(schema.person) if row.id in ids]
    canary.hub.privacy.erase(canary.workspace, EMAIL)
    assert len(wrapped) == 1
    if canary.hub.database.is_sqlite:
        for file in canary.settings.home.parent.glob("hub.db*"):
            assert not [key for key in wrapped if key in file.read_bytes()], file.name


def test_what_is_about_others_stays(canary: World) -> None:
    before = {name: value for name, value in _about(canary, OTHER)}
    canary.hub.privacy.erase(canary.workspace, EMAIL)
    assert before and before == {name: value for name, value in _about(canary, OTHER)}
    kept = b"".join(opened(canary, canary.hub.database))
    assert b"of another" in kept and OTHER.encode() in kept


def _ids(world: World, text: str) -> set[int]:
    with world.hub.database.read() as connection:
        return world.hub.people.find(connection, world.workspace, text)[1]


def _about(world: World, text: str) -> Iterator[tuple[str, Any]]:
    ids = _ids(world, text)
    for table in (schema.person, schema.identity, schema.event, schema.run, schema.step, schema.waiter):
        column = table.c.id if table is schema.person else table.c.person_id
        for number, row in enumerate(world.rows(table, column.in_(ids))):
            yield f"{table.name} {number}", tuple(row)


def test_the_history_still_tells_what_happened_and_not_to_whom(canary: World) -> None:
    ids = _ids(canary, EMAIL)
    canary.hub.privacy.erase(canary.workspace, EMAIL)
    mine = [run for run in canary.runs if run.person_id in ids]
    assert {run.state for run in mine} == {"stopped", "failed", "done"}
    assert {(run.reason, run.sealed) for run in mine} == {(erasure.ERASED, False)}
    steps = [step for run in mine for step in canary.steps(run.id)]
    assert {"telling.do", "telling.send"} <= {step.action for step in steps}
    assert {(step.inputs, step.answer, step.reason, step.fingerprint) for step in steps} == {(None, None, None, b"")}


def test_nothing_more_is_done_for_who_was_erased(canary: World) -> None:
    canary.hub.privacy.erase(canary.workspace, EMAIL)
    before = len(telling.provider.done)
    canary.pass_time(timedelta(days=10))
    assert [inputs["what"] for _, inputs in telling.provider.done[before:]] == ["of another"]


def test_an_opt_out_is_remembered_and_an_agreement_is_not(canary: World) -> None:
    canary.hub.privacy.erase(canary.workspace, EMAIL)
    with canary.hub.database.read() as connection:
        said = canary.hub.people.consents(connection, canary.workspace, "sms", [PHONE])
        assert not said[PHONE].given
        assert canary.hub.people.consents(connection, canary.workspace, "email", [EMAIL]) == {}


def test_an_erasure_may_be_asked_for_again_and_by_the_number(canary: World) -> None:
    first = canary.hub.privacy.erase(canary.workspace, "+1 (415) 555-0177")
    again = canary.hub.privacy.erase(canary.workspace, EMAIL)
    assert (first.people, again.people, again.events) == (1, 0, 0)
    assert openable(canary, canary.hub.database) == []


def test_neither_an_address_nor_a_number_is_nobody(world: World) -> None:
    with pytest.raises(NotFound, match="country code"):
        world.hub.privacy.erase(world.workspace, "Ada")


def test_another_process_that_knew_the_key_does_not_use_it_any_more(canary: World) -> None:
    ids = _ids(canary, EMAIL)
    with closing(canary.another_hub()) as elsewhere:
        with elsewhere.database.read() as connection:
            assert all(elsewhere.people.sealers(connection, canary.workspace, ids).values())
        canary.hub.privacy.erase(canary.workspace, EMAIL)
        with elsewhere.database.read() as connection:
            sealers = elsewhere.people.sealers(connection, canary.workspace, ids)
            assert [sealers[person_id] for person_id in ids] == [None]


# ---- while something is on its way


@pytest.fixture
def start(world: World, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Switches one recipe on, and lets one event happen without acting on it."""

    def start(made: Any = one_thing, **more: Any) -> None:
        world.use(monkeypatch, made)
        connection = world.connect("telling", account="a")
        world.enable(made.name)
        world.deliver(connection, tell(events=[told("1", **more)]))

    return start


def come_back(world: World, key: str = "9", **more: Any) -> None:
    (connection,) = world.hub.connections.list(world.workspace)
    world.clock.advance(1)
    world.deliver(connection, tell(events=[told(key, **more)]))
    world.settle()


def test_what_arrived_before_the_erasure_is_not_taken_up_after_it(world: World, start: Any) -> None:
    start(consents=[{"channel": "email", "address": EMAIL, "given": False}])
    world.hub.privacy.erase(world.workspace, EMAIL)
    world.settle()
    assert (world.runs, telling.provider.done) == ([], [])
    assert [event.content for event in world.rows(schema.event)] == [None]
    assert [consent.given for consent in world.rows(schema.consent)] == [False], "A no counts, whoever says it."


def test_a_step_whose_call_is_on_its_way_is_dropped_and_leaves_no_trace(world: World, start: Any) -> None:
    def erase_meanwhile(name: str, inputs: dict[str, Any]) -> Any:
        with closing(world.another_hub()) as elsewhere:
            elsewhere.privacy.erase(world.workspace, EMAIL)
        return {"id": NAME}

    start()
    telling.provider.answer = erase_meanwhile
    world.settle()
    (run,) = world.runs
    (step,) = world.steps(run.id)
    assert (run.state, step.state, step.inputs, step.answer) == ("stopped", "dropped", None, None)
    assert world.rows(schema.identity) == []


def test_what_a_call_found_out_about_somebody_erased_meanwhile_is_not_kept(world: World, start: Any) -> None:
    start()
    world.settle()
    (person_id,) = _ids(world, EMAIL)
    world.hub.privacy.erase(world.workspace, EMAIL)
    with world.hub.database.write() as connection:
        world.hub.people.link(connection, world.workspace, [(person_id, Person(EMAIL, ids={"telling.id": "1"}))])
    assert world.rows(schema.identity) == []
    come_back(world)
    assert [run.state for run in world.runs] == ["done", "done"]


def test_who_was_erased_and_comes_back_is_somebody_new(world: World, start: Any) -> None:
    start()
    world.settle()
    before = _ids(world, EMAIL)
    world.hub.privacy.erase(world.workspace, EMAIL)
    come_back(world)
    assert _ids(world, EMAIL).isdisjoint(before)
    assert len(telling.provider.done) == 2


# ---- several people


def sharing_a_phone(world: World) -> None:
    """Two people are known, and then both give the same number."""
    world.settle()
    other = {"name": "Otto", "order": "of another"}
    come_back(world, "2", email=OTHER, data=other)
    come_back(world, "3", kind="no such type", phone=PHONE)
    come_back(world, "4", kind="no such type", phone=PHONE, email=OTHER, data=other)


def test_somebody_else_with_the_same_phone_is_not_erased(world: World, start: Any, tmp_path: Path) -> None:
    start(patient)
    sharing_a_phone(world)
    make_backup(world.hub, tmp_path / "backup.db")
    shutil.copy(tmp_path / "backup.db", tmp_path / "old.db")
    receipt = world.hub.privacy.erase(world.workspace, EMAIL)
    assert (receipt.people, receipt.stopped) == (1, 1)
    assert [run.state for run in world.runs] == ["stopped", "waiting"]
    restore_backup(world.hub, tmp_path / "old.db")
    assert [run.state for run in world.runs] == ["stopped", "waiting"]
    with closing(Database(f"sqlite:///{tmp_path / 'backup.db'}")) as copy, copy.read() as connection:
        assert len(connection.execute(sa.select(schema.person)).all()) == 1


def test_somebody_known_only_by_the_same_names_is_erased_with_them(world: World, start: Any) -> None:
    start(email=None, phone=PHONE)
    world.settle()
    come_back(world, "2", email=EMAIL, phone="+14155550199")
    come_back(world, "3", email=EMAIL, phone=PHONE)
    assert len(world.rows(schema.person)) == 2
    assert world.hub.privacy.erase(world.workspace, EMAIL).people == 2


def test_an_id_that_turned_out_to_be_theirs_leads_to_them(world: World, start: Any) -> None:
    start(email=None, ids={"telling.id": "51"})
    world.settle()
    (row,) = world.rows(schema.person)
    with world.hub.database.write() as connection:
        world.hub.people.link(connection, world.workspace, [(row.id, Person(EMAIL, ids={"telling.id": "51"}))])
    assert world.hub.privacy.erase(world.workspace, EMAIL).people == 1
    assert openable(world, world.hub.database) == []


def test_the_same_address_in_another_business_stays(world: World, start: Any) -> None:
    start()
    world.settle()
    elsewhere = world.hub.workspaces.add("Another Bakery")
    assert world.hub.privacy.erase(elsewhere, EMAIL).people == 0
    assert openable(world, world.hub.database)


# ---- backups


def test_a_backup_that_could_not_be_reached_is_caught_up_with_at_the_next_erasure(
    canary: World, tmp_path: Path
) -> None:
    backup, away = tmp_path / "backup.db", tmp_path / "away.db"
    make_backup(canary.hub, backup)
    backup.rename(away)
    assert canary.hub.privacy.erase(canary.workspace, EMAIL).backups == 0
    away.rename(backup)
    canary.clock.advance(1)
    assert canary.hub.privacy.erase(canary.workspace, "nobody@example.com").backups == 1
    assert in_file(canary, backup) == []


def test_a_file_that_is_no_backup_of_ours_is_not_touched_and_is_told(canary: World, tmp_path: Path) -> None:
    damaged, foreign = tmp_path / "damaged.db", tmp_path / "foreign.db"
    make_backup(canary.hub, damaged)
    make_backup(canary.hub, foreign)
    damaged.write_bytes(b"not a database at all")
    foreign.unlink()
    with closing(Database(f"sqlite:///{foreign}")) as other, other.write() as connection:
        connection.exec_driver_sql("CREATE TABLE workspace (id INTEGER, created_at INTEGER)")
        connection.exec_driver_sql("INSERT INTO workspace VALUES (1, 1)")
    receipt = canary.hub.privacy.erase(canary.workspace, EMAIL)
    assert (receipt.people, receipt.backups, receipt.unreached) == (1, 0, 2)
    assert damaged.read_bytes() == b"not a database at all"


def test_somebody_erased_while_a_backup_is_written_is_not_in_it(
    canary: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from hub import backup

    write = backup._write

    def write_and_erase(hub: Any, file: Path) -> None:
        write(hub, file)
        canary.hub.privacy.erase(canary.workspace, EMAIL)

    monkeypatch.setattr(backup, "_write", write_and_erase)
    make_backup(canary.hub, tmp_path / "backup.db")
    assert in_file(canary, tmp_path / "backup.db") == []


def test_a_backup_is_erased_from_once(canary: World, tmp_path: Path) -> None:
    make_backup(canary.hub, tmp_path / "backup.db")
    canary.hub.privacy.erase(canary.workspace, EMAIL)
    stones = {tuple(row) for row in canary.rows(schema.erasure)}
    assert erase_from_backups(canary.hub) == (1, 0)
    with closing(Database(f"sqlite:///{tmp_path / 'backup.db'}")) as copy, copy.read() as connection:
        assert {tuple(row) for row in connection.execute(sa.select(schema.erasure))} == stones


# ---- what providers ask for


def ask(world: World, kind: str, key: str = "80", **more: Any) -> None:
    (connection,) = world.hub.connections.list(world.workspace)
    world.deliver(connection, tell(events=[told(key, kind, **more)]))
    world.settle()


def test_a_provider_may_ask_to_erase_somebody(canary: World) -> None:
    ask(canary, "asked.erase")
    assert openable(canary, canary.hub.database) == []
    assert [row.state for row in canary.rows(schema.privacy_request)] == ["done"]
    assert b"of another" in b"".join(opened(canary, canary.hub.database))


def test_what_a_crash_left_undone_is_done_by_the_clock(canary: World, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(Privacy, "_act", lambda self, row: 1 / 0)
        ask(canary, "asked.erase")
    assert [row.state for row in canary.rows(schema.privacy_request)] == ["open"]
    assert openable(canary, canary.hub.database)
    assert canary.hub.privacy.act() == 1
    assert openable(canary, canary.hub.database) == []
    assert canary.hub.privacy.act() == 0


def test_a_crash_after_the_rows_and_before_the_backups_is_made_good(
    canary: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_backup(canary.hub, tmp_path / "backup.db")
    with monkeypatch.context() as patch:
        patch.setattr("hub.backup.erase_from_backups", lambda hub: 1 / 0)
        ask(canary, "asked.erase")
    assert in_file(canary, tmp_path / "backup.db")
    canary.hub.privacy.act()
    assert in_file(canary, tmp_path / "backup.db") == []
    assert [row.state for row in canary.rows(schema.privacy_request)] == ["done"]


def test_a_request_that_fails_does_not_hold_up_the_next(
    canary: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    act = Privacy._act
    failed = []

    def once(self: Privacy, row: Any) -> None:
        if not failed:
            failed.append(row.id)
            raise ValueError(EMAIL)
        act(self, row)

    monkeypatch.setattr(Privacy, "_act", once)
    ask(canary, "asked.erase", "80", email=OTHER)
    ask(canary, "asked.erase", "81")
    canary.hub.privacy.act()
    assert [row.state for row in canary.rows(schema.privacy_request)] == ["done", "done"]
    assert EMAIL not in caplog.text


def test_everyone_that_an_account_told_of_is_erased_when_it_asks_for_that(canary: World) -> None:
    (connection,) = canary.hub.connections.list(canary.workspace)
    with canary.hub.database.write() as database:
        database.execute(
            sa.insert(schema.privacy_request).values(
                id=1,
                workspace_id=canary.workspace.id,
                connection_id=connection.id,
                kind="erase_all",
                state="open",
                at=1,
            )
        )
    canary.hub.privacy.act()
    assert canary.rows(schema.person) == []
    assert [content for content in opened(canary, canary.hub.database) if OTHER.encode() in content] == []
    assert openable(canary, canary.hub.database) == []


def test_a_provider_may_ask_for_what_is_kept_and_an_erasure_takes_the_answer_along(canary: World) -> None:
    with canary.hub.database.read() as connection:
        about = connection.execute(
            sa.select(schema.event).where(schema.event.c.person_id.in_(_ids(canary, EMAIL))).limit(1)
        ).one()
    with canary.hub.database.write() as connection:
        connection.execute(
            sa.insert(schema.privacy_request).values(
                id=about.id,
                workspace_id=canary.workspace.id,
                connection_id=about.connection_id,
                kind="export",
                state="open",
                at=1,
            )
        )
    canary.hub.privacy.act()
    (request,) = canary.rows(schema.privacy_request)
    assert request.state == "ready"
    document = json.loads(canary.workspace.sealer.open(request.document, f"privacy request {request.id}"))
    assert ORDER in json.dumps(document) and "of another" not in json.dumps(document)
    canary.hub.privacy.erase(canary.workspace, EMAIL)
    assert openable(canary, canary.hub.database) == []


# ---- telling


def test_an_export_tells_everything_about_the_person_and_nothing_about_others(canary: World) -> None:
    document = json.loads(json.dumps(canary.hub.privacy.export(canary.workspace, EMAIL)))
    text = json.dumps(document)
    assert all(canary_.decode() in text for canary_ in CANARIES)
    assert OTHER not in text and "of another" not in text
    assert len(document["events"]) == 5
    assert {event["type"] for event in document["events"]} == {"telling.happened", "telling.ended", "unknown"}
    assert document["events"][0]["person"] == {"email": EMAIL, "phone": PHONE, "ids": {"telling.id": "c-1"}}
    steps = [step for run in document["runs"] for step in run["steps"]]
    assert {step["action"] for step in steps} >= {"telling.do", "telling.send", "telling.pay", "telling.ring"}
    sent = next(step for step in steps if step["action"] == "telling.send")
    assert sent["inputs"]["to"] == PHONE and sent["answer"]["owner"] == NAME
    assert {(consent["channel"], consent["given"]) for consent in document["consents"]} == {
        ("email", True),
        ("sms", False),
    }
    assert [mention["data"]["about"] for mention in document["mentions"]] == [f"write to {EMAIL}"]


def test_an_export_is_the_same_by_the_number(canary: World) -> None:
    assert canary.hub.privacy.export(canary.workspace, PHONE) == canary.hub.privacy.export(canary.workspace, EMAIL)


def test_an_export_of_nobody_is_empty(world: World) -> None:
    assert world.hub.privacy.export(world.workspace, "nobody@example.com") == {
        "events": [],
        "runs": [],
        "consents": [],
        "mentions": [],
    }


def test_who_shares_a_phone_is_not_told_about_the_other(world: World, start: Any) -> None:
    start()
    sharing_a_phone(world)
    with pytest.raises(SettingInvalid, match="e-mail address"):
        world.hub.privacy.export(world.workspace, PHONE)
    assert "of another" not in json.dumps(world.hub.privacy.export(world.workspace, EMAIL))
