"""What processes and the clock do at a start and now and then, and what they must leave alone."""

from __future__ import annotations

from typing import Any

import pytest

from hub import clock
from hub.connections import NEEDS_LOGIN
from hub.wakeups import perform
from hub.worker import Worker
from tests import servers
from tests.far.site import Site
from tests.hub.locks import ON_POSTGRES
from tests.hub.outbox.desk import ON_SQLITE
from tests.hub.test_processes import line
from tests.world import World

# ---- starting where another process ended


@ON_SQLITE
def test_what_a_dead_process_held_is_free_at_the_next_start(site: Site) -> None:
    """One process alone has the home: whoever held a lease, is dead."""
    site.enable("put_one")
    for name in ("read", "clock", perform(site.connection.id)):
        assert site.hub.database.acquire(name, 3600.0) is not None
    site.happen("bread")
    assert line(site.start("up")) == "ready"
    site.until_done(1)


@ON_POSTGRES
def test_what_a_process_on_another_machine_holds_stays_its_own(site: Site) -> None:
    lease = site.hub.database.acquire(perform(site.connection.id), 3600.0)
    assert lease is not None
    assert line(site.start("up")) == "ready"
    assert site.hub.database.renew(lease, 3600.0)


# ---- working


def test_a_reader_that_lingers_looks_when_its_process_does(site: Site) -> None:
    """The wake-up went to another process, which left it to this one."""
    site.enable("put_one")
    site.hub.linger_seconds = 60.0
    worker = Worker(site.hub)
    worker.poke("read")
    servers.until(lambda: site.hub.database.acquire("read", 1.0) is None, says="That it reads")
    site.happen("bread")

    def is_read() -> bool:
        worker.poke_busy()
        return site.states() == ["running"]

    try:
        servers.until(is_read)
    finally:
        worker.stop()


# ---- subscriptions


@pytest.fixture
def compared(world: World, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    compared: list[str] = []
    monkeypatch.setattr(world.hub.connections, "subscribe", compared.append)
    return compared


def test_an_account_that_is_off_or_needs_a_login_is_not_subscribed_again(world: World, compared: list[Any]) -> None:
    accounts = [world.connect("telling", account=name).id for name in "abc"]
    world.hub.connections.set_state(accounts[1], NEEDS_LOGIN, "The token was revoked.")
    world.hub.connections.disconnect(accounts[2])
    compared.clear()
    clock.compare_subscriptions(world.hub)
    assert compared == accounts[:1]


def test_comparing_subscriptions_ends_when_the_process_does(world: World, compared: list[Any]) -> None:
    accounts = [world.connect("telling", account=name).id for name in "abc"]
    compared.clear()
    clock.compare_subscriptions(world.hub, lambda: len(compared) == 1)
    assert len(compared) == 1 < len(accounts)
