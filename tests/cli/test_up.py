"""`hub up --practice` as a newcomer runs it: real processes, real ports, from the first start to the text message."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
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

    def practice_answers(self) -> bool:
        try:
            return requests.get(f"http://127.0.0.1:{self.practice_port}/_calls?connector=none", timeout=2).ok
        except requests.RequestException:
            return False


@pytest.fixture
def newcomer(tmp_path: Path) -> Iterator[Newcomer]:
    made = Newcomer(tmp_path)
    yield made
    for process in made.started:
        if process.poll() is None:
            process.kill()
        process.communicate()
    until(lambda: not made.practice_answers(), 20, "The end of the practice services")


def test_a_newcomer_sees_an_order_become_a_contact_a_tag_and_a_text(newcomer: Newcomer) -> None:
    process, said = newcomer.up("--practice")
    assert f"http://127.0.0.1:{newcomer.port}/sign-in/" in said
    assert "hub practice order" in said and "hub runs" in said
    link = next(word for word in said.split() if "/sign-in/" in word)
    assert requests.get(link, timeout=10).status_code == 200

    line = newcomer.order()
    assert line["state"] == "done"
    steps = newcomer.told("run", line["id"])["steps"]
    assert {step["action"]: step["state"] for step in steps} == {
        "hubspot.upsert_contact": "done",
        "mailchimp.upsert_member": "done",
        "twilio.send_sms": "done",
    }
    assert newcomer.run("check").returncode == 0

    assert newcomer.run("backup", "copy").returncode == 0
    refusal = newcomer.run("restore", "copy")
    assert (refusal.returncode, len(refusal.stderr.splitlines())) == (1, 1)
    assert "A hub is running already" in refusal.stderr

    process.send_signal(signal.SIGINT)
    said_then, complained = process.communicate(timeout=30)
    assert (process.returncode, said_then, complained) == (0, "", "")
    until(lambda: not newcomer.practice_answers(), 10, "The end of the practice services")
    refusal = newcomer.run("practice", "order")
    assert refusal.returncode == 1
    assert refusal.stderr.startswith("No practice services answer")


def test_after_a_crash_everything_is_as_it_was_and_what_was_switched_off_stays_off(newcomer: Newcomer) -> None:
    process, _ = newcomer.up("--practice")
    assert newcomer.order()["state"] == "done"
    before = newcomer.told("connections")
    assert newcomer.run("disable", "welcome_series").returncode == 0

    process.kill()
    process.communicate()
    until(lambda: not newcomer.practice_answers(), 10, "The end of the practice services")

    newcomer.up("--practice")
    assert newcomer.told("connections") == before
    on = {item["name"] for item in newcomer.told("recipes", "-w", "Practice") if item["enabled"]}
    assert "order_thanks" in on and "welcome_series" not in on
    assert newcomer.order()["state"] == "done", "the services began anew, and have the hub's address again"


def test_a_port_that_is_taken_is_one_clear_line(newcomer: Newcomer) -> None:
    with socket.create_server(("127.0.0.1", newcomer.port)):
        refusal = newcomer.run("up")
    assert (refusal.returncode, refusal.stdout) == (1, "")
    assert refusal.stderr == (
        f"Port {newcomer.port} is taken by another program. Stop it, or choose another port with --port or PORT.\n"
    )
    with socket.create_server(("127.0.0.1", newcomer.practice_port)):
        refusal = newcomer.run("up", "--practice")
    assert refusal.returncode == 1
    (line,) = refusal.stderr.splitlines()
    assert f"port {newcomer.practice_port}" in line


def test_two_hubs_do_not_share_a_home(newcomer: Newcomer) -> None:
    _, said = newcomer.up()
    assert "sign-in-link" in said
    refusal = newcomer.run("up", "--port", str(free_port()))
    assert refusal.returncode == 1
    assert refusal.stderr.startswith("A hub is running already with ")


def test_the_practice_services_alone_print_how_to_connect_them(newcomer: Newcomer) -> None:
    process, said = newcomer.start("practice", "--port", str(newcomer.practice_port))
    newcomer.run("workspace", "add", "Mill")
    commands = [line.split() for line in said.splitlines() if line.startswith("  hub connect ")]
    assert [words[2] for words in commands] == ["hubspot", "mailchimp", "shopify", "twilio"]
    for words in commands:
        assert newcomer.run(*words[1:]).returncode == 0
    process.send_signal(signal.SIGINT)
    assert (process.communicate(timeout=20)[1], process.returncode) == ("", 0)
