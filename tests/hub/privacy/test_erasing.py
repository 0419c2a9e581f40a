"""Erasing: nothing of the person opens any more, even with the hub's key, and nothing is done for them again."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from hub import Person, erasure, schema
from hub.backup import make_backup, restore_backup
from hub.errors import NotFound
from tests import telling
from tests.hub.privacy.canary import EMAIL, NAME, OTHER, PHONE, come_back, ids_of, in_file, openable, opened, readable
from tests.world import World


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
    ids = ids_of(canary, EMAIL)
    (wrapped,) = [row.key for row in canary.rows(schema.person) if row.id in ids]
    assert _files_with(canary, wrapped)
    canary.hub.privacy.erase(canary.workspace, EMAIL)
    assert _files_with(canary, wrapped) == []


def _files_with(world: World, content: bytes) -> list[str]:
    """The files of the database that hold these bytes; of PostgreSQL those of the table of keys."""
    database = world.hub.database
    if database.is_sqlite:
        files = list(Path(database.url.database or "").parent.glob("hub.db*"))
    else:
        with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("CHECKPOINT")
            folder = connection.exec_driver_sql("SHOW data_directory").scalar_one()
            name = connection.exec_driver_sql("SELECT pg_relation_filepath('person')").scalar_one()
            files = [Path(folder) / name]
    return [file.name for file in files if content in file.read_bytes()]


def test_what_is_about_others_stays(canary: World) -> None:
    before = {name: value for name, value in _about(canary, OTHER)}
    canary.hub.privacy.erase(canary.workspace, EMAIL)
    assert before and before == {name: value for name, value in _about(canary, OTHER)}
    kept = b"".join(opened(canary, canary.hub.database))
    assert b"of another" in kept and OTHER.encode() in kept


def _about(world: World, text: str) -> Iterator[tuple[str, Any]]:
    ids = ids_of(world, text)
    for table in (schema.person, schema.identity, schema.event, schema.run, schema.step, schema.waiter):
        column = table.c.id if table is schema.person else table.c.person_id
        for number, row in enumerate(world.rows(table, column.in_(ids))):
            yield f"{table.name} {number}", tuple(row)


def test_the_history_still_tells_what_happened_and_not_to_whom(canary: World) -> None:
    ids = ids_of(canary, EMAIL)
    canary.hub.privacy.erase(canary.workspace, EMAIL)
    mine = [run for run in canary.runs if run.person_id in ids]
    assert {run.state for run in mine} == {"stopped", "done"}
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
    ids = ids_of(canary, EMAIL)
    with closing(canary.another_hub()) as elsewhere:
        with elsewhere.database.read() as connection:
            assert all(elsewhere.people.sealers(connection, canary.workspace, ids).values())
        canary.hub.privacy.erase(canary.workspace, EMAIL)
        with elsewhere.database.read() as connection:
            sealers = elsewhere.people.sealers(connection, canary.workspace, ids)
            assert [sealers[person_id] for person_id in ids] == [None]


# ---- while something is on its way


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
    (person_id,) = ids_of(world, EMAIL)
    world.hub.privacy.erase(world.workspace, EMAIL)
    with world.hub.database.write() as connection:
        world.hub.people.link(connection, world.workspace, [(person_id, Person(EMAIL, ids={"telling.id": "1"}))])
    assert world.rows(schema.identity) == []
    come_back(world)
    assert [run.state for run in world.runs] == ["done", "done"]


def test_who_was_erased_and_comes_back_is_somebody_new(world: World, start: Any) -> None:
    start()
    world.settle()
    before = ids_of(world, EMAIL)
    world.hub.privacy.erase(world.workspace, EMAIL)
    come_back(world)
    assert ids_of(world, EMAIL).isdisjoint(before)
    assert len(telling.provider.done) == 2
