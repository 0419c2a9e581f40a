"""Ports for servers that come and go."""

from __future__ import annotations

import random
import socket

_LOW, _HIGH = 12_000, 32_000
"""Below those that a system gives to outgoing connections, so that nobody has it while its server is away."""


def free_port() -> int:
    """A port that nobody listens at."""
    chance = random.SystemRandom()
    while True:
        port = chance.randrange(_LOW, _HIGH)
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
