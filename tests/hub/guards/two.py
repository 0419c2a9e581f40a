"""Two workers at once: two hubs on one database, each of which drains an account."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from hub import outbox
from tests.hub.outbox.desk import Desk


def at_once(desk: Desk, accounts: Sequence[str]) -> None:
    """Drains these accounts at the same time, each in a process's hub of its own."""
    hubs = [desk.world.another_hub(seed) for seed in range(len(accounts))]
    start, troubles = threading.Barrier(len(accounts)), []

    def work(number: int) -> None:
        try:
            start.wait(10)
            outbox.drain(hubs[number], accounts[number])
        except BaseException as error:
            troubles.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(len(accounts))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    for hub in hubs:
        hub.close()
    assert not troubles
