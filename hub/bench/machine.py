"""What is read of the machine: CPU and memory of a process, how busy all of it is, and what it is.

Everything comes from Linux's /proc: https://man7.org/linux/man-pages/man5/proc.5.html
"""

from __future__ import annotations

import os
import platform
import sqlite3
import tempfile
import time
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path

from ..errors import SetupError

PROC = Path("/proc")
PACKAGES = ("regulars", "granian", "flask", "sqlalchemy", "cryptography", "requests", "urllib3")
_TICKS = os.sysconf("SC_CLK_TCK")
_IN_MEMORY = {"tmpfs", "ramfs"}


def require() -> None:
    """Raises SetupError where there is nothing to measure with."""
    if not (PROC / "self" / "stat").exists():
        raise SetupError("hub bench reads CPU and memory from /proc, which this system does not have. Run it on Linux.")


def cpu_seconds(pid: int) -> float:
    """CPU time that a process has taken, all its threads together, in steps of 10 ms."""
    # The name in brackets may hold anything, so what counts begins behind the last bracket.
    fields = (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def rss_mb(pid: int) -> float:
    """Memory that a process holds now."""
    return _status(pid, "VmRSS")


def peak_rss_mb(pid: int) -> float:
    """The most memory that a process held, since it began or `forget_peak`."""
    return _status(pid, "VmHWM")


def forget_peak(pid: int) -> None:
    """Has the peak counted anew from now."""
    (PROC / str(pid) / "clear_refs").write_text("5")


def _status(pid: int, name: str) -> float:
    for line in (PROC / str(pid) / "status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) / 1024
    return 0.0


def busy_seconds() -> float:
    """CPU time that everything on this machine has taken, all cores together."""
    user, nice, system, _, _, irq, softirq, steal = map(int, (PROC / "stat").read_text().split()[1:9])
    return (user + nice + system + irq + softirq + steal) / _TICKS


def filesystem(folder: Path) -> str:
    """The kind of file system that a folder lies on, `ext4`."""
    found = ("", "unknown")
    for line in (PROC / "self" / "mounts").read_text().splitlines():
        _, place, kind, *_ = line.split()
        place = place.replace("\\040", " ")
        if folder.resolve().is_relative_to(place) and len(place) >= len(found[0]):
            found = (place, kind)
    return found[1]


def folder_on_disk(wanted: Path | None = None) -> Path:
    """A folder whose files outlive a power cut: the wanted one, else the first that is for temporary files.

    Raises SetupError if there is none, as nothing that only seems to be written down would be measured there.
    """
    for folder in [wanted] if wanted else [Path(tempfile.gettempdir()), Path("/var/tmp"), Path.cwd()]:
        if folder.is_dir() and filesystem(folder) not in _IN_MEMORY:
            return folder
    raise SetupError(
        "The folder is in memory only, or is not there, so that no fsync would be measured. "
        "Name a folder on a disk with --folder."
    )


def fsync_ms(folder: Path, count: int = 100) -> float:
    """What it takes to append 4 KB to a file and have them on the disk: the median, in milliseconds."""
    with tempfile.TemporaryFile(dir=folder) as file:
        taken = []
        for _ in range(count):
            started = time.perf_counter()
            file.write(b"x" * 4096)
            file.flush()
            os.fsync(file.fileno())
            taken.append(time.perf_counter() - started)
    return sorted(taken)[count // 2] * 1000


def about(folder: Path) -> Mapping[str, object]:
    """What a reader must know to compare figures: the machine, its disk, the versions."""
    before, started = busy_seconds(), time.monotonic()
    time.sleep(1.0)
    return {
        "cores": len(os.sched_getaffinity(0)),
        "machine": platform.machine(),
        "kernel": platform.release(),
        "filesystem": filesystem(folder),
        "fsync_ms": round(fsync_ms(folder), 3),
        "cores_busy_before": round((busy_seconds() - before) / (time.monotonic() - started), 2),
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        "packages": {name: version(name) for name in PACKAGES},
        "note": "Absolute figures vary from machine to machine and from run to run. Compare ratios to the references.",
    }
