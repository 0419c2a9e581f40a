"""Two of everything share the work."""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Callable

import sqlalchemy as sa

from hub import schema
from hub.wakeups import perform
from tests.machines.cluster import Cluster
from tests.servers import until

BURST, MOST_BURSTS = 100, 20


def kept(cluster: Cluster) -> Counter[str]:
    """How many deliveries each web kept."""
    found: Counter[str] = Counter()
    for web in ("web1", "web2"):
        text = cluster.place.caller.call(f"{cluster.url(web)}/metrics")["text"]
        counts = re.findall(r'^hub_deliveries_total\{connector="shopify",outcome="kept"\} (\S+)', text, re.MULTILINE)
        found[web] = round(sum(map(float, counts)))
    return found


def called(cluster: Cluster) -> Counter[str]:
    """How many calls each worker made."""
    calls = cluster.place.ask_provider("/_from")
    return Counter({name: calls.get(cluster.place.hosts[name].address, 0) for name in ("worker1", "worker2")})


def test_bursts_of_orders_are_done_once_each_and_both_webs_and_both_workers_take_part(
    cluster: Cluster, measured: Callable[[str], None]
) -> None:
    place, webs, workers = cluster.place, kept(cluster), called(cluster)
    numbers, began = place.numbers(BURST * MOST_BURSTS), time.time()
    lease, count = schema.lease, 0
    held = sa.select(lease.c.name).where(lease.c.name.startswith(perform("")), lease.c.until > cluster.database.db_now)
    # Who takes an account that nobody holds is chance, so each burst is another throw, once they were all let go.
    while count < len(numbers) and (not count or len(+(called(cluster) - workers)) < 2):
        first, count = numbers.start + count, count + BURST
        place.caller.ask("start", urls=cluster.webhooks(), first=first, most=BURST, threads=16)
        assert not place.caller.ask("stop", at_once=False)["failed"]
        cluster.until_settled()
        until(lambda: not cluster.rows(held), 30, "That nobody holds an account")
    place.assert_once(numbers[:count])
    webs, workers = kept(cluster) - webs, called(cluster) - workers
    assert sum(webs.values()) == count
    assert min(webs["web1"], webs["web2"]) > 0
    assert min(workers["worker1"], workers["worker2"]) > 0
    measured(f"{count} orders in {time.time() - began:.1f} s: kept by {dict(webs)}, calls made by {dict(workers)}")
