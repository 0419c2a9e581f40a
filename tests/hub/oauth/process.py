"""Renews a login in a process of its own, or calls with one: `process.py URL HOME CONNECTION WHAT [WHERE]`.

WHAT is `renew`, which waits for a line on its standard input and prints the token that it has then, or `drain`. WHERE,
if given, is `asking` (killed before the provider is asked) or `writing` (the provider has answered, nothing is
committed).
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import Any

from hub import outbox
from hub.connections import Connections
from hub.core import Hub
from hub.oauth import renewing
from hub.settings import Settings
from tests.world import KEY


def die(*args: Any) -> Any:
    os.kill(os.getpid(), signal.SIGKILL)


def main(url: str, home: str, connection_id: str, what: str, where: str = "") -> None:
    hub = Hub(Settings(home=Path(home), database_url=url, secret_key=KEY))
    hub.linger_seconds = hub.gather_seconds = 0.0
    if where == "asking":
        renewing.tokens_for_refresh = die
    elif where == "writing":
        Connections.change_fields = die  # type: ignore[method-assign]
    if what == "drain":
        outbox.drain(hub, connection_id)
        return
    known = hub.connections.get(connection_id)
    print("here", flush=True)
    sys.stdin.readline()
    connection = renewing.renewed(hub, known)
    check = connection.connector.function("check")
    assert check is not None
    check(hub.connections.client(connection))
    print(connection.fields["access_token"], flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
