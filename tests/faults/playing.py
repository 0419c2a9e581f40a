"""Having a schedule's faults happen, each in a thread of its own, and putting all right again at the end."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import psycopg
import redis

from tests.faults.schedule import ALL, DATABASE, DISK, ENDLESS, LOGIN_LOST, REDIS, TOKENS_END, Fault
from tests.faults.site import Site
from tests.servers import Server

LONG_SECONDS = 1800
"""For how long HubSpot's tokens last."""


class Playing:
    """Plays a schedule at a site."""

    def __init__(self, site: Site, faults: Sequence[Fault]) -> None:
        self.site, self.faults = site, faults
        self._pool = ThreadPoolExecutor(max(1, len(faults)), "faults")
        self._done: list[Future[None]] = []
        self._again = threading.Lock()
        # A part may take longer to stop than its fault lasts: the next one waits for that.
        self._turns = {name: threading.Lock() for name in site.keeper.parts}

    def start(self) -> None:
        self.began = time.monotonic()
        self._done = [self._pool.submit(self._play, fault) for fault in self.faults]

    def finish(self) -> None:
        """Waits for the last fault, and puts all right: whatever was stopped runs, and every clock is right."""
        for done in self._done:
            done.result()
        self._pool.shutdown()
        site = self.site
        site.providers.quiet()
        for part in site.keeper.parts.values():
            part.start()

    def connect_again(self, connector: str) -> None:
        """As a person would, who sees that the account needs it."""
        with self._again:
            self.site.connect(connector)

    def _play(self, fault: Fault) -> None:
        _sleep_until(self.began + fault.at)
        if fault.target in self.site.keeper.parts and fault.what in ("kill", "restart", "freeze"):
            with self._turns[fault.target]:
                self._part(fault)
        elif fault.what == "jump":
            self._jump(fault)
        elif fault.target == DISK:
            with self._turns["hub"]:
                self._disk(fault)
        elif fault.target == DATABASE:
            assert self.site.postgres is not None
            self._database(fault, self.site.postgres)
        elif fault.target == REDIS:
            assert self.site.redis is not None
            self._redis(fault, self.site.redis)
        elif fault.what == TOKENS_END:
            self._tokens(fault)
        else:
            self._provider(fault)

    def _part(self, fault: Fault) -> None:
        part = self.site.keeper.parts[fault.target]
        if fault.what == "freeze":
            part.freeze(True)
            time.sleep(fault.seconds)
            part.freeze(False)
            return
        part.kill() if fault.what == "kill" else part.stop()
        time.sleep(fault.seconds)
        part.start()

    def _jump(self, fault: Fault) -> None:
        machines = self.site.machines if fault.target == ALL else [fault.target]
        for machine in machines:
            self.site.times.set(machine, fault.details["by"])
        time.sleep(fault.seconds)
        for machine in machines:
            self.site.times.set(machine, 0.0)

    def _disk(self, fault: Fault) -> None:
        disk, hub = self.site.disk, self.site.keeper.parts["hub"]
        if fault.what == "disk full":
            disk.fill()
            time.sleep(fault.seconds)
            disk.empty()
            return
        hub.kill()  # nobody may have a file open for writing
        disk.allow_writing(False)
        hub.start()
        time.sleep(fault.seconds)
        hub.kill()
        disk.allow_writing(True)
        hub.start()

    def _database(self, fault: Fault, server: Server) -> None:
        if fault.what == "break connections of":
            with contextlib.suppress(psycopg.Error), psycopg.connect(server.url.replace("+psycopg", "")) as connection:
                connection.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
                )
            return
        server.stop() if fault.what == "stop" else server.kill()
        time.sleep(fault.seconds)
        server.start()

    def _redis(self, fault: Fault, server: Server) -> None:
        if fault.what == "flush":
            with redis.Redis.from_url(server.url) as client:
                client.flushall()
            return
        server.stop() if fault.what == "stop" else server.kill()
        time.sleep(fault.seconds)
        server.start()

    def _tokens(self, fault: Fault) -> None:
        self.site.providers.let_tokens_last(fault.target, 1)
        self.site.providers.end_tokens(fault.target)
        time.sleep(fault.seconds)
        self.site.providers.let_tokens_last(fault.target, LONG_SECONDS)

    def _provider(self, fault: Fault) -> None:
        self.site.providers.go_wrong(fault.target, fault.details)
        time.sleep(fault.seconds)
        if fault.details["times"] == ENDLESS:
            self.site.providers.go_right(fault.target, fault.details)
        if fault.what == LOGIN_LOST:
            self.connect_again(fault.target)


def _sleep_until(moment: float) -> None:
    time.sleep(max(0.0, moment - time.monotonic()))
