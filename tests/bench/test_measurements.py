"""Every measurement, once, so small that its figures mean nothing: that they are there, and that nothing is lost."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from hub import bench
from hub.bench import machine
from hub.cli import main

KEYS = {
    "intake": ["intake_1_rate", "intake_1_p99", "intake_4_rate", "intake_4_p99"],
    "end-to-end": [f"end_to_end{kind}_{what}" for kind in ("", "_50ms", "_with_reports") for what in ("rate", "cpu")],
    "quiet": ["quiet_p50", "quiet_p99", "quiet_after_pause_p50"],
    "start": ["start", "memory_idle", "memory_under_load"],
    "disk": ["disk_kept", "disk_after_retention", "disk_returned", "disk_wal", "disk_budget"],
    "quota": [
        *("quota_throughput", "quota_used", "quota_refused"),
        *(f"quota_calls_{name}" for name in ("hubspot", "mailchimp", "twilio")),
        *("quota_text_beside_bulk_p99", "quota_text_beside_dead_p99", "quota_dead_change"),
    ],
    "growth": [
        *("growth_cpu", "growth_cost", "growth_rate", "growth_intake"),
        *("growth_memory", "growth_memory_under_load", "growth_timers_p99"),
    ],
}


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="there is no /proc to measure with")
@pytest.mark.parametrize("name", bench.MEASUREMENTS)
def test_a_measurement_gives_its_figures_and_leaves_nothing(name: str, tmp_path: Path) -> None:
    if machine.filesystem(tmp_path) in ("tmpfs", "ramfs"):
        pytest.skip("the temporary folder is in memory only")
    before = children()
    words = ["bench", name, "--small", "--json", "--folder", str(tmp_path)]
    result = CliRunner().invoke(main, words, prog_name="hub")
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    assert list(told) == ["about", *KEYS[name]]
    for key in KEYS[name]:
        assert told[key]["unit"]
        assert "void" not in told[key]
    assert not list(tmp_path.iterdir())
    assert children() == before


def children() -> list[str]:
    """Processes of ours that still run."""
    return Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()


def test_every_measurement_is_made_here() -> None:
    assert KEYS.keys() == bench.MEASUREMENTS.keys()


def test_a_name_that_is_none_is_refused_with_those_that_are() -> None:
    result = CliRunner().invoke(main, ["bench", "everything"], prog_name="hub")
    assert result.exit_code == 1
    assert "intake" in result.stderr
