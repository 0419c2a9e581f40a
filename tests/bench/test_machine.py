"""What is read of the machine."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import pytest

from hub.bench import machine
from hub.bench.surroundings import Watch
from hub.errors import SetupError

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="there is no /proc")


def test_cpu_time_is_that_of_the_process() -> None:
    before, until = machine.cpu_seconds(os.getpid()), time.process_time() + 0.1
    while time.process_time() < until:
        pass
    assert machine.cpu_seconds(os.getpid()) - before >= 0.08  # it is told in steps of 10 ms


def test_the_peak_of_memory_is_no_less_than_what_is_held_now() -> None:
    held = machine.rss_mb(os.getpid())
    assert 1 < held <= machine.peak_rss_mb(os.getpid())


def test_a_watch_tells_what_each_took() -> None:
    watch = Watch({"me": os.getpid()})
    told = watch.told()
    assert set(told) == {"seconds", "cpu_seconds", "cpu_seconds_of_other_programs", "notes"}
    assert set(told["cpu_seconds"]) == {"me", "load_generator"}


def test_a_folder_in_memory_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(machine, "filesystem", lambda _: "tmpfs")
    with pytest.raises(SetupError, match="--folder"):
        machine.folder_on_disk(tmp_path)


def test_without_proc_it_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(machine, "PROC", tmp_path)
    with pytest.raises(SetupError, match="/proc"):
        machine.require()
