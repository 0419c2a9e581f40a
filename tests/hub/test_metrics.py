"""What operators watch: what each process counts, how full the queues are, and nobody's data in it."""

from __future__ import annotations

import logging
import math
import re
import socket
import subprocess
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests
import sqlalchemy as sa
from prometheus_client import REGISTRY
from prometheus_client.parser import text_string_to_metric_families

from hub import OutcomeUnknown, Rejected, metrics, schema
from hub.app import create_app
from hub.clock import CLOCK, LEASE_SECONDS
from hub.errors import NotAuthorized, RateLimited, ServiceDown
from hub.figures import FRESH_SECONDS, Figures
from hub.jobs import RqWakeups
from hub.timing import FrozenClock
from hub.trouble import Trouble
from tests import servers
from tests.far.site import ROOT, Site, running
from tests.hub.conftest import free_port
from tests.hub.test_clock import a_run, a_step, sleep_many, statements

Grown = Callable[..., float]


@pytest.fixture
def grown() -> Grown:
    """How much a figure of this process has grown since the test began."""
    before: dict[Any, float] = {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in REGISTRY.collect()
        for sample in family.samples
    }

    def by(name: str, **labels: str) -> float:
        return (REGISTRY.get_sample_value(name, labels) or 0.0) - before.get((name, tuple(sorted(labels.items()))), 0.0)

    return by


def figures(site: Site) -> dict[str, float]:
    """The figures of a hub as they are now, by name and labels."""
    return read(Figures(site.hub).text().decode())


