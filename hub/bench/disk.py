"""What an event costs on the disk: while its payloads are kept, after they went, and on a budget; and whether room
comes back."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path

from ..settings import LEAST_DISK_MB
from . import end_to_end, orders, processes
from .processes import Measured
from .report import Figure, Goal, Reference
from .sizes import Sizes

Say = Callable[[str], None]

WAL_GOAL_MB = 64
SWEPT_SECONDS = 300.0
FREE_PAGES = 500
"""Fewer free pages than these stay in the file, for what comes next."""


def measure(sizes: Sizes, folder: Path, say: Say) -> list[Figure]:
    return [*_kept_and_returned(sizes, _place(folder, "kept"), say), _budget(sizes, _place(folder, "budget"), say)]


def _place(folder: Path, name: str) -> Path:
    place = folder / name
    place.mkdir()
    return place


def _kept_and_returned(sizes: Sizes, folder: Path, say: Say) -> list[Figure]:
    with processes.practice(folder) as services, processes.hub(folder, services, recipe=True) as hub:
        say("disk: keeping")
        empty = used(hub)
        with _Largest(hub.settings.home, "hub.db-wal") as log:
            drained = end_to_end.drain(sizes, hub, services, reports=False)
        kept, count = used(hub), sizes.warm_up + sizes.orders
        say("disk: retention")
        largest = _file(hub)
        _keep_nothing(hub)
        processes.until(lambda: _is_swept(hub), SWEPT_SECONDS, "Retention did not return what it freed", every=0.5)
        left, after = used(hub), _file(hub)
        wal_after = _size(hub.settings.home / "hub.db-wal")
    posted = Reference(orders.BODY_BYTES, "the body as it was posted")
    about = {"events": count, "runs": count, "steps": 3 * count}
    returned = (largest - after) / max(1, kept - left)
    return [
        Figure(
            "disk_kept", "Disk per order while kept", (kept - empty) / count, "bytes", posted, None, about, drained.void
        ),
        Figure(
            "disk_after_retention",
            "Disk per order after retention",
            (left - empty) / count,
            "bytes",
            posted,
            details={"file_before": largest, "file_after": after},
            void=drained.void,
        ),
        Figure(
            "disk_returned",
            "Of what retention freed, returned to the file system",
            returned * 100,
            "%",
            goal=Goal(least=90),
            void=drained.void,
        ),
        Figure(
            "disk_wal",
            "The database's log at its largest under load",
            log.bytes / 1e6,
            "MB",
            goal=Goal(most=WAL_GOAL_MB),
            details={"mb_after_retention": round(wal_after / 1e6, 2)},
            void=drained.void,
        ),
    ]


def _budget(sizes: Sizes, folder: Path, say: Say) -> Figure:
    """Orders come without a pause until several times the budget was written; the newest are still there."""
    say("disk: on a budget")
    drained: list[end_to_end.Drained] = []
    with (
        processes.practice(folder) as services,
        processes.hub(folder, services, recipe=True, more={"HUB_DISK_MB": str(LEAST_DISK_MB)}) as hub,
    ):
        each = sizes.warm_up + sizes.orders
        with _Largest(hub.settings.home, "hub.db", "hub.db-wal") as room:
            for number in range(sizes.rounds_on_budget):
                done = number * each
                drained.append(end_to_end.drain(sizes, hub, services, reports=False, first=done, before=done))
        left = hub.events()
    return Figure(
        "disk_budget",
        f"Room at its largest under a budget of {LEAST_DISK_MB} MB",
        room.bytes / 1e6,
        "MB",
        goal=Goal(most=LEAST_DISK_MB),
        details={
            "orders": sizes.rounds_on_budget * each,
            "events_left": left,
            "rates": [round(one.rate) for one in drained],
            "cpu_seconds_per_thousand": [round(one.cpu, 2) for one in drained],
        },
        void=next((one.void for one in drained if one.void), None),
    )


def used(hub: Measured) -> int:
    """Bytes of the database's pages that hold something."""
    (pages,), (free,), (size,) = (
        hub.ask(f"PRAGMA {name}")[0] for name in ("page_count", "freelist_count", "page_size")
    )
    return int(pages - free) * int(size)


def _file(hub: Measured) -> int:
    """Bytes of the database's file as it will be once its log is written into it."""
    return int(hub.ask("PRAGMA page_count")[0][0]) * int(hub.ask("PRAGMA page_size")[0][0])


def _size(file: Path) -> int:
    return os.stat(file).st_size if file.exists() else 0


def _keep_nothing(hub: Measured) -> None:
    """Has payloads go as soon as their run has ended; the hub's own clock sweeps them."""
    from ..core import Hub

    beside = Hub(hub.settings)
    try:
        beside.workspaces.keep_days(beside.workspaces.named(None), 0)
    finally:
        beside.close()


def _is_swept(hub: Measured) -> bool:
    held = hub.ask("SELECT count(*) FROM event WHERE content IS NOT NULL")[0][0]
    sealed = hub.ask("SELECT count(*) FROM run WHERE sealed")[0][0]
    return held == sealed == 0 and int(hub.ask("PRAGMA freelist_count")[0][0]) < FREE_PAGES


class _Largest:
    """The most room that files take together meanwhile, looked at twenty times a second."""

    def __init__(self, folder: Path, *names: str) -> None:
        self.bytes = 0
        self._files, self._ends = [folder / name for name in names], threading.Event()
        self._thread = threading.Thread(target=self._look, name="largest", daemon=True)

    def __enter__(self) -> _Largest:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ends.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._ends.wait(0.05):
            self.bytes = max(self.bytes, sum(map(_size, self._files)))
