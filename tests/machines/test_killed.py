"""Each of the six processes is killed in turn while orders come in: nothing is lost, nothing is done twice."""

from __future__ import annotations

import time
from collections.abc import Callable

from tests.machines.cluster import Cluster
from tests.servers import until

TURNS = {"web1": "web2", "worker1": "worker2", "clock1": "clock2", "web2": "web1", "worker2": "worker1"}
TURNS |= {"clock2": "clock1"}
"""Who is killed, in this order, and who goes on then."""


def test_each_of_the_six_is_killed_in_turn_and_its_twin_goes_on(
    cluster: Cluster, measured: Callable[[str], None]
) -> None:
    began = time.time()
    with cluster.load(rate=4) as taken:
        for name, twin in TURNS.items():
            cluster.until_up(twin)
            at_work = time.time()
            until(lambda at_work=at_work: cluster.done_since(at_work), 60, "Work being done")
            killed = time.time()
            cluster.kill(name)
            # What was under way then is done by its twin: the killed one is not started before.
            until(lambda killed=killed: cluster.left(before=killed) == 0, 60, f"The end of what {name} left")
            measured(f"{name} killed: what was under way is done after {time.time() - killed:.1f} s")
            cluster.begin(name)
    for name in TURNS:
        cluster.until_up(name)
    cluster.until_settled()
    cluster.place.assert_once(list(taken.at))
    measured(f"six kills: {len(taken)} orders, the longest took {cluster.longest(began):.1f} s")
