"""A folder in which somebody starts the hub for the first time: real processes, real ports."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests

from tests.servers import until

HUB = [sys.executable, "-m", "hub.cli"]


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])


@dataclass
class Newcomer:
    """A folder in which somebody starts the hub, with ports that nobody else has."""

    folder: Path
    port: int = field(default_factory=free_port)
    practice_port: int = field(default_factory=free_port)
    started: list[subprocess.Popen[str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        home = self.folder / "var"
        home.mkdir()
        (home / "practice.json").write_text(json.dumps({"port": self.practice_port}))

    @property
    def environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG")}
        return kept | {"PORT": str(self.port), "PYTHONUNBUFFERED": "1"}

    def up(self, *words: str) -> tuple[subprocess.Popen[str], str]:
        """Starts the hub; gives its process and what it said until it was ready."""
        return self.start("up", *words)

    def start(self, *words: str) -> tuple[subprocess.Popen[str], str]:
        """Starts what runs until it is told to stop; gives its process and what it said until it was ready."""
        process = subprocess.Popen(
            [*HUB, *words],
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.started.append(process)
        assert process.stdout is not None
        said = ""
        while "Ctrl-C" not in said:
            line = process.stdout.readline()
            assert line, process.communicate()[1]
            said += line
        return process, said

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        command = [*HUB, *words]
        return subprocess.run(command, cwd=self.folder, env=self.environment, capture_output=True, text=True)

    def told(self, *words: str) -> Any:
        done = self.run(*words, "--json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def order(self) -> dict[str, Any]:
        """Places a practice order, and gives the run of its thanks once that is over."""
        before = {line["id"] for line in self.told("runs")}
        assert self.run("practice", "order").returncode == 0
        ended: list[dict[str, Any]] = []

        def is_thanked() -> bool:
            new = [line for line in self.told("runs") if line["id"] not in before]
            ended[:] = [line for line in new if line["recipe"] == "order_thanks" and line["ended_at"]]
            return bool(ended)

        until(is_thanked, 60, "The end of the run")
        return ended[0]

    def practice_fault(self, connector: str, fault: dict[str, Any] | None) -> None:
        """Has a practice service answer its next calls wrongly; None: it answers as it should again."""
        address = f"http://127.0.0.1:{self.practice_port}/_faults/{connector}"
        answer = (
            requests.delete(address, timeout=10) if fault is None else requests.post(address, json=fault, timeout=10)
        )
        assert answer.ok, answer.text

    def practice_answers(self) -> bool:
        try:
            return requests.get(f"http://127.0.0.1:{self.practice_port}/_calls?connector=none", timeout=2).ok
        except requests.RequestException:
            return False

    def end(self) -> None:
        """Ends everything that was started."""
        for process in self.started:
            if process.poll() is None:
                process.kill()
            process.communicate()
        until(lambda: not self.practice_answers(), 20, "The end of the practice services")
