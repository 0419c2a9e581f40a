"""What providers ask for in somebody's name, and what an export tells."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from hub import schema
from hub.backup import make_backup
from hub.privacy import Privacy
from tests.hub.privacy.canary import CANARIES, EMAIL, NAME, ORDER, OTHER, PHONE, ask, ids_of, in_file, openable, opened
from tests.world import World


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


def act_on(world: World, **request: Any) -> None:
    """A request that an account made is acted on."""
    with world.hub.database.write() as database:
        values = request | {"workspace_id": world.workspace.id, "state": "open", "at": 1}
        database.execute(sa.insert(schema.privacy_request).values(values))
    world.hub.privacy.act()


def test_everyone_that_an_account_told_of_is_erased_when_it_asks_for_that(canary: World) -> None:
    (connection,) = canary.hub.connections.list(canary.workspace)
    act_on(canary, id=1, connection_id=connection.id, kind="erase_all")
    assert canary.rows(schema.person) == []
    assert [content for content in opened(canary, canary.hub.database) if OTHER.encode() in content] == []
    assert openable(canary, canary.hub.database) == []


def test_a_provider_may_ask_for_what_is_kept_and_an_erasure_takes_the_answer_along(canary: World) -> None:
    with canary.hub.database.read() as connection:
        about = connection.execute(
            sa.select(schema.event).where(schema.event.c.person_id.in_(ids_of(canary, EMAIL))).limit(1)
        ).one()
    act_on(canary, id=about.id, connection_id=about.connection_id, kind="export")
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
        "measured": [],
        "mentions": [],
        "places": [],
        "complaints": [],
        "marketing": [],
    }
