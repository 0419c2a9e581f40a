"""Nothing of a run is left behind, even if the run is killed."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

from tests.servers import until

ROOT = Path(__file__).resolve().parents[2]

HOLD = """
import subprocess, sys
from pathlib import Path
from tests.faults.leash import Leash

leash, folder = Leash(), Path(sys.argv[1])
started = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
leash.process(started.pid)
leash.folder(folder)
print(started.pid, flush=True)
sys.stdin.read()
"""


def is_there(process: int) -> bool:
    """A zombie is gone: only its parent's note of it is left."""
    try:
        return ") Z " not in Path(f"/proc/{process}/stat").read_text()
    except OSError:
        return False


def test_what_is_on_the_leash_of_a_killed_run_ends(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "log").write_text("…")
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(folder)], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout is not None
    started = int(holder.stdout.readline())
    assert is_there(started)
    holder.send_signal(signal.SIGKILL)
    holder.communicate()
    until(lambda: not folder.exists() and not is_there(started), says="The end of what was left")
