"""What the tests of many machines share; and what they measured, printed at the end."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests import servers
from tests.machines import hosts
from tests.machines.cluster import PARTS, Cluster, Place
from tests.reliability import driver
from tests.reliability.driver import Embedded

MEASURED = "measured on many machines"


@pytest.fixture
def measured(record_property: Callable[[str, object], None]) -> Callable[[str], None]:
    """Has a line printed when all tests are over."""
    return partial(record_property, MEASURED)


def pytest_terminal_summary(terminalreporter: Any) -> None:
    reports = [report for outcome in ("passed", "failed") for report in terminalreporter.stats.get(outcome, [])]
    lines = [line for report in reports for name, line in report.user_properties if name == MEASURED]
    if lines:
        terminalreporter.section(MEASURED)
    for line in lines:
        terminalreporter.write_line(line)


@pytest.fixture(scope="session")
def place() -> Iterator[Place]:
    """The hosts, with everything on them that is not the hub."""
    with ExitStack() as ending:
        try:
            network = ending.enter_context(hosts.network())
            made = Place(network, ending)
        except (hosts.HostsMissing, servers.ServerMissing) as missing:
            if os.environ.get("CI") == "true":
                raise
            pytest.skip(str(missing))
        yield made


@pytest.fixture
def cluster(running: Cluster) -> Cluster:
    """A hub with two of everything at work. Tests share it; what one of them left behind is put right."""
    for name in PARTS:
        if running.processes[name].poll() is not None:
            running.begin(name)
    for name in PARTS:
        running.until_up(name)
    return running


@pytest.fixture(scope="session")
def running(place: Place, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    folder: Path = tmp_path_factory.mktemp("cluster") / "home"
    with servers.database(place.postgres_url) as url:
        made = Cluster(place, url, folder)
        try:
            made.prepare()
            for name in PARTS:
                made.begin(name)
            yield made
        finally:
            made.close()


@pytest.fixture
def embedded(tmp_path: Path) -> Iterator[Embedded]:
    """A hub that is one process and one file, with the practice accounts connected."""
    with driver.practice(tmp_path / "practice.log") as practice:
        made = Embedded(tmp_path / "home", practice)
        made.start()
        made.prepare()
        yield made
        made.stop()
