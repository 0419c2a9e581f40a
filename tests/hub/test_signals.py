"""Being told to stop: heard whenever it comes."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
WAIT = """
import sys
from hub.signals import Told
told = Told()
print("made", flush=True)
told.wait()
print("told")
sys.stdin.read()
"""
INSTEAD = """
import signal, threading
from hub.signals import Told
told, acted = Told(), threading.Event()
signal.signal(signal.SIGTERM, lambda *_: print("somebody else's"))
told.instead(acted.set)
print("made", flush=True)
acted.wait()
print("told")
"""


def said(program: str, *numbers: signal.Signals) -> tuple[int, str]:
    """What a program says after it is sent signals as soon as it says `made`, and its exit code."""
    command, pipe = [sys.executable, "-c", program], subprocess.PIPE
    with subprocess.Popen(command, cwd=ROOT, stdin=pipe, stdout=pipe, text=True) as started:
        assert started.stdout is not None
        assert started.stdout.readline() == "made\n"
        for number in numbers:
            started.send_signal(number)
        said, _ = started.communicate(timeout=10)
    return started.returncode, said


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_is_heard_however_soon_it_comes(number: signal.Signals) -> None:
    for _ in range(15):
        assert said(WAIT, number) == (0, "told\n")


def test_being_told_twice_is_being_told_once() -> None:
    assert said(WAIT, signal.SIGINT, signal.SIGTERM, signal.SIGINT) == (0, "told\n")


def test_signals_that_somebody_else_took_are_taken_back() -> None:
    assert said(INSTEAD, signal.SIGTERM) == (0, "told\n")
