"""Lets what is due be told in a process of its own, which is killed: `process.py URL HOME NOW WHERE`.

WHERE is `before` (told, and not committed) or `after` (committed, and nobody woken).
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import Any

from hub import registry, schedules
from hub.core import Hub
from hub.settings import Settings
from hub.timing import FrozenClock, to_datetime
from tests.world import KEY


def die(*args: Any) -> Any:
    os.kill(os.getpid(), signal.SIGKILL)


class Dying:
    """Wake-ups that end the process."""

    def wake(self, queue: str) -> None:
        die()

    def close(self) -> None:
        pass


def main(url: str, home: str, now: str, where: str) -> None:
    from tests.hub.schedules.recipes import look_daily

    known = registry._modules("regulars.connectors") | {"telling": "tests.telling"}
    registry._modules = lambda group: known  # type: ignore[assignment]
    recipes = {"look_daily": look_daily}
    registry.recipes = lambda: recipes  # type: ignore[assignment]
    if where == "before":
        real = schedules.deliver
        schedules.deliver = lambda *args: (real(*args), die())[0]  # type: ignore[assignment,func-returns-value]
    settings = Settings(home=Path(home), database_url=url, secret_key=KEY)
    schedules.fire(Hub(settings, clock=FrozenClock(to_datetime(int(now))), wakeups=Dying()))


if __name__ == "__main__":
    main(*sys.argv[1:])
