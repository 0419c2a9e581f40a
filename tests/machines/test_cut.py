"""Cut off: hosts whose cable is pulled, and hosts whose packets get lost without anybody being told."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import sqlalchemy as sa

from hub import schema
from hub.wakeups import perform
from tests.far.site import event_body
from tests.machines.cluster import ROOT, Cluster
from tests.machines.hosts import Host
from tests.servers import until

Measured = Callable[[str], None]


@contextmanager
def cut(host: Host, how: str, cluster: Cluster) -> Iterator[None]:
    """A host that is cut off in this way, for as long as the block lasts."""
    if how == "unplugged":
        host.unplug()
    elif how == "isolated":
        host.isolate()
    else:
        host.lose(cluster.place.postgres)
    try:
        yield
    finally:
        host.join()


def far_event(cluster: Cluster, name: str, web: str = "web1", seconds: float = 30.0) -> dict[str, object]:
    """Something happens at the far provider, and it tells one of the webs."""
    body = json.loads(event_body(name))
    return cluster.place.caller.call(cluster.url(web) + cluster.paths["far"], body, seconds)


def steps(cluster: Cluster) -> list[tuple[object, ...]]:
    """The steps of all far runs, and what became of them."""
    table = schema.step
    query = table.select().where(table.c.action.like("far.%")).order_by(table.c.run_id, table.c.position)
    return [tuple(row) for row in cluster.rows(query)]


@pytest.mark.parametrize("how", ["unplugged", "isolated", "without its database"])
def test_a_worker_that_is_cut_off_in_the_middle_of_calls_is_followed_and_does_no_harm_when_it_is_back(
    cluster: Cluster, measured: Measured, how: str
) -> None:
    place, name = cluster.place, f"cut-{how}"
    place.ask_provider("/_settings/far", {"latency": 1.0})
    assert far_event(cluster, name)["status"] == 200
    until(lambda: len(place.ask_provider("/_from/far")) == 3, 20, "The three calls")
    address = place.ask_provider("/_from/far")[0]
    (worker,) = (host for host in place.hosts.values() if host.address == address)
    queue = perform(cluster.paths["far"].rpartition("/")[2])
    held = cluster.lease(queue)
    with cut(worker, how, cluster):
        began = time.time()
        place.ask_provider("/_settings/far", {"latency": 0.0})
        until(lambda: cluster.lease(queue).fence > held.fence, 30, "Another holder")
        measured(f"a worker {how}: its calls' account has another holder after {time.time() - began:.1f} s")
        cluster.until_settled()
        assert cluster.lease(queue).holder != held.holder
        before = steps(cluster)
    back = time.time()
    until(lambda: cluster.spoke(worker.name, back), 60, "The worker being back")
    assert far_event(cluster, f"after-{how}")["status"] == 200
    cluster.until_settled()
    assert steps(cluster)[: len(before)] == before
    books = place.ask_provider("/_books/far")
    assert books["sent"].count(name) == list(books["paid"].values()).count(name) == 1
    asked = [what for _, what in books["asked"]]
    assert 3 <= asked.count(name) <= 5, "Only what may be repeated was asked for again."


def test_a_web_that_is_cut_off_is_left_to_the_other_and_nothing_is_lost(cluster: Cluster, measured: Measured) -> None:
    began = time.time()
    with cluster.load(rate=10) as taken:
        until(lambda: cluster.longest(began), 30, "The first order being done")
        with cut(cluster.place.hosts["web1"], "isolated", cluster):
            time.sleep(3)
    cluster.until_settled()
    cluster.place.assert_once(list(taken.at))
    measured(f"a web isolated for 3 s: {len(taken)} orders, {len(taken.failed)} posts went to the other web")


def test_without_redis_the_work_goes_on_and_when_it_is_back_so_do_the_wake_ups(
    cluster: Cluster, measured: Measured
) -> None:
    place, began = cluster.place, time.time()
    with cluster.load(rate=10) as taken:
        until(lambda: cluster.longest(began), 60, "The first order being done")
        with cut(place.redis, "isolated", cluster):
            gone = time.time()
            until(lambda: cluster.logged("worker1", "wake-ups from Redis: "), 60, "Redis being missed")
            measured(f"Redis isolated: a worker says so after {time.time() - gone:.1f} s")
            missed = time.time()
            until(lambda: cluster.done_since(missed) >= 10, 60, "Work without Redis")
        until(lambda: cluster.logged("worker1", "wake-ups from Redis: works again"), 60, "Wake-ups being taken")
    cluster.until_settled()
    place.assert_once(list(taken.at))
    assert not taken.failed
    measured(f"without Redis: the longest of {len(taken)} orders took {cluster.longest(gone):.1f} s")


def test_without_its_database_the_door_says_come_again_and_all_goes_on_when_it_is_back(
    cluster: Cluster, measured: Measured
) -> None:
    place, began = cluster.place, time.time()
    with cluster.load(rate=10) as taken:
        until(lambda: cluster.longest(began), 60, "The first order being done")
        with cut(place.postgres, "isolated", cluster):
            gone = time.time()
            answer = far_event(cluster, "while the database is away")
            assert (answer["status"], answer["headers"]["retry-after"]) == (503, "10")
            measured(f"the database isolated: 503 after {time.time() - gone:.1f} s")
            assert place.caller.call(cluster.url("web2") + "/healthz")["status"] == 200
            assert place.caller.call(cluster.url("web2") + "/readyz")["status"] == 503
        back = time.time()
        until(lambda: cluster.done_since(back), 60, "Work being done again")
        measured(f"the database is back: the first run is done after {time.time() - back:.1f} s")
    cluster.until_settled()
    place.assert_once(list(taken.at))
    assert {process.poll() for process in cluster.processes.values()} == {None}


@dataclass
class Staying:
    """A process on the spare host that is in the middle of a transaction, and waits for an answer beside it."""

    process: subprocess.Popen[str]
    said: Path

    def until_it_says(self, text: str) -> None:
        until(lambda: text in self.said.read_text(), 60, f"Its saying {text!r} ({self.said.read_text()})")

    def go_on(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write("go on\n")
        self.process.stdin.flush()


@pytest.fixture
def stay(cluster: Cluster, tmp_path: Path) -> Iterator[Callable[..., Staying]]:
    begun: list[subprocess.Popen[str]] = []

    def begin(**more: str) -> Staying:
        environment = {**os.environ, **cluster.environment, **more}
        with (tmp_path / "said").open("w") as said:
            process = subprocess.Popen(
                cluster.words("spare", "tests.machines.process", "stay"),
                cwd=ROOT,
                env=environment,
                stdin=subprocess.PIPE,
                stdout=said,
                text=True,
            )
        begun.append(process)
        made = Staying(process, tmp_path / "said")
        made.until_it_says("there")
        return made

    yield begin
    for process in begun:
        process.kill()
        process.communicate()


def sessions(cluster: Cluster) -> set[str]:
    """What the database thinks that the spare host is doing."""
    query = sa.text("SELECT state FROM pg_stat_activity WHERE client_addr = CAST(:address AS inet)")
    return {state for (state,) in cluster.rows(query.bindparams(address=cluster.place.spare.address))}


def test_a_host_that_vanished_and_its_database_let_each_other_go(
    cluster: Cluster, stay: Callable[..., Staying], measured: Measured
) -> None:
    staying = stay()
    until(lambda: sessions(cluster) == {"active", "idle in transaction"}, 10)
    began = time.time()
    with cut(cluster.place.spare, "isolated", cluster):
        staying.until_it_says("answer: OperationalError")
        measured(f"an answer that never comes is given up after {time.time() - began:.1f} s")
        until(lambda: "idle in transaction" not in sessions(cluster), 60, "The end of its locks")
        measured(f"the locks of a host that vanished are gone after {time.time() - began:.1f} s")
        staying.go_on()
        staying.until_it_says("transaction: OperationalError")


def test_a_process_that_stands_still_in_a_transaction_keeps_its_locks_no_longer_than_it_may(
    cluster: Cluster, stay: Callable[..., Staying]
) -> None:
    staying = stay(FROZEN_SECONDS="2")
    staying.process.send_signal(signal.SIGSTOP)
    assert "idle in transaction" in sessions(cluster)
    until(lambda: "idle in transaction" not in sessions(cluster), 30, "The end of its transaction")
