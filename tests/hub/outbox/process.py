"""Drains one connection in a process of its own, and is killed where a test says: `process.py URL HOME ID FILE WHERE`.

WHERE is `before` (the claims are committed, no call left), `during` (the effect is there, the call did not come back)
or `after` (the call came back, nothing is recorded).
"""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

from hub import outbox, registry
from hub.core import Hub
from hub.outbox import flight, holder
from hub.settings import Settings
from tests import telling
from tests.world import KEY


class FileProvider(telling.Provider):
    """A provider that outlives the process that calls it: each effect is a line of a file."""

    def __init__(self, file: Path) -> None:
        super().__init__()
        self.file = file
        file.touch()

    def note(self, name: str, inputs: dict[str, Any]) -> int:
        with self.file.open("a") as out:
            out.write(json.dumps([name, inputs]) + "\n")
        return len(self.noted) - 1

    @property
    def noted(self) -> list[tuple[str, dict[str, Any]]]:
        return [(name, inputs) for name, inputs in map(json.loads, self.file.read_text().splitlines())]

    def __getattribute__(self, name: str) -> Any:
        return self.noted if name == "done" else super().__getattribute__(name)


def die(*args: Any) -> Any:
    os.kill(os.getpid(), signal.SIGKILL)


def main(url: str, home: str, connection_id: str, file: str, where: str) -> None:
    known = registry._modules("regulars.connectors") | {"telling": "tests.telling"}
    registry._modules = lambda group: known  # type: ignore[assignment]
    telling.provider = FileProvider(Path(file))
    if where == "before":
        flight.Flight.send = die  # type: ignore[method-assign]
    elif where == "during":
        telling.provider.after = die
    else:
        real = holder.write_round
        holder.write_round = lambda *args: die() if args[3].outcomes else real(*args)
    outbox.drain(Hub(Settings(home=Path(home), database_url=url, secret_key=KEY)), connection_id)


if __name__ == "__main__":
    main(*sys.argv[1:])
