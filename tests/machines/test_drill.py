"""The drill: a backup under load, a disaster, a restore; what is lost, how long it takes, and who stays erased."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import sqlalchemy as sa

from hub import schema
from tests.machines.caller import Load
from tests.machines.cluster import PARTS, Cluster
from tests.reliability import driver
from tests.reliability.driver import Embedded
from tests.servers import until

Measured = Callable[[str], None]


@dataclass
class Drill:
    """What is noted of a drill: instants in seconds, and the orders that were taken, by number."""

    began: float = 0.0
    made: float = 0.0
    gone: float = 0.0
    ready: float = 0.0
    taken: Mapping[int, float] = field(default_factory=dict)

    def lost(self, kept: int) -> int:
        """How many orders were answered and are gone, given how many of before the disaster are there."""
        return sum(at < self.gone for at in self.taken.values()) - kept

    def assert_once(self, texts: Counter[str]) -> None:
        """Nobody got two texts, and everybody got one whose order was taken before the backup or after the disaster."""
        sent = {number: texts[f"+1415{5_550_000 + number}"] for number in self.taken}
        assert max(sent.values()) == 1
        safe = [number for number, at in self.taken.items() if at < self.began or at > self.gone]
        assert {sent[number] for number in safe} == {1}

    def tell(self, measured: Measured, what: str, kept: int) -> None:
        first = min(at for at in self.taken.values() if at > self.gone)
        measured(
            f"{what}: backup of {kept} orders in {self.made - self.began:.1f} s; RPO: {self.lost(kept)} orders of the "
            f"{self.gone - self.began:.1f} s since; RTO: ready after {self.ready - self.gone:.1f} s, first order taken "
            f"after {first - self.gone:.1f} s"
        )


def kept_before(at: float, shop: str) -> sa.Select[Any]:
    """Counts the orders that came in before then, at the shop's webhook address."""
    table = schema.delivery
    mine = table.c.connection_id == shop.rpartition("/")[2]
    return sa.select(sa.func.count()).where(mine, table.c.received_at < round(at * 1000))


def texts_in(books: Mapping[str, Any]) -> Counter[str]:
    return Counter(message["to"] for message in books["messages"])


def erased(told: str) -> bool:
    return not any(json.loads(told).values())


# ---- one process and one file


def test_one_process_and_one_file_are_put_back(embedded: Embedded, tmp_path: Path, measured: Measured) -> None:
    hub, file, drill = embedded, tmp_path / "backups" / "backup", Drill()
    load = Load([hub.shop_url], 0, 10.0, 10_000, 4)
    until(lambda: hub.run_states().get("done", 0) > 10, 60, "Work being done")
    drill.began = time.time()
    hub.command("backup", str(file))
    drill.made = time.time()
    hub.command("erase", "person0@example.com")
    count = len(load.taken)
    until(lambda: len(load.taken) > count + 10, 60, "Orders after the backup")
    hub.kill()
    for path in hub.home.glob("hub.db*"):
        path.unlink()
    drill.gone = time.time()
    hub.command("restore", str(file))
    hub.start()
    until(lambda: driver.answers(f"http://127.0.0.1:{hub.port}/readyz"), 60, "The hub being ready")
    drill.ready = time.time()
    until(lambda: max(load.taken.values()) > drill.gone, 60, "An order being taken")
    load.stopping.set()
    load.join()
    until(hub.is_at_rest, 60, "The end of all runs")
    drill.taken = load.taken
    drill.assert_once(texts_in(driver.books(hub.practice, "twilio")))
    assert erased(hub.command("export", "person0@example.com"))
    engine = sa.create_engine(f"sqlite:///{hub.home / 'hub.db'}")
    with engine.connect() as connection:
        kept = connection.execute(kept_before(drill.gone, hub.shop_url)).scalar_one()
    engine.dispose()
    assert drill.lost(kept) > 0, "Else the drill proves nothing."
    drill.tell(measured, "SQLite", kept)


# ---- many machines


def destroy(cluster: Cluster) -> None:
    """Makes the database an empty one."""
    server, name = cluster.place.postgres_url.replace("+psycopg", ""), cluster.database.url.database
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
        connection.execute(f'CREATE DATABASE "{name}"')


def test_a_hub_on_many_machines_is_put_back(cluster: Cluster, tmp_path: Path, measured: Measured) -> None:
    place, file, drill = cluster.place, tmp_path / "backup", Drill()
    before = cluster.rows(kept_before(time.time(), cluster.paths["shopify"]))[0][0]
    with cluster.load(rate=5) as taken:
        drill.began = time.time()
        until(lambda: cluster.done_since(drill.began) > 10, 60, "Work being done")
        person = f"person{taken.numbers.start}@example.com"
        drill.began = time.time()
        cluster.run("worker1", "hub.cli", "backup", str(file))
        drill.made = time.time()
        cluster.run("worker1", "hub.cli", "erase", person)
        until(lambda: cluster.done_since(drill.made) > 10, 60, "Work after the backup")
        for name in PARTS:
            cluster.kill(name)
        destroy(cluster)
        drill.gone = time.time()
        cluster.run("worker1", "hub.cli", "restore", str(file))
        for name in PARTS:
            cluster.begin(name)
        ready = f"{cluster.url('web1')}/readyz"
        until(lambda: place.caller.call(ready, seconds=2)["status"] == 200, 60, "The hub being ready")
        drill.ready = time.time()
        until(lambda: cluster.done_since(drill.gone), 60, "Work being done again")
    cluster.until_settled()
    drill.taken = taken.at
    drill.assert_once(texts_in(place.ask_provider("/_books/twilio")))
    assert erased(cluster.run("worker1", "hub.cli", "export", person))
    kept = cluster.rows(kept_before(drill.gone, cluster.paths["shopify"]))[0][0] - before
    assert drill.lost(kept) > 0, "Else the drill proves nothing."
    drill.tell(measured, "PostgreSQL", kept)
