"""One process on a host: `python -m tests.machines.process web|worker|clock|prepare|provider|caller|stay`.

The hub's own parts run as `hub web|worker|clock` runs them, with leases of `FAR_LEASE_SECONDS`, and know the far
connector and its recipes beside ours.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import threading
from collections import Counter
from collections.abc import Callable

import sqlalchemy as sa

from hub import practice, processes, registry, schema
from hub.core import Hub
from hub.database import Database
from hub.errors import HubError
from hub.practice.server import PracticeServer
from hub.practice.service import Request, Response, json_answer
from hub.settings import from_environment
from tests.far import process
from tests.far.service import service
from tests.machines import caller

PROVIDER_PORT = 8020
EVERYWHERE = "0.0.0.0"


def main(part: str) -> None:
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(name)s: %(message)s")
    know_far_too()
    if seconds := os.environ.get("FAR_LEASE_SECONDS"):
        process.short_leases(float(seconds))
    try:
        PARTS[part]()
    except HubError as error:
        sys.exit(str(error))


def know_far_too() -> None:
    """Makes the far connector and its recipes known, beside ours."""
    ours = registry._modules
    more = {"regulars.connectors": {"far": "tests.far"}, "regulars.recipes": {"far": "tests.far.recipes"}}
    registry._modules = lambda group: {**ours(group), **more[group]}  # type: ignore[assignment]


def prepare() -> None:
    """Connects the practice accounts at `PROVIDER`, enables recipes, and prints where each service posts its events."""
    hub = Hub(from_environment())
    workspace = hub.workspaces.add("Practice")
    accounts = {name: made.account for name, made in practice.server.services().items()} | {"far": {"account": "a"}}
    paths = {}
    for name, account in accounts.items():
        fields = {**account, "base_url": f"{os.environ['PROVIDER']}/{name}"}
        connection, _ = hub.connections.connect(workspace, name, fields)
        paths[name] = f"/webhooks/{name}/{connection.id}"
    hub.enabled.enable(workspace, "order_thanks", {"audience": "practice"})
    hub.enabled.enable(workspace, "each_way", {})
    hub.close()
    print(json.dumps(paths))


class Provider(PracticeServer):
    """The practice services, and the far one. `GET /_from` tells from which address how many calls came, and
    `GET /_from/<connector>` from which addresses those came that are on their way."""

    def __init__(self) -> None:
        super().__init__({**practice.server.services(), "far": service()})
        self.callers: Counter[str] = Counter()
        self.here: dict[str, list[str]] = {name: [] for name in self.services}

    def answer(self, request: Request) -> Response:
        _, first, *rest = request.path.split("/")
        if first == "_from":
            return json_answer(self.here[rest[0]] if rest else self.callers)
        if first not in self.services:
            return super().answer(request)
        address = str(request.remote_addr)
        self.callers[address] += 1
        self.here[first].append(address)
        try:
            return super().answer(request)
        finally:
            self.here[first].remove(address)


def provide() -> None:
    Provider().start(EVERYWHERE, PROVIDER_PORT)
    threading.Event().wait()


def stay() -> None:
    """Is in the middle of a transaction with PostgreSQL on one connection, and waits for an answer on another. Says
    `there`, and then what it is told about either."""
    from hub import postgres

    postgres.FROZEN_SECONDS = float(os.environ.get("FROZEN_SECONDS", postgres.FROZEN_SECONDS))
    database = Database(os.environ["DATABASE_URL"])

    def wait() -> None:
        with database.read() as connection:
            connection.exec_driver_sql("SELECT pg_sleep(600)")

    def tell(what: str, work: Callable[[], object]) -> None:
        try:
            work()
        except Exception as error:
            print(what, type(error).__name__, flush=True)

    with database.write() as connection:
        connection.execute(sa.select(schema.workspace).with_for_update())
        threading.Thread(target=tell, args=("answer:", wait), daemon=True).start()
        print("there", flush=True)
        sys.stdin.readline()
        tell("transaction:", lambda: connection.execute(sa.select(schema.workspace)))
        sys.stdin.readline()


PARTS = {
    "stay": stay,
    "web": lambda: processes.web(from_environment(), EVERYWHERE),
    "worker": lambda: processes.worker(from_environment()),
    "clock": lambda: processes.clock(from_environment()),
    "prepare": prepare,
    "provider": provide,
    "caller": caller.main,
}

if __name__ == "__main__":
    main(sys.argv[1])
