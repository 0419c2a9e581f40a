"""The Procfile, as an operator starts it: three processes on PostgreSQL and Redis, and an order that comes in."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests
import sqlalchemy as sa

from hub import schema
from hub.core import Hub
from hub.practice.server import PracticeServer
from hub.settings import Settings
from tests import servers

ROOT = Path(__file__).resolve().parents[1]
KEY = "a secret key for tests that is long enough to be one"


@dataclass
class Running:
    """The hub behind `honcho start`, seen from outside; `said` is the file of what its processes say."""

    honcho: subprocess.Popen[bytes]
    hub: Hub
    url: str
    said: Path


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])


@pytest.fixture
def running(postgres_url: str, redis_url: str, tmp_path: Path) -> Iterator[Running]:
    port, said, programs = free_port(), tmp_path / "said", Path(sys.executable).parent
    url = f"http://127.0.0.1:{port}"
    with servers.database(postgres_url) as database_url, said.open("wb") as output:
        environment = {
            **os.environ,
            "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
            "HUB_HOME": str(tmp_path / "home"),
            "DATABASE_URL": database_url,
            "REDIS_URL": redis_url,
            "HUB_SECRET_KEY": KEY,
            "PUBLIC_URL": url,
            "PORT": str(port),
        }
        honcho = subprocess.Popen(
            [sys.executable, "-m", "honcho", "-f", str(ROOT / "Procfile"), "start"],
            cwd=tmp_path,
            env=environment,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        settings = Settings(home=tmp_path / "home", database_url=database_url, secret_key=KEY, public_url=url)
        hub = Hub(settings)
        try:
            yield Running(honcho, hub, url, said)
        finally:
            hub.close()
            if honcho.poll() is None:
                os.killpg(honcho.pid, signal.SIGKILL)
            honcho.wait()


def is_ready(url: str) -> bool:
    try:
        return requests.get(f"{url}/readyz", timeout=2).ok
    except requests.RequestException:
        return False


def members(group: int) -> list[int]:
    """The processes that a session of processes is made of."""
    found = subprocess.run(["ps", "-e", "-o", "pid=,sess="], capture_output=True, text=True, check=True).stdout
    return [int(pid) for pid, session in (line.split() for line in found.splitlines()) if int(session) == group]


def test_an_order_over_http_runs_to_its_end_and_a_signal_ends_all(running: Running, practice: str) -> None:
    servers.until(lambda: is_ready(running.url), 60, "The hub's readiness")
    workspace = running.hub.workspaces.add("Crumb & Co.")
    for name, service in PracticeServer().services.items():
        fields = {**service.account, "base_url": f"{practice}/{name}"}
        _, trouble = running.hub.connections.connect(workspace, name, fields)
        assert trouble is None
    running.hub.enabled.enable(workspace, "order_thanks", {"audience": "practice"})
    requests.post(f"{practice}/_happen/shopify/order", json={}, timeout=5).raise_for_status()

    def states() -> list[str]:
        with running.hub.database.read() as database:
            return list(database.execute(sa.select(schema.run.c.state)).scalars())

    servers.until(lambda: states() == ["done"], 30, "The end of the run")
    assert requests.get(f"{practice}/_books/twilio", timeout=5).json()["messages"]

    running.honcho.send_signal(signal.SIGTERM)
    running.honcho.wait(15)
    servers.until(lambda: not members(running.honcho.pid), 5, "The end of all processes")
    assert "Traceback" not in running.said.read_text()
