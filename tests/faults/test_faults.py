"""Some seeds of faults on the real processes, the same ones each time, and a fresh one; `make faults` plays others."""

from __future__ import annotations

import os
import random

import pytest

from tests.faults import disk, times
from tests.faults.driver import play
from tests.faults.schedule import CLUSTER, EMBEDDED, KINDS

_chance = random.Random(os.environ.get("PYTEST_XDIST_TESTRUNUID"))  # all processes of a run choose the same
FRESH = (_chance.choice(KINDS), _chance.randrange(1_000_000))
SEEDS = [(EMBEDDED, 1), (EMBEDDED, 4), (EMBEDDED, 5), (EMBEDDED, 6), (CLUSTER, 2), (CLUSTER, 4), FRESH]
"""The fresh one is told in its test's name, and in what a failure says, as `make faults` repeats it."""


def test_this_machine_can_play_every_fault() -> None:
    small = disk.Disk()
    small.close()
    lacking = [] if times.library() else [times.MISSING]
    lacking += [] if small.is_small else [disk.MISSING]
    if lacking and os.environ.get("CI") != "true":
        pytest.skip(f"Some faults are left out: {'; '.join(lacking)}.")
    assert not lacking


@pytest.mark.parametrize(("kind", "seed"), SEEDS, ids=[f"{kind}-{seed}" for kind, seed in SEEDS])
def test_nothing_is_lost_doubled_or_stuck_whatever_fails(kind: str, seed: int) -> None:
    result = play(seed, kind)
    assert result.is_good, f"\n{result.story()}"
