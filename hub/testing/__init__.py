"""For tests of connectors: what every connector promises, as checks that need no code per connector.

    import pytest
    from connectors.acme import connector
    from hub.testing import contract

    @pytest.mark.parametrize("check", contract(connector), ids=str)
    def test_acme_keeps_the_contract(check):
        check()

A check reads the connector's own samples, and calls its `check` on a small server of its own on this machine. It
raises AssertionError with a sentence that says what is wrong and where.

And for tests of recipes: `rehearse` plays one to its end, by the real engine, in time that passes at once, with the
practice services and no network, and gives its steps and its timeline: see `hub.rehearsal`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ..connector import Connector
from ..rehearsal import Entry, Rehearsed, Trouble, rehearse
from . import declaration, login, reading, trust

__all__ = ["CHECKS", "Check", "Entry", "Rehearsed", "Trouble", "contract", "rehearse"]

CHECKS: tuple[Callable[[Connector], None], ...] = (
    *declaration.CHECKS,
    *reading.CHECKS,
    *trust.CHECKS,
    *login.CHECKS,
)
"""Every check, as a function of a connector. Its name is the promise."""


@dataclass(frozen=True)
class Check:
    """One promise of one connector: calling it raises AssertionError if it is not kept."""

    connector: Connector
    promise: Callable[[Connector], None]

    def __str__(self) -> str:
        return f"{self.connector.name}-{self.promise.__name__}"

    def __call__(self) -> None:
        self.promise(self.connector)


def contract(connector: Connector) -> list[Check]:
    """What this connector promises, one check each."""
    return [Check(connector, promise) for promise in CHECKS]
