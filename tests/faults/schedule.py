"""What goes wrong in a run, and when: made from the seed alone, so that the same seed is the same schedule."""

from __future__ import annotations

import random
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

SECONDS = 4.0
"""From the first fault to the last."""

EMBEDDED, CLUSTER = "embedded", "cluster"
KINDS = (EMBEDDED, CLUSTER)
PARTS: Mapping[str, Sequence[str]] = {EMBEDDED: ("hub",), CLUSTER: ("web", "worker-1", "worker-2", "clock")}
"""The processes of each kind of hub. Each is a machine, with a clock of its own."""

DATABASE, REDIS, DISK, ALL = "database", "redis", "disk", "all"
HOUR = 3600.0

CLOCKS, SMALL_DISK = "clocks", "small disk"
"""What a machine may lack; then the faults that need it are left out."""


@dataclass(frozen=True)
class Fault:
    """From `at` on, for so many `seconds`, `what` happens to `target`. `details` are those of a provider's fault, or
    by how many seconds a clock jumps."""

    at: float
    what: str
    target: str
    seconds: float
    details: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        more = " ".join(f"{name}={value}" for name, value in self.details.items())
        return f"{self.at:5.2f}s  {self.what} {self.target} for {self.seconds:.2f}s {more}".rstrip()


LOGIN_LOST = "login lost"

PROVIDER_FAULTS: Mapping[str, Mapping[str, Any]] = {
    "429": {"kind": "status", "status": 429},
    "429 with Retry-After": {"kind": "status", "status": 429, "seconds": 3},
    "500": {"kind": "status", "status": 500},
    "503 with Retry-After": {"kind": "status", "status": 503, "seconds": 2},
    "502 in html": {"kind": "html"},
    "slow": {"kind": "latency"},
    "reset before": {"kind": "drop_before"},
    "reset after": {"kind": "drop_after"},
    "partial": {"kind": "partial"},
    "malformed": {"kind": "malformed"},
    LOGIN_LOST: {"kind": "status", "status": 401},
}
"""Every way in which a provider answers wrongly. A login that is lost is given back by connecting again."""

TOKENS_END = "tokens end"
"""All access tokens end, and those that are given from then on last a second: each turn has to renew its login."""

CALLED: Mapping[str, Sequence[str]] = {
    "hubspot": [name for name in PROVIDER_FAULTS],
    "mailchimp": [name for name in PROVIDER_FAULTS],
    "twilio": [name for name in PROVIDER_FAULTS if name != "partial"],
}
ENDLESS = 1_000_000
SLOW_SECONDS = (1.0, 2.0, 4.0, 8.0, 22.0)
"""The last is longer than a call is waited for."""


def schedule(seed: int, kind: str, lacking: Collection[str] = ()) -> list[Fault]:
    """The faults of a seed, by time. `lacking` leaves some out and changes no other one."""
    chance = random.Random(f"schedule {kind} {seed}")
    # With dice of their own, so that a seed's other faults are what they would be without them.
    tokens = _tokens(random.Random(f"tokens {kind} {seed}"))
    drawn = [*_machines(chance, kind), *_providers(chance), *tokens]
    return sorted((fault for fault in drawn if not _needs(fault) & set(lacking)), key=lambda fault: fault.at)


def _needs(fault: Fault) -> set[str]:
    if fault.what == "jump":
        return {CLOCKS}
    return {SMALL_DISK} if fault.target == DISK else set()


def _machines(chance: random.Random, kind: str) -> Iterator[Fault]:
    """Two to five faults of machines, the first of which kills. Those of one target do not overlap."""
    free_at: dict[str, float] = {}
    for number in range(chance.randint(2, 5)):
        what, target, seconds, details = _machine_fault(chance, kind, first=number == 0)
        touched = _touched(target, kind)
        at = max([chance.uniform(0, SECONDS), *(free_at.get(each, 0.0) for each in touched)])
        free_at |= dict.fromkeys(touched, at + seconds + 0.3)
        yield Fault(at, what, target, seconds, details)


def _touched(target: str, kind: str) -> Sequence[str]:
    # What is on a disk that cannot be written is stopped with it.
    return [*PARTS[kind], DATABASE] if target == ALL else ["hub", DISK] if target in ("hub", DISK) else [target]


def _machine_fault(chance: random.Random, kind: str, *, first: bool) -> tuple[str, str, float, Mapping[str, Any]]:
    part = chance.choice(PARTS[kind])
    own = [("disk full", DISK), ("read-only", DISK)] if kind == EMBEDDED else _servers(chance)
    everywhere = PARTS[kind] if kind == EMBEDDED else (*PARTS[kind], DATABASE, ALL)
    jump = chance.choice([HOUR, -HOUR, 90.0, -90.0])
    drawn = [
        ("kill", part, chance.uniform(0.0, 1.0), {}),
        ("kill", part, chance.uniform(0.0, 1.0), {}),
        ("restart", part, chance.uniform(0.0, 0.5), {}),
        ("freeze", part, chance.uniform(0.3, 2.5), {}),
        ("jump", chance.choice(everywhere), chance.uniform(0.3, 5.0), {"by": jump}),
        *((what, target, chance.uniform(0.3, 2.0), {}) for what, target in own),
    ]
    return drawn[0] if first else chance.choice(drawn)


def _servers(chance: random.Random) -> list[tuple[str, str]]:
    return [
        ("flush", REDIS),
        (chance.choice(["stop", "kill"]), REDIS),
        ("stop", DATABASE),
        ("kill", DATABASE),
        ("break connections of", DATABASE),
    ]


def _providers(chance: random.Random) -> Iterator[Fault]:
    """Three to six faults of providers: for some calls, or as long as they last."""
    for _ in range(chance.randint(3, 6)):
        connector = chance.choice([*sorted(CALLED), "twilio"])  # texts are what cannot be taken back
        what = chance.choice(CALLED[connector])
        lasts = what == LOGIN_LOST or chance.random() < 0.3
        times = ENDLESS if lasts else chance.randint(1, 6)
        details = {**PROVIDER_FAULTS[what], "times": times}
        slow = chance.choice(SLOW_SECONDS)
        if what == "slow":
            details["seconds"] = slow
        yield Fault(chance.uniform(0, SECONDS), what, connector, chance.uniform(0.5, 2.0) if lasts else 0.0, details)


def _tokens(chance: random.Random) -> Iterator[Fault]:
    """None or one time in which the tokens of a login by OAuth end."""
    if chance.random() < 0.6:
        yield Fault(chance.uniform(0, SECONDS), TOKENS_END, "hubspot", chance.uniform(0.5, 3.0))
