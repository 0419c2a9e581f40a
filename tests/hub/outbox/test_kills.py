"""A process that is killed in the middle of a call: the next one settles what it left, on real processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from hub.timing import SystemClock
from tests import telling
from tests.hub.outbox import process
from tests.hub.outbox.desk import Desk

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def provider(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> process.FileProvider:
    made = process.FileProvider(tmp_path / "provider")
    monkeypatch.setattr(telling, "provider", made)
    return made


def killed(desk: Desk, provider: process.FileProvider, where: str) -> None:
    """Drains in another process until it is killed."""
    settings = desk.world.settings
    arguments = [settings.database, str(settings.home), desk.connection.id, str(provider.file), where]
    program = str(Path(process.__file__))
    ended = subprocess.run(
        [sys.executable, program, *arguments],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ended.returncode == -signal.SIGKILL, ended.stderr


def settled(desk: Desk) -> None:
    """What the next process does, once nobody holds the dead one's lease any more."""
    desk.hub.database.break_leases()
    desk.drain()
    for _ in range(8):
        desk.later(seconds=10)


def now(desk: Desk) -> None:
    """Sets our clock by the machine's, which the other process has."""
    desk.world.clock.advance((SystemClock().now() - desk.world.clock.now()) / 1000)


STEPS = {
    "repeatable": telling.do("it"),
    "batched": telling.gather("it"),
    "keyed": telling.pay("it"),
    "readback": telling.send("+14155550100", "it", purpose="transactional"),
    "once": telling.ring("it"),
}


@pytest.mark.parametrize("where", ["before", "during", "after"])
def test_whatever_a_process_that_is_killed_leaves_is_settled_by_the_next_one(
    desk: Desk, provider: process.FileProvider, where: str
) -> None:
    now(desk)
    runs: dict[str, int] = {}
    for repeat, step in STEPS.items():
        runs[repeat] = desk.put(step)
    twins = desk.put_all([[STEPS["readback"]], [STEPS["readback"]]])
    killed(desk, provider, where)
    now(desk)
    settled(desk)
    became = {repeat: desk.of(run).state for repeat, run in runs.items()}
    left_once = became.pop("once")
    assert left_once in ("unknown", "done")
    assert set(became.values()) == {"done"}
    assert {desk.of(run).state for run in twins} == {"done"}
    done = provider.noted
    assert [name for name, _ in done].count("send") == 3
    assert [name for name, _ in done].count("ring") <= 1
    assert {"do", "gather", "pay"} <= {name for name, _ in done}
    assert len({inputs["key"] for name, inputs in done if name == "pay"}) == 1
    numbers = [desk.of(run).answer["number"] for run in (runs["readback"], *twins)]
    assert sorted(numbers) == [n for n, (name, _) in enumerate(done) if name == "send"]


def test_while_the_dead_ones_lease_lasts_nobody_takes_over(desk: Desk, provider: process.FileProvider) -> None:
    desk.put(STEPS["readback"])
    killed(desk, provider, "during")
    for _ in range(3):
        desk.later(seconds=10)
    assert desk.states() == ["claimed"]
    assert desk.hub.database.acquire("perform:" + desk.connection.id, 1.0) is None
    settled(desk)
    assert (desk.states(), len(provider.noted)) == (["done"], 1)
