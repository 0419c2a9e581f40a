"""Python loads this before a program on a machine with a clock of its own.

Where libfaketime leaves the monotonic clock alone, it still moves the moment until which `time.sleep` sleeps, to before
the machine was started; the system refuses that. `select` is told a span instead.
"""

import select
import time
from typing import SupportsIndex


def _sleep(seconds: float | SupportsIndex, /) -> None:
    span = seconds if isinstance(seconds, float | int) else seconds.__index__()
    if span < 0:
        raise ValueError("sleep length must be non-negative")
    select.select([], [], [], span)


time.sleep = _sleep
