"""Two at once, without chance: something happens in another thread at a chosen moment of what a test does."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any, Literal

YIELD_SECONDS = 0.1
"""What happens meanwhile may have to wait for what it interrupts: then both go on."""


def at_moment(
    moment: int,
    work: Callable[[], Any],
    meanwhile: Callable[[], Any],
    *,
    within: str,
    count: Literal["opcode", "line"],
) -> tuple[bool, Any]:
    """Does the work, and lets another thread do something right before one of its instructions, or lines.

    Only those in the file `within` count, the first is 0. Gives whether there were so many, and what the work gave.
    """
    passed, other = 0, threading.Thread(target=meanwhile)

    def trace(frame: FrameType, event: str, _: Any) -> Any:
        nonlocal passed
        if frame.f_code.co_filename != within:
            return None
        frame.f_trace_opcodes, frame.f_trace_lines = count == "opcode", count == "line"
        if event == count:
            if passed == moment:
                other.start()
                other.join(YIELD_SECONDS)
            passed += 1
        return trace

    earlier = sys.gettrace()
    sys.settrace(trace)
    try:
        given = work()
    finally:
        sys.settrace(earlier)
        if other.ident is not None:
            other.join()
    return passed > moment, given
