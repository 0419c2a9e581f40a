"""`python -m tests.faults --seeds N`: many seeds, and a summary. `--help` tells what else."""

from __future__ import annotations

import argparse
import random
import sys
import traceback
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.faults import disk, times
from tests.faults.driver import Result, play
from tests.faults.schedule import KINDS


def main() -> int:
    asked = _asked()
    for missing in _missing():
        print(missing, flush=True)
    results, broken = [], 0
    seeds = asked.seed or [random.SystemRandom().randrange(1_000_000) for _ in range(asked.seeds)]
    for seed in seeds:
        for kind in asked.kind or KINDS:
            try:
                result = play(seed, kind, real=asked.real, evidence=asked.evidence)
            except Exception:
                broken += 1
                print(f"make faults SEED={seed} KIND={kind}: the harness failed\n{traceback.format_exc()}", flush=True)
                continue
            results.append(result)
            print(_line(result), flush=True)
            if not (result.is_good and result.is_in_time):
                print(result.story(), end="\n\n", flush=True)
    print(summary(results))
    if broken:
        print(f"The harness failed {broken} times.")
    return 1 if broken or not all(result.is_good and result.is_in_time for result in results) else 0


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description="Seeds of faults on real processes.")
    parser.add_argument("--seeds", type=int, default=10, metavar="N", help="how many fresh seeds, of each kind; 10")
    parser.add_argument("--seed", type=int, nargs="*", metavar="N", help="these seeds, instead of fresh ones")
    parser.add_argument("--kind", choices=KINDS, nargs="*", help="this kind of hub alone")
    parser.add_argument("--real", action="store_true", help="skip no time in the first minute after the last fault")
    parser.add_argument("--evidence", type=Path, metavar="FOLDER", help="keep logs and steps of runs that are not good")
    return parser.parse_args()


def _missing() -> list[str]:
    """What this machine cannot do, one line each."""
    lines = []
    if times.library() is None:
        lines.append(f"Clock jumps are left out, and settling takes its time: {times.MISSING}.")
    probe = disk.Disk()
    if not probe.is_small:
        lines.append(f"A full and a read-only disk are left out: {disk.MISSING}.")
    probe.close()
    return lines


def _line(result: Result) -> str:
    settled = result.settled
    told, rest = (f"{value:.0f}" if value is not None else "never" for value in (settled.truthful, settled.rest))
    mark = "BAD " if not result.is_good else "good" if result.is_in_time else "late"
    return (
        f"{mark} {result.kind:8} seed {result.seed:6}: {result.events} events, {len(result.faults)} faults, "
        f"truthful after {told} s, at rest after {rest} s, took {result.seconds:.0f} s"
    )


def summary(results: Sequence[Result]) -> str:
    """A table over all runs."""
    by_kind = {kind: [result for result in results if result.kind == kind] for kind in KINDS}
    rows = [("", *KINDS, "together"), *_rows(by_kind, results)]
    table = [f"{name:22}" + "".join(f"{cell:>12}" for cell in cells) for name, *cells in rows]
    faults = Counter(fault.what if fault.what != "jump" else "clock jump" for r in results for fault in r.faults)
    return "\n".join([*table, "", "faults: " + ", ".join(f"{name} {count}" for name, count in faults.most_common())])


def _rows(by_kind: dict[str, list[Result]], results: Sequence[Result]) -> list[tuple[str, ...]]:
    counted: dict[str, Callable[[Sequence[Result]], int]] = {
        "seeds": lambda found: len(found),
        "events acknowledged": lambda found: sum(result.events for result in found),
        "faults": lambda found: sum(len(result.faults) for result in found),
        "lost": lambda found: sum(len(result.findings.lost) for result in found),
        "doubled": lambda found: sum(len(result.findings.doubled) for result in found),
        "out of order": lambda found: sum(len(result.findings.out_of_order) for result in found),
        "stuck": lambda found: sum(result.settled.rest is None for result in found),
        "untruthful": lambda found: sum(len(result.findings.untruthful) for result in found),
        "repeated blindly": lambda found: sum(len(result.findings.blind) for result in found),
        "other": lambda found: sum(len(result.findings.other) for result in found),
        "unknown, shown": lambda found: sum(len(result.findings.unknown) for result in found),
        "late": lambda found: sum(not result.is_in_time for result in found),
        "slowest truth, s": lambda found: round(max((r.settled.truthful or 9999 for r in found), default=0)),
        "slowest rest, s": lambda found: round(max((r.settled.rest or 99999 for r in found), default=0)),
    }
    return [
        (name, *(str(count(by_kind[kind])) for kind in KINDS), str(count(results))) for name, count in counted.items()
    ]


if __name__ == "__main__":
    sys.exit(main())
