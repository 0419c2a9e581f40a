"""The processes, as an operator runs them: started, told to stop, killed; alone, and several together."""

from __future__ import annotations

import signal
import socket
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from hub import schema
from tests import servers
from tests.far.site import Site, event_body, forget, know_far
from tests.hub.conftest import free_port

LEASE_SECONDS = "3"


@pytest.fixture
def postgres_site(postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    know_far(monkeypatch)
    with servers.database(postgres_url) as url:
        made = Site(url, tmp_path / "home", free_port())
        yield made
        made.close()
    forget()


def post(site: Site, *names: str) -> None:
    answer = requests.post(site.webhook_url, data=event_body(*names), timeout=5)
    assert answer.status_code == 200


def answers(site: Site) -> bool:
    try:
        return requests.get(f"http://127.0.0.1:{site.port}/healthz", timeout=1).ok
    except requests.RequestException:
        return False


def line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def told_to_stop(process: subprocess.Popen[str], number: signal.Signals = signal.SIGTERM) -> tuple[int, str, float]:
    """Its exit code, what it said, and how long it took to end."""
    began = time.monotonic()
    process.send_signal(number)
    said, _ = process.communicate(timeout=30)
    return process.returncode, said, time.monotonic() - began


# ---- everything in one


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_whole_hub_answers_does_its_work_and_ends_when_told(site: Site, number: signal.Signals) -> None:
    site.enable("put_one")
    up = site.start("up")
    assert line(up) == "ready"
    post(site, "bread")
    site.until_done(1)
    code, said, seconds = told_to_stop(up, number)
    assert (code, said) == (0, "ended\n")
    assert seconds < 5


def test_whoever_is_told_that_the_hub_is_ready_can_call_it_at_once(site: Site) -> None:
    assert line(site.start("up")) == "ready"
    assert requests.get(f"http://127.0.0.1:{site.port}/healthz", timeout=5).text == "ok\n"


def test_a_hub_whose_readiness_fails_ends_with_that_reason(site: Site) -> None:
    up = site.start("up", FAR_FAILS="1")
    said, _ = up.communicate(timeout=30)
    assert (up.returncode, said) == (1, "It is ready, and not wanted.\n")


def test_an_idle_connection_does_not_keep_the_hub_from_ending(site: Site) -> None:
    up = site.start("up")
    assert line(up) == "ready"
    with requests.Session() as session, socket.create_connection(("127.0.0.1", site.port)) as half:
        session.get(f"http://127.0.0.1:{site.port}/healthz", timeout=5)
        half.sendall(b"POST /webhooks/far/x HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nabc")
        code, _, seconds = told_to_stop(up)
    assert code == 0
    assert seconds < 5


def test_a_call_on_its_way_is_recorded_before_the_hub_ends(site: Site) -> None:
    site.enable("put_one")
    site.far.latency = 1.0
    up = site.start("up")
    assert line(up) == "ready"
    post(site, "bread")
    servers.until(lambda: site.far.in_flight == 1, says="The call")
    assert told_to_stop(up)[0] == 0
    (step,) = site.steps()
    assert (step.state, step.attempts, len(site.far.books["asked"])) == ("done", 1, 1)


def test_a_call_that_does_not_come_back_does_not_keep_the_hub_from_ending(site: Site) -> None:
    site.enable("put_one")
    site.far.latency = 6.0
    up = site.start("up", FAR_STOP_SECONDS="0.5")
    assert line(up) == "ready"
    post(site, "bread")
    servers.until(lambda: site.far.in_flight == 1, says="The call")
    code, said, seconds = told_to_stop(up)
    assert code == 1
    assert said.startswith("hub.worker: Not ended within 0.5 seconds: perform:")
    assert seconds < 4
    (step,) = site.steps()
    assert step.state == "claimed"


def test_after_a_kill_in_the_middle_of_calls_each_effect_is_there_once(site: Site) -> None:
    site.enable("each_way")
    site.far.latency = 1.0
    environment = {"FAR_LEASE_SECONDS": LEASE_SECONDS}
    up = site.start("up", **environment)
    assert line(up) == "ready"
    post(site, "bread")
    servers.until(lambda: site.far.in_flight == 3, says="The three calls")
    up.kill()
    up.communicate()
    servers.until(lambda: len(site.far.books["asked"]) == 3, says="Their effects")
    site.far.latency = 0.0
    assert line(site.start("up", **environment)) == "ready"
    site.until_done(1, 60)
    assert_once(site, "bread")


def assert_once(site: Site, *names: str) -> None:
    books = site.far.books
    assert sorted(books["put"]) == sorted(names)
    assert sorted(books["paid"].values()) == sorted(names)
    assert sorted(books["sent"]) == sorted(names)


def test_a_second_hub_in_the_same_home_is_refused_in_one_line(site: Site) -> None:
    assert line(site.start("up")) == "ready"
    second = site.start("up", PORT=str(free_port()))
    said, _ = second.communicate(timeout=30)
    assert second.returncode == 1
    assert said == f"A hub is running already with {site.home}. Stop it first, or set HUB_HOME to another folder.\n"


@pytest.mark.parametrize("part", ["up", "web"])
def test_a_port_that_is_taken_is_told_in_one_line(site: Site, part: str) -> None:
    with socket.create_server(("127.0.0.1", site.port)):
        started = site.start(part)
        said, _ = started.communicate(timeout=30)
    assert started.returncode == 1
    assert said == (
        f"Port {site.port} is taken by another program. Stop it, or choose another port with --port or PORT.\n"
    )


def test_two_hubs_never_share_a_port(site: Site, tmp_path: Path) -> None:
    assert line(site.start("up")) == "ready"
    second = site.start("web", HUB_HOME=str(tmp_path / "other"))
    said, _ = second.communicate(timeout=30)
    assert second.returncode == 1
    assert said.startswith(f"Port {site.port} is taken")


# ---- apart, and several


def test_web_worker_and_clock_apart_do_what_one_process_does(site: Site, redis_url: str) -> None:
    site.enable("sleep_briefly")
    parts = {part: site.start(part, REDIS_URL=redis_url) for part in ("web", "worker", "clock")}
    servers.until(lambda: answers(site), 20)
    post(site, "bread")
    site.until_done(1, 20)
    ended = {part: told_to_stop(process) for part, process in parts.items()}
    assert {part: code for part, (code, _, _) in ended.items()} == {"web": 0, "worker": 0, "clock": 0}
    assert max(seconds for _, _, seconds in ended.values()) < 10


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_worker_that_is_told_to_stop_records_the_call_on_its_way(
    postgres_site: Site, redis_url: str, number: signal.Signals
) -> None:
    site = postgres_site
    site.enable("put_one")
    site.far.latency = 1.0
    worker = site.start("worker", REDIS_URL=redis_url)
    site.happen("bread")
    servers.until(lambda: site.far.in_flight == 1, 20, "The call")
    code, said, seconds = told_to_stop(worker, number)
    assert (code, said) == (0, "ended\n")
    assert seconds < 6
    (step,) = site.steps()
    assert (step.state, step.attempts) == ("done", 1)


def test_two_workers_share_the_work_and_no_step_is_done_twice(postgres_site: Site, redis_url: str) -> None:
    site = postgres_site
    site.enable("each_way")
    parts = ("worker", "worker", "clock")
    started = [site.start(part, REDIS_URL=redis_url) for part in parts]
    names = [f"bread-{n}" for n in range(60)]
    for name in names:
        site.happen(name)
    site.until_done(60, 60)
    assert_once(site, *names)
    assert set(Counter(map(tuple, site.far.books["asked"])).values()) == {1}
    assert {told_to_stop(process)[0] for process in started} == {0}


def test_another_worker_takes_over_from_one_that_was_killed_in_the_middle_of_calls(
    postgres_site: Site, redis_url: str
) -> None:
    site = postgres_site
    site.enable("each_way")
    site.far.latency = 1.0
    environment = {"REDIS_URL": redis_url, "FAR_LEASE_SECONDS": LEASE_SECONDS}
    first = site.start("worker", **environment)
    names = [f"bread-{n}" for n in range(4)]
    site.happen(*names)
    servers.until(lambda: site.far.in_flight == 4, 20, "The calls of the first worker")
    second = site.start("worker", **environment)
    clock = site.start("clock", **environment)
    first.kill()
    site.until_done(4, 60)
    assert_once(site, *names)
    assert [told_to_stop(process)[0] for process in (second, clock)] == [0, 0]


def test_the_other_clock_leads_after_the_leader_was_killed(postgres_site: Site) -> None:
    site = postgres_site
    leader = site.start("clock", FAR_LEASE_SECONDS="1")
    servers.until(lambda: holder_of_the_clock(site), 20, "The first leader")
    first = holder_of_the_clock(site)
    site.start("clock", FAR_LEASE_SECONDS="1")
    leader.kill()
    servers.until(lambda: holder_of_the_clock(site) != first, 20, "The second leader")


def holder_of_the_clock(site: Site) -> Any:
    with site.hub.database.read() as database:
        query = schema.lease.select().where(schema.lease.c.name == "clock")
        row = database.execute(query).one_or_none()
    return row and row.holder


def test_all_parts_may_start_at_once_on_an_empty_database(
    postgres_site: Site, postgres_url: str, redis_url: str
) -> None:
    site, ready = postgres_site, f"http://127.0.0.1:{postgres_site.port}/readyz"
    with servers.database(postgres_url) as empty:
        environment = {"REDIS_URL": redis_url, "DATABASE_URL": empty}
        parts = [site.start(part, **environment) for part in ("web", "worker", "worker", "clock")]
        servers.until(lambda: answers(site) and requests.get(ready, timeout=5).ok, 30, "The hub's readiness")
        assert [told_to_stop(process)[0] for process in parts] == [0] * 4
