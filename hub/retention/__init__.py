"""Retention: payloads go when they are no longer needed, and in time history ends whole; the file shrinks with both.

What is left of a run without its payloads tells that something happened, not to whom. What belongs to a run that goes
on is touched by nothing here, however old it is, and neither are people, what they said about marketing, and the keys
that keep repeats out.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..core import Hub
from . import ending, keys, payloads
from .disk import FULL, WARNED, Disk, Standing, give_back, standing
from .payloads import ANSWER_DAYS, REPAIR_DAYS
from .portions import DAY, Kind, take_portion, with_open_requests, workspaces

__all__ = ["FULL", "WARNED", "Disk", "Standing", "give_back", "standing", "sweep", "sweep_at_once"]

SWEEP_SECONDS = 20.0
"""A sweep that finds more than it can remove in this time goes on when it comes round: other chores wait for it."""


def sweep(hub: Hub) -> int:
    """Removes what has had its time, in small transactions; gives how many payloads and rows of history those were."""
    hub.portions.start_over(hub.clock.monotonic())
    until, now = hub.clock.monotonic() + SWEEP_SECONDS, hub.clock.now()
    removed = sum(_take_all(hub, kind, workspace_id, cutoff, until) for kind, workspace_id, cutoff in _due(hub, now))
    for kind, cutoff in keys.due(now, DAY, hub.settings.history_days):
        _take_all(hub, kind, 0, cutoff, until)
    give_back(hub)
    return removed


def sweep_at_once(hub: Hub) -> int:
    """Removes what ended just now in workspaces that keep nothing; gives how many payloads were removed.

    The clock does this on each tick, so that no transaction of the engine is larger for it.
    """
    until, now = hub.clock.monotonic() + SWEEP_SECONDS, hub.clock.now()
    return sum(
        _take_all(hub, kind, workspace_id, now, until)
        for workspace_id, days in workspaces(hub)
        if days == 0
        for kind in (payloads.RUNS, payloads.EVENTS)
    )


def _due(hub: Hub, now: int) -> Iterator[tuple[Kind, int, int]]:
    """What a sweep looks for: each kind, in which workspace, and until when it must have ended."""
    history_days, asked = hub.settings.history_days, with_open_requests(hub)
    for workspace_id, kept_days in workspaces(hub):
        days = min(kept_days, history_days)
        yield payloads.RUNS, workspace_id, now - days * DAY
        yield payloads.EVENTS, workspace_id, now - days * DAY
        yield payloads.DELIVERIES, workspace_id, now - max(days, REPAIR_DAYS) * DAY
        yield payloads.ANSWERS, workspace_id, now - ANSWER_DAYS * DAY
        if workspace_id not in asked:
            for kind in ending.KINDS:
                yield kind, workspace_id, now - history_days * DAY


def _take_all(hub: Hub, kind: Kind, workspace_id: int, cutoff: int, until: float) -> int:
    removed, more = 0, kind.is_due(hub, workspace_id, cutoff)
    while more and hub.clock.monotonic() < until:
        done = take_portion(hub, kind, workspace_id, cutoff)
        removed, more = removed + done.removed, done.more
    return removed
