"""How long the hub waits for a PostgreSQL that does not answer, and PostgreSQL for a hub that does not.

A network that loses packets tells nobody. By itself a system waits a quarter of an hour for an answer to what it sent,
and two hours on a connection where it sends nothing: for so long a thread would hang, and what a host that vanished
had locked would stay locked for all others.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

CONNECT_SECONDS = 5
SILENT_SECONDS = 8
"""A connection whose other end has not been heard of for so long is dead. That is shorter than any lease lasts."""

IDLE_SECONDS, AGAIN_SECONDS = 5, 1
"""The other end is asked whether it is there after so long, and again as often as it takes."""

FROZEN_SECONDS = 30.0
"""A process that stands still in the middle of a transaction keeps its locks so long: no transaction thinks longer."""


def patience(url: sa.URL) -> dict[str, Any]:
    """What a connection is opened with. What the address itself says counts more."""
    wanted = {
        "connect_timeout": CONNECT_SECONDS,
        "tcp_user_timeout": SILENT_SECONDS * 1000,
        "keepalives_idle": IDLE_SECONDS,
        "keepalives_interval": AGAIN_SECONDS,
        "keepalives_count": SILENT_SECONDS - IDLE_SECONDS,
    }
    return {name: value for name, value in wanted.items() if name not in url.query}


def prepare(connection: Any, _: object) -> None:
    """Tells a new connection's server the same about us.

    As statements, not as it is opened: a pooler between us takes no options it does not know.
    """
    settings = {
        "tcp_user_timeout": SILENT_SECONDS * 1000,
        "tcp_keepalives_idle": IDLE_SECONDS,
        "tcp_keepalives_interval": AGAIN_SECONDS,
        "tcp_keepalives_count": SILENT_SECONDS - IDLE_SECONDS,
        "idle_in_transaction_session_timeout": round(FROZEN_SECONDS * 1000),
    }
    connection.autocommit = True  # else a rollback would take them back
    with connection.cursor() as cursor:
        cursor.execute("; ".join(f"SET {name} = {value}" for name, value in settings.items()))
    connection.autocommit = False
