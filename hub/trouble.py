"""Trouble that lasts is told when it begins, now and then while it lasts, and when it is over."""

from __future__ import annotations

import logging
import threading
import time

from . import metrics

TOLD_AGAIN_SECONDS = 600.0


class Trouble:
    """Tells the log of one thing's trouble. For all threads.

    `meanwhile` is what the hub does as long as it lasts, a half-sentence.
    """

    def __init__(self, log: logging.Logger, what: str, meanwhile: str = "it is tried again") -> None:
        self._log, self._what, self._meanwhile = log, what, meanwhile
        self._lock = threading.Lock()
        self._told: float | None = None

    def met(self, error: BaseException) -> None:
        """It went wrong. Only the error's type is told: its text may be somebody's data."""
        self.lasts(type(error).__name__)

    def lasts(self, says: str) -> None:
        """It is as `says` tells, a half-sentence without anybody's data."""
        metrics.TROUBLE.labels(self._what.partition(":")[0]).inc()  # whose account it is, is nobody's business
        now = time.monotonic()
        with self._lock:
            quiet = self._told is not None and now - self._told < TOLD_AGAIN_SECONDS
            if not quiet:
                self._told = now
        if not quiet:
            self._log.error("%s: %s; %s.", self._what, says, self._meanwhile)

    def over(self) -> None:
        """It went well."""
        with self._lock:
            told, self._told = self._told, None
        if told is not None:
            self._log.warning("%s: works again.", self._what)
