"""A machine whose clock is wrong for a while: what left meanwhile is found all the same."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from hub import OutcomeUnknown
from hub.timing import to_datetime
from tests import telling
from tests.hub.outbox.desk import Desk

HOUR = timedelta(hours=1)


@pytest.mark.parametrize("wrong_by", [HOUR, -HOUR], ids=["ahead", "behind"])
def test_a_text_that_left_under_a_wrong_clock_leaves_once(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, wrong_by: timedelta
) -> None:
    find = telling.send.find
    assert find is not None
    clock = desk.world.clock
    sent_at = to_datetime(clock.now())  # by the provider's clock, which is right

    def finds(client: telling.Provider, since: Any, **inputs: Any) -> Any:
        return find(client, since, **inputs) if since <= sent_at else []

    monkeypatch.setattr(telling.send, "find", finds)
    desk.provider.after = lambda name, inputs: OutcomeUnknown("The service did not answer.")
    run = desk.put(telling.send("+14155550100", "Hello Ada", purpose="transactional"))
    clock.advance(wrong_by)
    desk.drain()
    clock.advance(-wrong_by)
    desk.later(hours=2)
    assert desk.of(run).state == "done"
    assert desk.did == ["Hello Ada"]
