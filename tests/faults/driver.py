"""One run: a hub, a load and a schedule from a seed, and what the auditor says of it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from pathlib import Path

from tests.faults.auditor import Findings, audit, events_acknowledged
from tests.faults.evidence import keep
from tests.faults.house import look_after
from tests.faults.load import load
from tests.faults.observing import look
from tests.faults.playing import Playing
from tests.faults.posting import Posting
from tests.faults.schedule import LOGIN_LOST, Fault, schedule
from tests.faults.settling import Settled, settle
from tests.faults.site import running

TRUTHFUL_SECONDS = 60.0


@dataclass(frozen=True)
class Result:
    """What became of one run. `faults` are what was played, `events` how many were acknowledged."""

    seed: int
    kind: str
    faults: Sequence[Fault]
    events: int
    settled: Settled
    findings: Findings
    seconds: float

    @property
    def is_good(self) -> bool:
        wrong = any(getattr(self.findings, field.name) for field in fields(Findings) if field.name != "unknown")
        return self.settled.rest is not None and not wrong

    @property
    def is_in_time(self) -> bool:
        """Whether all was told truly soon enough. A machine that is busy with other things is late."""
        return self.settled.truthful is not None and self.settled.truthful <= TRUTHFUL_SECONDS

    def story(self) -> str:
        """The schedule, and everything that was found, with the command that repeats it."""
        lines = [f"make faults SEED={self.seed} KIND={self.kind}", *map(str, self.faults), ""]
        lines.append(f"told truly after {_seconds(self.settled.truthful)}, at rest after {_seconds(self.settled.rest)}")
        if not self.is_in_time:
            lines += [
                f"{at:6.1f}s  {len(what)} not told truly: {'; '.join(what[:3])}" for at, what in self.settled.trail
            ]
        lines += [f"left open: {what}" for what in self.settled.left]
        for field in fields(Findings):
            lines += [f"{field.name}: {what}" for what in getattr(self.findings, field.name)]
        return "\n".join(lines)


def asked_for_nothing(faults: Sequence[Fault], settled: Settled) -> list[str]:
    """The accounts that a person had to connect again although their login was never lost."""
    lost = {fault.target for fault in faults if fault.what == LOGIN_LOST}
    return [f"{name} asked for a login that it had" for name in sorted(settled.asked_for - lost)]


def _seconds(value: float | None) -> str:
    return "never" if value is None else f"{value:.1f} s"


def play(seed: int, kind: str, *, real: bool = False, evidence: Path | None = None) -> Result:
    """Plays a seed. `real`: no time is skipped in the first minute after the last fault. `evidence`: the folder for
    what is kept of a run that was not good."""
    began = time.monotonic()
    with running(kind) as site:
        faults = schedule(seed, kind, site.lacking())
        made = load(seed, datetime.now(UTC))
        posting, playing = Posting(made.deliveries, site.door()), Playing(site, faults)
        posting.start()
        playing.start()
        settled = settle(site, playing, posting, real=real)
        findings = audit(made, look(site, made))
        look_after(site, findings)
        findings.other += asked_for_nothing(faults, settled)
        took = time.monotonic() - began
        result = Result(seed, kind, faults, events_acknowledged(made), settled, findings, took)
        if evidence is not None and not result.is_good:
            keep(site, made, evidence / f"{kind}-{seed}")
    return result
