"""The room that the database takes: freed pages given back, the log kept short, and a budget kept where one is set.

Near its budget the oldest ended history goes before its time: payloads first, then whole runs. What belongs to runs
that go on, unread deliveries, people, what they said and keys stay, even if they alone take more.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from itertools import product
from operator import itemgetter
from pathlib import Path

import sqlalchemy as sa

from ..core import Hub
from ..database import Database
from ..trouble import Trouble
from . import ending, payloads
from .portions import DAY, Done, Kind, Part, take_portion, with_open_requests, workspaces

log = logging.getLogger("hub.disk")

MB = 1_000_000
WARNED, FULL, EASED = 0.7, 0.85, 0.75
"""Parts of the budget: from where it is told, from where history goes before its time, and down to where."""

REST_SECONDS = 30.0
"""How long no room is made where nothing is left that could go."""

LONGEST_LOG = 64 * MB
"""SQLite's log is this long only if something reads for long: what was written since cannot leave the log before."""

_PAYLOADS = (payloads.RUNS, payloads.EVENTS, payloads.DELIVERIES)


@dataclass(frozen=True)
class Standing:
    """How much room the database takes, its log included, and how much it may; in bytes."""

    used: int
    budget: int | None

    @property
    def part(self) -> float:
        return self.used / self.budget if self.budget else 0.0

    def __str__(self) -> str:
        if self.budget is None:
            return f"{self.used / MB:,.0f} MB"
        return f"{self.used / MB:,.0f} MB of the {self.budget / MB:,.0f} MB in HUB_DISK_MB"


def standing(hub: Hub) -> Standing:
    """How the database stands."""
    budget = hub.settings.disk_mb
    return Standing(size(hub.database), budget * MB if budget else None)


def size(database: Database) -> int:
    """The bytes that a database takes on the disk, SQLite's log included."""
    if database.is_sqlite:
        return sum(file.stat().st_size for file in _files(database) if file.exists())
    with database.read() as connection:
        return int(connection.execute(sa.text("SELECT pg_database_size(current_database())")).scalar_one())


def _files(database: Database) -> tuple[Path, Path]:
    file = Path(database.url.database or "")
    return file, file.with_name(file.name + "-wal")


def _needed(database: Database) -> int:
    """The bytes in use: what the file has when all free pages are given back."""
    with database.read() as connection:
        pages, free, page = (
            connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()
            for name in ("page_count", "freelist_count", "page_size")
        )
    return int((pages - free) * page)


# ---- giving back


def give_back(hub: Hub) -> None:
    """Gives freed pages back to the file system, and empties SQLite's log: the file shrinks as rows and payloads go.
    PostgreSQL keeps its files, and fills them again."""
    if hub.database.is_sqlite:
        while take_portion(hub, _FREE_PAGES, 0, 0).more:
            pass
        hub.database.drop_old_pages()


def _free_some(part: Part) -> Done:
    free: int = part.connection.exec_driver_sql("PRAGMA freelist_count").scalar_one()
    cursor = part.connection.connection.cursor()
    count = min(free, part.size)
    for _ in range(count):
        # One at a time: SQLite frees a page per row of its answer, and Python takes only the first of rows that
        # have no columns.
        cursor.execute("PRAGMA incremental_vacuum(1)")
    cursor.close()
    return Done(count, more=free > count)


_FREE_PAGES = Kind("free pages", lambda _: 0, _free_some)


# ---- the budget


class Disk:
    """Looks after the room that the database takes. What it finds it tells once, not each time it looks."""

    def __init__(self, hub: Hub) -> None:
        self.hub = hub
        self._told = 0.0
        self._rests_until = 0.0
        self._long_log = Trouble(log, "the database's log", "it becomes shorter when what reads there has ended")
        self._over = Trouble(log, "HUB_DISK_MB", "events come in as long as the disk has room")

    def look(self) -> None:
        """Shortens a long log, and keeps the budget."""
        if not self.hub.database.is_sqlite:
            return
        self._shorten_log()
        now = standing(self.hub)
        if now.budget is not None:
            self._keep(now, now.budget)

    def _shorten_log(self) -> None:
        _, wal = _files(self.hub.database)
        if not _is_long(wal):
            self._long_log.over()
        elif not self.hub.database.drop_old_pages() and _is_long(wal):
            self._long_log.lasts(f"it has grown to {wal.stat().st_size / MB:,.0f} MB, as something reads for long")

    def _keep(self, now: Standing, budget: int) -> None:
        tries = now.part > FULL and self.hub.clock.monotonic() >= self._rests_until
        if tries:
            give_back(self.hub)
            now = standing(self.hub)
        self._tell(now)
        if tries and now.part > FULL:
            make_room(self.hub, round(budget * EASED))
            give_back(self.hub)
            now = standing(self.hub)
            if now.part > FULL:  # what is left cannot go, and looking for it asks every workspace
                self._rests_until = self.hub.clock.monotonic() + REST_SECONDS
        if now.used > budget:
            what = "of runs that go on, unread deliveries, people and keys cannot go"
            self._over.lasts(f"{now.used / MB:,.0f} MB {what}, and {budget / MB:,.0f} MB is the budget")
        else:
            self._over.over()

    def _tell(self, now: Standing) -> None:
        reached = max((step for step in (WARNED, FULL) if now.part > step), default=0.0)
        if reached > self._told and reached == FULL:
            log.warning("The database takes %s: the oldest history goes before its time from here on.", now)
        elif reached > self._told:
            log.warning("The database takes %s. From %.0f %% on the oldest history goes early.", now, FULL * 100)
        # Told again only after it was clearly less for a time, not each time that room is made.
        self._told = max(self._told, reached) if now.part > WARNED - 0.1 else 0.0


def make_room(hub: Hub, most: int) -> None:
    """Removes the oldest ended history until what is left needs no more than so many bytes: payloads, then whole
    runs. Of several workspaces and kinds, the one goes next that has the oldest."""
    waits = with_open_requests(hub)
    mine = [workspace_id for workspace_id, _ in workspaces(hub) if workspace_id not in waits]
    now = hub.clock.now()
    for kinds in (_PAYLOADS, ending.KINDS):
        queue = [(at, place) for place in product(kinds, mine) if (at := _oldest(hub, *place, now)) is not None]
        while queue:
            if _needed(hub.database) <= most:
                return
            place = queue.pop(queue.index(min(queue, key=itemgetter(0))))[1]
            if take_portion(hub, *place, _cutoff(place[0], now)).more:
                at = _oldest(hub, *place, now)
                queue += [] if at is None else [(at, place)]


def _cutoff(kind: Kind, now: int) -> int:
    """How old what goes early must be: a delivery that could not be read is left the time to repair it."""
    return now - payloads.REPAIR_DAYS * DAY if kind is payloads.DELIVERIES else now


def _oldest(hub: Hub, kind: Kind, workspace_id: int, now: int) -> int | None:
    at = kind.next_at(hub, workspace_id)
    return at if at is not None and at <= _cutoff(kind, now) else None


def _is_long(file: Path) -> bool:
    return file.exists() and file.stat().st_size > LONGEST_LOG
