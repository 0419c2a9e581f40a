"""Python loads this before a program on a machine with a clock of its own.

Where libfaketime leaves the monotonic clock alone, it still moves the moment until which `time.sleep` sleeps, to before
the machine was started; the system refuses that. `select` is told a span instead.
"""

import select
import time


def _sleep(seconds: float) -> None:
    if seconds < 0:
        raise ValueError("sleep length must be non-negative")
    select.select([], [], [], seconds)


time.sleep = _sleep
