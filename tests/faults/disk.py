"""A disk of a few megabytes that can be filled and made read-only: for root, as it has to be mounted."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from tests.servers import until

MISSING = "a small disk can be mounted by root alone"
MEGABYTES = 24


class Disk:
    """A folder, on a small disk of its own if that is possible."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="regulars-disk-", dir="/tmp"))
        self.is_small = os.geteuid() == 0 and self._mount(f"size={MEGABYTES}m,mode=755")

    def fill(self) -> None:
        """Takes all room that is left."""
        with (self.folder / "filling").open("ab", buffering=0) as file:
            for size in (1 << 20, 1 << 12):
                try:
                    while file.write(bytes(size)):
                        pass
                except OSError:
                    continue

    def empty(self) -> None:
        (self.folder / "filling").unlink(missing_ok=True)

    def allow_writing(self, allowed: bool) -> None:
        """It cannot be forbidden while somebody has a file open for writing, as a command that connects an account has
        for as long as its calls take. Raises TimeoutError if that lasts longer."""
        words = ["mount", "-o", f"remount,{'rw' if allowed else 'ro'}", str(self.folder)]
        until(lambda: not subprocess.run(words, check=False, capture_output=True).returncode, 40.0, " ".join(words))

    def close(self) -> None:
        if self.is_small:
            subprocess.run(["umount", "-l", str(self.folder)], check=False)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _mount(self, options: str) -> bool:
        done = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", options, "regulars", str(self.folder)], check=False, capture_output=True
        )
        return done.returncode == 0