def read(text: str) -> dict[str, float]:
    return {
        " ".join([sample.name, *sample.labels.values()]): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


# ---- counted by each process


def test_calls_steps_and_runs_are_counted(site: Site, grown: Grown) -> None:
    site.enable("each_way")
    with running(site):
        site.happen("bread", "rolls")
        site.until_done(2)
    answered = grown("hub_calls_total", connector="far", outcome="answered")
    assert answered == len(site.far.books["asked"]) == 6
    assert grown("hub_steps_total", connector="far", outcome="done") == 6
    assert grown("hub_runs_total", recipe="each_way", state="done") == 2
    assert grown("hub_calls_in_flight", connector="far") == 0


def test_a_call_counts_as_on_its_way_until_it_comes_back(site: Site, grown: Grown) -> None:
    site.enable("put_one")
    site.far.latency = 1.0
    with running(site):
        site.happen("bread")
        servers.until(lambda: grown("hub_calls_in_flight", connector="far") == 1)
        site.until_done(1)
    assert grown("hub_calls_in_flight", connector="far") == 0


@pytest.mark.parametrize(
    ("failures", "outcome"),
    [
        ([None, None], "answered"),
        ([Rejected("no")], "refused"),
        ([RateLimited("later")], "rate_limited"),
        ([ServiceDown("away")], "down"),
        ([OutcomeUnknown("?")], "no_answer"),
        ([NotAuthorized("who?")], "not_authorized"),
        ([KeyError("ada@example.com")], "failed"),
        ([None, Rejected("no")], "partly"),
    ],
)
def test_a_call_counts_once_by_what_came_of_it(grown: Grown, failures: list[Any], outcome: str) -> None:
    metrics.call_ended("far", failures)
    assert grown("hub_calls_total", connector="far", outcome=outcome) == 1


def test_trouble_is_counted_by_what_it_is_about_and_not_by_whose_account(grown: Grown) -> None:
    Trouble(logging.getLogger("test"), "perform:an-account-of-somebody").met(ValueError("ada@example.com"))
    assert grown("hub_trouble_total", what="perform") == 1


def test_wake_ups_that_were_sent_and_that_got_lost_are_counted(grown: Grown) -> None:
    with servers.own_redis() as own:
        wakeups = RqWakeups(own.url)
        wakeups.wake("read")
        servers.until(lambda: grown("hub_wakeups_total", outcome="sent") == 1)
        own.stop()
        wakeups.wake("read")
        servers.until(lambda: grown("hub_wakeups_total", outcome="lost") == 1)


# ---- read from the database


def test_what_waits_is_told_with_the_age_of_the_oldest(site: Site) -> None:
    frozen = site.hub.clock = FrozenClock()
    site.happen("bread")
    frozen.advance(10)
    site.happen("rolls")
    a_run(site, due_at=frozen.now() - 4_000)
    a_run(site, due_at=frozen.now() + 60_000)
    a_run(site, due_at=None, state="held")
    for priority, age in ((0, 7_000), (2, 30_000)):
        a_step(site, state="waiting", priority=priority, asked_at=frozen.now() - age)
    a_step(site, state="claimed", asked_at=frozen.now())
    a_step(site, state="done", asked_at=0)
    told = figures(site)
    assert (told["hub_deliveries_unread"], told["hub_deliveries_unread_oldest_seconds"]) == (2, 10)
    assert (told["hub_runs_due"], told["hub_runs_due_oldest_seconds"], told["hub_runs_held"]) == (1, 4, 1)
    assert (told["hub_steps_waiting far"], told["hub_steps_waiting_oldest_seconds far"]) == (3, 30)
    assert told["hub_database_answers"] == 1
    assert told["hub_database_bytes"] > 50_000


def test_an_idle_hub_tells_noughts(site: Site) -> None:
    told = figures(site)
    assert told["hub_deliveries_unread"] == told["hub_runs_due"] == told["hub_steps_waiting far"] == 0
    assert told["hub_deliveries_unread_oldest_seconds"] == told["hub_steps_waiting_oldest_seconds far"] == 0


def test_accounts_are_told_by_how_they_stand(site: Site) -> None:
    others = [site.hub.connections.connect(site.workspace, "far", {"account": name})[0] for name in "bcd"]
    for other, state in zip(others, ("needs_login", "needs_login", "off"), strict=True):
        site.hub.connections.set_state(other.id, state, None)
    assert {name: value for name, value in figures(site).items() if name.startswith("hub_connections")} == {
        "hub_connections far ready": 1,
        "hub_connections far needs_login": 2,
        "hub_connections far off": 1,
    }
    with site.hub.database.write() as database:
        ready = schema.connection.c.id == site.connection.id
        rest = site.hub.clock.now() + 60_000
        database.execute(sa.update(schema.connection).where(ready).values(paused_until=rest))
    assert figures(site)["hub_connections far resting"] == 1


def test_the_clocks_heartbeat_grows_old_and_one_that_never_was_or_resigned_is_infinitely_old(site: Site) -> None:
    age = "hub_clock_heartbeat_age_seconds"
    assert figures(site)[age] == math.inf
    lease = site.hub.database.acquire(CLOCK, LEASE_SECONDS)
    assert lease is not None
    assert 0 <= figures(site)[age] < 5
    site.hub.database.renew(lease, -10)
    assert LEASE_SECONDS + 10 <= figures(site)[age] < LEASE_SECONDS + 60
    site.hub.database.release(lease)
    assert figures(site)[age] == math.inf


def test_a_database_that_is_away_is_a_figure_too(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    def away() -> Any:
        raise sa.exc.OperationalError("SELECT secret", {}, Exception("password"))

    monkeypatch.setattr(site.hub.database, "read", away)
    assert figures(site) == {"hub_database_answers": 0}


def test_nobody_makes_the_database_work_by_asking_often(site: Site) -> None:
    site.hub.clock = FrozenClock()
    client = create_app(site.hub).test_client()
    assert statements(site, lambda: client.get("/metrics"))
    site.hub.clock.advance(FRESH_SECONDS - 1)
    assert not statements(site, lambda: [client.get("/metrics") for _ in range(5)])
    site.hub.clock.advance(1)
    assert statements(site, lambda: client.get("/metrics"))


def test_a_look_goes_along_indexes_however_much_sleeps(site: Site) -> None:
    sleep_many(site)
    asked = statements(site, lambda: figures(site))
    explain = "EXPLAIN QUERY PLAN " if site.hub.database.is_sqlite else "EXPLAIN "
    with site.hub.database.engine.connect() as database:
        plans = [
            "\n".join(str(row[-1]) for row in database.exec_driver_sql(explain + statement, parameters))
            for statement, parameters in asked
        ]
    for number, index in enumerate(["ix_delivery_new", "ix_run_due", "ix_run_held", "ix_step_outbox"]):
        assert index in plans[number]
    assert not [plan for plan in plans if "Seq Scan on step" in plan or "Seq Scan on run" in plan]


def test_the_figures_that_the_page_says_to_watch_are_there(site: Site) -> None:
    page = (ROOT / "README.md").read_text().partition("### What to watch")[2]
    named = set(re.findall(r"\b(?:hub|process)_[a-z_]+", page))
    known = {sample.removesuffix("_total") for family in REGISTRY.collect() for sample in (family.name,)}
    known |= {name.split()[0] for name in figures(site)}
    assert named
    assert not sorted(name for name in named if name.removesuffix("_total") not in known)


# ---- a worker and a clock, at a port of their own


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture(params=["worker", "clock"])
def part(request: pytest.FixtureRequest, site: Site, port: int) -> Iterator[subprocess.Popen[str]]:
    yield site.start(request.param, METRICS_PORT=str(port))


def test_a_part_without_a_page_tells_its_own_figures_at_its_own_port(part: subprocess.Popen[str], port: int) -> None:
    def told() -> dict[str, float]:
        try:
            return read(requests.get(f"http://127.0.0.1:{port}/metrics", timeout=2).text)
        except requests.RequestException:
            return {}

    servers.until(told, 60, "The figures")
    assert told()["process_resident_memory_bytes"] > 10_000_000
    assert not [name for name in told() if name.startswith("hub_deliveries_unread")]
    part.terminate()
    assert (part.wait(30), part.stdout.read() if part.stdout else "") == (0, "ended\n")


@pytest.mark.parametrize("name", ["worker", "clock"])
def test_a_port_for_figures_that_is_taken_is_told_in_one_line(site: Site, port: int, name: str) -> None:
    with socket.create_server(("0.0.0.0", port)):
        started = site.start(name, METRICS_PORT=str(port))
        said, _ = started.communicate(timeout=60)
    assert started.returncode == 1
    assert said == f"Port {port} is taken by another program. Stop it, or choose another METRICS_PORT.\n"
