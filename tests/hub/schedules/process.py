"""Does one thing in a process of its own, which is killed: `process.py URL HOME NOW WHERE [ID]`.

Without the id of a connection, what is due is told; with it, the page that waits there is asked for. WHERE is `before`
(done, and not committed) or `after` (committed, and nobody woken).
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import Any

from hub import outbox, registry, schedules
from hub.core import Hub
from hub.settings import Settings
from hub.timing import FrozenClock, to_datetime
from tests import telling
from tests.world import KEY

MEMBERS = ["ada", "bo", "cy", "di", "ed"]


def die(*args: Any) -> Any:
    os.kill(os.getpid(), signal.SIGKILL)


class Dying:
    """Wake-ups that end the process."""

    def wake(self, queue: str) -> None:
        die()

    def close(self) -> None:
        pass


def main(url: str, home: str, now: str, where: str, connection_id: str = "") -> None:
    from tests.hub.schedules.recipes import greet_all, look_daily

    known = registry._modules("regulars.connectors") | {"telling": "tests.telling"}
    registry._modules = lambda group: known  # type: ignore[assignment]
    recipes = {recipe.name: recipe for recipe in (greet_all, look_daily)}
    registry.recipes = lambda: recipes  # type: ignore[assignment]
    if where == "before":
        real = schedules.deliver
        schedules.deliver = lambda *args: (real(*args), die())[0]  # type: ignore[assignment,func-returns-value]
    settings = Settings(home=Path(home), database_url=url, secret_key=KEY)
    hub = Hub(settings, clock=FrozenClock(to_datetime(int(now))), wakeups=Dying())
    if connection_id:
        telling.provider.members = list(MEMBERS)
        outbox.drain(hub, connection_id)
    else:
        schedules.fire(hub)


if __name__ == "__main__":
    main(*sys.argv[1:])
