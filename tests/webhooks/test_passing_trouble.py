"""Trouble that passes is nobody's fault: no delivery is given up because of it. And what was erased stays so."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa

from hub import schema
from hub.errors import HubError
from tests.webhooks.told import ADA, BOB, Told
from webhooks import inbox

TROUBLES = [
    sa.exc.OperationalError("insert", {}, Exception("the disk is full")),
    OSError("no room for a temporary file"),
    HubError("The hub's key is not there."),
]


@pytest.mark.parametrize("trouble", TROUBLES, ids=lambda trouble: type(trouble).__name__)
@pytest.mark.parametrize("lasts", [1, 2, 6])
def test_no_delivery_is_given_up_because_of_trouble_that_passes(
    told: Told, monkeypatch: pytest.MonkeyPatch, trouble: Exception, lasts: int
) -> None:
    told.tell({"id": 1})
    told.tell({"id": 2, "email": BOB})
    noted, met = inbox.noted, []

    def failing(*args: Any) -> Any:
        if args[2] and len(met) < lasts:  # there are events to take
            met.append(trouble)
            raise trouble
        return noted(*args)

    monkeypatch.setattr(inbox, "noted", failing)
    for _ in range(lasts + 1):
        try:
            told.read()
        except type(trouble):
            assert [delivery.state for delivery in told.deliveries] == ["new", "new"]
        else:
            break
    assert [(delivery.state, delivery.events) for delivery in told.deliveries] == [("read", 1), ("read", 1)]
    assert len(met) == lasts


def test_a_yes_of_somebody_erased_meanwhile_counts_no_more(told: Told) -> None:
    told.tell({"id": 1, "consents": [{"channel": "email", "address": ADA, "given": True}]})
    told.world.clock.advance(60)
    told.world.hub.privacy.erase(told.world.workspace, ADA)
    told.read()
    assert told.world.rows(schema.consent) == []


def test_what_came_between_two_erasures_is_not_taken_up_after_the_second(told: Told) -> None:
    told.tell({"id": 1, "email": BOB})
    for number in (2, 3):
        told.world.clock.advance(60)
        told.world.hub.privacy.erase(told.world.workspace, ADA)
        told.world.clock.advance(60)
        told.tell({"id": number})
    told.read()
    assert [event.content is not None for event in told.events] == [True, False, True]
