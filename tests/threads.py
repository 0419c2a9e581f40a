"""Work in another thread while a test goes on; what it raises fails the test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any


@contextmanager
def in_a_thread(work: Callable[[], Any], seconds: float = 30.0) -> Iterator[None]:
    """Does the work while the block runs, and waits for its end after it."""
    with ThreadPoolExecutor(1) as pool:
        done = pool.submit(work)
        yield
        done.result(seconds)
