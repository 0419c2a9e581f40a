"""Webhooks on their way: posted in the background, several at once, and again where they were not taken."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from heapq import heappop, heappush
from http.client import HTTPConnection, HTTPSConnection
from itertools import count
from typing import Any
from urllib.parse import urlsplit

THREADS = 4
SECONDS = 5.0
"""How long an answer may take."""

PAUSE = 0.5
"""Seconds before a webhook is sent again; longer each time."""


@dataclass(order=True)
class _Letter:
    due: float
    number: int
    url: str = field(compare=False)
    headers: Mapping[str, str] = field(compare=False)
    body: bytes = field(compare=False)
    tries: int = field(compare=False)
    tried: int = field(compare=False, default=0)


class Courier:
    """Posts webhooks in threads of its own, which begin with the first one. Connections stay open between them.
    One that `is_muted` posts nothing."""

    def __init__(self, name: str, *, is_muted: bool = False) -> None:
        self.name, self.is_muted = name, is_muted
        self._changed = threading.Condition()
        self._waiting: list[_Letter] = []
        self._numbers = count()
        self._sent: Counter[str] = Counter()
        self._round = 0
        self._busy = 0
        self._threads: list[threading.Thread] = []

    def send(self, url: str, headers: Mapping[str, str], body: bytes, tries: int) -> None:
        """Posts it soon; up to so many times, until it is answered 2xx."""
        if self.is_muted:
            return
        with self._changed:
            if len(self._threads) < THREADS:
                self._threads.append(threading.Thread(target=self._work, daemon=True, name=self.name))
                self._threads[-1].start()
            heappush(self._waiting, _Letter(0.0, next(self._numbers), url, dict(headers), body, tries))
            self._changed.notify()

    def counts(self) -> dict[str, Any]:
        """How many were sent, by the status of their answer ("none" for no answer), and how many are on their way or
        will be sent again."""
        with self._changed:
            return {"sent": dict(self._sent), "waiting": len(self._waiting) + self._busy}

    def reset(self) -> None:
        """Forgets what waits and what was counted."""
        with self._changed:
            self._waiting.clear()
            self._sent.clear()
            self._round += 1

    def _work(self) -> None:
        routes: dict[tuple[str, str], HTTPConnection] = {}
        while True:
            letter, now = self._next()
            status: int | None = None
            try:
                status = _posted(routes, letter)
            except Exception:  # nobody answers there, or the address is none: nobody checked it before
                while routes:
                    routes.popitem()[1].close()
            with self._changed:
                self._busy -= 1
                if now != self._round:
                    continue
                self._sent[str(status or "none")] += 1
                if (status is None or status >= 300) and letter.tries > 1:
                    letter.tries, letter.tried = letter.tries - 1, letter.tried + 1
                    letter.due = time.monotonic() + PAUSE * letter.tried
                    heappush(self._waiting, letter)
                    self._changed.notify()

    def _next(self) -> tuple[_Letter, int]:
        with self._changed:
            while True:
                pause = self._waiting[0].due - time.monotonic() if self._waiting else None
                if pause is not None and pause <= 0:
                    self._busy += 1
                    return heappop(self._waiting), self._round
                self._changed.wait(pause)


def _posted(routes: dict[tuple[str, str], HTTPConnection], letter: _Letter) -> int:
    """Posts a webhook over the connection that is open to its host, else over a new one; gives the answer's status."""
    parts = urlsplit(letter.url)
    place, path = (parts.scheme, parts.netloc), (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    if place in routes:
        with suppress(ConnectionError):  # closed since the last time, as it may be: that is no answer to this one
            return _asked(routes[place], path, letter)
        routes.pop(place).close()
    routes[place] = (HTTPSConnection if parts.scheme == "https" else HTTPConnection)(parts.netloc, timeout=SECONDS)
    return _asked(routes[place], path, letter)


def _asked(route: HTTPConnection, path: str, letter: _Letter) -> int:
    route.request("POST", path, letter.body, dict(letter.headers))
    answer = route.getresponse()
    answer.read()
    return answer.status
