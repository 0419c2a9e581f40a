"""Closing the door at any moment of a delivery: it is kept, or told that it was not."""

from __future__ import annotations

from itertools import count

import pytest

from hub import schema
from hub.delivery import Delivery
from hub.timing import to_datetime
from tests.hub.outbox.desk import ON_SQLITE
from tests.moments import at_moment
from tests.world import World, keep
from webhooks import intake as module
from webhooks.intake import Intake, IntakeClosed


@ON_SQLITE
def test_a_delivery_that_comes_just_as_the_door_closes_is_kept_or_told_so(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PATIENCE_SECONDS", 5.0)
    connection = world.connect("telling", account="a")
    kept = 0
    for moment in count():
        intake = Intake(world.hub.database, world.wakeups)
        came = Delivery("POST", "http://hub.example/", {}, b"{}", to_datetime(world.clock.now()))

        def store(intake: Intake = intake, came: Delivery = came) -> bool:
            try:
                return keep(intake, world.workspace, connection, came)
            except IntakeClosed:
                return False

        reached, is_kept = at_moment(moment, store, intake.close, within=module.__file__, count="line")
        kept += is_kept
        if not reached:
            intake.close()
            break
        with pytest.raises(IntakeClosed):
            keep(intake, world.workspace, connection, came)
    assert 0 < kept < moment
    assert len(world.rows(schema.delivery)) == kept
