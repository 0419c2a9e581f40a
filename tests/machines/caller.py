"""Calls the hub from a host, as providers do: a small process that does what it is told on its standard input.

Each line is a JSON object: `do`, the name of a function below, and its arguments. The answer is a line of JSON.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Sequence
from typing import Any

import requests

from tests.reliability.driver import order

PATIENCE_SECONDS = 5.0
"""How long Shopify waits for an answer."""


def main() -> None:
    for line in sys.stdin:
        told = json.loads(line)
        print(json.dumps(DO[told.pop("do")](**told)), flush=True)


def call(url: str, body: Any = None, seconds: float = 30.0) -> dict[str, Any]:
    """Gets an address, or posts `body` to it. `status` is None if there was no answer."""
    try:
        method = "GET" if body is None else "POST"
        answer = requests.request(method, url, json=body, timeout=seconds)
    except requests.RequestException as error:
        return {"status": None, "headers": {}, "text": type(error).__name__}
    return {"status": answer.status_code, "headers": dict(answer.headers), "text": answer.text}


class Load:
    """Orders that come in, numbered from `first`: `rate` a second, or as fast as they are taken if that is 0.

    Each is posted to one web after the other, and again until one of them took it, as a provider would behind a proxy.
    """

    def __init__(self, urls: Sequence[str], first: int, rate: float, most: int, threads: int) -> None:
        self.urls, self.first, self.rate, self.most = urls, first, rate, most
        self.taken: dict[int, float] = {}
        self.tries: list[list[Any]] = []
        self.stopping = threading.Event()
        self._began = time.monotonic()
        self._next = 0
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._post_all) for _ in range(threads)]
        for thread in self._threads:
            thread.start()

    def join(self) -> dict[str, Any]:
        """When each order was taken, by its number; every try that failed: its time, its status, how long it took,
        and its Retry-After."""
        for thread in self._threads:
            thread.join()
        return {"taken": self.taken, "failed": self.tries}

    def _post_all(self) -> None:
        with requests.Session() as session:
            session.trust_env = False
            while (number := self._take()) is not None:
                self._post(session, number)

    def _take(self) -> int | None:
        with self._lock:
            number, self._next = self._next, self._next + 1
        if number >= self.most:
            return None
        if self.rate:
            self.stopping.wait(max(0.0, self._began + number / self.rate - time.monotonic()))
        return None if self.stopping.is_set() else self.first + number

    def _post(self, session: requests.Session, number: int) -> None:
        made = order(number)
        for attempt in range(10_000):
            url = self.urls[(number + attempt) % len(self.urls)]
            began, after = time.time(), None
            try:
                answer = session.post(url, data=made.body, headers=made.headers, timeout=PATIENCE_SECONDS)
                status: int | None = answer.status_code
                after = answer.headers.get("Retry-After")
            except requests.RequestException:
                status = None
            if status == 200:
                self.taken[number] = time.time()
                return
            self.tries.append([began, status, time.time() - began, after])
            time.sleep(0.05 if len(self.urls) > 1 else 0.2)


_loads: list[Load] = []


def start(urls: Sequence[str], first: int, rate: float = 0.0, most: int = 1_000_000, threads: int = 8) -> None:
    """Lets orders come in from now on."""
    _loads.append(Load(urls, first, rate, most, threads))


def stop(at_once: bool = True) -> dict[str, Any]:
    """Ends them, `at_once` or when all of them came; what was begun is posted until it is taken."""
    load = _loads.pop()
    if at_once:
        load.stopping.set()
    return load.join()


DO = {"call": call, "start": start, "stop": stop}

if __name__ == "__main__":
    main()
