"""What several tests of the hub ask for."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.far.site import Site, forget, know_far
from tests.prepared import Prepared


@pytest.fixture
def site(database_url: str, prepared: Prepared, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """A hub in real time whose provider is far, once on SQLite and once on PostgreSQL."""
    know_far(monkeypatch)
    prepared.fill(database_url)
    made = Site(database_url, tmp_path / "home", free_port())
    yield made
    made.close()
    forget()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])
