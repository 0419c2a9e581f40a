"""The secret key is exchanged while orders come in: nothing fails, and the old key is not needed afterwards."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from tests.machines.caller import Load
from tests.machines.cluster import Cluster
from tests.machines.test_drill import texts_in
from tests.reliability import driver
from tests.reliability.driver import Embedded
from tests.servers import until

FRESH = "a fresh secret key for tests that is as long as it must be"
ONE_HALF, THE_OTHER = ("web1", "worker1", "clock1"), ("web2", "worker2", "clock2")


def restart(cluster: Cluster, key: str) -> None:
    """Starts every part again with this HUB_SECRET_KEY, one half after the other."""
    cluster.key = key
    for half in (ONE_HALF, THE_OTHER):
        for name in half:
            cluster.stop(name)
        cluster.start(*half)


def test_on_many_machines_every_order_is_taken_at_once_and_done(
    cluster: Cluster, measured: Callable[[str], None]
) -> None:
    old, began = cluster.key, time.time()
    with cluster.load(rate=3) as taken:
        until(lambda: cluster.done_since(began), 60, "Work being done")
        restart(cluster, f"{FRESH},{old}")
        cluster.run("worker1", "hub.cli", "keys", "rotate")
        rotated = time.time()
        until(lambda: cluster.done_since(rotated), 60, "Work with the new key")
        restart(cluster, FRESH)
        alone = time.time()
        until(lambda: cluster.done_since(alone), 60, "Work with the new key alone")
    cluster.until_settled()
    cluster.place.assert_once(list(taken.at))
    # A web that is told to stop takes nothing more, and the other one does; no answer was ever a failure.
    assert {status for _, status, _, _ in taken.failed} <= {None}
    assert cluster.place.caller.call(cluster.url("web2") + "/readyz")["text"] == "ready\n"
    with pytest.raises(RuntimeError, match="sealed with the secret key"):
        cluster.run("worker1", "hub.cli", "workspace", "list", HUB_SECRET_KEY=old)
    measured(f"key exchanged on many machines: {len(taken)} orders, the longest took {cluster.longest(began):.1f} s")


def test_one_process_is_stopped_for_it_and_no_order_is_lost(
    embedded: Embedded, measured: Callable[[str], None]
) -> None:
    hub = embedded
    load = Load([hub.shop_url], 0, 10.0, 10_000, 4)
    until(lambda: hub.run_states().get("done", 0) > 10, 60, "Work being done")
    old = (hub.home / "secret.key").read_text()
    stopped = time.time()
    hub.stop()
    hub.command("keys", "rotate")
    hub.start()
    until(lambda: max(load.taken.values()) > stopped + 0.5, 60, "An order being taken")
    first = min(at for at in load.taken.values() if at > stopped + 0.5)
    load.stopping.set()
    load.join()
    until(lambda: hub.run_states() == {"done": len(load.taken)}, 60, "The end of all runs")
    assert set(texts_in(driver.books(hub.practice, "twilio")).values()) == {1}
    fresh = (hub.home / "secret.key").read_text()
    assert len(fresh.split()) == 1 and fresh != old
    measured(
        f"key exchanged, one process: stopped for {first - stopped:.1f} s, {len(load.taken)} orders taken in the end"
    )
