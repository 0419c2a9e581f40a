"""A connection's lease in the hands of its holder: renewed in time, and never relied on for longer than it is sure."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from sqlalchemy.exc import DBAPIError

from ..core import Hub
from ..database import Lease, LeaseLost
from ..http import LONGEST_CALL_SECONDS

T = TypeVar("T")

LEASE_SECONDS = 45.0
RENEW_SECONDS = 10.0
AGAIN_SECONDS = 0.5

# A call must end before its lease could be somebody else's.
LATEST_START_SECONDS = LEASE_SECONDS - LONGEST_CALL_SECONDS


class Holding:
    """`renewed`: the monotonic time right before the lease was last asked for."""

    def __init__(self, hub: Hub, lease: Lease, renewed: float) -> None:
        self.hub, self.lease, self._renewed = hub, lease, renewed

    @property
    def may_call(self) -> bool:
        """Whether the lease is surely ours until a call that leaves now has ended."""
        return self._since_renewed <= LATEST_START_SECONDS

    def renew(self) -> None:
        """Renews the lease if it is time to. Raises LeaseLost."""
        if self._since_renewed > RENEW_SECONDS:
            self.insist(self._renew)

    def insist(self, work: Callable[[], T]) -> T:
        """Does what needs the database, again and again while that is away and the lease is surely ours."""
        pause = AGAIN_SECONDS / 16
        while True:
            try:
                return work()
            except DBAPIError:
                if self._since_renewed > RENEW_SECONDS + LATEST_START_SECONDS:
                    raise
                self.hub.pause(pause)
                pause = min(AGAIN_SECONDS, pause * 2)

    def _renew(self) -> None:
        before = self.hub.clock.monotonic()
        if not self.hub.database.renew(self.lease, LEASE_SECONDS):
            raise LeaseLost
        self._renewed = before

    @property
    def _since_renewed(self) -> float:
        return self.hub.clock.monotonic() - self._renewed
