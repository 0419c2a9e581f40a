"""The benchmark: what the hub does in a second, in how much memory, and what that costs, beside plain references.

The hub is `hub up` as a process of its own, on a fresh home on a disk; the practice services and the load generator
are processes of their own, and their CPU is not counted as the hub's. `README.md` tells how to read the figures.
"""

from __future__ import annotations

import importlib
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from ..errors import NotFound
from . import machine, report
from .report import Figure
from .sizes import FULL, SMALL, Sizes

__all__ = ["FULL", "MEASUREMENTS", "SMALL", "USUAL", "Figure", "Sizes", "report", "run"]

MEASUREMENTS = {
    "intake": "intake",
    "end-to-end": "end_to_end",
    "quiet": "quiet",
    "start": "start",
    "disk": "disk",
    "quota": "quota",
    "growth": "growth",
}
"""Each measurement, with the module that makes it."""

USUAL = tuple(name for name in MEASUREMENTS if name != "growth")
"""What is measured where nothing is named: all that takes ten minutes together."""


def run(
    names: Sequence[str], sizes: Sizes, folder: Path | None, say: Callable[[str], None]
) -> tuple[Mapping[str, object], list[Figure]]:
    """Makes the named measurements one after the other; gives what is known of the machine, and the figures.

    `folder`: where the homes of the measured hubs lie meanwhile. `say` is told what is being done.
    Raises NotFound for a name that is none, SetupError where nothing can be measured, and Unmeasured.
    """
    if unknown := [name for name in names if name not in MEASUREMENTS]:
        raise NotFound(f"There is no measurement {unknown[0]!r}. There are: {', '.join(MEASUREMENTS)}.")
    machine.require()
    place = machine.folder_on_disk(folder)
    about = machine.about(place)
    figures: list[Figure] = []
    for name in names:
        module = importlib.import_module(f".{MEASUREMENTS[name]}", __name__)
        with tempfile.TemporaryDirectory(prefix="hub-bench-", dir=place) as own:
            figures += module.measure(sizes, Path(own), say)
    return about, figures
