"""Delivering a load: as providers do it, many at once, again until it is answered 2xx."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

import requests

from tests.faults.load import Delivery

THREADS = 24
TIMEOUT_SECONDS = 5.0
AGAIN_SECONDS = 0.3


class Posting:
    """Delivers each when its time comes. `urls`: where each connector's events are delivered to."""

    def __init__(self, deliveries: Sequence[Delivery], urls: Mapping[str, str]) -> None:
        self._deliveries, self._urls = deliveries, urls
        self._giving_up = threading.Event()
        self._pool = ThreadPoolExecutor(THREADS, "posting")
        self._local = threading.local()
        self._thread = threading.Thread(target=self._run, name="posting", daemon=True)

    def start(self) -> None:
        self.began = time.monotonic()
        self._thread.start()

    def finish(self, seconds: float) -> None:
        """Waits until all are delivered; from then on nothing is tried again."""
        waiting = threading.Thread(target=self._end, daemon=True)
        waiting.start()
        waiting.join(seconds)
        self._giving_up.set()
        waiting.join()

    def _end(self) -> None:
        self._thread.join()
        self._pool.shutdown(wait=True)

    def _run(self) -> None:
        for delivery in self._deliveries:
            self._giving_up.wait(max(0.0, self.began + delivery.at - time.monotonic()))
            self._pool.submit(self._deliver, delivery)

    def _deliver(self, delivery: Delivery) -> None:
        delivery.sent_at = time.monotonic()
        while True:
            status = self._post(delivery)
            delivery.statuses.append(status)
            if 200 <= status < 300:
                delivery.answered_at = time.monotonic()
                return
            if not delivery.patient or self._giving_up.wait(AGAIN_SECONDS):
                return

    def _post(self, delivery: Delivery) -> int:
        """The answer's status, 0 where there was none."""
        url = self._urls[delivery.connector]
        headers, body = delivery.make(url)
        session = getattr(self._local, "session", None)
        if session is None:
            session = self._local.session = requests.Session()
            session.trust_env = False
        try:
            return int(session.post(url, data=body, headers=headers, timeout=TIMEOUT_SECONDS).status_code)
        except requests.RequestException:
            return 0
