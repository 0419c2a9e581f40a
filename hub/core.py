"""The hub: its parts, put together once per process from its settings."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING

import sqlalchemy as sa

from . import schema
from .connections import Connections
from .database import Database
from .door import Door
from .enabled import EnabledRecipes
from .events import AtHand
from .http import LONGEST_CALL_SECONDS
from .people import People
from .sealing import load_keyring
from .settings import Settings
from .timing import Chance, Clock, SystemClock
from .versions import Versions
from .wakeups import NoWakeups, Wakeups
from .workspaces import Workspaces

if TYPE_CHECKING:
    from .outbox.calling import StandIn
    from .practice.running import PracticeServices
    from .privacy import Privacy
    from .retention.portions import Portions


class Hub:
    """Everything that a process of the hub works with. Closing it ends its connections to the database.

    `linger_seconds`: how long a connection's holder stays when nothing is left, so that what comes soon after leaves
    without taking the lease anew. `gather_seconds`: how long a call that is not full waits for more steps, where they
    come so quickly that they fill half of it by then. `has_threads`: whether calls leave in threads of their own, or
    each before whoever sends it goes on. `keeps_limits`: whether providers' limits, and the brake on unusual volume,
    hold. In a rehearsal `stand_in` answers some calls in place of their connectors, and `choices` says which options
    tests choose, instead of chance; of others they choose the first.

    Raises SetupError if the settings, the key or the database do not fit.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        clock: Clock | None = None,
        chance: Chance | None = None,
        wakeups: Wakeups | None = None,
        database: Database | None = None,
    ) -> None:
        from .migrations import bring_up_to_date

        self.settings = settings
        self.linger_seconds, self.gather_seconds = 2.0, 2.0
        self.has_threads = self.keeps_limits = True
        self.stand_in: StandIn | None = None
        self.choices: Mapping[str, str] | None = None
        self.clock: Clock = clock or SystemClock()
        self.chance = chance or Chance()
        self.wakeups: Wakeups = wakeups or NoWakeups()
        self.door = Door(self.clock)
        self.practice: PracticeServices | None = None
        """Where practice accounts can be made by a click: in a hub that is one process."""
        self._closing = threading.Event()
        self._earlier_calls_end = 0.0
        self.keyring = load_keyring(
            settings.secret_key, settings.key_file, may_create=not settings.database_file_exists
        )
        self.database = database or Database(settings.database)
        self.workspaces = Workspaces(self.database, self.keyring, self.clock)
        try:
            self.workspaces.require_key()  # before anything is written
            bring_up_to_date(self.database, or_next=True)
            self.workspaces.check_key()
        except BaseException:
            self.database.close()
            raise
        self.people = People(self.database)
        self.events = AtHand()
        self.versions = Versions(self.database, self.workspaces, self.clock)
        self.connections = Connections(self.database, self.workspaces, self.clock, settings.public_url)
        self.enabled = EnabledRecipes(self.database, self.workspaces, self.versions, self.connections, self.clock)

    def take_over(self) -> None:
        """This process alone has the database: whoever held a lease is dead. Its calls may still be on their way."""
        self.database.break_leases()
        self._earlier_calls_end = self.clock.monotonic() + LONGEST_CALL_SECONDS

    def earlier_calls_end(self, now: int) -> int:
        """When all calls have ended that a dead process left on their way, in milliseconds on the clock that says it
        is `now`; `now` if they have. It is counted from this process's start, by a clock that nobody sets: the time at
        which they left was told by one that may have been wrong, or be wrong now.

        Where processes take over from each other by a lease that ran out, such calls have ended with it.
        """
        return now + max(0, round((self._earlier_calls_end - self.clock.monotonic()) * 1000))

    def doubted_since(self, received_at: int) -> int | None:
        """When the backup was made from which this database was put back after an event came in: what the event sets
        off may have happened since, and nobody wrote it down. None if there was none."""
        moments = [made_at for made_at, restored_at in self._restored if received_at <= restored_at]
        return min(moments, default=None)

    @cached_property
    def _restored(self) -> list[tuple[int, int]]:
        table = schema.backup
        with self.database.read() as connection:
            query = sa.select(table.c.made_at, table.c.restored_at).where(table.c.restored_at.is_not(None))
            return [(row.made_at, row.restored_at) for row in connection.execute(query)]

    @cached_property
    def privacy(self) -> Privacy:
        from .privacy import Privacy

        return Privacy(self)

    @cached_property
    def portions(self) -> Portions:
        """How far the sweeps of this process have come."""
        from .retention.portions import Portions

        return Portions()

    def forget(self) -> None:
        """Reads everything again when it is next asked for: the database was exchanged."""
        self.__dict__.pop("_restored", None)
        self.workspaces.forget()
        self.people.forget()
        self.events.clear()
        self.connections.forget()

    def pause(self, seconds: float) -> None:
        """Waits, for what cannot go on at once; ends early when the hub closes."""
        self._closing.wait(seconds)

    def close(self) -> None:
        self._closing.set()
        self.database.close()
