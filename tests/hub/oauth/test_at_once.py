"""Several processes and one login: it is renewed once, and a process that is killed meanwhile costs no step."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from hub.connections import NEEDS_LOGIN, READY, Connection
from hub.http import LONGEST_CALL_SECONDS
from tests.hub.oauth import process
from tests.hub.oauth.going import Owner
from tests.hub.oauth.recipes import keep_contact, make_discount

# How wake-ups travel has nothing to do with it.
pytestmark = pytest.mark.parametrize("carrier", ["threads"], indirect=True)

ROOT = Path(__file__).resolve().parents[3]


RECIPES = {"shopify": make_discount, "hubspot": keep_contact}


@contextmanager
def another(owner: Owner, connection: Connection, *words: str) -> Iterator[subprocess.Popen[str]]:
    settings = owner.world.settings
    program = [sys.executable, str(Path(process.__file__)), settings.database, str(settings.home), connection.id]
    running = subprocess.Popen(
        [*program, *words],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield running
    finally:
        running.kill()
        running.communicate()


def killed(owner: Owner, connection: Connection, where: str) -> None:
    """Has another process do what waits, until it is killed."""
    with another(owner, connection, "drain", where) as running:
        _, errors = running.communicate(timeout=60)
        assert running.returncode == -signal.SIGKILL, errors


def effects(owner: Owner, name: str) -> int:
    books = owner.server.services[name].books
    return len(books["discounts"] if name == "shopify" else books["emails"])


@pytest.mark.parametrize("name", RECIPES)
def test_processes_that_renew_at_the_same_time_ask_once_and_all_use_what_came(owner: Owner, name: str) -> None:
    connection, service = owner.connect(name).connection, owner.server.services[name]
    service.adjust({"latency": 0.2} | ({"strict": True} if name == "shopify" else {}))
    asked = owner.token(name)
    with (
        another(owner, connection, "renew") as first,
        another(owner, connection, "renew") as second,
    ):
        together = [first, second]
        for running in together:
            assert running.stdout is not None and running.stdin is not None
            assert running.stdout.readline() == "here\n"
        for running in together:
            assert running.stdin is not None
            running.stdin.write("go\n")
            running.stdin.flush()
        told = [running.communicate(timeout=60) for running in together]
    tokens = {token.strip() for token, _ in told}
    assert [errors for _, errors in told] == [""] * 2
    assert owner.token(name) == asked + 1
    assert tokens == {owner.hub.connections.get(connection.id, fresh=True).fields["access_token"]}


@pytest.mark.parametrize("where", ["asking", "writing"])
@pytest.mark.parametrize(("name", "strict"), [("hubspot", False), ("shopify", False), ("shopify", True)])
def test_a_process_that_is_killed_while_it_renews_costs_no_step_and_doubles_none(
    owner: Owner, monkeypatch: pytest.MonkeyPatch, name: str, strict: bool, where: str
) -> None:
    connection = owner.connect(name).connection
    if strict:
        owner.server.services[name].adjust({"strict": True})
    owner.world.turn_on(monkeypatch, RECIPES[name])
    # The other process has the machine's clock.
    owner.hub.connections.change_fields(connection, ended)
    owner.world.hear()
    owner.world.look("read")
    killed(owner, connection, where)
    assert effects(owner, name) == 0
    assert owner.hub.database.acquire(f"oauth:{connection.id}", 1.0) is None, "Until its lease has run out."
    owner.hub.database.break_leases()
    owner.world.pass_time(timedelta(seconds=2 * LONGEST_CALL_SECONDS))
    found = owner.hub.connections.get(connection.id, fresh=True)
    if strict and where == "writing":
        assert (found.state, effects(owner, name)) == (NEEDS_LOGIN, 0)
        assert found.reason is not None and "Connect the account again; what waits goes on then" in found.reason
        assert [run.state for run in owner.world.runs] == ["waiting"]
        assert owner.connect(name).connection.id == connection.id
        owner.world.tick()
    else:
        assert found.state == READY
    assert effects(owner, name) == 1
    assert [run.state for run in owner.world.runs] == ["done"]


def ended(fields: dict[str, object]) -> dict[str, object]:
    """The fields with an access token that has ended."""
    login = fields["oauth"]
    assert isinstance(login, dict)
    return fields | {"oauth": login | {"expires_at": login["issued_at"], "issued_at": login["issued_at"] - 3_600_000}}
