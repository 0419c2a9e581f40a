"""A leading clock that stood still: somebody else may lead by the time it goes on."""

from __future__ import annotations

import pytest

from hub import clock, retention
from hub.clock import Clock
from hub.timing import FrozenClock
from hub.wakeups import READ
from tests.carriers import ByThreads
from tests.far.site import Site


def test_a_leader_that_stood_still_wakes_nobody_and_begins_no_chore_until_it_leads_again(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    carrier, done = ByThreads(), []
    monkeypatch.setattr(clock, "compare_subscriptions", lambda *_: done.append("subscriptions"))
    monkeypatch.setattr(retention, "sweep", lambda _: done.append("retention"))
    site.happen("bread")
    site.hub.clock, site.hub.wakeups = FrozenClock(), carrier.wakeups
    made = Clock(site.hub)

    def goes_on() -> set[str]:
        """What it wakes from where it stood still to the end of its tick."""
        carrier.take()
        made.tick()
        made._chores.put(None)
        made._do()
        return carrier.take()

    assert made._leads()
    made.tick()
    site.hub.clock.advance(clock.LEASE_SECONDS)
    assert (goes_on(), done) == (set(), [])
    assert made._leads()
    assert (goes_on(), done) == ({READ}, ["retention", "subscriptions"])


def test_subscriptions_are_compared_no_further_when_somebody_else_may_lead(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.hub.clock, compared = FrozenClock(), []
    site.hub.connections.connect(site.workspace, "far", {"account": "b"})
    made = Clock(site.hub)

    def subscribe(connection_id: str) -> None:
        compared.append(connection_id)
        site.hub.clock.advance(clock.LEASE_SECONDS)

    monkeypatch.setattr(site.hub.connections, "subscribe", subscribe)
    assert made._leads()
    made.tick()
    made._chores.put(None)
    made._do()
    assert len(compared) == 1
