"""Before an erasure: nothing of anybody can be read without the key, in no file, no reason and no log."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from hub.backup import make_backup
from hub.practice.server import PracticeServer
from tests.hub.privacy.canary import CANARIES, EMAIL, PHONE, in_file, indiscreet, openable, readable
from tests.world import World


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


def test_what_a_recipe_says_in_the_end_is_kept_without_saying_who(world: World, start: Any) -> None:
    start(indiscreet, phone=PHONE)
    world.settle()
    assert [run.reason for run in world.runs] == ["did it for …, …"]


CALL = """
import logging, sys
logging.basicConfig(level=logging.DEBUG)
from hub.http import Session
print(Session(sys.argv[1]).get("/members?email=" + sys.argv[2]).status_code)
"""


def test_the_address_of_a_call_is_not_logged() -> None:
    server = PracticeServer()
    base = server.start()
    try:
        # In a process of its own: here another library may have quietened the logger before.
        called = subprocess.run(
            [sys.executable, "-c", CALL, f"{base}/mailchimp", EMAIL], capture_output=True, text=True, check=True
        )
    finally:
        server.stop()
    assert int(called.stdout) >= 400
    assert EMAIL not in called.stderr
