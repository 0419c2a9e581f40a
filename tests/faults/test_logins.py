"""A login that is asked for without reason is a fault of the hub, and is found."""

from __future__ import annotations

import pytest

from tests.faults.driver import asked_for_nothing
from tests.faults.schedule import LOGIN_LOST, TOKENS_END, Fault
from tests.faults.settling import Settled


@pytest.mark.parametrize(
    ("what", "asked_for", "found"),
    [
        (TOKENS_END, {"hubspot"}, ["hubspot asked for a login that it had"]),
        (TOKENS_END, set(), []),
        (LOGIN_LOST, {"hubspot"}, []),
        (LOGIN_LOST, {"twilio"}, ["twilio asked for a login that it had"]),
    ],
)
def test_only_a_login_that_was_lost_may_be_asked_for(what: str, asked_for: set[str], found: list[str]) -> None:
    assert asked_for_nothing([Fault(1.0, what, "hubspot", 1.0)], Settled(asked_for=asked_for)) == found
