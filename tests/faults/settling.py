"""After the last fault: waiting until all is told truly, and until all is at rest, with time going on quickly."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

import sqlalchemy as sa

from hub.http import LONGEST_CALL_SECONDS
from tests.faults.playing import Playing
from tests.faults.posting import Posting
from tests.faults.site import Site
from tests.faults.standing import Standing, look

QUIET_SECONDS = 0.8
"""While something happens by itself, time is left alone."""

UNHEARD_SECONDS = 8.0
"""A wake-up that got lost is made up for within five seconds, which no clock makes shorter."""

LONGEST_SECONDS = 90.0
LATEST_SECONDS = 4 * 86_400.0
"""By then everything has been given up that a hub gives up."""

ANSWER_SECONDS = 40.0
REAL_SECONDS = 60.0


@dataclass
class Settled:
    """How a hub came to rest. Seconds count from the last fault, those that were skipped among them.

    truthful  when everything was told truly at first; None if never
    rest      when nothing was open; None if that never came
    left      what was open at the end
    asked_for the connectors whose account a person had to connect again
    trail     what was not told truly, as it changed: seconds and how it was
    """

    truthful: float | None = None
    rest: float | None = None
    left: list[str] = field(default_factory=list)
    asked_for: set[str] = field(default_factory=set)
    trail: list[tuple[float, list[str]]] = field(default_factory=list)


class _Watch:
    def __init__(self, site: Site, playing: Playing, *, real: bool) -> None:
        self.site, self.playing, self.real = site, playing, real
        self.began, self.skipped = time.monotonic(), site.times.gone_on
        self.changed, self.fingerprint = self.began, object()
        self.old: set[tuple[object, int]] | None = None
        self.found = Settled()

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.began + self.site.times.gone_on - self.skipped

    def judge(self, seen: Standing) -> bool:
        """Notes what is reached; says whether this is the end."""
        untrue = seen.untrue()
        if untrue != (self.found.trail[-1][1] if self.found.trail else []):
            self.found.trail.append((self.seconds, untrue))
        if not untrue and self.found.truthful is None:
            self.found.truthful = self.seconds
        self.found.left = untrue or [f"run {run.id} is {run.state}" for run in seen.runs if run.state != "held"]
        if seen.at_rest:
            self.found.rest = self.seconds
        return seen.at_rest

    def hurry(self, seen: Standing) -> None:
        """Lets time go on to when something happens by itself, if nothing happens now."""
        fingerprint, now = seen.fingerprint, time.monotonic()
        if fingerprint != self.fingerprint:
            self.fingerprint, self.changed = fingerprint, now
        if self.old is None:
            self.old = set(seen.held)
        is_early = self.real and self.seconds < REAL_SECONDS
        if is_early or now - self.changed < QUIET_SECONDS or self.site.providers.in_flight():
            return
        if self.site.kind == "embedded" and now - self.began < LONGEST_CALL_SECONDS + 1 and seen.is_claimed:
            return  # how long a dead process's calls may take, no clock that is moved makes shorter
        # Whoever had something before the last fault may be dead. A later one lives, and is not to be hurried.
        following = min((until for name, until in seen.claims.items() if name in self.old), default=None)
        if following is None and (not seen.untrue() or now - self.changed > UNHEARD_SECONDS):
            following = seen.next_at()
        if following is not None:
            self.site.times.go_on((following - seen.now) / 1000 + 0.05)
            self.changed = now


def settle(site: Site, playing: Playing, posting: Posting, *, real: bool = False) -> Settled:
    """Puts all right and waits until the hub is at rest. `real`: no time is skipped in the first minute."""
    playing.finish()
    engine = sa.create_engine(site.settings.database, poolclass=sa.NullPool)
    watch = _Watch(site, playing, real=real)
    posting.finish(ANSWER_SECONDS)
    try:
        while time.monotonic() - watch.began < LONGEST_SECONDS and watch.seconds < LATEST_SECONDS:
            seen = look(engine, round((time.time() + site.times.gone_on) * 1000))
            if seen is not None:
                for connector in seen.lost:
                    watch.found.asked_for.add(connector)
                    playing.connect_again(connector)
                if watch.judge(seen):
                    break
                watch.hurry(seen)
            time.sleep(0.1)
    finally:
        engine.dispose()
    return watch.found
