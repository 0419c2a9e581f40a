"""A signal that reaches another thread while the main one waits, as may happen to any, is heard all the same."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.far.site import Site
from tests.hub.outbox.desk import ON_SQLITE
from tests.hub.test_processes import line, told_to_stop

ROOT = Path(__file__).resolve().parents[2]
WAIT = """
import signal, sys, threading
from hub.signals import Told

made = threading.Event()

def say_when_it_waits():
    made.wait()
    main = threading.main_thread().ident
    while sys._current_frames()[main].f_code is not threading.Condition.wait.__code__:
        pass
    print("waits", flush=True)
    sys.stdin.read()

threading.Thread(target=say_when_it_waits, daemon=True).start()
told = Told()
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})  # so the system gives it to another thread
made.set()
told.wait()
print("told", flush=True)
"""
OTHERS = """
import signal, sys
from hub.signals import Told
told = Told()
told.instead(lambda: print("told", flush=True))
signal.signal(signal.SIGUSR1, lambda *_: None)
for line in sys.stdin:
    print("another", flush=True)
"""


def started(program: str) -> subprocess.Popen[str]:
    pipe = subprocess.PIPE
    return subprocess.Popen([sys.executable, "-c", program], cwd=ROOT, stdin=pipe, stdout=pipe, text=True)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_whoever_waits_hears_a_signal_that_another_thread_gets(number: signal.Signals) -> None:
    with started(WAIT) as waiting:
        try:
            assert waiting.stdout is not None and waiting.stdout.readline() == "waits\n"
            waiting.send_signal(number)
            said, _ = waiting.communicate(timeout=10)
        finally:
            waiting.kill()
    assert (waiting.returncode, said) == (0, "told\n")


def test_other_signals_are_not_taken_for_being_told_to_stop() -> None:
    with started(OTHERS) as listening:
        assert listening.stdin is not None and listening.stdout is not None
        for _ in range(30):
            listening.stdin.write("\n")
            listening.stdin.flush()
            assert listening.stdout.readline() == "another\n"
            listening.send_signal(signal.SIGUSR1)
        listening.send_signal(signal.SIGTERM)
        assert listening.stdout.readline() == "told\n"
        listening.stdin.close()


@pytest.mark.parametrize("part", ["up", "web"])
@ON_SQLITE
def test_a_hub_whose_threads_get_the_signal_ends(site: Site, part: str) -> None:
    served = site.start(part, FAR_SIGNALS_ELSEWHERE="1")
    assert line(served) == "ready"
    code, said, _ = told_to_stop(served)
    assert (code, said) == (0, "ended\n")
