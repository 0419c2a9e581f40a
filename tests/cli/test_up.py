"""`hub up --practice` as a newcomer runs it: real processes, real ports, from the first start to the text message."""

from __future__ import annotations

import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.newcomer import Newcomer, free_port
from tests.servers import until


@pytest.fixture
def newcomer(tmp_path: Path) -> Iterator[Newcomer]:
    made = Newcomer(tmp_path)
    yield made
    made.end()


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
    assert [words[2] for words in commands] == ["hubspot", "mailchimp", "shopify", "twilio", "webhook"]
    for words in commands:
        assert newcomer.run(*words[1:]).returncode == 0
    process.send_signal(signal.SIGINT)
    assert (process.communicate(timeout=20)[1], process.returncode) == ("", 0)
