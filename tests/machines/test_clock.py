"""The clock has one leader at a time, whoever is stopped, cut off or killed."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest
import redis
import sqlalchemy as sa

from hub import schema
from hub.clock import CLOCK, TICK_SECONDS
from tests.machines.cluster import Cluster
from tests.servers import until

Measured = Callable[[str], None]
WORKERS = ("worker1", "worker2")


@dataclass
class Watched:
    """What was seen of the clocks: who led with which fence, and who woke something when."""

    leaders: dict[int, set[str]] = field(default_factory=dict)
    fences: list[int] = field(default_factory=list)
    woke: list[tuple[float, str]] = field(default_factory=list)

    def woke_since(self, since: float) -> set[str]:
        return {name for at, name in self.woke if at > since}


@contextmanager
def watching(cluster: Cluster) -> Iterator[Watched]:
    """Samples the clock's lease, and listens to Redis, where wake-ups go. Meanwhile there is always something due:
    the workers stand still."""
    seen, stopping = Watched(), threading.Event()
    names = {cluster.place.hosts[name].address: name for name in ("clock1", "clock2")}

    def sample() -> None:
        while not stopping.wait(0.02):
            if (lease := cluster.lease(CLOCK)) is not None:
                seen.leaders.setdefault(lease.fence, set()).add(lease.holder)
                seen.fences.append(lease.fence)

    def listen() -> None:
        with redis.Redis.from_url(cluster.place.redis_url) as client, client.monitor() as monitor:
            while not stopping.is_set():
                said = monitor.next_command()
                if said["client_address"] in names and "hub:asked:" in said["command"]:
                    seen.woke.append((said["time"], names[said["client_address"]]))
                if said["command"] == "GET the end":
                    return

    threads = [threading.Thread(target=sample), threading.Thread(target=listen)]
    for thread in threads:
        thread.start()
    try:
        yield seen
    finally:
        stopping.set()
        with redis.Redis.from_url(cluster.place.redis_url) as client:
            until(lambda: client.get("the end") or not threads[1].is_alive(), 10, "The end of listening")
        for thread in threads:
            thread.join()


@pytest.fixture
def due(cluster: Cluster) -> Iterator[None]:
    """Something is due all the time: a delivery came in, and the workers stand still."""
    for name in WORKERS:
        cluster.signal(name, signal.SIGSTOP)
    try:
        answer = cluster.place.caller.call(cluster.url("web1") + cluster.paths["far"], {"events": []})
        assert answer["status"] == 200
        yield
    finally:
        for name in WORKERS:
            cluster.signal(name, signal.SIGCONT)
    cluster.until_settled()


@pytest.mark.parametrize("how", ["stopped", "isolated"])
def test_a_leader_that_was_away_leads_no_more_when_it_is_back(
    cluster: Cluster, due: None, measured: Measured, how: str
) -> None:
    with watching(cluster) as seen:
        until(lambda: seen.woke and seen.fences, 30, "A leader")
        leader = seen.woke[-1][1]
        (other,) = {"clock1", "clock2"} - {leader}
        away, fence = time.time(), seen.fences[-1]
        if how == "stopped":
            cluster.signal(leader, signal.SIGSTOP)
        else:
            cluster.place.hosts[leader].isolate()
        until(lambda: other in seen.woke_since(away), 60, "Another leader")
        measured(f"the leading clock {how}: the other one leads after {time.time() - away:.1f} s")
        back = time.time()
        if how == "stopped":
            cluster.signal(leader, signal.SIGCONT)
        else:
            cluster.place.hosts[leader].join()
        # What it sent before it was cut off arrives when the cable is back, as late as the system sends it again.
        late = time.time() - away if how == "isolated" else 0.0
        # It asks the database on every tick whether it leads.
        until(lambda: cluster.spoke(leader, back + late + 3 * TICK_SECONDS), 60, "The old leader being back")
        assert seen.woke_since(back + late + TICK_SECONDS / 2) == {other}
    assert seen.fences == sorted(seen.fences)
    assert all(len(holders) == 1 for holders in seen.leaders.values())
    assert set(seen.leaders) == {fence, fence + 1}


def test_a_leader_that_is_told_to_stop_is_followed_at_once(cluster: Cluster, due: None, measured: Measured) -> None:
    with watching(cluster) as seen:
        until(lambda: seen.woke, 30, "A leader")
        leader = seen.woke[-1][1]
        (other,) = {"clock1", "clock2"} - {leader}
        cluster.stop(leader)
        gone = time.time()
        assert cluster.rows(sa.select(schema.lease.c.name).where(schema.lease.c.name == CLOCK))
        until(lambda: other in seen.woke_since(gone), 60, "Another leader")
        measured(f"the leading clock told to stop: the other one leads after {time.time() - gone:.1f} s")
    cluster.start(leader)
